//! The rows of channels, of texts that the API limits, and of the network.

use contract::job::file::Rule;

use super::{ANOTHER_IMAGE, Case, OPEN, THREE_MACHINES, case, case_on};
use crate::job_file::repeated;

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn channels() -> Vec<Case> {
    let mode = "input_mode = \"fastfile\"";
    let validation = "name = \"validation\"";
    let more = |n: usize| {
        let channel = |it| format!("[[channel]]\nname = \"c{it}\"\ns3 = \"s3://acme-ml/c{it}/\"");
        repeated(n, channel) + "[output]"
    };
    let augmented = "input_mode = \"pipe\"\nrecord_wrapper = \"recordio\"\ndata_type = \"augmented_manifest\"\nattributes = [\"row\"]";
    vec![
        case_on(
            ANOTHER_IMAGE,
            Rule::ChannelCount,
            "[output]",
            (&more(18), &more(19)),
            "has 21 entries, allowed is 20",
        ),
        case_on(
            ANOTHER_IMAGE,
            Rule::ChannelName,
            validation,
            ("name = \"a.b-c_1\"", "name = \"a b\""),
            "allowed is 1 to 64 letters",
        ),
        case(
            Rule::ChannelTwice,
            validation,
            (validation, "name = \"train\""),
            "another channel is called already",
        ),
        case(
            Rule::ChannelRole,
            validation,
            (validation, "name = \"test\""),
            "Extraneous channel found: test",
        ),
        case(
            Rule::ContentType,
            "format = \"csv\"",
            ("format = \"libsvm\"", "format = \"xls\""),
            "`xls` is not an accepted ContentType",
        ),
        case(
            Rule::PipeOnly,
            mode,
            (
                "input_mode = \"pipe\"\nrecord_wrapper = \"recordio\"",
                "record_wrapper = \"recordio\"",
            ),
            "goes with `input_mode` = `pipe` alone",
        ),
        case(
            Rule::PipeContent,
            mode,
            (
                "input_mode = \"pipe\"",
                "input_mode = \"pipe\"\nformat = \"parquet\"",
            ),
            "`pipe` does not go with `parquet`",
        ),
        case(
            Rule::Manifest,
            mode,
            (
                "data_type = \"manifest\"",
                "data_type = \"manifest\"\nsource = \"a.csv\"",
            ),
            "does not go with `data_type`",
        ),
        case(
            Rule::Attributes,
            mode,
            (augmented, "attributes = [\"row\"]"),
            "goes with `data_type` = `augmented_manifest` alone",
        ),
        case_on(
            OPEN,
            Rule::Streamed,
            mode,
            ("stream = true", "stream = true\ninput_mode = \"fastfile\""),
            "SageMaker brings a channel",
        ),
        case(
            Rule::Sharded,
            mode,
            (
                "distribution = \"sharded\"\nmin_objects = 1",
                "distribution = \"sharded\"",
            ),
            "a machine gets nothing",
        ),
        case_on(
            THREE_MACHINES,
            Rule::MinObjects,
            mode,
            (
                "distribution = \"sharded\"\nmin_objects = 3",
                "distribution = \"sharded\"\nmin_objects = 2",
            ),
            "allowed is `compute.instances` (`3`) or more",
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn texts() -> Vec<Case> {
    let rounds = "num_round = 400";
    let parameters = |n| {
        format!(
            "{rounds}\n{}",
            repeated(n, |it| format!("sagemaker_{it} = 1"))
        )
    };
    let parameter = |n: usize| format!("{rounds}\nsagemaker_{} = 1", "k".repeat(n - 10));
    let value = |n| format!("{rounds}\nsagemaker_x = \"{}\"", "v".repeat(n));
    let metrics = |n| {
        let names: Vec<String> = (0..n)
            .map(|it| format!("\"tweedie-nloglik@1.{:02}\"", it + 10))
            .collect();
        format!("eval_metric = [{}]", names.join(", "))
    };
    let log = "LINDEN_LOG = \"debug\"";
    let owner = "owner = \"planning@example.com\"";
    let variables = |n| repeated(n, |it| format!("V{it} = \"1\""));
    let tags = |n| repeated(n, |it| format!("t{it} = \"1\""));
    let k = |n| "k".repeat(n);
    vec![
        case(
            Rule::HyperparameterCount,
            rounds,
            (&parameters(96), &parameters(97)),
            "has 101 entries, allowed is 100",
        ),
        case(
            Rule::HyperparameterName,
            rounds,
            (&parameter(256), &parameter(257)),
            "at most 256 characters",
        ),
        case(
            Rule::HyperparameterValue,
            rounds,
            (&value(2500), &value(2501)),
            "allowed is 2500 at most",
        ),
        case(
            Rule::HyperparameterLong,
            rounds,
            (&value(256), &value(257)),
            "take 256 at most",
        ),
        case(
            Rule::Hyperparameter,
            "eta = 0.05",
            ("eta = 0.1", "eta = 2"),
            "2 is not in [0, 1]",
        ),
        case(
            Rule::MetricCount,
            "eval_metric = [\"poisson-nloglik\", \"mae\"]",
            (&metrics(20), &metrics(21)),
            "makes 42 metrics of train and validation, allowed is 40 at most",
        ),
        case(
            Rule::Secret,
            "LINDEN_LOG",
            ("DB_HOST", "DB_PASSWORD"),
            "looks like a secret",
        ),
        case(
            Rule::EnvironmentCount,
            log,
            (&variables(100), &variables(101)),
            "has 101 entries",
        ),
        case(
            Rule::EnvironmentName,
            "LINDEN_LOG",
            ("_a1", "\"1a\""),
            "allowed is a letter or `_`",
        ),
        case(
            Rule::EnvironmentValue,
            "\"debug\"",
            (&format!("\"{}\"", k(512)), &format!("\"{}\"", k(513))),
            "has 513 characters",
        ),
        case(
            Rule::TagCount,
            owner,
            (&tags(50), &tags(51)),
            "has 51 entries, allowed is 50",
        ),
        case(
            Rule::TagKey,
            owner,
            (
                &format!("{} = \"a\"", k(128)),
                &format!("{} = \"a\"", k(129)),
            ),
            "1 to 128 letters",
        ),
        case(
            Rule::TagReserved,
            owner,
            ("owner = \"a\"", "\"aws:owner\" = \"a\""),
            "AWS's own",
        ),
        case(
            Rule::TagValue,
            owner,
            (
                &format!("owner = \"{}\"", k(256)),
                &format!("owner = \"{}\"", k(257)),
            ),
            "at most 256 letters",
        ),
    ]
}

pub(super) fn network() -> Vec<Case> {
    let groups = "security_groups = [\"sg-0a\"]";
    vec![
        case(
            Rule::VpcBoth,
            groups,
            (groups, ""),
            "`network.security_groups` is missing",
        ),
        case(
            Rule::VpcCount,
            "[\"sg-0a\"]",
            (
                "[\"a\", \"b\", \"c\", \"d\", \"e\"]",
                "[\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]",
            ),
            "has 6 entries, allowed is 5",
        ),
        case(
            Rule::VpcId,
            "subnet-0a",
            ("subnet-0b", "subnet 0a"),
            "1 to 32 letters, digits and hyphens",
        ),
        case(
            Rule::EncryptAlone,
            "isolation = true",
            (
                "encrypt_inter_container = false",
                "encrypt_inter_container = true",
            ),
            "has nobody to talk to",
        ),
    ]
}
