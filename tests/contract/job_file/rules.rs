//! Every rule with a file that passes and one that does not, in one table. A rule without a row fails the test.

use std::collections::BTreeSet;

use contract::job::file::{Layer, Layers, Rule};
use contract::job::{JobFile, Problem};

use super::{SAMPLE, repeated};

/// Changes to the sample that a row starts from.
type Base = &'static [(&'static str, &'static str)];

const AS_IT_IS: Base = &[];
const ANOTHER_IMAGE: Base = &[(
    "linden-trainer:0.1.0\"",
    "other:1\"\ncheck_hyperparameters = false",
)];
const THREE_MACHINES: Base = &[ANOTHER_IMAGE[0], ("instances = 1", "instances = 3")];
const ON_DEMAND: Base = &[("enabled = true\nmax_wait = \"3h\"\n", "")];
const OPEN: Base = &[("isolation = true\n", "")];

/// A rule, what is replaced in the sample, by what it passes, by what it does not, and what is said then.
struct Case {
    rule: Rule,
    base: Base,
    from: &'static str,
    passes: String,
    fails: String,
    says: &'static str,
}

fn case(rule: Rule, from: &'static str, (passes, fails): (&str, &str), says: &'static str) -> Case {
    case_on(AS_IT_IS, rule, from, (passes, fails), says)
}

fn case_on(
    base: Base,
    rule: Rule,
    from: &'static str,
    (passes, fails): (&str, &str),
    says: &'static str,
) -> Case {
    Case {
        rule,
        base,
        from,
        passes: passes.to_owned(),
        fails: fails.to_owned(),
        says,
    }
}

fn cases() -> Vec<Case> {
    [
        reading(),
        machines(),
        spot_and_retries(),
        channels(),
        texts(),
        network(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn reading() -> Vec<Case> {
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
fn machines() -> Vec<Case> {
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

fn spot_and_retries() -> Vec<Case> {
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

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn channels() -> Vec<Case> {
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
fn texts() -> Vec<Case> {
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

fn network() -> Vec<Case> {
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

impl Case {
    fn text(&self, to: &str) -> String {
        let mut text = SAMPLE.to_owned();
        for (from, to) in self.base {
            assert!(text.contains(from), "{}: no {from:?}", self.rule);
            text = text.replace(from, to);
        }
        assert!(
            text.contains(self.from),
            "{}: no {:?}",
            self.rule,
            self.from
        );
        text.replacen(self.from, to, 1)
    }

    fn check(&self) {
        let rule = self.rule;
        let file = JobFile::parse(&self.text(&self.passes), &[]);
        let file = file.unwrap_or_else(|it| panic!("{rule} does not pass:\n{it}"));
        assert!(
            file.warnings.iter().all(|it| it.rule != rule),
            "{rule}: {:?}",
            file.warnings
        );
        let told = match JobFile::parse(&self.text(&self.fails), &[]) {
            Ok(file) => file.warnings,
            Err(problems) => problems.0,
        };
        let said = |it: &&Problem| it.rule == rule && it.message.contains(self.says);
        let found = told.iter().find(said);
        let found = found.unwrap_or_else(|| panic!("{rule} is not told: {told:#?}"));
        assert!(
            found.line.is_some() && found.column.is_some(),
            "{rule} has no place"
        );
    }
}

/// What stands in no file.
fn path_and_overlay(overlay: Option<&str>, set: &str) -> Result<JobFile, Vec<Problem>> {
    let layers = Layers {
        files: &[Layer {
            name: "job.toml".to_owned(),
            text: format!("{SAMPLE}[overlay.ci.compute]\nvolume_gb = 5\n"),
        }],
        overlay,
        overrides: &[(set.to_owned(), "1".to_owned())],
        ..Layers::default()
    };
    layers.resolve().job.map_err(|it| it.0)
}

#[test]
fn every_rule_lets_a_file_pass_and_refuses_another() {
    cases().iter().for_each(Case::check);
    let good = path_and_overlay(Some("ci"), "compute.instances").unwrap();
    assert_eq!(good.compute.volume_gb, 5);
    let rules = |overlay, set| -> Vec<Rule> {
        let problems = path_and_overlay(overlay, set).unwrap_err();
        problems.iter().map(|it| it.rule).collect()
    };
    assert_eq!(rules(Some("ci"), "compute..instances"), [Rule::SetPath]);
    assert_eq!(rules(Some("cj"), "compute.instances"), [Rule::Overlay]);
}

#[test]
fn no_rule_is_without_a_case() {
    let mut tried: BTreeSet<Rule> = cases().iter().map(|it| it.rule).collect();
    // They are about the command line.
    tried.extend([Rule::SetPath, Rule::Overlay]);
    let all: BTreeSet<Rule> = Rule::ALL.iter().copied().collect();
    let missing: Vec<&Rule> = all.difference(&tried).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
    assert_eq!(cases().len() + 2, all.len(), "a rule has two rows");
}

#[test]
fn a_short_spot_job_may_say_that_it_starts_from_nothing() {
    let text = SAMPLE
        .replace(
            "[checkpoint]\ns3 = \"s3://acme-ml/ckpt/{name}/{spec_hash}/\"\n",
            "",
        )
        .replace("enabled = true", "enabled = true\nrestart_from_zero = true");
    let file = JobFile::parse(&text, &[]).unwrap();
    assert!(file.spot.unwrap().restarts_from_zero && file.checkpoint.is_none());
}
