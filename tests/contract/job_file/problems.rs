//! How problems are told: all at once, each with its place and its way out.

use contract::job::JobFile;

use super::{SAMPLE, parse, refuses, with};

#[test]
fn hyperparameters_are_checked_by_the_table_at_their_line() {
    let problems = with("eta = 0.05", "learning_rate = 2").unwrap_err();
    let [problem] = &problems[..] else {
        panic!("{problems:?}")
    };
    assert_eq!(problem.message, "Hyperparameter eta: 2 is not in [0, 1]");
    let line = SAMPLE.lines().position(|it| it.starts_with("eta")).unwrap() + 1;
    assert_eq!((problem.line, problem.column), (Some(line), Some(1)));
    assert_eq!(problem.key, "hyperparameters.learning_rate");
    refuses(
        "num_round = 400",
        "num_rounds = 400\nnum_round = 1",
        "Extraneous hyperparameter found: num_rounds; did you mean `num_round`?",
    );
    refuses(
        "num_round = 400",
        "",
        "Missing required hyperparameter: num_round",
    );
}

#[test]
fn unknown_keys_get_the_nearest_known_one() {
    let problems = with("volume_gb", "volume_gib").unwrap_err();
    assert_eq!(problems[0].message, "unknown key `compute.volume_gib`");
    assert_eq!(
        problems[0].hint.as_deref(),
        Some("did you mean `compute.volume_gb`?")
    );
    assert_eq!(
        problems[0].line,
        Some(
            SAMPLE
                .lines()
                .position(|it| it.starts_with("volume_gb"))
                .unwrap()
                + 1
        )
    );
    refuses(
        "[spot]\nenabled = true\nmax_wait = \"3h\"",
        "[sport]\nenabled = true",
        "unknown key `sport`",
    );
    refuses("schema = 1", "schema = 2", "`schema` is `2`");
    refuses("schema = 1\n", "", "`schema` is missing");
}

#[test]
fn every_problem_is_reported_at_once_in_the_order_of_the_file() {
    let text = SAMPLE
        .replace("usage-forecast\"", "usage_forecast\"")
        .replace("volume_gb = 50", "volume_gb = -1")
        .replace("max_wait = \"3h\"", "max_wait = \"soon\"")
        .replace("format = \"csv\"", "format = \"xls\"")
        .replace("eta = 0.05", "eta = \"fast\"");
    let problems = parse(&text).unwrap_err();
    let keys: Vec<&str> = problems.iter().map(|it| it.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "name",
            "compute.volume_gb",
            "spot.max_wait",
            "channel[0].format",
            "channel[1].format",
            "hyperparameters.eta"
        ]
    );
    assert!(problems.iter().all(|it| it.line.is_some()));
    assert!(problems.windows(2).all(|it| it[0].line <= it[1].line));
}

#[test]
fn an_empty_file_is_told_everything_that_it_needs() {
    let problems = parse("").unwrap_err();
    let keys: Vec<&str> = problems.iter().map(|it| it.key.as_str()).collect();
    for key in [
        "schema",
        "name",
        "image.uri",
        "role.arn",
        "compute.instance_types",
        "channel",
        "output.s3",
    ] {
        assert!(keys.contains(&key), "{key} is not in {keys:?}");
    }
}

#[test]
fn syntax_errors_have_a_line_and_nothing_follows_from_them() {
    let problems = with("volume_gb = 50", "volume_gb = ").unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(
        problems[0].line,
        Some(
            SAMPLE
                .lines()
                .position(|it| it.starts_with("volume_gb"))
                .unwrap()
                + 1
        )
    );
}

#[test]
fn overrides_reach_every_section() {
    let set = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        JobFile::parse(SAMPLE, &pairs)
    };
    let file = set(&[
        ("compute.max_runtime", "10m"),
        ("hyperparameters.eta", "0.1"),
        ("channel.validation.s3", "s3://acme-ml/other/"),
        ("channel.0.source", "other.csv"),
        ("tags.team", "planning"),
        ("compute.instance_types", "[\"ml.c5.xlarge\"]"),
    ])
    .unwrap();
    assert_eq!(file.compute.max_runtime_secs, 600);
    assert_eq!(file.hyperparameters["eta"], "0.1");
    assert_eq!(file.channels[1].s3.as_str(), "s3://acme-ml/other/");
    assert_eq!(
        file.channels[0].source.as_deref(),
        Some(std::path::Path::new("other.csv"))
    );
    assert_eq!(file.tags["team"], "planning");
    assert_eq!(file.compute.instance_types[0].as_str(), "ml.c5.xlarge");

    let problems = set(&[
        ("compute.instances", "0"),
        ("channel.test.s3", "x"),
        ("computer.x", "1"),
        ("", "1"),
    ])
    .unwrap_err()
    .0;
    assert_eq!(problems.len(), 4, "{problems:?}");
    let of = |key: &str| problems.iter().find(|it| it.key == key).unwrap();
    assert_eq!(
        of("compute.instances").line,
        None,
        "it does not stand in the file"
    );
}
