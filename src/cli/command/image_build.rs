//! `image build`: the training image from a checkout, by `container/build.sh` and the container engine that is there.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use contract::exit;
use serde::Serialize;
use tokio::process::Command;

use crate::error::CliError;
use crate::image::error::ImageError;
use crate::output::Printer;

/// The script that builds the image, below the checkout.
const SCRIPT: &str = "container/build.sh";
/// Engines in the order in which they are looked for.
const ENGINES: &[&str] = &["docker", "podman"];
/// Which of them the script uses.
const ENGINE_VARIABLE: &str = "CONTAINER_ENGINE";

/// Build the training image from a checkout of its source.
#[derive(Debug, clap::Args)]
pub struct Build {
    /// The checkout, in which container/build.sh is
    #[arg(default_value = ".")]
    source: PathBuf,
    /// Name of the image, in place of linden-trainer:VERSION
    #[arg(long, value_name = "NAME:TAG")]
    tag: Option<String>,
    /// Also write the image into this file, for `linden image push`
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Built {
    image: String,
    engine: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    archive: Option<PathBuf>,
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.archive {
            Some(path) => write!(f, "{}", path.display()),
            None => f.write_str(&self.image),
        }
    }
}

impl Build {
    /// Builds it, and prints the image's name, or the archive's.
    ///
    /// # Errors
    /// If there is no checkout or no engine, or the build fails.
    pub async fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        let script = self.source.join(SCRIPT);
        if !script.is_file() {
            return Err(CliError::Missing {
                message: format!("`{}` is not there", script.display()),
                fix: "give the folder of a checkout: linden image build FOLDER".to_owned(),
            });
        }
        let engine = engine().await?;
        printer.say(&format!("building with {engine}"));
        printer.flush()?;
        let mut command = Command::new("bash");
        command.arg(SCRIPT).current_dir(&self.source);
        command.env(ENGINE_VARIABLE, engine);
        if let Some(tag) = &self.tag {
            command.args(["--tag", tag]);
        }
        let said = output_of(&mut command, SCRIPT).await?;
        // `linden-trainer:0.1.0 28100000 bytes`.
        let last = said.lines().last().unwrap_or_default();
        let image = last.split(' ').next().unwrap_or_default().to_owned();
        if image.is_empty() {
            return Err(CliError::Image(ImageError::Engine {
                command: SCRIPT.to_owned(),
                reason: "it has named no image".to_owned(),
            }));
        }
        if let Some(path) = &self.output {
            save(engine, &image, path).await?;
        }
        printer.print(&Built {
            image,
            engine,
            archive: self.output,
        })?;
        Ok(exit::SUCCESS)
    }
}

async fn save(engine: &str, image: &str, path: &Path) -> Result<(), ImageError> {
    let mut command = Command::new(engine);
    command.args(["save", "--output"]).arg(path).arg(image);
    output_of(&mut command, &format!("{engine} save"))
        .await
        .map(|_| ())
}

/// The engine that answers.
async fn engine() -> Result<&'static str, ImageError> {
    let mut tried = vec![];
    for engine in ENGINES {
        let answer = Command::new(engine)
            .arg("version")
            .stdin(Stdio::null())
            .output()
            .await;
        match answer {
            Ok(answer) if answer.status.success() => return Ok(engine),
            Ok(answer) => {
                let said = String::from_utf8_lossy(&answer.stderr);
                let last = said.trim().lines().last().unwrap_or("it gave no reason");
                tried.push(format!("{engine}: {last}"));
            }
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => {
                tried.push(format!("{engine} is not installed"));
            }
            Err(err) => tried.push(format!("{engine}: {err}")),
        }
    }
    Err(ImageError::NoEngine {
        reason: tried.join(", "),
    })
}

/// What a command writes to stdout; its stderr is the person's.
async fn output_of(command: &mut Command, name: &str) -> Result<String, ImageError> {
    let failed = |reason: String| ImageError::Engine {
        command: name.to_owned(),
        reason,
    };
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .await
        .map_err(|err| failed(err.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
