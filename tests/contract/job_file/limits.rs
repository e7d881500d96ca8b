//! Each of SageMaker's limits at its edge, which passes, and beyond, which does not.

use super::{SAMPLE, accepts, parse, refuses, repeated, with};

#[test]
fn a_name_leaves_room_for_hash_and_attempt() {
    let longest = "n".repeat(51);
    let file = accepts("usage-forecast", &longest);
    assert_eq!(file.job_name(99).unwrap().as_str().len(), 63);
    refuses(
        "usage-forecast",
        &"n".repeat(52),
        "allowed is 1 to 51 letters",
    );
    refuses("usage-forecast", "-n", "no hyphen at either end");
    refuses("usage-forecast", "a_b", "allowed is 1 to 51 letters");
}

#[test]
fn hyperparameters_are_at_most_a_hundred() {
    let more = |n| {
        format!(
            "num_round = 400\n{}",
            repeated(n, |it| format!("sagemaker_{it} = 1"))
        )
    };
    accepts("num_round = 400", &more(96));
    refuses(
        "num_round = 400",
        &more(97),
        "`hyperparameters` has 101 entries, allowed is 100 at most",
    );
}

#[test]
fn hyperparameter_texts_are_limited() {
    let key = |n| {
        format!(
            "num_round = 400\nsagemaker_{} = 1",
            "k".repeat(n - "sagemaker_".len())
        )
    };
    accepts("num_round = 400", &key(256));
    refuses(
        "num_round = 400",
        &key(257),
        "name has at most 256 characters",
    );
    let value = |n| format!("num_round = 400\nsagemaker_x = \"{}\"", "v".repeat(n));
    assert!(accepts("num_round = 400", &value(256)).warnings.is_empty());
    assert_eq!(accepts("num_round = 400", &value(2500)).warnings.len(), 1);
    refuses(
        "num_round = 400",
        &value(2501),
        "has 2501 characters, allowed is 2500 at most",
    );
}

#[test]
fn environment_variables_are_limited() {
    let more = |n| repeated(n, |it| format!("V{it} = \"1\""));
    accepts("LINDEN_LOG = \"debug\"", &more(100));
    refuses(
        "LINDEN_LOG = \"debug\"",
        &more(101),
        "`env` has 101 entries, allowed is 100 at most",
    );
    accepts("LINDEN_LOG", "_a1");
    refuses("LINDEN_LOG", "\"1a\"", "allowed is a letter or `_`");
    accepts("LINDEN_LOG", &"K".repeat(512));
    refuses("LINDEN_LOG", &"K".repeat(513), "512 at most");
    accepts("debug", &"v".repeat(512));
    refuses(
        "debug",
        &"v".repeat(513),
        "has 513 characters, allowed is 512 at most",
    );
}

#[test]
fn secrets_are_refused_without_repeating_them() {
    accepts("LINDEN_LOG", "DB_HOST");
    accepts(
        "LINDEN_LOG = \"debug\"",
        "DB_SECRET = \"arn:aws:secretsmanager:eu-west-1:123456789012:secret:db\"",
    );
    refuses(
        "LINDEN_LOG",
        "DB_PASSWORD",
        "`env.DB_PASSWORD` looks like a secret",
    );
    let problems = with("debug", "AKIAIOSFODNN7EXAMPLE").unwrap_err();
    assert!(problems[0].message.contains("an AWS access key"));
    assert!(
        !problems[0].message.contains("AKIA"),
        "{}",
        problems[0].message
    );
    refuses(
        "num_round = 400",
        "num_round = 400\nsagemaker_token = \"abc\"",
        "looks like a secret",
    );
}

#[test]
fn channels_are_at_least_one_and_at_most_twenty() {
    let free = |n: usize| {
        let text = SAMPLE.replace(
            "linden-trainer:0.1.0\"",
            "other:1\"\ncheck_hyperparameters = false",
        );
        let extra = repeated(n, |it| {
            format!("[[channel]]\nname = \"c{it}\"\ns3 = \"s3://acme-ml/c{it}/\"")
        });
        parse(&text.replace("[output]", &format!("{extra}[output]")))
    };
    assert_eq!(free(18).unwrap().channels.len(), 20);
    let problems = free(19).unwrap_err();
    assert_eq!(
        problems[0].message,
        "`channel` has 21 entries, allowed is 20 at most"
    );
    let none = SAMPLE.split("[[channel]]").next().unwrap().to_owned()
        + SAMPLE
            .split_once("[output]")
            .map(|it| "[output]".to_owned() + it.1)
            .unwrap()
            .as_str();
    let problems = parse(&none).unwrap_err();
    assert!(
        problems[0].message.contains("`[[channel]]` is missing"),
        "{problems:?}"
    );
}

#[test]
fn channel_names_are_train_and_validation_each_once() {
    refuses(
        "name = \"validation\"",
        "name = \"test\"",
        "Extraneous channel found: test",
    );
    refuses(
        "name = \"validation\"",
        "name = \"train\"",
        "which another channel is called already",
    );
    refuses(
        "name = \"validation\"",
        "name = \"a b\"",
        "allowed is 1 to 64 letters, digits, `.`, `-` and `_`",
    );
    let problems = with("name = \"train\"", "name = \"Train\"").unwrap_err();
    let messages: Vec<&str> = problems.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "Missing required channel: train",
            "Extraneous channel found: Train; allowed are `train`, `validation` and `model`"
        ]
    );
}

#[test]
fn channel_formats_become_content_types() {
    let sent = |format: &str| {
        let request = accepts("format = \"csv\"", &format!("format = \"{format}\""))
            .request(&"j-1".parse().unwrap());
        request
            .input_data_config
            .into_iter()
            .map(|it| it.content_type.unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        sent("libsvm"),
        ["text/libsvm", "text/libsvm"],
        "validation follows train"
    );
    assert_eq!(
        sent("text/csv;label_size=1"),
        ["text/csv;label_size=1", "text/csv;label_size=1"]
    );
    assert_eq!(
        sent("parquet"),
        ["application/x-parquet", "application/x-parquet"]
    );
    assert_eq!(
        sent("recordio-protobuf"),
        [
            "application/x-recordio-protobuf",
            "application/x-recordio-protobuf"
        ]
    );
    assert_eq!(
        sent("jsonlines"),
        ["application/jsonlines", "application/jsonlines"]
    );
    let problems = with("format = \"csv\"", "format = \"xls\"").unwrap_err();
    assert!(
        problems[0]
            .message
            .contains("`xls` is not an accepted ContentType"),
        "{problems:?}"
    );
}

#[test]
fn a_pipe_may_be_wrapped_and_compressed_and_files_may_not() {
    let piped = "input_mode = \"pipe\"\nrecord_wrapper = \"recordio\"\ncompression = \"gzip\"";
    let job = accepts("input_mode = \"fastfile\"", piped);
    let request = job.request(&"j-1".parse().unwrap());
    let mut channels = request.input_data_config.iter();
    let channel = channels
        .find(|it| it.input_mode.as_deref() == Some("Pipe"))
        .unwrap();
    assert_eq!(channel.record_wrapper_type.as_deref(), Some("RecordIO"));
    assert_eq!(channel.compression_type.as_deref(), Some("Gzip"));
    for (key, value) in [("record_wrapper", "recordio"), ("compression", "gzip")] {
        refuses(
            "input_mode = \"fastfile\"",
            &format!("{key} = \"{value}\""),
            "goes with `input_mode` = `pipe` alone",
        );
    }
    refuses(
        "input_mode = \"fastfile\"",
        "input_mode = \"pipe\"\nformat = \"parquet\"",
        "`pipe` does not go with `parquet`",
    );
}

#[test]
fn a_streamed_channel_is_a_variable_and_not_in_the_request() {
    let sample = SAMPLE.replace("isolation = true\n", "");
    let train = "format = \"csv\"";
    let streamed =
        |sample: &str, more: &str| sample.replacen(train, &format!("{train}\n{more}"), 1);
    let job = parse(&streamed(&sample, "stream = true")).unwrap();
    let request = job.request(&"j-1".parse().unwrap());
    assert!(request.validate().is_empty());
    let names: Vec<&str> = request
        .input_data_config
        .iter()
        .map(|it| it.channel_name.as_str())
        .collect();
    assert_eq!(names, ["validation"]);
    let variable = |name: &str| request.environment.get(name).map(String::as_str);
    assert_eq!(
        variable("LINDEN_CHANNEL_TRAIN"),
        Some("s3://acme-ml/usage/train/")
    );
    assert_eq!(variable("LINDEN_CONTENT_TYPE_TRAIN"), Some("text/csv"));
    assert_eq!(variable("LINDEN_CHANNEL_VALIDATION"), None);
    assert_ne!(job.hash8(), parse(&sample).unwrap().hash8());

    let long = sample.replace("usage/train/", &"k".repeat(500));
    let taken = sample.replace("LINDEN_LOG", "LINDEN_CHANNEL_TRAIN");
    for (sample, more, expected) in [
        (SAMPLE, "", "the container reaches no S3"),
        (
            &sample,
            "input_mode = \"fastfile\"",
            "`input_mode` says how SageMaker brings",
        ),
        (
            &sample,
            "distribution = \"sharded\"",
            "every machine reads all",
        ),
        (
            &sample,
            "data_type = \"manifest\"",
            "a manifest is read by SageMaker",
        ),
        (&long, "", "which has 512 characters at most"),
        (&taken, "", "it sets `env.LINDEN_CHANNEL_TRAIN`"),
    ] {
        let text = streamed(sample, &format!("stream = true\n{more}"));
        let problems = parse(&text).unwrap_err();
        let said = |it: &contract::job::Problem| {
            it.key == "channel[0].stream" && it.message.contains(expected)
        };
        assert!(problems.iter().any(said), "{expected}: {problems:?}");
    }
}

#[test]
fn a_manifest_names_objects_and_an_augmented_one_a_row_in_one_attribute() {
    let swapped = "input_mode = \"fastfile\"";
    let source = |job: &contract::job::JobFile| {
        let request = job.request(&"j-1".parse().unwrap());
        let mut sources = request.input_data_config.into_iter();
        sources.find_map(|it| {
            let source = it.data_source.s3_data_source.unwrap();
            (source.s3_data_type != "S3Prefix").then_some(source)
        })
    };
    let job = accepts(swapped, "data_type = \"manifest\"");
    assert_eq!(source(&job).unwrap().s3_data_type, "ManifestFile");
    let piped =
        "input_mode = \"pipe\"\nrecord_wrapper = \"recordio\"\ndata_type = \"augmented_manifest\"";
    let job = accepts(swapped, &format!("{piped}\nattributes = [\"row\"]"));
    let found = source(&job).unwrap();
    assert_eq!(found.s3_data_type, "AugmentedManifestFile");
    assert_eq!(found.attribute_names, ["row"]);
    for (text, problem) in [
        (
            format!("{piped}\nattributes = [\"source-ref\", \"label\"]"),
            "allowed is one: each attribute comes as a record of its own",
        ),
        (piped.to_owned(), "has 0 names, allowed is one"),
        (
            "data_type = \"augmented_manifest\"\nattributes = [\"row\"]".to_owned(),
            "comes with `input_mode` = `pipe`",
        ),
        (
            "attributes = [\"row\"]".to_owned(),
            "goes with `data_type` = `augmented_manifest` alone",
        ),
        (
            "data_type = \"parquet\"".to_owned(),
            "allowed is `prefix`, `manifest`, `augmented_manifest`",
        ),
        (
            "data_type = \"manifest\"\nsource = \"train.csv\"".to_owned(),
            "does not go with `data_type`",
        ),
    ] {
        refuses(swapped, &text, problem);
    }
}

#[test]
fn tags_are_limited() {
    let more = |n| repeated(n, |it| format!("t{it} = \"1\""));
    accepts("owner = \"planning@example.com\"", &more(50));
    refuses(
        "owner = \"planning@example.com\"",
        &more(51),
        "`tags` has 51 entries, allowed is 50 at most",
    );
    accepts("owner", &"k".repeat(128));
    refuses("owner", &"k".repeat(129), "1 to 128 letters");
    accepts("planning@example.com", &"v".repeat(256));
    refuses(
        "planning@example.com",
        &"v".repeat(257),
        "at most 256 letters",
    );
    refuses("owner", "\"aws:owner\"", "AWS's own");
    refuses("planning@example.com", "a;b", "at most 256 letters");
}

#[test]
fn a_spot_job_waits_at_least_as_long_as_it_runs() {
    accepts("max_wait = \"3h\"", "max_wait = \"45m\"");
    refuses(
        "max_wait = \"3h\"",
        "max_wait = \"44m59s\"",
        "`spot.max_wait` is `44m59s`, allowed is `compute.max_runtime` (`45m`) or more",
    );
    refuses("max_wait = \"3h\"", "", "`spot.max_wait` is missing");
    refuses(
        "enabled = true",
        "enabled = false",
        "only goes with `spot.enabled = true`",
    );
}

#[test]
fn spot_machines_are_not_kept() {
    accepts("volume_gb = 50", "volume_gb = 50\nkeep_alive = \"0s\"");
    refuses(
        "volume_gb = 50",
        "volume_gb = 50\nkeep_alive = \"10m\"",
        "must be `0s` with `spot.enabled`",
    );
    let on_demand = SAMPLE.replace("enabled = true\nmax_wait = \"3h\"\n", "");
    let kept = |period: &str| {
        parse(&on_demand.replace("volume_gb = 50", &format!("keep_alive = \"{period}\"")))
    };
    let request = kept("6h").unwrap().request(&"j-1".parse().unwrap());
    assert_eq!(
        request
            .resource_config
            .unwrap()
            .keep_alive_period_in_seconds,
        Some(21_600)
    );
    assert!(
        kept("6h1s").unwrap_err()[0]
            .message
            .contains("allowed is 0s to 6h")
    );
}

#[test]
fn compute_is_limited() {
    accepts("max_runtime = \"45m\"", "max_runtime = \"1s\"");
    refuses(
        "max_runtime = \"45m\"",
        "max_runtime = \"0s\"",
        "allowed is 1s to 28d",
    );
    refuses(
        "max_runtime = \"45m\"",
        "max_runtime = \"28d1s\"",
        "allowed is 1s to 28d",
    );
    refuses(
        "max_runtime = \"45m\"",
        "max_runtime = 45",
        "is an integer, expected a duration such as `\"45m\"`",
    );
    accepts("volume_gb = 50", "volume_gb = 1");
    refuses(
        "volume_gb = 50",
        "volume_gb = 0",
        "`compute.volume_gb` is `0`, allowed is 1 or more",
    );
    refuses(
        "instances = 1",
        "instances = 0",
        "`compute.instances` is `0`, allowed is 1 or more",
    );
    accepts("volume_gb = 50", "max_pending = \"2h\"");
    refuses(
        "volume_gb = 50",
        "max_pending = \"1h59m\"",
        "allowed is 2h to 28d",
    );
    refuses("\"ml.m5.large\"", "\"m5.large\"", "`ml.<family>.<size>`");
    refuses(
        "\"ml.m5.large\"",
        "\"ml.m7i.large\"",
        "which is there twice",
    );
    refuses(
        "[\"ml.m7i.large\", \"ml.m5.large\"]",
        "[]",
        "expected one type at least",
    );
}

#[test]
fn retries_and_networks_are_limited() {
    accepts("service_attempts = 2", "service_attempts = 30");
    refuses(
        "service_attempts = 2",
        "service_attempts = 31",
        "allowed is 1 to 30",
    );
    refuses(
        "service_attempts = 2",
        "service_attempts = 0",
        "allowed is 1 to 30",
    );
    refuses(
        "security_groups = [\"sg-0a\"]",
        "",
        "`network.security_groups` is missing",
    );
    refuses(
        "[\"sg-0a\"]",
        "[\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]",
        "has 6 entries, allowed is 5 at most",
    );
    accepts("[\"sg-0a\"]", "[\"a\", \"b\", \"c\", \"d\", \"e\"]");
    refuses(
        "subnet-0a",
        "subnet 0a",
        "1 to 32 letters, digits and hyphens",
    );
}

#[test]
fn addresses_must_be_s3_roles_and_images() {
    refuses(
        "s3://acme-ml/out/",
        "https://acme-ml/out/",
        "`s3://<bucket>/<key>`",
    );
    refuses(
        "s3://acme-ml/out/",
        "s3://AcmeMl/out/",
        "lower-case letters",
    );
    refuses(
        "{spec_hash}",
        "{date}",
        "allowed between braces are `{name}` and `{spec_hash}`",
    );
    refuses(
        "arn:aws:iam::123456789012:role/linden-training",
        "linden-training",
        "`arn:aws:iam::<12 digits>:role/<name>`",
    );
    refuses("linden-trainer:0.1.0", "linden trainer", "without spaces");
    refuses("alias/ml-out", "", "allowed is a key's id, ARN or alias");
}
