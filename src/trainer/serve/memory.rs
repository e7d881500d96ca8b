//! How much memory there is for one more model.
//!
//! Source: Linux `proc(5)`, `meminfo`; control groups v2, `memory.max` and `memory.current`.

use std::fs;
use std::path::{Path, PathBuf};

/// What a model takes while it is read, in the bytes of its file: the document, what is read of it, and the two layouts that
/// predict. An estimate with room to spare, not a measurement.
const BYTES_PER_BYTE: u64 = 8;

/// Whether the models of these files fit into memory; where nobody says how much there is, they do.
pub(super) fn fits(files: &[PathBuf]) -> bool {
    let sizes = files.iter().filter_map(|it| fs::metadata(it).ok());
    let size: u64 = sizes.map(|it| it.len()).sum();
    available().is_none_or(|it| size.saturating_mul(BYTES_PER_BYTE) < it)
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

fn of_group(folder: &Path) -> Option<u64> {
    let number = |name: &str| -> Option<u64> {
        let text = fs::read_to_string(folder.join(name)).ok()?;
        text.trim().parse().ok()
    };
    Some(number("memory.max")?.saturating_sub(number("memory.current")?))
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
    }

    #[test]
    fn a_file_beyond_all_memory_does_not_fit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        // Sparse: it takes no room on the disk.
        fs::File::create(&path).unwrap().set_len(1 << 42).unwrap();
        assert!(!fits(&[path]));
        assert!(fits(&[]));
    }
}
