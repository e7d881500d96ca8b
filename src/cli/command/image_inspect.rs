//! `image inspect`: what an image is, from its registry or from an archive.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use contract::exit;
use serde::Serialize;

use crate::args::Global;
use crate::command::image::registry;
use crate::error::CliError;
use crate::image::archive::Archive;
use crate::image::registry::Found;
use crate::image::{Config, Manifest, SAGEMAKER};
use crate::output::Printer;
use crate::style::{FAINT, STRONG, paint};
use crate::table::Table;
use crate::units;

/// Show what an image is: digest, platform, size, entry point, labels.
#[derive(Debug, clap::Args)]
pub struct Inspect {
    /// An image in a registry, an archive, or a folder in OCI's layout
    image: String,
}

/// An image, or an index of images.
#[derive(Debug, Serialize)]
struct Shown {
    image: String,
    digest: String,
    /// One, unless it is an index.
    platforms: Vec<String>,
    is_index: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    entry_point: Vec<String>,
    command: Vec<String>,
    labels: BTreeMap<String, String>,
}

impl Inspect {
    /// Prints what the image is.
    ///
    /// # Errors
    /// If it is not there or cannot be read.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        let path = Path::new(&self.image);
        let shown = if path.exists() {
            let archive = Archive::open(path, SAGEMAKER)?;
            let shown = Shown::new(self.image.clone(), archive.digest());
            Shown {
                bytes: Some(archive.bytes()),
                layers: Some(archive.blobs.len() - 1),
                ..shown
            }
            .of_config(&archive.config)
        } else {
            let registry = registry(&self.image, global, printer).await?;
            let Found { digest, manifest } = registry.find().await?;
            let shown = Shown::new(self.image, digest);
            match manifest {
                Manifest::Index(entries) => Shown {
                    is_index: true,
                    platforms: entries
                        .iter()
                        .filter_map(|it| Some(it.platform.as_ref()?.to_string()))
                        .collect(),
                    ..shown
                },
                Manifest::Image { config, layers } => Shown {
                    bytes: Some(config.size + layers.iter().map(|it| it.size).sum::<u64>()),
                    layers: Some(layers.len()),
                    ..shown
                }
                .of_config(&registry.config(&config).await?),
            }
        };
        printer.print(&shown)?;
        Ok(exit::SUCCESS)
    }
}

impl Shown {
    fn new(image: String, digest: String) -> Self {
        Self {
            image,
            digest,
            platforms: vec![],
            is_index: false,
            layers: None,
            bytes: None,
            created: None,
            entry_point: vec![],
            command: vec![],
            labels: BTreeMap::new(),
        }
    }

    fn of_config(self, config: &Config) -> Self {
        Self {
            platforms: vec![config.platform.to_string()],
            created: config.created.clone(),
            entry_point: config.entry_point.clone(),
            command: config.command.clone(),
            labels: config.labels.clone(),
            ..self
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(2, &[]);
        let mut row = |label: &str, text: String| table.row([paint(FAINT, label), text]);
        row("image", paint(STRONG, &self.image));
        row("digest", self.digest.clone());
        let platforms = self.platforms.join(", ");
        if self.is_index {
            row("index of", platforms);
        } else {
            row("platform", platforms);
        }
        if let (Some(bytes), Some(layers)) = (self.bytes, self.layers) {
            let layers = units::count(layers as u64, "layer");
            row(
                "size",
                format!("{}, {layers}, compressed", units::bytes(bytes)),
            );
        }
        if let Some(created) = &self.created {
            row("created", created.clone());
        }
        if !self.entry_point.is_empty() {
            row("entry point", self.entry_point.join(" "));
        }
        if !self.command.is_empty() {
            row("command", self.command.join(" "));
        }
        for (idx, (key, value)) in self.labels.iter().enumerate() {
            row(
                if idx == 0 { "labels" } else { "" },
                format!("{key} = {value}"),
            );
        }
        table.fmt(f)
    }
}
