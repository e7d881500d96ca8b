//! Layers over one another: what wins, where each value came from, and whose line a problem names.

use contract::job::file::{Layer, Layers, Origin, Resolved, Setting};

use super::SAMPLE;

fn layer(name: &str, text: &str) -> Layer {
    Layer {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

fn resolve(files: &[Layer], overlay: Option<&str>) -> Resolved {
    Layers {
        files,
        overlay,
        ..Layers::default()
    }
    .resolve()
}

/// The value of a key and where it came from, as `config show` has it.
fn of<'a>(resolved: &'a Resolved, key: &str) -> (&'a str, String) {
    let found = resolved.values.iter().find(|it| it.key == key);
    let found = found.unwrap_or_else(|| panic!("no {key} in {:?}", resolved.values));
    (&found.value, found.origin.to_string())
}

#[test]
fn the_strongest_layer_wins_and_is_named() {
    let overlay =
        "[overlay.ci.compute]\nmax_runtime = \"10m\"\n[overlay.ci.tags]\nstage = \"ci\"\n";
    let job = format!("{SAMPLE}{overlay}");
    let files = [
        layer(
            "/etc/linden/config.toml",
            "[compute]\nkeep_alive = \"0s\"\nvolume_gb = 7\n[tags]\ncost = \"a\"\n",
        ),
        layer(
            "linden.toml",
            "schema = 1\n[tags]\nteam = \"planning\"\nowner = \"nobody\"\n",
        ),
        layer("job.toml", &job),
    ];
    let layers = Layers {
        files: &files,
        overlay: Some("ci"),
        settings: &[Setting {
            variable: "LINDEN_OUTPUT_S3".to_owned(),
            key: "output.s3".to_owned(),
            value: "s3://other/out/".to_owned(),
        }],
        overrides: &[("hyperparameters.eta".to_owned(), "0.3".to_owned())],
    };
    let resolved = layers.resolve();
    let line = |text: &str| job.lines().position(|it| it == text).unwrap() + 1;
    let told = |key| of(&resolved, key);
    assert_eq!(
        told("compute.keep_alive"),
        ("\"0s\"", "/etc/linden/config.toml:2".to_owned())
    );
    let volume = format!("job.toml:{}", line("volume_gb = 50"));
    assert_eq!(told("compute.volume_gb"), ("50", volume));
    let runtime = format!(
        "job.toml:{} [overlay.ci.compute]",
        line("max_runtime = \"10m\"")
    );
    assert_eq!(told("compute.max_runtime"), ("\"10m\"", runtime));
    assert_eq!(
        told("output.s3"),
        ("\"s3://other/out/\"", "LINDEN_OUTPUT_S3".to_owned())
    );
    assert_eq!(
        told("hyperparameters.eta"),
        ("0.3", "--set hyperparameters.eta".to_owned())
    );
    assert_eq!(
        told("network.encrypt_inter_container"),
        ("false", "built-in".to_owned())
    );
    assert_eq!(
        told("channel[1].distribution"),
        ("\"replicated\"", "built-in".to_owned())
    );
    let job = resolved.job.unwrap();
    assert_eq!(job.compute.max_runtime_secs, 600);
    let tags: Vec<(&str, &str)> = job.tags.iter().map(|(key, it)| (&**key, &**it)).collect();
    let expected = [
        ("cost", "a"),
        ("owner", "planning@example.com"),
        ("stage", "ci"),
        ("team", "planning"),
    ];
    assert_eq!(tags, expected);
}

#[test]
fn lists_are_replaced_whole_with_their_places() {
    let overlay = "[overlay.ci.compute]\ninstance_types = [\"ml.c5.xlarge\", \"c5\"]\n\
                   [[overlay.one.channel]]\nname = \"train\"\ns3 = \"s3://acme-ml/small/\"\n";
    let job = format!("{SAMPLE}{overlay}");
    let files = [layer("job.toml", &job)];
    let problems = resolve(&files, Some("ci")).job.unwrap_err().0;
    let [problem] = &problems[..] else {
        panic!("{problems:?}")
    };
    let line = job.lines().position(|it| it.ends_with("\"c5\"]")).unwrap() + 1;
    assert_eq!(
        (problem.line, problem.key.as_str()),
        (Some(line), "compute.instance_types[1]")
    );
    let good = job.replace("\"ml.c5.xlarge\", \"c5\"", "\"ml.c5.xlarge\"");
    let files = [layer("job.toml", &good)];
    let resolved = resolve(&files, Some("one"));
    assert!(
        resolved
            .values
            .iter()
            .all(|it| !it.key.starts_with("channel[1]"))
    );
    let job = resolved.job.unwrap();
    let channels: Vec<&str> = job.channels.iter().map(|it| it.s3.as_str()).collect();
    assert_eq!(channels, ["s3://acme-ml/small/"]);
}

#[test]
fn a_problem_names_the_file_that_it_is_in() {
    let files = [
        layer(
            "linden.toml",
            "[compute]\nkeep_alive = \"soon\"\nvolume = 1\n",
        ),
        layer(
            "job.toml",
            &SAMPLE.replace("volume_gb = 50", "volume_gb = 0"),
        ),
    ];
    let overrides = [("compute.max_pending".to_owned(), "1h".to_owned())];
    let resolved = Layers {
        files: &files,
        overrides: &overrides,
        ..Layers::default()
    };
    let problems = resolved.resolve().job.unwrap_err();
    let places: Vec<String> = problems
        .0
        .iter()
        .map(|it| it.to_string().split('`').next().unwrap().trim().to_owned())
        .collect();
    let line = SAMPLE
        .lines()
        .position(|it| it == "volume_gb = 50")
        .unwrap()
        + 1;
    let expected = [
        "linden.toml:2:1:".to_owned(),
        "linden.toml:3:1: unknown key".to_owned(),
        format!("job.toml:{line}:1:"),
        "--set compute.max_pending:".to_owned(),
    ];
    assert_eq!(places, expected);
}

#[test]
fn an_overlay_that_nobody_asked_for_is_checked_too() {
    let job = format!("{SAMPLE}[overlay.prod.compute]\ninstnces = 4\n");
    let files = [layer("job.toml", &job)];
    for overlay in [None, Some("prod")] {
        let problems = resolve(&files, overlay).job.unwrap_err().0;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].message, "unknown key `compute.instnces`");
        assert_eq!(problems[0].line, Some(job.lines().count()));
    }
    let problems = resolve(&files, Some("pord")).job.unwrap_err().0;
    let missing = problems
        .iter()
        .find(|it| it.message == "there is no overlay `pord`");
    assert_eq!(
        missing.unwrap().hint.as_deref(),
        Some("did you mean `prod`?")
    );
}

#[test]
fn a_layers_own_schema_is_checked_and_is_not_the_jobs() {
    let job = SAMPLE.replace("schema = 1\n", "");
    let problems = |settings: &str| {
        let files = [layer("linden.toml", settings), layer("job.toml", &job)];
        resolve(&files, None).job.unwrap_err().0
    };
    assert_eq!(problems("schema = 1\n")[0].message, "`schema` is missing");
    let found = problems("schema = 2\n");
    assert_eq!(found[0].source.as_deref(), Some("linden.toml"));
    assert_eq!(found[0].message, "`schema` is `2`, allowed is 1");
}

#[test]
fn values_are_shown_even_where_the_job_cannot_run() {
    let files = [layer("job.toml", "schema = 1\n[compute]\ninstances = 0\n")];
    let resolved = resolve(&files, None);
    assert!(resolved.job.is_err());
    let shown = resolved
        .values
        .iter()
        .find(|it| it.key == "compute.instances");
    let origin = &shown.unwrap().origin;
    assert!(
        matches!(
            origin,
            Origin::File {
                line: 3,
                column: 1,
                ..
            }
        ),
        "{origin:?}"
    );
}
