//! The stack in `infra/`: its template inside this program, with parameters filled in, linted, and held against what is
//! deployed.
//!
//! ```text
//! document     YAML or JSON, CloudFormation's short forms spelled out     parameters   what may be set, and to what
//! lint         what is more than least privilege                         diff         where two templates differ
//! ```
//!
//! Invariant: nothing here speaks to AWS; a deployed template comes as a file.

pub mod diff;
pub mod document;
pub mod lint;
pub mod parameters;

/// `infra/template.yaml`.
pub const TEMPLATE: &str = include_str!("../../../infra/template.yaml");
