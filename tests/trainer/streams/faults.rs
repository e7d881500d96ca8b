//! A store that is busy, breaks off, says nothing, changes or refuses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use contract::failure::FailureClass;
use trainer::store::Refusal;
use trainer::train::{Outcome, Streams};

use super::store::{Fate, MemoryStore};
use super::{job, model, run, run_until, streams};
use crate::content;

const CSV: &[(&str, &str, &str)] = &[("train", "s3://lake/t/", "csv")];
const GZIP: &[(&str, &str, &str)] = &[("train", "s3://lake/z/", "csv")];

/// A fate by how often the range failed before.
type ByFailures = fn(usize) -> Fate;

fn denied() -> Refusal {
    Refusal::Denied("AccessDenied: Access Denied".to_owned())
}

fn busy() -> Refusal {
    Refusal::Busy("SlowDown: Please reduce your request rate.".to_owned())
}

/// What the failure file says, and whose failure it is.
fn failure(streams: Streams) -> (FailureClass, String) {
    let failure = run(&job(), streams).unwrap_err().failure();
    (failure.class, failure.render())
}

#[test]
fn what_breaks_off_is_resumed_where_it_broke_off() {
    let table = content::csv(&content::table(120_000));
    let zipped = content::gzip(&table);
    let objects: [(&str, &[u8]); 2] = [("t/a.csv", &table), ("z/a.csv.gz", &zipped)];
    let expected = model(&job(), streams(&Arc::new(MemoryStore::new(&objects)), CSV));
    let fates: [(&str, ByFailures); 5] = [
        ("cut short", |n| Fate::CutShort(90_000 + n)),
        ("broken off", |n| Fate::BrokenOff(150_000 + n)),
        ("broken off at once", |n| {
            if n < 8 {
                Fate::BrokenOff(0)
            } else {
                Fate::Well
            }
        }),
        ("busy", |n| {
            if n < 9 {
                Fate::Refused(busy())
            } else {
                Fate::Well
            }
        }),
        (
            "too long",
            |n| if n < 2 { Fate::TooLong } else { Fate::Well },
        ),
    ];
    for (name, fate) in fates {
        for channels in [CSV, GZIP] {
            let store = MemoryStore::failing(&objects, move |it| fate(it.n_failed));
            let store = Arc::new(store);
            assert!(
                model(&job(), streams(&store, channels)) == expected,
                "{name}"
            );
            let attempts = store.attempts();
            assert!(attempts.iter().any(|it| it.n_failed > 0), "{name}");
            if name == "broken off" {
                let resumed = attempts.iter().filter(|it| it.n_failed > 0);
                let starts: Vec<u64> = resumed.map(|it| it.range.start).collect();
                assert!(starts.iter().all(|it| *it >= 150_000), "{starts:?}");
            }
        }
    }
}

#[test]
fn a_store_that_stays_busy_is_given_up_after_ten_attempts() {
    let table = content::csv(&content::table(100));
    let store = MemoryStore::failing(&[("t/a.csv", &table)], |_| Fate::Refused(busy()));
    let store = Arc::new(store);
    let (class, text) = failure(streams(&store, CSV));
    assert_eq!(class, FailureClass::PlatformError);
    assert!(
        text.starts_with(
            "PlatformError: cannot read `s3://lake/t/a.csv`, given up after 10 attempts: SlowDown: Please reduce"
        ),
        "{text}"
    );
    assert_eq!(store.attempts().len(), 10);
    let lists = MemoryStore::new(&[("t/a.csv", &table)]).refusing_lists(vec![busy(); 10]);
    let (class, text) = failure(streams(&Arc::new(lists), CSV));
    assert_eq!(class, FailureClass::PlatformError);
    assert!(
        text.contains("`s3://lake/t/`, given up after 10 attempts"),
        "{text}"
    );
    let lists = MemoryStore::new(&[("t/a.csv", &table)]).refusing_lists(vec![busy(); 9]);
    model(&job(), streams(&Arc::new(lists), CSV));
}

#[test]
fn a_trickle_is_progress_and_nothing_is_none() {
    let table = content::csv(&content::table(60_000));
    let objects: [(&str, &[u8]); 1] = [("t/a.csv", &table)];
    // Many more breaks than attempts, each behind some progress.
    let store = Arc::new(MemoryStore::failing(&objects, |_| Fate::BrokenOff(70_000)));
    model(&job(), streams(&store, CSV));
    assert!(store.attempts().iter().any(|it| it.n_failed > 10));
    let store = Arc::new(MemoryStore::failing(&objects, |_| Fate::BrokenOff(100)));
    let (class, text) = failure(streams(&store, CSV));
    assert_eq!(class, FailureClass::PlatformError);
    assert!(text.contains("connection reset"), "{text}");
}

#[test]
fn an_object_that_changes_meanwhile_is_named() {
    let table = content::csv(&content::table(120_000));
    let zipped = content::gzip(&table);
    let objects: [(&str, &[u8]); 2] = [("t/a.csv", &table), ("z/a.csv.gz", &zipped)];
    let parquet = content::parquet(&content::table(120_000));
    let of_parquet: [(&str, &[u8]); 1] = [("t/a.parquet", &parquet)];
    for (objects, channels, name) in [
        (&objects[..], CSV, "t/a.csv"),
        (&objects[..], GZIP, "z/a.csv.gz"),
        (
            &of_parquet[..],
            &[("train", "s3://lake/t/", "parquet")],
            "t/a.parquet",
        ),
    ] {
        // A small object comes with one answer, and cannot change behind it.
        let firsts = if channels == GZIP { 0..1 } else { 0..3 };
        for first_changed in firsts {
            let store = MemoryStore::failing(objects, move |it| match it.number {
                n if n < first_changed => Fate::Well,
                _ => Fate::Refused(Refusal::Changed),
            });
            let (class, text) = failure(streams(&Arc::new(store), channels));
            assert_eq!(class, FailureClass::UserError, "{text}");
            let said =
                format!("UserError: `s3://lake/{name}` was changed while it was read\nhint: ");
            assert!(text.starts_with(&said), "{text}");
        }
    }
}

#[test]
fn each_refusal_names_object_region_and_permission() {
    let table = content::csv(&content::table(100));
    let objects: [(&str, &[u8]); 1] = [("t/a.csv", &table)];
    for (refusal, expected) in [
        (
            denied(),
            &[
                "cannot read `s3://lake/t/a.csv`: s3:GetObject is denied in eu-west-1 (AccessDenied: Access Denied)",
                "kms:Decrypt",
            ][..],
        ),
        (
            Refusal::NoObject,
            &[
                "`s3://lake/t/a.csv` was deleted while it was read",
                "hint: ",
            ],
        ),
        (
            Refusal::Region(Some("us-east-2".to_owned())),
            &[
                "its bucket is in us-east-2, and the job asked in eu-west-1",
                "hint: run the job in us-east-2",
            ],
        ),
        (Refusal::Region(None), &["in another region than eu-west-1"]),
        (
            Refusal::Credentials("none".to_owned()),
            &["there are no credentials (none)", "network isolation"],
        ),
        (
            Refusal::Other("InvalidObjectState".to_owned()),
            &["cannot read `s3://lake/t/a.csv`: InvalidObjectState"],
        ),
    ] {
        let refused = refusal.clone();
        let store = MemoryStore::failing(&objects, move |_| Fate::Refused(refused.clone()));
        let store = Arc::new(store);
        let (class, text) = failure(streams(&store, CSV));
        assert_eq!(class, FailureClass::UserError, "{text}");
        assert!(expected.iter().all(|it| text.contains(it)), "{text}");
        // One more range may have been under way, but none was asked for twice.
        assert!(
            store.attempts().iter().all(|it| it.n_failed == 0),
            "{refusal:?}"
        );
    }
}

#[test]
fn a_prefix_that_cannot_be_listed_is_told_and_so_is_a_length_that_is_another() {
    let objects: [(&str, &[u8]); 1] = [("t/a.csv", b"1,2,3\n")];
    for (refusal, expected) in [
        (
            denied(),
            "cannot read `s3://lake/t/`: s3:ListBucket is denied in eu-west-1",
        ),
        (
            Refusal::NoBucket,
            "cannot read `s3://lake/t/`: there is no such bucket, asked in eu-west-1",
        ),
        (Refusal::NoRegion, "no region is given"),
        (Refusal::NoTag, "without an entity tag"),
    ] {
        let store = MemoryStore::new(&objects).refusing_lists(vec![refusal]);
        let (class, text) = failure(streams(&Arc::new(store), CSV));
        assert_eq!(class, FailureClass::UserError, "{text}");
        assert!(text.contains(expected), "{text}");
    }
    let length = Refusal::Length {
        found: 3,
        expected: 4,
    };
    let store = MemoryStore::failing(&objects, move |_| Fate::Refused(length.clone()));
    let (class, text) = failure(streams(&Arc::new(store), CSV));
    assert_eq!(class, FailureClass::PlatformError);
    assert!(text.contains("has 3 bytes, and 4 in the list"), "{text}");
}

#[test]
fn an_empty_prefix_and_a_program_without_a_store_say_so() {
    let store = Arc::new(MemoryStore::new(&[("other/a.csv", b"1,2\n")]));
    let (class, text) = failure(streams(&store, CSV));
    assert_eq!(class, FailureClass::UserError);
    assert!(
        text.starts_with("UserError: No data in training channel path s3://lake/t/\nhint: "),
        "{text}"
    );
    let without = Streams {
        store: None,
        ..streams(&store, CSV)
    };
    let (class, text) = failure(without);
    assert_eq!(class, FailureClass::UserError);
    assert!(text.contains("built without S3"), "{text}");
}

#[test]
fn silence_is_broken_and_a_stop_is_heard_in_it() {
    let table = content::csv(&content::table(60_000));
    let objects: [(&str, &[u8]); 1] = [("t/a.csv", &table)];
    let expected = model(&job(), streams(&Arc::new(MemoryStore::new(&objects)), CSV));
    let store = Arc::new(MemoryStore::failing(&objects, |it| match it.n_failed {
        0 => Fate::Silence,
        _ => Fate::Well,
    }));
    let mut impatient = streams(&store, CSV);
    impatient.policy.silence = Duration::from_millis(50);
    assert!(model(&job(), impatient) == expected);

    let store = Arc::new(MemoryStore::failing(&objects, |_| Fate::Silence));
    let mut patient = streams(&store, CSV);
    patient.policy.silence = Duration::from_hours(1);
    let stop = Arc::new(AtomicBool::new(false));
    let stopper = {
        let (stop, store) = (Arc::clone(&stop), Arc::clone(&store));
        thread::spawn(move || {
            while store.attempts().is_empty() {
                thread::sleep(Duration::from_millis(1));
            }
            stop.store(true, Ordering::SeqCst);
        })
    };
    let job = job();
    let outcome = run_until(&job, patient, &stop).unwrap();
    assert_eq!(outcome, Outcome::StoppedWithoutModel);
    assert!(!job.path("output/failure").exists());
    stopper.join().unwrap();
}
