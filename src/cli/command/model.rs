//! `model`: looks into a model, predicts with it, explains or converts it. Nothing here needs AWS.

use crate::command::{model_explain, model_export, model_inspect, model_predict};
use crate::error::CliError;
use crate::output::Printer;

/// Look into a model, predict with it, explain it, convert it.
#[derive(Debug, clap::Subcommand)]
pub enum Model {
    /// Show a model's objective, size, and what it looks at
    Inspect(model_inspect::Inspect),
    /// Predict each row of a CSV file
    Predict(model_predict::Predict),
    /// Show what each feature adds to predictions, or how much the model asks of it
    Explain(model_explain::Explain),
    /// Write a model for another program: XGBoost, ONNX, LightGBM
    Export(model_export::Export),
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
            Self::Explain(it) => it.run(printer),
            Self::Export(it) => it.run(printer),
        }
    }
}
