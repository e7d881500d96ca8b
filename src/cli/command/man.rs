//! `man`: a manual page for each command, as files for `man`.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use contract::exit;
use serde::Serialize;

use crate::error::CliError;
use crate::examples;
use crate::output::Printer;

/// Write a manual page for each command.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// Folder to put them into
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

#[derive(Serialize)]
struct Pages {
    pages: Vec<PathBuf>,
}

impl fmt::Display for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pages
            .iter()
            .try_for_each(|it| writeln!(f, "{}", it.display()))
    }
}

impl Man {
    /// Writes the pages.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        let folder = self.folder;
        fs::create_dir_all(&folder).map_err(|err| CliError::file("create", &folder, err))?;
        clap_mangen::generate_to(examples::command_line(), &folder)
            .map_err(|err| CliError::file("write", &folder, err))?;
        let unreadable = |err| CliError::file("read", &folder, err);
        let mut pages = Vec::new();
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("linden") && name.ends_with(".1") {
                pages.push(path);
            }
        }
        pages.sort();
        printer.print(&Pages { pages })?;
        Ok(exit::SUCCESS)
    }
}
