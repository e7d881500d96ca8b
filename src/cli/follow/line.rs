//! Log messages as lines that are safe to print, and the host that a stream belongs to.

/// `algo-1` of `job/algo-1-1699307977`.
pub(super) fn host_of<'s>(stream: &'s str, prefix: &str) -> &'s str {
    let name = stream.strip_prefix(prefix).unwrap_or(stream);
    match name.rsplit_once('-') {
        Some((host, epoch))
            if epoch.chars().all(|it| it.is_ascii_digit()) && host.contains('-') =>
        {
            host
        }
        _ => name,
    }
}

/// The lines of a message. The last writing of a line that was rewritten with `\r` wins; `#011` is the service's spelling
/// of a tab; other control characters are shown, so that a log cannot steer a terminal or a CI system.
pub(super) fn lines_of(message: &str) -> Vec<String> {
    let message = message.trim_end_matches(['\n', '\r']).replace("#011", "\t");
    message
        .split('\n')
        .map(|line| {
            let line = line
                .trim_end_matches('\r')
                .rsplit('\r')
                .next()
                .unwrap_or_default();
            let line = anstream::adapter::strip_str(line).to_string();
            line.chars().flat_map(visible).collect()
        })
        .collect()
}

fn visible(c: char) -> Vec<char> {
    if c == '\t' || !c.is_control() {
        vec![c]
    } else {
        c.escape_unicode().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_its_stream_without_job_and_start() {
        assert_eq!(host_of("job-1/algo-1-1699307977", "job-1/"), "algo-1");
        assert_eq!(host_of("job-1/algo-12", "job-1/"), "algo-12");
    }

    #[test]
    fn a_log_line_cannot_steer_the_terminal() {
        assert_eq!(lines_of("\u{1b}[31mred\u{1b}[0m\u{7}\n"), ["red"]);
        assert_eq!(lines_of("a\u{9b}2J"), ["a\\u{9b}2J"]);
        assert_eq!(lines_of("10%\r50%\r100%\nnext"), ["100%", "next"]);
        assert_eq!(lines_of("[0]#011train-rmse:8.1"), ["[0]\ttrain-rmse:8.1"]);
    }
}
