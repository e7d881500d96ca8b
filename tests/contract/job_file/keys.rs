//! The table of keys, the reader and the JSON Schema agree with one another.

use std::collections::BTreeSet;

use contract::job::JobFile;
use contract::job::file::keys::{KEYS, known_keys};
use contract::job::file::schema;
use serde_json::Value;

use super::SAMPLE;

#[test]
fn the_reader_asks_for_every_key_of_the_table_and_for_no_other() {
    let table: BTreeSet<String> = KEYS.iter().map(|it| it.path.to_owned()).collect();
    assert_eq!(known_keys(), table);
    assert_eq!(table.len(), KEYS.len(), "a key is there twice");
}

/// Every path in an object of the schema.
fn paths(object: &Value, at: &str, found: &mut BTreeSet<String>) {
    let properties = object["properties"].as_object();
    for (name, schema) in properties.into_iter().flatten() {
        let path = if at.is_empty() {
            name.clone()
        } else {
            format!("{at}.{name}")
        };
        if schema["type"] == "object" && schema["additionalProperties"] != Value::Bool(false) {
            found.insert(format!("{path}.*"));
        } else if schema["type"] == "object" {
            paths(schema, &path, found);
        } else if schema["items"]["type"] == "object" {
            paths(&schema["items"], &format!("{path}[]"), found);
        } else {
            found.insert(path);
        }
    }
}

#[test]
fn the_schema_has_every_key_of_the_table_and_no_other() {
    let table: BTreeSet<String> = KEYS.iter().map(|it| it.path.to_owned()).collect();
    let schema = schema::job();
    for (object, more) in [
        (&schema, Some("overlay.*")),
        (&schema["$defs"]["overlay"], None),
    ] {
        let mut found = BTreeSet::new();
        paths(object, "", &mut found);
        let expected: BTreeSet<String> = table
            .iter()
            .cloned()
            .chain(more.map(str::to_owned))
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn the_schema_in_the_repository_is_this_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/job.schema.json");
    let text = serde_json::to_string_pretty(&schema::job()).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        there == text,
        "UPDATE_DOCS=1 cargo test -p contract writes {path} anew"
    );
}

/// A file with nothing that it could leave away.
const MINIMAL: &str = r#"
schema = 1
name = "a"
image.uri = "linden-trainer:0.1.0"
role.arn = "arn:aws:iam::123456789012:role/linden-training"
compute.instance_types = ["ml.m5.large"]
output.s3 = "s3://acme-ml/out/"
hyperparameters.num_round = 10
"#;
const CHANNEL: &str = "[[channel]]\nname = \"train\"\ns3 = \"s3://acme-ml/train/\"\n";

#[test]
fn a_default_that_is_spelled_out_changes_nothing() {
    let plain = JobFile::parse(&format!("{MINIMAL}{CHANNEL}"), &[]).unwrap();
    let (mut above, mut channel) = (MINIMAL.to_owned(), CHANNEL.to_owned());
    let mut n_defaults = 0;
    for key in KEYS {
        let Some(value) = key.default else { continue };
        n_defaults += 1;
        match key.path.strip_prefix("channel[].") {
            Some(name) => channel.extend([name, " = ", value, "\n"]),
            None => above.extend([key.path, " = ", value, "\n"]),
        }
    }
    let spelled = JobFile::parse(&format!("{above}{channel}"), &[]);
    assert_eq!(spelled.unwrap_or_else(|it| panic!("{it}")), plain);
    assert!(n_defaults > 15);
}

#[test]
fn every_key_is_told_of_in_a_sentence() {
    assert!(JobFile::parse(SAMPLE, &[]).is_ok());
    for key in KEYS {
        assert!(
            key.about.ends_with('.') && key.about.len() > 4,
            "{}",
            key.path
        );
    }
}
