//! `model`: looks into a model, or predicts with it. Nothing here needs AWS.

use crate::command::{model_inspect, model_predict};
use crate::error::CliError;
use crate::output::Printer;

/// Look into a model, or predict with it.
#[derive(Debug, clap::Subcommand)]
pub enum Model {
    /// Show a model's objective, size, and what it looks at
    Inspect(model_inspect::Inspect),
    /// Predict each row of a CSV file
    Predict(model_predict::Predict),
}

impl Model {
    /// Runs it.
    ///
    /// # Errors
    /// If the model or the data cannot be read.
    pub fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        match self {
            Self::Inspect(it) => it.run(printer),
            Self::Predict(it) => it.run(printer),
        }
    }
}
