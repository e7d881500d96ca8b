//! How large a model there is memory for.
//!
//! Source: Linux `proc(5)`, `meminfo`; control groups v2, `memory.max`, `memory.current` and `memory.stat`.

use std::fs;
use std::path::Path;

use contract::artifact::MAX_MODEL_BYTES;

/// What a model takes at most while it is read, in the bytes of its file: the document, what is read of it, and the two
/// layouts that predict. Measured by `tests/bench/serving memory` on models of 4 to 70 MB: 3.1 to 4.6.
const BYTES_PER_BYTE: u64 = 5;
/// What loading takes whatever the size of the file: of models below 1 MB about 3 MiB more than that.
const BYTES_BESIDE: u64 = 8 << 20;

/// The largest model file that can be loaded; where nobody says how much memory there is, that of any model.
pub(super) fn room() -> u64 {
    let room = available().map(|it| it.saturating_sub(BYTES_BESIDE) / BYTES_PER_BYTE);
    room.map_or(MAX_MODEL_BYTES, |it| it.min(MAX_MODEL_BYTES))
}

/// Bytes that this process may still take.
fn available() -> Option<u64> {
    let of_machine = fs::read_to_string("/proc/meminfo").ok();
    let of_machine = of_machine.and_then(|it| mem_available(&it));
    let of_group = of_group(Path::new("/sys/fs/cgroup"));
    [of_machine, of_group].into_iter().flatten().min()
}

fn mem_available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|it| it.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// Pages of files count as taken there, and are given back when others need them.
fn of_group(folder: &Path) -> Option<u64> {
    let number = |name: &str| -> Option<u64> {
        let text = fs::read_to_string(folder.join(name)).ok()?;
        text.trim().parse().ok()
    };
    let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let lines = stat.lines().filter_map(|it| it.split_once(' '));
    let of_files = lines.filter(|it| ["active_file", "inactive_file"].contains(&it.0));
    let of_files: u64 = of_files.filter_map(|it| it.1.parse::<u64>().ok()).sum();
    let taken = number("memory.current")?.saturating_sub(of_files);
    Some(number("memory.max")?.saturating_sub(taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_linux_writes() {
        let text = "MemTotal:  100 kB\nMemFree:    5 kB\nMemAvailable:   7 kB\n";
        assert_eq!(mem_available(text), Some(7 * 1024));
        assert_eq!(mem_available("MemTotal: 1 kB\n"), None);
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(of_group(dir.path()), None);
        fs::write(dir.path().join("memory.current"), "30\n").unwrap();
        fs::write(dir.path().join("memory.max"), "max\n").unwrap();
        assert_eq!(of_group(dir.path()), None);
        fs::write(dir.path().join("memory.max"), "100\n").unwrap();
        assert_eq!(of_group(dir.path()), Some(70));
        let stat = "anon 10\ninactive_file 15\nactive_file 5\nfile_dirty 20\n";
        fs::write(dir.path().join("memory.stat"), stat).unwrap();
        assert_eq!(of_group(dir.path()), Some(90));
    }
}
