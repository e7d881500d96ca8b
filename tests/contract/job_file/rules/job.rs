//! The rows of what is read, of machines, and of spot capacity and retries.

use contract::job::file::Rule;

use super::{Case, ON_DEMAND, case, case_on};

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn reading() -> Vec<Case> {
    let volume = "volume_gb = 50";
    vec![
        case(Rule::Syntax, volume, (volume, "volume_gb = "), ""),
        case(
            Rule::IntegerSize,
            volume,
            ("volume_gb = 9", "volume_gb = 99999999999999999999"),
            "does not fit in 64 bits",
        ),
        case(
            Rule::UnknownKey,
            volume,
            (volume, "volume_gib = 50"),
            "unknown key `compute.volume_gib`",
        ),
        case(
            Rule::MissingKey,
            "s3 = \"s3://acme-ml/out/\"",
            ("s3 = \"s3://acme-ml/out/\"", ""),
            "`output.s3` is missing",
        ),
        case(
            Rule::ValueKind,
            "instances = 1",
            ("instances = 1", "instances = \"1\""),
            "is a text, expected an integer",
        ),
        case(
            Rule::Choice,
            "input_mode = \"fastfile\"",
            ("input_mode = \"file\"", "input_mode = \"tube\""),
            "allowed is `file`, `fastfile`, `pipe`",
        ),
        case(
            Rule::DurationForm,
            "max_runtime = \"45m\"",
            ("max_runtime = \"1h30m\"", "max_runtime = \"45\""),
            "expected a duration such as `45m`",
        ),
        case(
            Rule::Schema,
            "schema = 1",
            ("schema = 1", "schema = 2"),
            "`schema` is `2`",
        ),
        case(
            Rule::Name,
            "usage-forecast",
            (&"n".repeat(51), &"n".repeat(52)),
            "allowed is 1 to 51 letters",
        ),
        case(
            Rule::Image,
            "linden-trainer:0.1.0",
            ("linden-trainer:0.2.0", "linden trainer"),
            "without spaces",
        ),
        case(
            Rule::Role,
            "arn:aws:iam::123456789012:role/linden-training",
            (
                "arn:aws-cn:iam::123456789012:role/path/training",
                "linden-training",
            ),
            "`arn:aws:iam::<12 digits>:role/<name>`",
        ),
        case(
            Rule::S3Address,
            "s3://acme-ml/out/",
            ("s3://acme-ml/other/", "https://acme-ml/out/"),
            "`s3://<bucket>/<key>`",
        ),
        case(
            Rule::Placeholder,
            "{spec_hash}",
            ("{name}", "{date}"),
            "allowed between braces are",
        ),
        case(
            Rule::KmsKey,
            "alias/ml-out",
            ("alias/other", ""),
            "allowed is a key's id, ARN or alias",
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn machines() -> Vec<Case> {
    let volume = "volume_gb = 50";
    let types = "[\"ml.m7i.large\", \"ml.m5.large\"]";
    let second = "\"ml.m5.large\"";
    vec![
        case(
            Rule::InstanceType,
            second,
            ("\"ml.m5.xlarge\"", "\"m5.large\""),
            "`ml.<family>.<size>`",
        ),
        case(
            Rule::InstanceTypeTwice,
            second,
            ("\"ml.m5.xlarge\"", "\"ml.m7i.large\""),
            "which is there twice",
        ),
        case(
            Rule::InstanceTypeKnown,
            second,
            ("\"ml.c5.xlarge\"", "\"ml.c5.large\""),
            "no training instance type that this version knows; did you mean `ml.c5.xlarge`?",
        ),
        case(
            Rule::Instances,
            "instances = 1",
            ("instances = 1", "instances = 0"),
            "allowed is 1 or more",
        ),
        case(
            Rule::OneHost,
            "instances = 1",
            ("instances = 1", "instances = 2"),
            "trains on one host",
        ),
        case(
            Rule::Volume,
            volume,
            ("volume_gb = 1", "volume_gb = 0"),
            "allowed is 1 or more",
        ),
        case(
            Rule::LocalDisk,
            second,
            (second, "\"ml.g5.xlarge\""),
            "has disks of its own",
        ),
        case(
            Rule::LocalDiskKey,
            types,
            (
                "[\"ml.m5.large\"]\nvolume_kms_key = \"alias/v\"",
                "[\"ml.g5.xlarge\"]\nvolume_kms_key = \"alias/v\"",
            ),
            "does not go with `ml.g5.xlarge`",
        ),
        case(
            Rule::MaxRuntime,
            "max_runtime = \"45m\"",
            ("max_runtime = \"1s\"", "max_runtime = \"0s\""),
            "allowed is 1s to 28d",
        ),
        case(
            Rule::MaxPending,
            volume,
            ("max_pending = \"2h\"", "max_pending = \"1h59m\""),
            "allowed is 2h to 28d",
        ),
        case_on(
            ON_DEMAND,
            Rule::KeepAlive,
            volume,
            ("keep_alive = \"6h\"", "keep_alive = \"6h1s\""),
            "allowed is 0s to 6h",
        ),
    ]
}

pub(super) fn spot_and_retries() -> Vec<Case> {
    let wait = "max_wait = \"3h\"";
    let checkpoint = "s3 = \"s3://acme-ml/ckpt/{name}/{spec_hash}/\"";
    let attempts = "service_attempts = 2";
    vec![
        case(
            Rule::MaxWaitRange,
            wait,
            ("max_wait = \"28d\"", "max_wait = \"28d1s\""),
            "allowed is 1s to 28d",
        ),
        case(
            Rule::SpotMaxWait,
            wait,
            ("max_wait = \"45m\"", "max_wait = \"44m59s\""),
            "allowed is `compute.max_runtime` (`45m`) or more",
        ),
        case(
            Rule::WaitWithoutSpot,
            "enabled = true\nmax_wait = \"3h\"",
            ("enabled = false", "enabled = false\nmax_wait = \"3h\""),
            "only goes with `spot.enabled = true`",
        ),
        case(
            Rule::SpotKeepAlive,
            "volume_gb = 50",
            ("keep_alive = \"0s\"", "keep_alive = \"10m\""),
            "must be `0s` with `spot.enabled`",
        ),
        case(
            Rule::SpotCheckpoint,
            "[checkpoint]\ns3 = \"s3://acme-ml/ckpt/{name}/{spec_hash}/\"\n",
            ("[checkpoint]\ns3 = \"s3://acme-ml/ckpt/\"\n", ""),
            "starts from nothing",
        ),
        case(
            Rule::CheckpointPath,
            checkpoint,
            (
                "s3 = \"s3://acme-ml/c/\"\nlocal_path = \"/opt/ml/checkpoints\"",
                "s3 = \"s3://acme-ml/c/\"\nlocal_path = \"checkpoints\"",
            ),
            "allowed is an absolute path",
        ),
        case(
            Rule::ServiceAttempts,
            attempts,
            ("service_attempts = 30", "service_attempts = 31"),
            "allowed is 1 to 30",
        ),
        case(
            Rule::RetryOn,
            attempts,
            ("on = [\"capacity\", \"internal\"]", "on = [\"algorithm\"]"),
            "allowed is `capacity` and `internal`",
        ),
        case(
            Rule::RetryWindow,
            attempts,
            ("window = \"28d\"", "window = \"29d\""),
            "allowed is 0s to 28d",
        ),
    ]
}
