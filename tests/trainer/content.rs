//! One table by every way that data comes in: the same model, byte for byte, on any number of threads.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::job::{Ended, Job, rows, send};
use crate::parquet_file::{Cells, file};
use crate::record;

const RECORDS: &str = "application/x-recordio-protobuf";
const JSON: &str = "application/jsonlines";
const CSV: &str = "text/csv";

/// A row: label and features, of which some are missing.
pub(crate) type Row = (f32, Vec<Option<f32>>);

pub(crate) fn table(n_rows: usize) -> Vec<Row> {
    let row = |(at, (label, features)): (usize, (f32, [f32; 3]))| {
        let cells = features.iter().enumerate();
        let cell = |(column, it): (usize, &f32)| (at % 11 != column).then_some(*it);
        (label, cells.map(cell).collect())
    };
    rows(n_rows).enumerate().map(row).collect()
}

fn lines(table: &[Row], line: impl Fn(&Row) -> String) -> Vec<u8> {
    let lines: String = table.iter().map(|row| line(row) + "\n").collect();
    lines.into_bytes()
}

pub(crate) fn csv(table: &[Row]) -> Vec<u8> {
    lines(table, |(label, cells)| {
        let cells = cells
            .iter()
            .map(|it| it.map_or(String::new(), |it| it.to_string()));
        format!("{label},{}", cells.collect::<Vec<_>>().join(","))
    })
}

pub(crate) fn libsvm(table: &[Row]) -> Vec<u8> {
    lines(table, |(label, cells)| {
        let cells = cells.iter().enumerate();
        let pairs = cells.filter_map(|(at, it)| it.map(|it| format!(" {at}:{it}")));
        format!("{label}{}", pairs.collect::<String>())
    })
}

fn json_cells(cells: &[Option<f32>]) -> String {
    let cells = cells
        .iter()
        .map(|it| it.map_or("null".to_owned(), |it| it.to_string()));
    cells.collect::<Vec<_>>().join(", ")
}

pub(crate) fn json_arrays(table: &[Row]) -> Vec<u8> {
    lines(table, |(label, cells)| {
        format!("[{label}, {}]", json_cells(cells))
    })
}

fn json_objects(table: &[Row]) -> Vec<u8> {
    lines(table, |(label, cells)| {
        format!(
            "{{\"features\": [{}], \"label\": {label}}}",
            json_cells(cells)
        )
    })
}

pub(crate) fn dense_records(table: &[Row]) -> Vec<u8> {
    let record = |(label, cells): &Row| {
        let cells: Vec<f32> = cells.iter().map(|it| it.unwrap_or(f32::NAN)).collect();
        record::dense(*label, &cells)
    };
    table.iter().flat_map(record).collect()
}

fn double_records(table: &[Row]) -> Vec<u8> {
    let record = |(label, cells): &Row| {
        let cells: Vec<f64> = cells
            .iter()
            .map(|it| it.map_or(f64::NAN, f64::from))
            .collect();
        record::record(
            &record::doubles(&[f64::from(*label)]),
            &record::doubles(&cells),
        )
    };
    table.iter().flat_map(record).collect()
}

fn sparse_records(table: &[Row]) -> Vec<u8> {
    let record = |(label, cells): &Row| {
        let present = cells.iter().enumerate();
        let present = present.filter_map(|(key, it)| it.map(|it| (key as u64, it)));
        let (keys, values): (Vec<u64>, Vec<f32>) = present.unzip();
        record::sparse(*label, &keys, &values, cells.len() as u64)
    };
    table.iter().flat_map(record).collect()
}

pub(crate) fn parquet(table: &[Row]) -> Vec<u8> {
    let column = |at: usize| Cells::Float(table.iter().map(|(_, cells)| cells[at]).collect());
    let labels = Cells::Float(table.iter().map(|(label, _)| Some(*label)).collect());
    let columns = "required float l; optional float a; optional float b; optional float c";
    file(columns, &[vec![labels, column(0), column(1), column(2)]])
}

/// Two members, the first of which ends in the middle of a row.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let member = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let (a, b) = bytes.split_at(bytes.len() / 3);
    [member(a), member(b)].concat()
}

/// Two frames.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let (a, b) = bytes.split_at(bytes.len() / 3);
    [a, b].map(|it| zstd::encode_all(it, 1).unwrap()).concat()
}

/// A job with `bytes` as its only training file.
fn of_file(content_type: &str, bytes: &[u8]) -> Job {
    let job = Job::new(&[("num_round", "3")]).channel("train", content_type, &[]);
    job.write("input/data/train/data", bytes);
    job
}

/// A job whose training channel is a pipe, and what writes `bytes` to it.
fn of_pipe(content_type: &str, wrapper: &str, bytes: Vec<u8>) -> (Job, JoinHandle<()>) {
    let job = Job::new(&[("num_round", "3")]).channel_config(
        "train",
        json!({"ContentType": content_type, "TrainingInputMode": "Pipe", "RecordWrapperType": wrapper}),
    );
    let writer = pipe(&job, "train_0", bytes);
    (job, writer)
}

fn pipe(job: &Job, name: &str, bytes: Vec<u8>) -> JoinHandle<()> {
    let path = job.path("input/data").join(name);
    make_pipe(&path);
    thread::spawn(move || {
        // Opening waits for the reader, who reads once: a second time would wait for ever.
        let mut pipe = OpenOptions::new().write(true).open(path).unwrap();
        // A job that fails closes the pipe.
        let _ = pipe.write_all(&bytes);
    })
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn piped(content_type: &str, wrapper: &str, bytes: Vec<u8>) -> Ended {
    let (job, writer) = of_pipe(content_type, wrapper, bytes);
    let ended = job.run();
    writer.join().unwrap();
    ended
}

#[test]
fn one_table_is_one_model_whatever_it_comes_as() {
    // More than a block of each format.
    let table = table(90_000);
    let plain = csv(&table);
    assert!(plain.len() > 1 << 20);
    let expected = of_file(CSV, &plain).set("nthread", "1").run().model();
    let (first, second) = table.split_at(40_000);
    let halves = [csv(first), csv(second)];
    let ways: Vec<(&str, &str, Vec<u8>)> = vec![
        ("csv.gz", CSV, gzip(&plain)),
        ("csv.zst", CSV, zstd(&plain)),
        ("libsvm", "text/libsvm", libsvm(&table)),
        ("libsvm.gz", "text/libsvm", gzip(&libsvm(&table))),
        ("arrays", JSON, json_arrays(&table)),
        ("objects", JSON, json_objects(&table)),
        ("objects.zst", JSON, zstd(&json_objects(&table))),
        ("dense records", RECORDS, dense_records(&table)),
        ("doubles", RECORDS, double_records(&table)),
        ("sparse records", RECORDS, sparse_records(&table)),
        ("records.gz", RECORDS, gzip(&dense_records(&table))),
    ];
    for nthread in ["1", "3"] {
        for (name, content_type, bytes) in &ways {
            let ended = of_file(content_type, bytes).set("nthread", nthread).run();
            assert!(ended.model() == expected, "{name} on {nthread} threads");
        }
        let pipes = [
            ("csv", CSV, "None", plain.clone()),
            ("gzip", CSV, "None", gzip(&plain)),
            ("records", RECORDS, "None", dense_records(&table)),
            (
                "objects",
                CSV,
                "RecordIO",
                halves.iter().flat_map(|it| record::frame(it)).collect(),
            ),
            (
                "gzip objects",
                CSV,
                "RecordIO",
                halves
                    .iter()
                    .flat_map(|it| record::frame(&gzip(it)))
                    .collect(),
            ),
        ];
        for (name, content_type, wrapper, bytes) in pipes {
            let (job, writer) = of_pipe(content_type, wrapper, bytes);
            let ended = job.set("nthread", nthread).run();
            writer.join().unwrap();
            assert!(
                ended.model() == expected,
                "pipe of {name} on {nthread} threads"
            );
        }
    }
    let named = of_file("application/x-parquet", &parquet(&table))
        .run()
        .model();
    let plain = of_file(CSV, &plain)
        .set("feature_names", "a,b,c")
        .run()
        .model();
    assert!(named == plain, "parquet");
}

#[test]
fn a_channel_of_plain_and_compressed_files_is_read_in_its_order() {
    let table = table(3000);
    let job = of_file(CSV, &csv(&table[..1000]));
    job.write("input/data/train/e.csv.gz", gzip(&csv(&table[1000..2000])));
    job.write("input/data/train/f.csv", csv(&table[2000..]));
    assert!(job.run().model() == of_file(CSV, &csv(&table)).run().model());
}

#[test]
fn both_channels_may_be_pipes_and_folds_join_a_pipe_and_a_file() {
    let table = table(600);
    let text = csv(&table);
    // A line end in quotes makes a reader of files start again, which a pipe cannot.
    let quoted = [&text[..], b"\"1\n\",2,3,4\n"].concat();
    let with = |validation: &[u8], settings: &[(&str, &str)], pipes: &[&str]| {
        let config = |name: &str| {
            let mode = if pipes.contains(&name) {
                "Pipe"
            } else {
                "File"
            };
            json!({"ContentType": CSV, "TrainingInputMode": mode})
        };
        let job = Job::new(&[("num_round", "3")])
            .channel_config("train", config("train"))
            .channel_config("validation", config("validation"));
        let job = settings
            .iter()
            .fold(job, |job, (name, value)| job.set(name, value));
        let mut writers = Vec::new();
        for (name, bytes) in [("train", &text[..]), ("validation", validation)] {
            if pipes.contains(&name) {
                writers.push(pipe(&job, &format!("{name}_0"), bytes.to_vec()));
            } else {
                job.write(&format!("input/data/{name}/data"), bytes);
            }
        }
        let ended = job.run();
        for writer in writers {
            writer.join().unwrap();
        }
        assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
        ended.stdout
    };
    let files = with(&text, &[], &[]);
    assert_eq!(with(&text, &[], &["train", "validation"]), files);
    let folds = [("_kfold", "3")];
    let files = with(&quoted, &folds, &[]);
    for pipes in [&["train"][..], &["validation"], &["train", "validation"]] {
        assert_eq!(with(&quoted, &folds, pipes), files, "{pipes:?}");
    }
}

#[test]
fn a_job_that_waits_for_its_pipe_can_be_stopped() {
    let job = Job::new(&[("num_round", "3")]).channel_config(
        "train",
        json!({"ContentType": CSV, "TrainingInputMode": "Pipe"}),
    );
    make_pipe(&job.path("input/data/train_0"));
    let child = job.start();
    thread::sleep(Duration::from_millis(500));
    let start = Instant::now();
    send("-TERM", &child);
    let ended = job.wait(child);
    assert_eq!(ended.exit_code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.read("model/xgboost-model"), None);
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn what_csv_says_of_columns_holds_for_dense_records_and_json() {
    let table: Vec<Row> = rows(400)
        .enumerate()
        .map(|(at, (label, [a, b, c]))| {
            let weight = 1.0 + (at % 3) as f32;
            (label, vec![Some(weight), Some(a), Some(b), Some(c)])
        })
        .collect();
    let settings = [("csv_weights", "1"), ("base_margin_columns", "4")];
    let of = |content_type: &str, bytes: &[u8]| {
        let job = of_file(content_type, bytes);
        let job = settings
            .iter()
            .fold(job, |job, (name, value)| job.set(name, value));
        job.run().model()
    };
    let expected = of(CSV, &csv(&table));
    assert!(of(RECORDS, &dense_records(&table)) == expected);
    assert!(of(JSON, &json_arrays(&table)) == expected);
    let objects = lines(&table, |(label, cells)| {
        let weight = cells[0].unwrap();
        let features = json_cells(&cells[1..]);
        format!(
            "{{\"weight\": {weight}, \"label\": {label}, \"features\": {{\"values\": [{features}]}}}}"
        )
    });
    assert!(of(JSON, &objects) == expected);
    // Queries whose numbers are neighbours as 32-bit floating point.
    let ranked: Vec<(f64, f64, f64)> = (0..60)
        .map(|at| {
            (
                f64::from(at % 3),
                16_777_216.0 + f64::from(at / 6),
                f64::from(at % 7),
            )
        })
        .collect();
    let ranking = |content_type: &str, bytes: &[u8]| {
        let job = of_file(content_type, bytes).set("objective", "rank:ndcg");
        job.set("qid_column", "1").run().model()
    };
    let text: String = ranked
        .iter()
        .map(|(l, q, x)| format!("{l},{q},{x}\n"))
        .collect::<Vec<_>>()
        .concat();
    let json: String = ranked
        .iter()
        .map(|(l, q, x)| format!("[{l},{q},{x}]\n"))
        .collect::<Vec<_>>()
        .concat();
    let record = |(l, q, x): &(f64, f64, f64)| {
        record::record(&record::doubles(&[*l]), &record::doubles(&[*q, *x]))
    };
    let records: Vec<u8> = ranked.iter().flat_map(record).collect();
    let expected = ranking(CSV, text.as_bytes());
    assert!(ranking(JSON, json.as_bytes()) == expected);
    assert!(ranking(RECORDS, &records) == expected);
}

#[test]
fn dense_records_and_json_may_have_several_labels() {
    let table: Vec<Row> = rows(300)
        .map(|(label, cells)| (label, cells.map(Some).to_vec()))
        .collect();
    let of = |content_type: &str, bytes: &[u8]| {
        let job = of_file(content_type, bytes).set("label_columns", "0,2");
        job.run().model()
    };
    let expected = of(CSV, &csv(&table));
    assert!(of(RECORDS, &dense_records(&table)) == expected);
    assert!(of(JSON, &json_arrays(&table)) == expected);
    let job = of_file(RECORDS, &sparse_records(&table)).set("label_columns", "0,2");
    let reason = job.run().reason();
    assert!(
        reason.ends_with("Hyperparameter label_columns: sparse records have no column for it"),
        "{reason}"
    );
}

#[test]
fn records_are_read_as_protobuf_allows_them() {
    let label = |it: f32| record::floats(&[it], &[], &[]);
    let rows = [(1.0, [1.0, 2.0]), (2.0, [3.0, 4.0]), (3.0, [5.0, 6.0])];
    let expected: String = rows
        .iter()
        .map(|(l, [a, b])| format!("{l},{a},{b}\n"))
        .collect::<Vec<_>>()
        .concat();
    let expected = of_file(CSV, expected.as_bytes()).run().model();
    // Whole numbers; fields in another order, with one that is unknown; a record in parts.
    let first = record::record(&record::ints(&[1]), &record::ints(&[1, 2]));
    let second = [
        record::entry(2, "values", &label(2.0)),
        record::field(3, b"uid"),
        record::field(77, b"from a later version"),
        record::entry(1, "other", b""),
        record::entry(1, "values", &record::floats(&[3.0, 4.0], &[], &[1, 2])),
    ];
    // The writer takes a magic word out of the bytes, and cuts the record there.
    let mut third = [
        record::entry(1, "values", &record::floats(&[5.0, 6.0], &[], &[])),
        record::entry(2, "values", &label(3.0)),
    ]
    .concat();
    third.extend(record::field(3, &[0x0a, 0x23, 0xd7, 0xce, b'x']));
    let (before, behind) = third.split_at(third.len() - 5);
    let third = record::frame_in_parts(&[before, &behind[4..]]);
    let whole = [first, record::frame(&second.concat()), third].concat();
    assert!(of_file(RECORDS, &whole).run().model() == expected);
}

#[test]
fn sparse_records_have_the_width_of_their_shape_and_may_be_empty() {
    let records = [
        record::sparse(1.0, &[], &[], 5),
        record::sparse(2.0, &[2, 0], &[1.0, 3.0], 5),
        record::frame(&record::entry(
            2,
            "values",
            &record::floats(&[3.0], &[], &[]),
        )),
    ];
    let ended = of_file(RECORDS, &records.concat()).run();
    ended.model();
    let evaluation = ended.json("output/data/evaluation.json");
    let train = &evaluation["data"][0];
    assert_eq!((&train["rows"], &train["columns"]), (&json!(3), &json!(5)));
}

#[test]
fn rows_that_do_not_fit_are_left_out_where_the_job_says_so() {
    let good = "1,2\n2,3\n3,5\n4,1\n5,2\n";
    let cases: Vec<(&str, Vec<u8>, u64, &str)> = vec![
        (
            CSV,
            b"label,x\n1,2\n2,3\nx,1\n3,5\n4,1,9\n5,2\n4,1\n".to_vec(),
            3,
            "train/data, line 1, column 1: text `label` where the first label is expected",
        ),
        (
            CSV,
            b"1,2\n2,3\n,1\n3,5\n4,\"1\"x\n4,1\n5,2\n".to_vec(),
            2,
            "train/data, line 3, column 1: the label is missing",
        ),
        (
            "text/libsvm",
            b"1 0:2\n2 0:3\n3 0:5\n4 0:1 1\n4 0:1\n5 0:2\n".to_vec(),
            1,
            "train/data, line 4: `1` is not a pair",
        ),
        (
            JSON,
            b"[1,2]\n[2,3]\nnone\n[3,5]\n[1,2,3]\n[4,1]\n[5,2]".to_vec(),
            2,
            "train/data, line 3: `none` where `[` or `{` is expected",
        ),
        (
            RECORDS,
            [
                record::dense(1.0, &[2.0]),
                record::dense(2.0, &[3.0]),
                record::dense(2.0, &[3.0, 4.0]),
                record::frame(b"nonsense"),
                record::dense(3.0, &[5.0]),
                record::dense(4.0, &[1.0]),
                record::dense(5.0, &[2.0]),
            ]
            .concat(),
            2,
            "train/data, record 3: 2 features, expected 1",
        ),
    ];
    let expected = of_file(CSV, good.as_bytes())
        .set("on_bad_row", "skip")
        .run();
    let train = &expected.json("output/data/evaluation.json")["data"][0];
    assert_eq!(train["skipped_rows"], json!(null));
    for (content_type, bytes, n_skipped, first) in cases {
        let job = of_file(content_type, &bytes).set("on_bad_row", "skip");
        let ended = job.run();
        let train = &ended.json("output/data/evaluation.json")["data"][0];
        assert_eq!(
            (&train["rows"], &train["skipped_rows"]),
            (&json!(5), &json!(n_skipped))
        );
        let told = format!("left out {n_skipped} rows that do not fit; the first: {first}");
        assert!(ended.stderr.contains(&told), "{told}\n{}", ended.stderr);
    }
}

#[test]
fn what_was_left_out_is_the_same_on_any_number_of_threads() {
    let mut text = csv(&table(100_000));
    text.extend_from_slice(b"1,x,2,3\n");
    let (mut seen, line_ends) = (0, text.clone());
    for (at, _) in line_ends.iter().enumerate().filter(|(_, it)| **it == b'\n') {
        seen += 1;
        if seen % 20_011 == 0 && at + 1 < text.len() {
            text[at + 1] = b'x';
        }
    }
    let of = |nthread: &str| {
        let ended = of_file(CSV, &text)
            .set("on_bad_row", "skip")
            .set("nthread", nthread)
            .run();
        let told = ended
            .stderr
            .lines()
            .find(|it| it.contains("left out"))
            .map(|it| it.split_once("channel").unwrap_or_default().1.to_owned());
        (ended.model(), told.unwrap())
    };
    let one = of("1");
    assert!(one.1.contains("left out 5 rows"), "{}", one.1);
    assert!(one.1.contains("line 20012, column 1"), "{}", one.1);
    assert!(of("3") == one);
}

#[test]
fn an_empty_pipe_is_a_channel_without_data() {
    for wrapper in ["None", "RecordIO"] {
        let reason = piped(CSV, wrapper, Vec::new()).reason();
        assert!(
            reason.starts_with("UserError: No data in training channel path "),
            "{reason}"
        );
        assert!(reason.ends_with("/input/data/train_0"), "{reason}");
    }
}

#[test]
fn an_archive_that_unpacks_to_a_gigabyte_takes_the_memory_of_a_block() {
    // 1 GB of blank lines.
    let job = of_file(CSV, b"1,2\n2,3\n");
    let blank = vec![b'\n'; 64 << 20];
    let member = zstd::encode_all(&blank[..], 1).unwrap();
    job.write("input/data/train/z.csv.zst", member.repeat(16));
    let mut child = job.start();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|it| it.starts_with("VmHWM"));
        let kib = line.and_then(|it| it.split_whitespace().nth(1)?.parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or_default());
        thread::sleep(Duration::from_millis(20));
    }
    job.wait(child).model();
    assert!(peak > 0 && peak < 300 << 10, "{peak} KiB");
}
