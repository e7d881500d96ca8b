//! `image`: build the training image, push it, look into it.

use crate::args::Global;
use crate::aws::{EcrPlace, RegistryLogin};
use crate::command::image_build::Build;
use crate::command::image_inspect::Inspect;
use crate::command::image_push::Push;
use crate::command::image_verify::Verify;
use crate::error::CliError;
use crate::image::registry::Registry;
use crate::output::Printer;
use crate::session::Session;

/// Variables with the login of a registry that is not ECR.
const USER: &str = "LINDEN_REGISTRY_USER";
const PASSWORD: &str = "LINDEN_REGISTRY_PASSWORD";

/// Build the training image, push it, look into it.
#[derive(Debug, clap::Subcommand)]
pub enum Image {
    /// Build the training image from a checkout of its source
    Build(Build),
    /// Push an archive of an image to a registry
    Push(Push),
    /// Show what an image is: digest, platform, size, entry point, labels
    Inspect(Inspect),
    /// Check that an image is the one that was pinned, whole, and for the processor that SageMaker trains on
    Verify(Verify),
}

impl Image {
    /// Does it.
    ///
    /// # Errors
    /// If the image cannot be built, read, found or pushed.
    pub async fn run(self, global: &Global, printer: &mut Printer) -> Result<u8, CliError> {
        match self {
            Self::Build(it) => it.run(printer).await,
            Self::Push(it) => it.run(global, printer).await,
            Self::Inspect(it) => it.run(global, printer).await,
            Self::Verify(it) => it.run(global, printer).await,
        }
    }
}

/// The registry of an image: ECR's token for ECR, the variables' login or none for any other.
///
/// # Errors
/// If the name cannot be read, or ECR gives no token.
pub(super) async fn registry(
    name: &str,
    global: &Global,
    printer: &mut Printer,
) -> Result<Registry, CliError> {
    let Some(place) = EcrPlace::of(name) else {
        let variable = |name| std::env::var(name).ok().filter(|it| !it.is_empty());
        let login = variable(USER).zip(variable(PASSWORD));
        let login = login.map(|(user, password)| RegistryLogin { user, password });
        return Ok(Registry::of(name, login, None)?);
    };
    let global = Global {
        // Its region stands in its name.
        region: Some(place.region.clone()),
        local: false,
        ..global.clone()
    };
    let session = Session::open(&global, None).await?;
    let login = session.account().images.login().await?;
    let registry = Registry::of(name, Some(login), session.endpoint())?;
    session.close(printer).await?;
    Ok(registry)
}
