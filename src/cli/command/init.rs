//! `init`: a job file to start from.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use contract::exit;

use crate::args::Global;
use crate::cost;
use crate::error::CliError;
use crate::output::Printer;

const STARTER: &str = include_str!("starter.toml");
const FILE: &str = "job.toml";
/// The region of the addresses where none is named.
const REGION: &str = "eu-west-1";

/// Write a job file with comments, to start from.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// Folder for job.toml, made where it is missing
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// AWS account of the addresses in it, 12 digits
    #[arg(long, value_name = "ID", default_value = "123456789012", value_parser = account)]
    account: String,
}

fn account(text: &str) -> Result<String, String> {
    let is_account = text.len() == 12 && text.bytes().all(|it| it.is_ascii_digit());
    is_account
        .then(|| text.to_owned())
        .ok_or_else(|| "an account has 12 digits".to_owned())
}

impl Init {
    /// Writes the file, never over another.
    ///
    /// # Errors
    /// If there is a job file already, or the folder cannot be written.
    pub fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let path = self.folder.join(FILE);
        let region = cost::region_asked(global.region.as_deref());
        let text = STARTER
            .replace("ACCOUNT", &self.account)
            .replace("REGION", region.as_deref().unwrap_or(REGION))
            .replace("VERSION", env!("CARGO_PKG_VERSION"));
        let unwritable = |err: std::io::Error| CliError::Usage {
            message: format!("`{}` cannot be written: {err}", path.display()),
            fix: "name another folder: linden init DIR".to_owned(),
        };
        fs::create_dir_all(&self.folder).map_err(unwritable)?;
        let mut file = match fs::File::create_new(&path) {
            Err(err) if err.kind() == ErrorKind::AlreadyExists => {
                return Err(CliError::Usage {
                    message: format!("`{}` is there already", path.display()),
                    fix: "name another folder (linden init DIR), or move that file away".to_owned(),
                });
            }
            other => other.map_err(unwritable)?,
        };
        if let Err(err) = file.write_all(text.as_bytes()) {
            // Half of it would be in the way next time.
            let _ = fs::remove_file(&path);
            return Err(unwritable(err));
        }
        let path = path.display().to_string();
        printer.line(&path)?;
        printer.say(&format!(
            "next: put train.csv beside it, then linden plan {path}"
        ));
        Ok(exit::SUCCESS)
    }
}
