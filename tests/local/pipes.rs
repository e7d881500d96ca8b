//! Channels through pipes: epochs, records, shuffling, and what only goes with them.

use crate::client::{Local, request, unpack};
use serde_json::{Value, json};

/// A request whose channel is a pipe that the stand-in reads twice.
fn piped(name: &str, settings: &Value) -> Value {
    let mut document = request(name, "pipe");
    let channel = document["InputDataConfig"][0].as_object_mut().unwrap();
    channel.insert("InputMode".to_owned(), json!("Pipe"));
    for (key, value) in settings.as_object().unwrap() {
        channel.insert(key.clone(), value.clone());
    }
    document
}

/// What the hosts read of an epoch, host by host.
fn read(local: &Local, job: &str, epoch: u32) -> Vec<String> {
    let model = unpack(&local.get(&format!("out/{job}/output/model.tar.gz")));
    let name = format!("linden/epoch-{epoch}-");
    let of_epoch = model.into_iter().filter(|(it, _)| it.starts_with(&name));
    let mut of_epoch: Vec<_> = of_epoch.collect();
    of_epoch.sort();
    of_epoch.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn each_epoch_brings_all_objects_in_the_order_of_their_keys() {
    let local = Local::start();
    local.put("train/a.csv", b"1,2\n");
    local.put("train/b.csv", b"3,4\n");
    local.put("train/c.csv", &vec![b'x'; 200_000]);
    local.create(&piped("twice", &json!({})));
    local.ended("twice");
    // The first epoch is left after four bytes.
    assert_eq!(read(&local, "twice", 0), ["1,2\n"]);
    let whole = format!("1,2\n3,4\n{}", "x".repeat(200_000));
    assert!(read(&local, "twice", 1) == [whole]);
}

#[test]
fn objects_are_unpacked_wrapped_and_dealt_as_the_request_says() {
    let local = Local::start();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, b"5,6\n").unwrap();
    local.put("train/a.csv", &packed.finish().unwrap());
    let unpacked = json!({"CompressionType": "Gzip"});
    local.create(&piped("unpacked", &unpacked));
    local.ended("unpacked");
    assert_eq!(read(&local, "unpacked", 1), ["5,6\n"]);

    let objects: Vec<String> = (0..9).map(|it| format!("{it}")).collect();
    for object in &objects {
        local.put(&format!("many/{object}"), object.as_bytes());
    }
    let source = |distribution: &str| json!({"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bkt/many/", "S3DataDistributionType": distribution}});
    let shuffled = json!({"ShuffleConfig": {"Seed": 7}, "DataSource": source("FullyReplicated")});
    local.create(&piped("shuffled", &shuffled));
    local.ended("shuffled");
    let [epoch] = read(&local, "shuffled", 1).try_into().unwrap();
    let mut sorted: Vec<char> = epoch.chars().collect();
    sorted.sort_unstable();
    assert_eq!(sorted.into_iter().collect::<String>(), objects.concat());
    assert_ne!(epoch, objects.concat());

    let mut shared = piped("shared", &json!({"DataSource": source("ShardedByS3Key")}));
    shared["ResourceConfig"]["InstanceCount"] = json!(2);
    local.create(&shared);
    local.ended("shared");
    assert_eq!(read(&local, "shared", 1), ["02468", "1357"]);
}

#[test]
fn an_augmented_manifest_comes_attribute_by_attribute() {
    let local = Local::start();
    local.put("train/a.csv", b"1,2\n");
    local.put(
        "rows.jsonl",
        b"{\"row\": [1, 2.5], \"data-ref\": \"s3://bkt/train/a.csv\"}\n\n{\"row\": \"3,4\", \"data-ref\": \"s3://bkt/train/a.csv\"}\n",
    );
    let source = |names: &[&str], uri: &str| {
        let source =
            json!({"S3DataType": "AugmentedManifestFile", "S3Uri": uri, "AttributeNames": names});
        json!({"DataSource": {"S3DataSource": source}})
    };
    let both = source(&["row", "data-ref"], "s3://bkt/rows.jsonl");
    local.create(&piped("both", &both));
    local.ended("both");
    assert_eq!(read(&local, "both", 1), ["[1,2.5]1,2\n3,41,2\n"]);

    let gone = piped("gone", &source(&["nothing"], "s3://bkt/rows.jsonl"));
    let (_, message) = local.refused("CreateTrainingJob", &gone);
    assert!(
        message.contains("line 1: there is no attribute `nothing`"),
        "{message}"
    );
    let none = piped("none", &source(&[], "s3://bkt/rows.jsonl"));
    let (_, message) = local.refused("CreateTrainingJob", &none);
    assert!(message.contains("needs 1 to 16"), "{message}");
}

#[test]
fn what_goes_with_pipes_alone_is_refused_of_files() {
    let local = Local::start();
    for (key, value) in [
        ("RecordWrapperType", json!("RecordIO")),
        ("CompressionType", json!("Gzip")),
        ("ShuffleConfig", json!({"Seed": 1})),
    ] {
        let mut document = request("files", "ok");
        document["InputDataConfig"][0][key] = value;
        let (code, message) = local.refused("CreateTrainingJob", &document);
        assert_eq!(code, "ValidationException");
        assert!(
            message.contains(key) && message.contains("goes with input mode Pipe alone"),
            "{message}"
        );
    }
}
