//! What a row of the hyperparameter table says: name, kind, range, default, tuning range, support, and what it sets.
//!
//! Invariant: a row is everything there is to know about a hyperparameter; parsing, the documentation and the documents
//! for SageMaker read rows and nothing else.

use std::fmt;

use super::draft::Draft;
use super::error::Refusal;

/// One hyperparameter.
#[derive(Debug)]
pub struct Spec {
    /// The name, the built-in algorithm's first spelling.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// What its text is, what is allowed, and what it sets.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
    /// The value that holds where none is given, as text; empty if there is none.
    pub default: &'static str,
    /// The range that is recommended for tuning; `None` if it is not tunable.
    pub tunable: Option<Tunable>,
    /// What it does, one or two sentences.
    pub doc: &'static str,
    /// What this version does with it.
    pub support: Support,
}

/// What a hyperparameter's text is, and what it sets.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A whole number, as Python's `int()` reads it.
    Integer(Interval, fn(&mut Draft, i64)),
    /// A number, as Python's `float()` reads it.
    Real(Interval, fn(&mut Draft, f64)),
    /// One of these texts, exactly.
    Choice(
        &'static [&'static str],
        fn(&mut Draft, &str) -> Result<(), Refusal>,
    ),
    /// Some of these texts, separated by commas.
    Choices(
        &'static [&'static str],
        fn(&mut Draft, &[&str]) -> Result<(), Refusal>,
    ),
    /// Any text.
    Text(fn(&mut Draft, &str) -> Result<(), Refusal>),
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.type_name(), self.allowed())
    }
}

impl Kind {
    /// SageMaker's word for it: `Integer`, `Continuous`, `Categorical` or `FreeText`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Integer(..) => "Integer",
            Self::Real(..) => "Continuous",
            Self::Choice(..) => "Categorical",
            Self::Choices(..) | Self::Text(_) => "FreeText",
        }
    }

    /// What is allowed, as text: `[0, 1]`, or the list of choices.
    pub fn allowed(&self) -> String {
        match self {
            Self::Integer(interval, _) | Self::Real(interval, _) => interval.to_string(),
            Self::Choice(choices, _) | Self::Choices(choices, _) => {
                format!("[{}]", choices.join(", "))
            }
            Self::Text(_) => "any text".to_owned(),
        }
    }
}

/// One end of an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// The value belongs to the interval.
    Closed(f64),
    /// It does not.
    Open(f64),
    /// There is no end; infinity itself is not in it.
    Infinite,
}

/// Allowed numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: Bound,
    /// The upper end.
    pub high: Bound,
}

impl Interval {
    /// `[low, high]`.
    pub const fn closed(low: f64, high: f64) -> Self {
        Self {
            low: Bound::Closed(low),
            high: Bound::Closed(high),
        }
    }

    /// `(low, high)`.
    pub const fn open(low: f64, high: f64) -> Self {
        Self {
            low: Bound::Open(low),
            high: Bound::Open(high),
        }
    }

    /// `(0, 1]`, the range of a share.
    pub const fn share() -> Self {
        Self {
            low: Bound::Open(0.0),
            high: Bound::Closed(1.0),
        }
    }

    /// `[low, +inf)`.
    pub const fn at_least(low: f64) -> Self {
        Self {
            low: Bound::Closed(low),
            high: Bound::Infinite,
        }
    }

    /// `(low, +inf)`.
    pub const fn above(low: f64) -> Self {
        Self {
            low: Bound::Open(low),
            high: Bound::Infinite,
        }
    }

    /// Whether `value` is in it; NaN and infinities never are.
    pub fn contains(&self, value: f64) -> bool {
        let above = match self.low {
            Bound::Closed(low) => low <= value,
            Bound::Open(low) => low < value,
            Bound::Infinite => true,
        };
        let below = match self.high {
            Bound::Closed(high) => value <= high,
            Bound::Open(high) => value < high,
            Bound::Infinite => true,
        };
        above && below && value.is_finite()
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.low {
            Bound::Closed(low) => write!(f, "[{low}, ")?,
            Bound::Open(low) => write!(f, "({low}, ")?,
            Bound::Infinite => f.write_str("(-inf, ")?,
        }
        match self.high {
            Bound::Closed(high) => write!(f, "{high}]"),
            Bound::Open(high) => write!(f, "{high})"),
            Bound::Infinite => f.write_str("+inf)"),
        }
    }
}

/// The range that is recommended for tuning, on a linear scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tunable {
    /// The least value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

/// What this version does with a hyperparameter that the built-in algorithm accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Every allowed value works.
    Full,
    /// Every allowed value is accepted and changes nothing, for this reason.
    NoEffect(&'static str),
    /// Only these values work; the others are refused.
    Only {
        /// The values that work.
        values: &'static [&'static str],
        /// Why the others do not, and what to do instead.
        instead: &'static str,
    },
}

impl Spec {
    /// The choices that this version honours, of a row that has choices.
    pub fn working_choices(&self) -> Vec<&'static str> {
        let accepted = |it: &&'static str| match self.kind {
            Kind::Choice(_, set) => set(&mut Draft::default(), it).is_ok(),
            Kind::Choices(_, set) => set(&mut Draft::default(), &[*it]).is_ok(),
            Kind::Integer(..) | Kind::Real(..) | Kind::Text(_) => false,
        };
        match (self.kind, self.support) {
            (Kind::Choice(..) | Kind::Choices(..), Support::Only { values, .. }) => values.to_vec(),
            (
                Kind::Choice(choices, _) | Kind::Choices(choices, _),
                Support::Full | Support::NoEffect(_),
            ) => choices.iter().copied().filter(accepted).collect(),
            (Kind::Integer(..) | Kind::Real(..) | Kind::Text(_), _) => Vec::new(),
        }
    }

    pub(super) const fn new(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        let support = Support::Full;
        Self {
            name,
            aliases: &[],
            kind,
            required: false,
            default,
            tunable: None,
            doc,
            support,
        }
    }

    pub(super) const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn tunable(mut self, min: f64, max: f64) -> Self {
        self.tunable = Some(Tunable { min, max });
        self
    }

    pub(super) const fn no_effect(mut self, why: &'static str) -> Self {
        self.support = Support::NoEffect(why);
        self
    }

    pub(super) const fn only(
        mut self,
        values: &'static [&'static str],
        instead: &'static str,
    ) -> Self {
        self.support = Support::Only { values, instead };
        self
    }
}

/// Two lists as one, where a row's choices come from several places.
pub(super) const fn joined<const N: usize>(
    first: &[&'static str],
    second: &[&'static str],
) -> [&'static str; N] {
    assert!(first.len() + second.len() == N, "both lists fit");
    let mut all = [""; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < first.len() {
            first[at]
        } else {
            second[at - first.len()]
        };
        at += 1;
    }
    all
}
