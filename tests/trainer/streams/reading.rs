//! What a store holds is what a disk would have held.

use std::fs;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use trainer::store::download::{Downloads, REQUESTS, RemoteObject};
use trainer::store::in_turn::{AHEAD_BYTES, InTurn};
use trainer::store::kept::Kept;
use trainer::store::listing;
use trainer::store::windows::Windows;
use trainer::train::Streams;

use super::store::{Fate, MemoryStore};
use super::{job, model, policy, streams};
use crate::content::{self, Row};
use crate::job::Job;
use crate::parquet_file::{Cells, file};

/// The model of the objects below `t/` as files on a disk.
fn on_disk(content_type: &str, objects: &[(&str, &[u8])]) -> Vec<u8> {
    let job = Job::new(&[("num_round", "3"), ("nthread", "2")]).channel("train", content_type, &[]);
    for (key, bytes) in objects {
        let below = key.strip_prefix("t/").unwrap();
        if below.is_empty() || below.ends_with('/') {
            fs::create_dir_all(job.path("input/data/train").join(below)).unwrap();
        } else {
            job.write(&format!("input/data/train/{below}"), bytes);
        }
    }
    job.write_documents();
    model(&job, Streams::default())
}

/// Three row groups.
fn parquet(table: &[Row]) -> Vec<u8> {
    let groups: Vec<Vec<Cells>> = table
        .chunks(table.len().div_ceil(3))
        .map(|table| {
            let column =
                |at: usize| Cells::Float(table.iter().map(|(_, cells)| cells[at]).collect());
            let labels = Cells::Float(table.iter().map(|(label, _)| Some(*label)).collect());
            vec![labels, column(0), column(1), column(2)]
        })
        .collect();
    let columns = "required float l; optional float a; optional float b; optional float c";
    file(columns, &groups)
}

#[test]
fn every_content_type_gives_the_model_that_files_give() {
    // Several blocks of each format, in two objects.
    let table = content::table(160_000);
    let (first, second) = table.split_at(100_000);
    let csv = [content::csv(first), content::csv(second)];
    assert!(csv[0].len() > 1 << 20);
    let both = |of: &dyn Fn(&[Row]) -> Vec<u8>| [of(first), of(second)];
    let ways: Vec<(&str, &str, [Vec<u8>; 2])> = vec![
        ("csv", "text/csv", csv.clone()),
        ("libsvm", "text/libsvm", both(&content::libsvm)),
        (
            "lines of JSON",
            "application/jsonlines",
            both(&content::json_arrays),
        ),
        (
            "records",
            "application/x-recordio-protobuf",
            both(&content::dense_records),
        ),
        ("parquet", "application/x-parquet", both(&parquet)),
        (
            "csv.gz",
            "text/csv",
            csv.clone().map(|it| content::gzip(&it)),
        ),
        ("csv.zst", "text/csv", csv.map(|it| content::zstd(&it))),
    ];
    let mut expected = Vec::new();
    for (name, content_type, [a, b]) in &ways {
        let objects: [(&str, &[u8]); 2] = [("t/a", a), ("t/b", b)];
        let files = on_disk(content_type, &objects);
        let store = Arc::new(MemoryStore::new(&objects));
        let channels = [("train", "s3://lake/t/", *content_type)];
        let remote = model(&job(), streams(&store, &channels));
        assert!(remote == files, "{name}");
        let most = store.most_under_way.load(Ordering::SeqCst);
        assert!(most <= REQUESTS, "{name}: {most} at a time");
        if *name == "csv" {
            assert!(most > 1, "one after the other");
            expected = files;
        } else if *name != "parquet" {
            assert!(files == expected, "{name}");
        }
    }
}

#[test]
fn objects_are_those_of_file_mode_in_its_order() {
    let rows = |n: u32| -> Vec<u8> {
        let row = |it: u32| format!("{},{it},{}\n", (it * n) % 7, it * it % n);
        (0..40).map(row).collect::<String>().into_bytes()
    };
    let tables: Vec<Vec<u8>> = (3..9).map(rows).collect();
    // By bytes `a-b/x` comes before `a/x`, by paths behind it.
    let objects: Vec<(&str, &[u8])> = vec![
        ("t/", b""),
        ("t/a-b/x.csv", &tables[0]),
        ("t/a/x.csv", &tables[1]),
        ("t/a.csv", &tables[2]),
        ("t/folder/", b""),
        ("t/_SUCCESS", b"text"),
        ("t/_temporary/part.csv", b"text"),
        ("t/.hidden.csv", b"text"),
        ("t/b/.ipynb_checkpoints/c.csv", b"text"),
        ("t/empty.csv", b""),
        ("t/z.csv", &tables[3]),
    ];
    let store = Arc::new(MemoryStore::new(&objects));
    let channels = [("train", "s3://lake/t/", "text/csv")];
    let remote = model(&job(), streams(&store, &channels));
    assert!(remote == on_disk("text/csv", &objects));
    let stop = Arc::new(AtomicBool::new(false));
    let downloads = Downloads::new(Arc::clone(&store) as _, policy(), stop).unwrap();
    let found = listing::list("train", &"s3://lake/t/".parse().unwrap(), &downloads).unwrap();
    let names: Vec<&str> = found.files.iter().map(|it| &*it.object).collect();
    let expected = [
        "train/a/x.csv",
        "train/a-b/x.csv",
        "train/a.csv",
        "train/z.csv",
    ];
    assert_eq!(names, expected);
    assert_eq!(found.files[0].path.to_str(), Some("s3://lake/t/a/x.csv"));
    let hidden: Vec<String> = found
        .hidden
        .iter()
        .map(|it| it.display().to_string())
        .collect();
    assert_eq!(
        hidden,
        [
            "s3://lake/t/.hidden.csv",
            "s3://lake/t/b/.ipynb_checkpoints"
        ]
    );
    // A prefix that ends inside a name, and one that is an object.
    for (prefix, expected) in [
        (
            "s3://lake/t/a",
            &["train/a-b/x.csv", "train/a.csv", "train/x.csv"][..],
        ),
        ("s3://lake/t/z.csv", &["train/z.csv"]),
    ] {
        let found = listing::list("train", &prefix.parse().unwrap(), &downloads).unwrap();
        let names: Vec<&str> = found.files.iter().map(|it| &*it.object).collect();
        assert_eq!(names, expected, "{prefix}");
    }
}

#[test]
fn thousands_of_objects_are_listed_page_by_page() {
    let keys: Vec<String> = (0..2500).map(|it| format!("t/part-{it:05}.csv")).collect();
    let objects: Vec<(&str, &[u8])> = keys
        .iter()
        .map(|it| (it.as_str(), &b"1,2,3\n4,5,6\n"[..]))
        .collect();
    let store = Arc::new(MemoryStore::new(&objects));
    let channels = [("train", "s3://lake/t/part", "csv")];
    let remote = model(&job(), streams(&store, &channels));
    assert_eq!(store.n_lists.load(Ordering::SeqCst), 3);
    assert!(remote == on_disk("text/csv", &objects));
}

#[test]
fn a_validation_channel_and_a_model_may_be_in_the_store_too() {
    let table = content::csv(&content::table(2000));
    let first = model(
        &job(),
        streams(
            &Arc::new(MemoryStore::new(&[("t/a.csv", &table)])),
            &[("train", "s3://lake/t/", "csv")],
        ),
    );
    let objects: [(&str, &[u8]); 3] = [
        ("m/xgboost-model", &first),
        ("t/a.csv", &table),
        ("v/a.csv", &table),
    ];
    let store = Arc::new(MemoryStore::new(&objects));
    let channels = [
        ("model", "s3://lake/m/", ""),
        ("train", "s3://lake/t/", "csv"),
        ("validation", "s3://lake/v/", ""),
    ];
    let remote = model(&job(), streams(&store, &channels));
    let on_disk = Job::new(&[("num_round", "3"), ("nthread", "2")])
        .channel("train", "text/csv", &[])
        .channel("validation", "text/csv", &[])
        .channel("model", "application/x-xgboost-model", &[]);
    on_disk.write("input/data/train/a.csv", &table);
    on_disk.write("input/data/validation/a.csv", &table);
    on_disk.write("input/data/model/xgboost-model", &first);
    on_disk.write_documents();
    assert!(remote == model(&on_disk, Streams::default()));
}

#[test]
fn a_mistake_in_an_object_is_told_with_its_line() {
    let mut table = content::csv(&content::table(150_000));
    table.extend_from_slice(b"1,2,what\n");
    let store = Arc::new(MemoryStore::new(&[("t/a.csv", &table)]));
    let channels = [("train", "s3://lake/t/", "csv")];
    let err = super::run(&job(), streams(&store, &channels)).unwrap_err();
    let said = err.failure().render();
    let place = "UserError: train/a.csv, line 150001, column 3: ";
    assert!(said.starts_with(place), "{said}");
}

#[test]
fn little_is_asked_for_before_it_is_used() {
    let bytes = vec![7; 96 << 20];
    let store = Arc::new(MemoryStore::new(&[("t/a", &bytes[..]), ("t/b", b"second")]));
    let stop = Arc::new(AtomicBool::new(false));
    let downloads = Downloads::new(Arc::clone(&store) as _, policy(), stop).unwrap();
    let objects = downloads.list(&"s3://lake/t/".parse().unwrap()).unwrap();
    let objects = objects
        .into_iter()
        .map(|it| RemoteObject::new(&downloads, it));
    let in_turn = InTurn::new(objects.collect());
    let (mut first, mut buffer, mut n_read) = (in_turn.next_object(), vec![0; 1 << 20], 0);
    while n_read < bytes.len() {
        let n_more = first.read(&mut buffer).unwrap();
        assert!(n_more > 0 && buffer[..n_more].iter().all(|&it| it == 7));
        n_read += n_more;
        let n_asked = store.n_bytes.load(Ordering::SeqCst);
        let most = if n_read <= 1 << 20 {
            8 << 20
        } else {
            n_read + 2 * AHEAD_BYTES
        };
        assert!(n_asked <= most, "{n_asked} bytes asked for, {n_read} used");
    }
    assert_eq!(first.read(&mut buffer).unwrap(), 0);
    let mut second = String::new();
    in_turn.next_object().read_to_string(&mut second).unwrap();
    assert_eq!(second, "second");
}

/// The first object below `t/`.
fn first_of(store: &Arc<MemoryStore>) -> RemoteObject {
    let stop = Arc::new(AtomicBool::new(false));
    let downloads = Downloads::new(Arc::clone(store) as _, policy(), stop).unwrap();
    let versions = downloads.list(&"s3://lake/t/".parse().unwrap()).unwrap();
    RemoteObject::new(&downloads, versions[0].clone())
}

#[test]
fn pieces_of_a_part_are_the_objects_bytes() {
    let bytes: Vec<u8> = (0..10_000_u32).map(|it| (it * it % 251) as u8).collect();
    let store = Arc::new(MemoryStore::failing(&[("t/a", &bytes)], |it| {
        match it.number % 3 {
            0 => Fate::BrokenOff(7),
            _ => Fate::Well,
        }
    }));
    let object = first_of(&store);
    let mut seed = 1_u64;
    let mut random = |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for window_bytes in [1000, 3333] {
        let forward = Windows::forward(object.clone(), 500..9500, window_bytes);
        let whole = Windows::whole(object.clone(), 500..9500, window_bytes);
        let mut at = 500;
        while at < 9500 {
            let n_bytes = 1 + random(4000);
            let end = (at + n_bytes).min(9500);
            let expected = &bytes[at as usize..end as usize];
            assert_eq!(
                forward.read(at..at + n_bytes).unwrap(),
                expected,
                "{at} {n_bytes}"
            );
            let anywhere = 500 + random(9000);
            let end = (anywhere + n_bytes).min(9500);
            let expected = &bytes[anywhere as usize..end as usize];
            assert_eq!(whole.read(anywhere..anywhere + n_bytes).unwrap(), expected);
            // A little back, as behind a page's header that was shorter than what was read of it.
            at += random(n_bytes + 1);
        }
        assert_eq!(forward.read(600..650).unwrap(), &bytes[600..650]);
    }
}

#[test]
fn what_was_read_for_a_sample_is_not_asked_for_again() {
    let bytes: Vec<u8> = (0..10_000_u32).map(|it| (it * it % 251) as u8).collect();
    let store = Arc::new(MemoryStore::new(&[("t/a", &bytes)]));
    let object = first_of(&store);
    let n_asked = || store.n_bytes.load(Ordering::SeqCst);
    let read = |object: &RemoteObject| {
        let before = n_asked();
        for windows in [Windows::forward, Windows::whole] {
            let windows = windows(object.clone(), 0..5000, 1000);
            for at in (0..5000).step_by(500) {
                let expected = &bytes[at as usize..at as usize + 500];
                assert_eq!(windows.read(at..at + 500).unwrap(), expected);
            }
        }
        n_asked() - before
    };
    assert_eq!(read(&object), 10_000);
    let kept = Arc::new(Kept::new(10_000));
    assert_eq!(read(&object.keeping(&kept)), 5000);
    kept.only_hand_out();
    assert_eq!(read(&object.keeping(&kept)), 5000);
    assert_eq!(read(&object.keeping(&kept)), 10_000);
    // Room for two windows.
    let kept = Arc::new(Kept::new(2000));
    assert_eq!(read(&object.keeping(&kept)), 8000);
}

#[test]
fn what_a_sample_passes_over_is_asked_for_once() {
    let bytes: Vec<u8> = (0..10_000_u32).map(|it| (it * it % 251) as u8).collect();
    let store = Arc::new(MemoryStore::new(&[("t/a", &bytes)]));
    let kept = Arc::new(Kept::new(10_000));
    let object = first_of(&store).keeping(&kept);
    let parts = || (0..10_000_u64).step_by(2500);
    for at in parts() {
        let windows = Windows::forward(object.clone(), at..at + 2500, 500);
        windows.read(at..at + 10).unwrap();
        windows.read(at + 2000..at + 2010).unwrap();
    }
    kept.only_hand_out();
    for at in parts() {
        let windows = Windows::forward(object.clone(), at..at + 2500, 500);
        let expected = &bytes[at as usize..at as usize + 2500];
        assert_eq!(windows.read(at..at + 2500).unwrap(), expected);
    }
    assert_eq!(store.n_bytes.load(Ordering::SeqCst), 10_000);
}
