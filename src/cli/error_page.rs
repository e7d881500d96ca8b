//! A page for each error code: what it means, what to do, and the exit code that goes with it.
//!
//! Codes are a promise as exit codes are: never renumbered, never reused. Hundreds are areas: 1 the command line and the
//! job file, 2 what is looked for, 3 AWS, 4 models and archives, 5 this machine. Invariant: an error without a page does
//! not compile, since [`CliError::page`](crate::error::CliError::page) has no arm for the rest.

use serde::Serialize;

use crate::aws::AwsErrorKind;

/// What an error code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Page {
    /// `E0101`.
    pub code: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// Why it happens.
    pub about: &'static str,
    /// What to do.
    pub next: &'static str,
}

macro_rules! pages {
    ($($name:ident: $code:literal, $title:literal, $about:literal, $next:literal;)*) => {
        $(
            #[doc = $title]
            pub const $name: Page = Page { code: $code, title: $title, about: $about, next: $next };
        )*
        /// Every page, by code.
        pub const ALL: &[Page] = &[$($name),*];
    };
}

pages! {
    USAGE: "E0101", "The command line asks for something that cannot be",
        "Options contradict each other, a value is out of range, or a file is not what its place on the command line says.",
        "Do what the line `fix` says; `linden help COMMAND` lists the options with examples.";
    JOB_FILE: "E0102", "The job file has problems",
        "All problems are told at once, each with its line and column. Nothing was sent and nothing was created.",
        "Correct each place; `linden plan JOBFILE` checks again without network and without cost.";
    AMBIGUOUS_JOB: "E0103", "The beginning of a job's name fits several jobs",
        "A job may be named by the beginning of its name as long as only one job begins so.",
        "Give more of the name; `linden ls` shows the names.";
    NO_REGION: "E0104", "No region is given",
        "Neither --region nor AWS_REGION nor the profile names one, and no region is guessed: jobs of one region are not \
         seen in another.",
        "Give --region, set AWS_REGION, or choose a --profile that has one; --local needs none.";
    CONFLICT: "E0105", "What is there already stands in the way",
        "A job of that name or specification exists, or a job runs that would have to have ended.",
        "Do what the line `fix` says; `--if-exists` decides for `run`.";
    COST: "E0106", "The job may cost more than it is allowed to",
        "`--max-cost`, or LINDEN_MAX_COST, is below the most that the job can cost: its rate, times its machines, times the \
         longest that it may run. A price that is not known is not taken for a low one. Nothing was submitted.",
        "Do what the line `fix` says: allow more, or ask for less; `linden plan JOBFILE` shows the sum.";
    SCENARIO: "E0107", "The scenario of a local SageMaker has problems",
        "All problems are told at once, each with its line. A fault that is not understood is not left out silently, so the \
         server did not start.",
        "Correct each line; configs/local/faults.toml shows every key.";
    NO_SUCH_JOB: "E0201", "There is no such training job",
        "Neither a job of that name nor one whose name begins so is in this account and region. Jobs of the SageMaker on \
         this machine are seen with --local alone, and other jobs without it.",
        "Look at `linden ls`, and check --region, --profile and --local.";
    MISSING: "E0202", "Something that should be there is not",
        "A source of a channel, an artifact of a job, or a metric that was asked for does not exist.",
        "Do what the line `fix` says.";
    FILE: "E0203", "A file or folder could not be read or written",
        "The system has refused; the message has its reason.",
        "Check the path, its permissions, and the room on the disk.";
    OUTPUT: "E0204", "Stdout could not be written",
        "What stdout leads to has failed: a full disk, or a pipe. A reader that simply goes away is no error.",
        "Check where the output goes.";
    AWS_CREDENTIALS: "E0301", "Credentials are missing, wrong or expired",
        "AWS does not know who asks. A session that has ended while a job was followed is told so too; the job does not \
         notice.",
        "Sign in again (`aws sso login`), give --profile, or check AWS_ACCESS_KEY_ID and its siblings; then go on with the \
         command that the message names.";
    AWS_DENIED: "E0302", "Access is denied",
        "AWS knows who asks and does not allow it. The message names the action, and mostly the resource.",
        "Ask for that permission; `infra/` has the policies of submitters and of jobs.";
    AWS_NOT_FOUND: "E0303", "AWS does not have what was named",
        "A bucket, an object, a log or a job is not in this account and region.",
        "Check the name, --region and --profile.";
    AWS_NAME_TAKEN: "E0304", "The name is taken, or the thing is in use",
        "Names of training jobs are unique in an account and region for as long as SageMaker remembers the job.",
        "Choose another --name, or leave it away to get one that is free.";
    AWS_INVALID: "E0305", "AWS refuses the request",
        "A value passed every check of this program and not the service's own. The message names the member.",
        "Change that value; `linden plan JOBFILE --request` shows the request. A rule that this program could have known \
         is worth a report.";
    AWS_QUOTA: "E0306", "A service quota is reached",
        "The account may not have as many machines of that type at once. New accounts have none of most types.",
        "Ask for more in Service Quotas, wait for other jobs, or take another instance type.";
    AWS_CAPACITY: "E0307", "The machines are not to be had now",
        "AWS has no free machine of that type in this region. That is nobody's quota and nobody's mistake.",
        "Try later, or name further instance types in the job file.";
    AWS_THROTTLED: "E0308", "Too many calls",
        "The account's limit for this operation was reached, and stayed so through every retry.",
        "Try again in a minute; fewer watchers of the same account help.";
    AWS_SERVICE: "E0309", "AWS has failed",
        "The service answered with an error of its own, through every retry.",
        "Try again; if it stays, AWS's support wants the request id that -v shows.";
    AWS_NETWORK: "E0310", "AWS was not reached",
        "The network, a proxy or the endpoint did not let the call through, or no answer came in time.",
        "Check the network, the proxy's settings and --endpoint-url.";
    AWS_UNEXPECTED: "E0311", "AWS gave an answer that nobody knows",
        "The answer fits nothing that the service is documented to say.",
        "Try again with -v, and report what you see.";
    REGISTRY: "E0312", "A registry of images refuses, fails or is not reached",
        "The registry that the image's name begins with does not have the image, does not allow the caller to see or push it, \
         or does not answer.",
        "Do what the line `fix` says; ECR is logged in to with AWS's credentials, another registry with \
         LINDEN_REGISTRY_USER and LINDEN_REGISTRY_PASSWORD.";
    TAG_TAKEN: "E0313", "The tag names another image",
        "A job file that names a tag means whatever was pushed under it, so a tag that is taken is left alone, and ECR's \
         immutable tags cannot be moved at all.",
        "Push under a new tag; `linden image inspect IMAGE` shows what the old one names.";
    UNPACK: "E0401", "An archive was refused",
        "It cannot be read, leads out of its folder, holds links or devices, or unpacks to more than a model has. Archives \
         come from buckets that others may write.",
        "Do not use it; find out who wrote it.";
    DIGEST: "E0402", "A model is not the one that the job wrote",
        "The trainer records the SHA-256 of each model in evaluation.json, and the model in S3 has another. Nothing of it \
         was kept.",
        "Fetch it again; if it stays, find out who writes to the bucket.";
    MODEL: "E0403", "A model could not be read",
        "The file is no model of XGBoost's JSON or UBJSON and no text model of LightGBM's, or it is damaged.",
        "Give `xgboost-model`, its folder, the `model.tar.gz` of a job, or a model that one of these programs saved.";
    PREDICT: "E0404", "Data could not be predicted on",
        "The rows do not fit the model, or cannot be read; the message has the place.",
        "Correct the file, or name the columns as the line `fix` says.";
    IMAGE: "E0405", "An image cannot be read",
        "The file or folder is neither what `docker save` writes nor OCI's image layout, or it is damaged, or the name of the \
         image is none.",
        "Do what the line `fix` says; `linden image inspect` shows what an archive holds.";
    PLATFORM: "E0406", "An image is for another processor",
        "SageMaker trains on linux/amd64. An image that was built on a machine with another processor starts there and \
         fails in the job.",
        "Build it with `docker build --platform linux/amd64`, or push it with --platform where that is really meant.";
    LOCAL: "E0501", "The local SageMaker did not start",
        "Its port or its folder is in use, or cannot be used.",
        "Do what the line `fix` says.";
    NO_TRAINER: "E0502", "The trainer is not built",
        "Jobs on this machine run `linden-trainer`, which lies beside `linden`.",
        "Build it, or put it there.";
    START: "E0503", "The program could not start",
        "The system has refused threads, signals or the like.",
        "Check the limits of the session (`ulimit -a`).";
    ENGINE: "E0504", "No container engine builds the image",
        "`image build` needs Docker or Podman, and neither answers, or the build has failed and said why.",
        "Start the engine, or build on a machine that has one: `linden image push` needs none.";
}

/// The page of a failed call to AWS.
pub fn of_aws(kind: AwsErrorKind) -> &'static Page {
    match kind {
        AwsErrorKind::Credentials => &AWS_CREDENTIALS,
        AwsErrorKind::Denied => &AWS_DENIED,
        AwsErrorKind::NotFound => &AWS_NOT_FOUND,
        AwsErrorKind::NameTaken => &AWS_NAME_TAKEN,
        AwsErrorKind::Invalid => &AWS_INVALID,
        AwsErrorKind::Quota => &AWS_QUOTA,
        AwsErrorKind::Capacity => &AWS_CAPACITY,
        AwsErrorKind::Throttled => &AWS_THROTTLED,
        AwsErrorKind::Service => &AWS_SERVICE,
        AwsErrorKind::Network => &AWS_NETWORK,
        AwsErrorKind::Unexpected => &AWS_UNEXPECTED,
    }
}

/// The page of a code, however it is written: `E0412`, `e0412`.
pub fn find(code: &str) -> Option<&'static Page> {
    ALL.iter().find(|it| it.code.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_each_is_there_once() {
        let codes: Vec<&str> = ALL.iter().map(|it| it.code).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted);
        for it in ALL {
            let digits = it.code.strip_prefix('E').unwrap();
            assert!(
                digits.len() == 4 && digits.parse::<u16>().is_ok(),
                "{}",
                it.code
            );
            assert!(!it.title.ends_with('.') && it.about.ends_with('.') && it.next.ends_with('.'));
            assert_eq!(find(&it.code.to_lowercase()), Some(it));
        }
    }
}
