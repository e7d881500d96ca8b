//! How much memory this process may still take.
//!
//! Invariant: what is told is never less than there is, as far as Linux says: memory that the system can have back at once,
//! such as files that it keeps, counts as free, and so does swap where it is asked for.
//!
//! Source: Linux `proc(5)`, `meminfo`, `cgroup` and `limits`; kernel documentation, "Control Group v2", `memory.max`,
//! `memory.current` and `memory.stat`; "Memory Resource Controller" for version 1.

use std::fs;
use std::path::{Path, PathBuf};

/// A limit from which on version 1 of control groups means none.
const NO_LIMIT: u64 = 1 << 62;

/// Whether memory on a disk is memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Swap {
    /// For what may be slow and must not be refused without need.
    Counted,
    /// For what has to be answered in time.
    LeftOut,
}

/// Bytes that this process may still take; `None` where nobody says.
pub(crate) fn available(swap: Swap) -> Option<u64> {
    available_below(Path::new("/"), swap)
}

/// As [`available`], of a machine whose files stand below `root`.
fn available_below(root: &Path, swap: Swap) -> Option<u64> {
    let proc = root.join("proc");
    let read = |name: &str| fs::read_to_string(proc.join(name)).ok();
    let meminfo = read("meminfo").unwrap_or_default();
    let swap = match swap {
        Swap::Counted => kib(&meminfo, "SwapFree:").unwrap_or(0),
        Swap::LeftOut => 0,
    };
    let of_machine = kib(&meminfo, "MemAvailable:").map(|it| it + swap);
    let of_groups = groups(root, &read("self/cgroup").unwrap_or_default());
    let of_groups = of_groups.iter().filter_map(|it| it.left(swap)).min();
    let of_process = left_to_process(
        &read("self/limits").unwrap_or_default(),
        &read("self/status").unwrap_or_default(),
    );
    [of_machine, of_groups, of_process]
        .into_iter()
        .flatten()
        .min()
}

/// The number of a line of `meminfo` or `status`, in bytes.
fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|it| it.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// What is left of the addresses that the process may have.
fn left_to_process(limits: &str, status: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|it| it.strip_prefix("Max address space"))?;
    let limit: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(limit.saturating_sub(kib(status, "VmSize:")?))
}

/// A control group with a limit.
struct Group {
    folder: PathBuf,
    names: &'static Names,
}

/// What the files of a version are called.
struct Names {
    limit: &'static str,
    current: &'static str,
    /// Files that the system keeps and can let go, by their lines in `memory.stat`.
    kept: [&'static str; 2],
    swap: Option<[&'static str; 2]>,
}

static V2: Names = Names {
    limit: "memory.max",
    current: "memory.current",
    kept: ["inactive_file", "active_file"],
    swap: Some(["memory.swap.max", "memory.swap.current"]),
};

static V1: Names = Names {
    limit: "memory.limit_in_bytes",
    current: "memory.usage_in_bytes",
    kept: ["total_inactive_file", "total_active_file"],
    swap: None,
};

/// The groups that the process is in by its `cgroup` file, and those above them. In a container the path may be one of the
/// host's, of which nothing is seen but the top.
fn groups(root: &Path, cgroup: &str) -> Vec<Group> {
    let top = root.join("sys/fs/cgroup");
    let mut groups = Vec::new();
    for line in cgroup.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let (top, names) = if controllers.is_empty() {
            (top.clone(), &V2)
        } else if controllers.split(',').any(|it| it == "memory") {
            (top.join("memory"), &V1)
        } else {
            continue;
        };
        let own = top.join(path.trim_start_matches('/'));
        let above = own.ancestors().take_while(|it| it.starts_with(&top));
        groups.extend(above.map(|folder| Group {
            folder: folder.to_owned(),
            names,
        }));
    }
    groups
}

impl Group {
    fn number(&self, name: &str) -> Option<u64> {
        let text = fs::read_to_string(self.folder.join(name)).ok()?;
        text.trim().parse().ok()
    }

    /// What is left to the group on a machine with so much swap; `None` without a limit.
    fn left(&self, swap_of_machine: u64) -> Option<u64> {
        let limit = self.number(self.names.limit)?;
        if limit >= NO_LIMIT {
            return None;
        }
        let current = self.number(self.names.current)?;
        let stat = fs::read_to_string(self.folder.join("memory.stat")).unwrap_or_default();
        let kept = self.names.kept.iter().map(|name| {
            let lines = stat.lines().filter_map(|it| it.split_once(' '));
            let mut numbers = lines.filter(|(it, _)| it == name);
            let number = numbers.next().and_then(|(_, it)| it.parse().ok());
            number.unwrap_or(0_u64)
        });
        let used = current.saturating_sub(kept.sum());
        let swap = match self.names.swap {
            Some([limit, current]) => {
                let left = self.number(limit).zip(self.number(current));
                left.map_or(swap_of_machine, |(limit, current)| {
                    limit.saturating_sub(current).min(swap_of_machine)
                })
            }
            None => swap_of_machine,
        };
        Some(limit.saturating_sub(used) + swap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine of 100 KiB, 10 of them swap, with these files.
    fn machine(files: &[(&str, &str)]) -> Option<u64> {
        machine_with(files, Swap::Counted)
    }

    fn machine_with(files: &[(&str, &str)], swap: Swap) -> Option<u64> {
        let dir = tempfile::tempdir().unwrap();
        let meminfo = "MemTotal:  200 kB\nMemAvailable:   90 kB\nSwapFree:  10 kB\n";
        for (path, text) in [("proc/meminfo", meminfo)].iter().chain(files) {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        available_below(dir.path(), swap)
    }

    #[test]
    fn a_machine_without_limits_has_what_it_says() {
        assert_eq!(machine(&[]), Some(100 << 10));
        assert_eq!(available_below(Path::new("/nowhere"), Swap::Counted), None);
        let unlimited = [
            ("proc/self/cgroup", "0::/\n"),
            ("sys/fs/cgroup/memory.max", "max\n"),
            ("sys/fs/cgroup/memory.current", "30\n"),
        ];
        assert_eq!(machine(&unlimited), Some(100 << 10));
    }

    #[test]
    fn the_smallest_limit_of_a_group_and_those_above_it_counts_without_the_files_it_keeps() {
        let files = [
            ("proc/self/cgroup", "0::/jobs/one\n"),
            ("sys/fs/cgroup/jobs/memory.max", "40000\n"),
            ("sys/fs/cgroup/jobs/memory.current", "15000\n"),
            ("sys/fs/cgroup/jobs/memory.swap.max", "0\n"),
            ("sys/fs/cgroup/jobs/memory.swap.current", "0\n"),
            (
                "sys/fs/cgroup/jobs/memory.stat",
                "anon 5000\ninactive_file 6000\nactive_file 4000\n",
            ),
            ("sys/fs/cgroup/jobs/one/memory.max", "max\n"),
            ("sys/fs/cgroup/jobs/one/memory.current", "10\n"),
        ];
        assert_eq!(machine(&files), Some(35_000));
        // Inside a container, where the path is not seen.
        let files = [
            ("proc/self/cgroup", "0::/docker/4711\n"),
            ("sys/fs/cgroup/memory.max", "50000\n"),
            ("sys/fs/cgroup/memory.current", "20000\n"),
            ("sys/fs/cgroup/memory.swap.max", "max\n"),
        ];
        assert_eq!(machine(&files), Some(30_000 + (10 << 10)));
        assert_eq!(machine_with(&files, Swap::LeftOut), Some(30_000));
        assert_eq!(machine_with(&[], Swap::LeftOut), Some(90 << 10));
    }

    #[test]
    fn groups_of_the_first_version_count_too() {
        let group = |limit: &'static str| {
            [
                ("proc/self/cgroup", "4:memory:/docker/4711\n3:cpu:/\n0::/\n"),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", limit),
                ("sys/fs/cgroup/memory/memory.usage_in_bytes", "20000\n"),
                (
                    "sys/fs/cgroup/memory/memory.stat",
                    "inactive_file 1\ntotal_inactive_file 7000\n",
                ),
            ]
        };
        assert_eq!(machine(&group("50000\n")), Some(37_000 + (10 << 10)));
        assert_eq!(machine(&group("9223372036854771712\n")), Some(100 << 10));
    }

    #[test]
    fn a_limit_of_addresses_counts() {
        let limits = |soft: &str| {
            format!(
                "Max cpu time   unlimited  unlimited  seconds\nMax address space         {soft}    unlimited            bytes\n"
            )
        };
        let status = "Name:\tlinden\nVmSize:\t      20 kB\n";
        assert_eq!(left_to_process(&limits("40960"), status), Some(20 << 10));
        assert_eq!(left_to_process(&limits("unlimited"), status), None);
    }
}
