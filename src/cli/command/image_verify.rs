//! `image verify`: whether an image is the one that was pinned, whole, and for SageMaker.

use std::path::Path;

use contract::exit;

use crate::args::Global;
use crate::command::image::registry;
use crate::error::CliError;
use crate::image::archive::Archive;
use crate::image::error::ImageError;
use crate::image::registry::Registry;
use crate::image::{Config, Descriptor, Manifest, SAGEMAKER};
use crate::output::Printer;
use crate::preflight::{Check, Report};
use crate::units;

/// Check that an image is the one that was pinned, whole, and for the processor that SageMaker trains on.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The digest that must be met is --digest, else the one in the image's name. Exit code 9 if a check fails."
)]
pub struct Verify {
    /// An image in a registry, an archive, or a folder in OCI's layout
    image: String,
    /// What its digest must be: sha256:…
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// What it must be for
    #[arg(long, value_name = "OS/PROCESSOR", default_value = SAGEMAKER)]
    platform: String,
}

impl Verify {
    /// Prints a line a check.
    ///
    /// # Errors
    /// If the image is not there or cannot be read.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let path = Path::new(&self.image);
        let checks = if path.exists() {
            let archive = Archive::open(path, &self.platform)?;
            vec![
                self.digest_check(&archive.digest(), None),
                self.platform_check(&archive.config),
                whole_archive(&archive),
            ]
        } else {
            let registry = registry(&self.image, global, printer).await?;
            self.of_registry(&registry).await?
        };
        let report = Report::of(checks);
        printer.print(&report)?;
        Ok(report.exit_code())
    }

    async fn of_registry(&self, registry: &Registry) -> Result<Vec<Check>, CliError> {
        let found = registry.find().await?;
        let mut checks = vec![self.digest_check(&found.digest, registry.pinned())];
        match found.manifest {
            Manifest::Index(_) => checks.push(
                Check::fail(
                    "platform",
                    exit::GATE,
                    "an index of several images, which SageMaker does not pull",
                )
                .with_fix("push one image without attestations: `linden image push`"),
            ),
            Manifest::Image { config, layers } => {
                checks.push(self.platform_check(&registry.config(&config).await?));
                checks.push(whole(registry, &layers).await?);
            }
        }
        Ok(checks)
    }

    fn digest_check(&self, found: &str, pinned: Option<&str>) -> Check {
        match self.digest.as_deref().or(pinned) {
            None => Check::warn("digest", format!("{found}, and none is demanded")).with_fix(
                format!("pin it: --digest {found}, or the image's name with @{found}"),
            ),
            Some(wanted) if wanted == found => Check::ok("digest", found),
            Some(wanted) => Check::fail(
                "digest",
                exit::GATE,
                format!("{found}, and {wanted} is demanded"),
            )
            .with_fix("the tag was moved, or this is another image; do not run it before you know"),
        }
    }

    fn platform_check(&self, config: &Config) -> Check {
        if config.platform.is(&self.platform) {
            return Check::ok("platform", config.platform.to_string());
        }
        let detail = format!("{}, and {} is wanted", config.platform, self.platform);
        Check::fail("platform", exit::GATE, detail).with_fix(format!(
            "build it with `docker build --platform {}`",
            self.platform
        ))
    }
}

/// Whether every layer is in the registry; the manifest may outlive them.
async fn whole(registry: &Registry, layers: &[Descriptor]) -> Result<Check, ImageError> {
    let mut missing = vec![];
    for it in layers {
        if !registry.has(it).await? {
            missing.push(it.digest.as_str());
        }
    }
    let n = units::count(layers.len() as u64, "layer");
    Ok(if missing.is_empty() {
        Check::ok("layers", format!("{n}, all there"))
    } else {
        Check::fail(
            "layers",
            exit::GATE,
            format!("{n}, without {}", missing.join(", ")),
        )
        .with_fix("push the image again")
    })
}

fn whole_archive(archive: &Archive) -> Check {
    let n = units::count(archive.blobs.len() as u64 - 1, "layer");
    match archive.blobs.iter().find_map(|it| archive.read(it).err()) {
        None => Check::ok("layers", format!("{n}, each with its digest")),
        Some(err) => Check::fail("layers", exit::GATE, err.to_string())
            .with_fix("the archive is damaged; make it again"),
    }
}
