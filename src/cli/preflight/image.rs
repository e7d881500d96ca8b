//! The image: whether ECR has it in the job's region, for the processor that SageMaker trains on, and as one image.

use contract::exit;
use contract::job::file::JobFile;

use super::{Check, Unseen};
use crate::aws::{EcrPlace, StoredImage};
use crate::image::SAGEMAKER;
use crate::session::Session;
use crate::units;

const NAME: &str = "image";

pub(super) async fn check(session: &Session, job: &JobFile) -> Option<Check> {
    if session.is_local {
        return None;
    }
    let here = session.region();
    let image = job.image.as_str();
    let Some(place) = EcrPlace::of(image) else {
        return Some(
            Check::unknown(
                NAME,
                format!("{image} is not in ECR, and other registries are not asked"),
            )
            .with_fix("SageMaker pulls from ECR, or from a private registry that its VPC reaches; `linden image verify` asks any"),
        );
    };
    if place.region != here {
        let detail = format!("is in {}, and the job would run in {here}", place.region);
        let fix = format!("push it to {here} as well, or --region {}", place.region);
        return Some(Check::fail(NAME, exit::USAGE, detail).with_fix(fix));
    }
    Some(match session.account().images.image(&place).await {
        Ok(stored) => judge(&place, &stored),
        Err(err) => match Unseen::of(&err) {
            Unseen::NotThere => Check::fail(NAME, exit::NOT_FOUND, err.message)
                .with_fix(format!("`linden image push ARCHIVE {image}` puts it there")),
            Unseen::NotAllowed => {
                Check::unknown(NAME, format!("you may not look at it: {}", err.message))
                    .with_fix("ask for ecr:BatchGetImage; `linden help iam` has the whole policy")
            }
            Unseen::Nobody | Unseen::Unanswered => Check::unknown(NAME, err.to_string()),
        },
    })
}

fn judge(place: &EcrPlace, stored: &StoredImage) -> Check {
    let what = if place.reference == stored.digest {
        stored.digest.clone()
    } else {
        format!("{} is {}", place.reference, stored.digest)
    };
    if stored.is_index {
        return Check::fail(
            NAME,
            exit::USAGE,
            format!("{what}, an index of several images, which SageMaker does not pull"),
        )
        .with_fix("push one image for linux/amd64 without attestations: `linden image push`");
    }
    let size = stored.bytes.map(|it| format!(", {}", units::bytes(it)));
    let size = size.unwrap_or_default();
    match &stored.platforms {
        Ok(platforms) if platforms.iter().any(|it| it == SAGEMAKER) => {
            Check::ok(NAME, format!("{what} for {SAGEMAKER}{size}"))
        }
        Ok(platforms) => Check::fail(
            NAME,
            exit::USAGE,
            format!(
                "{what} is for {}, and SageMaker trains on {SAGEMAKER}",
                platforms.join(", ")
            ),
        )
        .with_fix(
            "build it for that: `docker build --platform linux/amd64`, or `linden image build`",
        ),
        Err(why) => Check::unknown(
            NAME,
            format!("{what}; whether it is for {SAGEMAKER} is not known: {why}"),
        )
        .with_fix("ask for ecr:GetDownloadUrlForLayer; `linden help iam` has the whole policy"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Verdict;

    #[test]
    fn one_image_for_amd64_is_right_and_everything_else_says_why() {
        let place = EcrPlace::of("1.dkr.ecr.eu-west-1.amazonaws.com/a:1").unwrap();
        let of = |platforms: Result<Vec<String>, String>, is_index| {
            judge(
                &place,
                &StoredImage {
                    digest: "sha256:ab".to_owned(),
                    platforms,
                    is_index,
                    bytes: Some(28_100_000),
                },
            )
        };
        let right = of(Ok(vec![SAGEMAKER.to_owned()]), false);
        assert_eq!(right.verdict, Verdict::Ok);
        assert_eq!(right.detail, "1 is sha256:ab for linux/amd64, 28 MB");
        let arm = of(Ok(vec!["linux/arm64/v8".to_owned()]), false);
        assert_eq!((arm.verdict, arm.code), (Verdict::Fail, exit::USAGE));
        assert_eq!(
            of(Ok(vec![SAGEMAKER.to_owned()]), true).verdict,
            Verdict::Fail
        );
        assert_eq!(of(Err("no".to_owned()), false).verdict, Verdict::Unknown);
    }
}
