//! What a machine of an instance type has, as limits of a container: processors and memory, by family and size.
//!
//! Types of families that are not here (accelerators with odd sizes) have no limits: a wrong one would end jobs that AWS
//! does not.
//!
//! Source: EC2, "Instance types": a size of `Nxlarge` has 4 N processors.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

/// A machine's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) processors: usize,
    /// Mebibytes.
    pub(super) memory: usize,
}

/// Gibibytes for each processor, by the first letters of a family and its generation.
const FAMILIES: [(&str, usize); 9] = [
    ("m", 4),
    ("c", 2),
    ("r", 8),
    ("t2", 4),
    ("t3", 4),
    ("g4dn", 4),
    ("g5", 4),
    ("g6", 4),
    ("g6e", 8),
];

impl Machine {
    /// The machine of a type such as `ml.m5.xlarge`.
    pub(super) fn of(instance_type: &str) -> Option<Self> {
        let mut parts = instance_type.strip_prefix("ml.")?.split('.');
        let (family, size) = (parts.next()?, parts.next()?);
        let processors = match size {
            "medium" | "large" => 2,
            "xlarge" => 4,
            other => 4 * other.strip_suffix("xlarge")?.parse::<usize>().ok()?,
        };
        let letters = family.trim_end_matches(|it: char| !it.is_ascii_digit());
        let exact = FAMILIES.iter().find(|it| it.0 == family);
        // `m5`, `m7i`, `c5n`, `r5d`: a letter, a generation, and what is special.
        let general = || {
            let (letter, rest) = letters.split_at_checked(1)?;
            let is_generation = !rest.is_empty() && rest.chars().all(|it| it.is_ascii_digit());
            let found = FAMILIES.iter().find(|it| it.0 == letter)?;
            is_generation.then_some(found)
        };
        let per_processor = exact.or_else(general)?.1;
        // The smallest sizes of burstable machines have less memory for a processor.
        let memory = if size == "medium" {
            4
        } else {
            processors * per_processor
        };
        Some(Self {
            processors,
            memory: memory * 1024,
        })
    }

    /// As many processors as this machine has at most: an engine refuses more.
    pub(super) fn processors_here(self) -> usize {
        let here = available_parallelism().map_or(1, NonZeroUsize::get);
        self.processors.min(here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_its_family_times_its_size() {
        for (instance_type, processors, gib) in [
            ("ml.m5.large", 2, 8),
            ("ml.m7i.2xlarge", 8, 32),
            ("ml.c5n.xlarge", 4, 8),
            ("ml.r5d.24xlarge", 96, 768),
            ("ml.t3.medium", 2, 4),
            ("ml.g4dn.xlarge", 4, 16),
        ] {
            let machine = Machine::of(instance_type).unwrap();
            let memory = gib * 1024;
            assert_eq!(machine, Machine { processors, memory }, "{instance_type}");
        }
    }

    #[test]
    fn types_that_nobody_knows_have_no_limits() {
        for instance_type in [
            "ml.p4d.24xlarge",
            "ml.trn1.2xlarge",
            "m5.large",
            "ml.m5.metal",
            "ml.m5",
        ] {
            assert_eq!(Machine::of(instance_type), None, "{instance_type}");
        }
    }
}
