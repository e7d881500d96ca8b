//! `image push`: an archive goes to a registry, without a container engine.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use contract::exit;
use serde::Serialize;

use crate::args::Global;
use crate::command::image::registry;
use crate::error::CliError;
use crate::image::SAGEMAKER;
use crate::image::archive::Archive;
use crate::image::error::ImageError;
use crate::image::registry::Pushed;
use crate::output::Printer;
use crate::pin;
use crate::style::{GOOD, paint};
use crate::units;

/// Push an archive of an image to a registry.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "ECR is logged in to with the credentials of AWS; another registry with LINDEN_REGISTRY_USER and \
    LINDEN_REGISTRY_PASSWORD, or not at all. A tag that names another image is left alone, exit code 11."
)]
pub struct Push {
    /// What `docker save` or `linden image build -o` wrote, or a folder in OCI's layout
    archive: PathBuf,
    /// Where it goes: REGISTRY/REPOSITORY:TAG
    image: String,
    /// What the image must be for; where the archive holds several, this one is taken
    #[arg(long, value_name = "OS/PROCESSOR", default_value = SAGEMAKER)]
    platform: String,
}

/// What a push ends with.
#[derive(Debug, Serialize)]
struct Outcome {
    image: String,
    digest: String,
    /// What a job file names.
    pinned: String,
    bytes: u64,
    platform: String,
    /// Whether it was there already.
    was_there: bool,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pinned)
    }
}

impl Push {
    /// Pushes it, and prints the image by its digest.
    ///
    /// # Errors
    /// If the archive is no image or one for another processor, the tag is taken, or the registry refuses.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let archive = Archive::open(&self.archive, &self.platform)?;
        let platform = &archive.config.platform;
        if !platform.is(&self.platform) {
            return Err(CliError::Image(ImageError::Platform {
                place: self.archive.display().to_string(),
                found: platform.to_string(),
                wanted: self.platform,
            }));
        }
        let registry = registry(&self.image, global, printer).await?;
        printer.start_bar(archive.bytes(), "  {bytes}/{total_bytes} {bar:24} {msg}");
        let bar = printer.bar();
        let sent = AtomicU64::new(0);
        let progress = |bytes: u64| {
            let sent = sent.fetch_add(bytes, Ordering::Relaxed) + bytes;
            if let Some(bar) = &bar {
                bar.set_position(sent);
            }
        };
        let pushed = registry.push(&archive, &progress).await;
        printer.end_bar();
        let was_there = pushed? == Pushed::WasThere;
        let verb = if was_there { "was there" } else { "pushed" };
        let size = units::bytes(archive.bytes());
        printer.say(&format!(
            "{} {}, {size}, {platform}",
            paint(GOOD, verb),
            self.image
        ));
        let digest = archive.digest();
        printer.print(&Outcome {
            pinned: pin::with_digest(&self.image, &digest),
            image: self.image,
            digest,
            bytes: archive.bytes(),
            platform: platform.to_string(),
            was_there,
        })?;
        Ok(exit::SUCCESS)
    }
}
