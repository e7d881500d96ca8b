//! `schema`: what files may hold, as JSON Schema.

use contract::exit;
use contract::job::file::schema;

use crate::error::CliError;
use crate::output::Printer;

/// Print a JSON Schema.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Editors complete and check job files by it, where job.toml begins with #:schema ./job.schema.json; \
    configs/job.schema.json is the same."
)]
pub struct Schema {
    /// `job` is a job file; `settings` is what lies below one, such as linden.toml
    #[arg(value_enum)]
    of: Of,
}

/// What a schema is of.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Of {
    /// A job file.
    Job,
    /// What lies below job files.
    Settings,
}

impl Schema {
    /// Prints it.
    ///
    /// # Errors
    /// If stdout cannot be written.
    pub fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        let schema = match self.of {
            Of::Job => schema::job(),
            Of::Settings => schema::settings(),
        };
        let text = serde_json::to_string_pretty(&schema);
        printer.line(&text.map_err(|err| CliError::Output(err.into()))?)?;
        Ok(exit::SUCCESS)
    }
}
