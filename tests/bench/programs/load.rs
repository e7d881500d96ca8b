//! Asks a server as fast as it answers: `load PORT CONNECTIONS SECONDS BODY [PER_SECOND]`.
//!
//! Every connection sends the file `BODY` as `text/csv` to `/invocations`, waits for the answer and sends it again, for so
//! many seconds; those of a warm-up before do not count. With `PER_SECOND` all connections together send no more than that.
//! Ends with one line of JSON: the answers, how many a second, and the median and the 99th percentile of their times in
//! seconds. Any status but 200 ends the program.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

/// Before the clock starts.
const WARM_UP: Duration = Duration::from_millis(500);
/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

type Failed = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failed> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [port, connections, seconds, body, rate @ ..] = args.as_slice() else {
        return Err("usage: load PORT CONNECTIONS SECONDS BODY [PER_SECOND]".into());
    };
    let (port, seconds): (u16, f64) = (port.parse()?, seconds.parse()?);
    let connections: usize = connections.parse()?;
    let rate: Option<f64> = rate.first().map(|it| it.parse()).transpose()?;
    let pause = Duration::from_secs_f64(rate.map_or(0.0, |it| connections as f64 / it));
    let body = std::fs::read(body)?;
    let head = format!(
        "POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nAccept: text/csv\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), &body].concat();
    let begin = Instant::now() + WARM_UP;
    let end = begin + Duration::from_secs_f64(seconds);
    let times: Result<Vec<Vec<f64>>, Failed> = thread::scope(|scope| {
        let clients: Vec<_> = (0..connections)
            .map(|idx| {
                // Connections that all asked at once would wait for each other, whatever the rate.
                let wait = pause.mul_f64(idx as f64 / connections as f64);
                let request = &request;
                scope.spawn(move || {
                    thread::sleep(wait);
                    ask(port, request, pause, begin..end)
                })
            })
            .collect();
        let times = clients.into_iter().map(|it| match it.join() {
            Ok(times) => times,
            Err(_) => Err("a connection panicked".into()),
        });
        times.collect()
    });
    let mut times = times?.concat();
    times.sort_by(f64::total_cmp);
    if times.is_empty() {
        return Err("no answer came in time".into());
    }
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let line = format!(
        "{{\"answers\": {}, \"per_second\": {:.1}, \"p50\": {:.6}, \"p99\": {:.6}}}\n",
        times.len(),
        times.len() as f64 / seconds,
        at(0.5),
        at(0.99)
    );
    std::io::stdout().write_all(line.as_bytes())?;
    Ok(())
}

/// Asks until the end of `counted`, at most once in each `pause`; gives the times of answers that began in it.
fn ask(
    port: u16,
    request: &[u8],
    pause: Duration,
    counted: Range<Instant>,
) -> Result<Vec<f64>, Failed> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let (mut times, mut buffer) = (Vec::new(), vec![0; 1 << 20]);
    while Instant::now() < counted.end {
        let start = Instant::now();
        stream.write_all(request)?;
        answer(&mut stream, &mut buffer)?;
        let took = start.elapsed();
        if counted.contains(&start) && counted.contains(&(start + took)) {
            times.push(took.as_secs_f64());
        }
        thread::sleep(pause.saturating_sub(took));
    }
    Ok(times)
}

/// Reads an answer to its end.
fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<(), Failed> {
    let mut n_read = 0;
    let head_end = loop {
        n_read += some(stream.read(&mut buffer[n_read..])?)?;
        let head = buffer[..n_read].windows(4).position(|it| it == b"\r\n\r\n");
        if let Some(at) = head {
            break at + 4;
        }
    };
    let head = std::str::from_utf8(&buffer[..head_end])?.to_ascii_lowercase();
    if !head.starts_with("http/1.1 200") {
        return Err(format!("the server answered {head}").into());
    }
    let length = head
        .lines()
        .find_map(|it| it.strip_prefix("content-length: "));
    let length: usize = length.ok_or("an answer without a length")?.trim().parse()?;
    let mut left = (head_end + length).saturating_sub(n_read);
    while left > 0 {
        let room = left.min(buffer.len());
        left -= some(stream.read(&mut buffer[..room])?)?;
    }
    Ok(())
}

fn some(n_bytes: usize) -> Result<usize, Failed> {
    if n_bytes == 0 {
        return Err("the server closed the connection".into());
    }
    Ok(n_bytes)
}
