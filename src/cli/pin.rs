//! The image by its digest: what a tag names can be another image tomorrow, what a digest names cannot.

use crate::aws::EcrPlace;
use crate::error::CliError;
use crate::job_source::JobSource;
use crate::output::Printer;
use crate::session::Session;

/// Asks ECR for the digest of the job's image and puts it in place of the tag. The SageMaker on this machine runs the
/// trainer that lies beside this program, so there is nothing to pin.
///
/// # Errors
/// If the image is not in ECR, ECR does not have it or does not answer, or it is an index of images.
pub async fn pin(
    source: &mut JobSource,
    session: &Session,
    printer: &mut Printer,
) -> Result<(), CliError> {
    if session.is_local {
        printer.say("--pin: the SageMaker on this machine pulls no image, so there is no digest");
        return Ok(());
    }
    let image = source.job.image.as_str();
    let usage = |message: String, fix: &str| CliError::Usage {
        message,
        fix: fix.to_owned(),
    };
    let place = EcrPlace::of(image).ok_or_else(|| {
        usage(
            format!("`{image}` is not in ECR, so --pin cannot ask for its digest"),
            "write the digest into the job file: <image>@sha256:<digest>",
        )
    })?;
    let stored = session.account().images.image(&place).await?;
    if stored.is_index {
        return Err(usage(
            format!("`{image}` is an index of several images, which SageMaker does not pull"),
            "push one image for linux/amd64: `linden image push`",
        ));
    }
    let pinned = with_digest(image, &stored.digest).parse();
    source.job.image = pinned.map_err(|err: contract::job::NameError| {
        usage(
            format!("ECR's digest makes no image of `{image}`: {err}"),
            "try again without --pin",
        )
    })?;
    Ok(())
}

/// The image without its tag and with that digest.
pub fn with_digest(image: &str, digest: &str) -> String {
    let path = image.split_once('@').map_or(image, |(path, _)| path);
    let name = path.rfind('/').map_or(0, |it| it + 1);
    let end = path[name..].find(':').map_or(path.len(), |it| name + it);
    format!("{}@{digest}", &path[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_takes_the_place_of_tag_and_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for image in [
            "host:5000/b/linden:1",
            "host:5000/b/linden",
            "host:5000/b/linden:1@sha256:old",
        ] {
            let text = with_digest(image, &digest);
            assert_eq!(text, format!("host:5000/b/linden@{digest}"));
        }
    }
}
