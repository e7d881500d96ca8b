//! Channels that must be refused, by every way but plain files: each reason names the object, the row and what is allowed.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Command;
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::bad_input::check;
use crate::job::{Job, table};
use crate::record::{dense, doubles, entry, field, floats, frame, frame_in_parts, record, sparse};

const RECORDS: &str = "application/x-recordio-protobuf";

fn of_file(content_type: &str, name: &str, bytes: &[u8]) -> Job {
    let job = Job::new(&[("num_round", "2")]).channel("train", content_type, &[]);
    job.write(&format!("input/data/train/{name}"), bytes);
    job
}

fn records(bytes: &[Vec<u8>]) -> Job {
    of_file(RECORDS, "r", &bytes.concat())
}

fn json_lines(text: &str) -> Job {
    of_file("application/jsonlines", "j", text.as_bytes())
}

fn csv(name: &str, bytes: &[u8]) -> Job {
    of_file("text/csv", name, bytes)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// A job whose training channel is a pipe of these bytes. What writes them ends when the job closes the pipe.
fn piped(content_type: &str, wrapper: &str, bytes: Vec<u8>) -> Job {
    let job = Job::new(&[("num_round", "2")]).channel_config(
        "train",
        json!({"ContentType": content_type, "TrainingInputMode": "Pipe", "RecordWrapperType": wrapper}),
    );
    let path = job.path("input/data/train_0");
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    thread::spawn(move || {
        let mut pipe = OpenOptions::new().write(true).open(path).unwrap();
        let _ = pipe.write_all(&bytes);
    });
    job
}

fn one() -> Vec<u8> {
    dense(1.0, &[2.0, 3.0])
}

fn label(value: f32) -> Vec<u8> {
    floats(&[value], &[], &[])
}

#[test]
fn frames_that_are_none() {
    let cut = |bytes: Vec<u8>, n_bytes: usize| bytes[..bytes.len() - n_bytes].to_vec();
    check(vec![
        (
            records(&[b"1,2\n3,4\n".to_vec()]),
            "UserError: train/r, record 1: the record starts with 31 2c 32 0a, expected RecordIO's magic word 0a 23 d7 ce",
        ),
        (
            records(&[one(), b"x".to_vec()]),
            "UserError: train/r, record 2: the bytes end in the middle of the record: 1 of 8 bytes are there",
        ),
        (
            records(&[one(), cut(one(), 5)]),
            "UserError: train/r, record 2: the bytes end in the middle of the record: 47 of 52 bytes are there",
        ),
        (
            records(&[one(), one()[..3].to_vec()]),
            "UserError: train/r, record 2: the bytes end in the middle of the record: 3 of 8 bytes are there",
        ),
        (
            records(&[one(), vec![0x0a, 0x23, 0xd7, 0xce, 0xff, 0xff, 0xff, 0x1f]]),
            "UserError: train/r, record 2: the record says that it has 536870920 bytes or more, allowed are up to 67108864",
        ),
        (
            records(&[one(), frame_in_parts(&[b"a", b"b"])[12..].to_vec()]),
            "UserError: train/r, record 2: a part of a record of several parts comes without its beginning, …",
        ),
        (
            records(&[frame_in_parts(&[b"a", b"b"])[..12].to_vec(), one()]),
            "UserError: train/r, record 1: a part of a record of several parts …",
        ),
        (
            records(&[one(), vec![0x0a, 0x23, 0xd7, 0xce, 0, 0, 0, 0xe0]]),
            "UserError: train/r, record 2: a part of a record of several parts …",
        ),
        (
            csv("r", &one()),
            "UserError: train/r is a RecordIO file, expected plain UTF-8 text",
        ),
    ]);
}

#[test]
fn messages_that_are_no_records() {
    let says = |expected: &str| {
        format!("UserError: train/r, record 2: this is not aialgs.data.Record: {expected}")
    };
    let long = says("a field says that it is longer than its message");
    let other = says("a field has another type than the message says");
    let number = says("a number does not end within its message or within ten bytes");
    let half = says("a tensor ends in the middle of a number");
    let zero = says("a field has the number 0");
    let group = says("a field has a type that protobuf 2 and 3 do not write");
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (frame(&[0x0a, 0x7f, 1]), &long),
        (
            frame(&[
                0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
            ]),
            &long,
        ),
        (frame(&[0x0d, 1]), &long),
        (frame(&[0x08, 1]), &other),
        (frame(&[0x80; 11]), &number),
        (frame(&[0x02, 0]), &zero),
        (frame(&[0x0b]), &group),
        (record(&label(1.0), &field(2, &field(1, &[0; 7]))), &half),
        (record(&label(1.0), &field(3, &field(1, &[0; 12]))), &half),
        (record(&label(1.0), &field(7, &field(1, &[0xff]))), &number),
        (record(&label(1.0), &field(2, &[0x08, 1])), &other),
        (record(&label(1.0), &field(2, &field(2, &[0x80]))), &number),
    ];
    let cases = cases
        .into_iter()
        .map(|(bytes, expected)| (records(&[one(), bytes]), expected));
    check(cases.collect());
}

#[test]
fn records_that_do_not_fit() {
    let features = |values: &[f32]| entry(1, "values", &floats(values, &[], &[]));
    let unlabelled = || frame(&features(&[1.0, 2.0]));
    check(vec![
        (
            records(&[one(), unlabelled()]),
            "UserError: train/r, record 2, column 1: the label is missing, every row needs one",
        ),
        (
            records(&[one(), dense(f32::NAN, &[2.0, 3.0])]),
            "UserError: train/r, record 2, column 1: the label is missing, every row needs one",
        ),
        (
            records(&[record(&floats(&[1.0, 2.0], &[], &[]), &label(3.0))]),
            "UserError: train/r, record 1, column 1: the label has 2 numbers, expected one",
        ),
        (
            records(&[one(), dense(f32::INFINITY, &[2.0, 3.0])]),
            "UserError: train/r, record 2, column 1: `inf` is infinite or beyond 32-bit floating point, …",
        ),
        (
            records(&[one(), dense(1.0, &[2.0, f32::NEG_INFINITY])]),
            "UserError: train/r, record 2, column 3: `-inf` is infinite or beyond 32-bit floating point, …",
        ),
        (
            records(&[one(), record(&label(1.0), &doubles(&[1.0, 1e39]))]),
            "UserError: train/r, record 2, column 3: `inf` is infinite or beyond 32-bit floating point, …",
        ),
        (
            records(&[one(), dense(1.0, &[2.0])]),
            "UserError: train/r, record 2: 1 features, expected 2 as in train/r, record 1",
        ),
    ]);
}

#[test]
fn records_whose_keys_and_shapes_do_not_fit() {
    let wide = sparse(1.0, &[1], &[2.0], 4);
    check(vec![
        (
            records(&[one(), wide.clone()]),
            "UserError: train/r, record 2: the record is sparse, while train/r, record 1 is dense",
        ),
        (
            records(&[wide.clone(), one()]),
            "UserError: train/r, record 2: the record is dense, while train/r, record 1 is sparse",
        ),
        (
            records(&[wide.clone(), sparse(1.0, &[1], &[2.0], 5)]),
            "UserError: train/r, record 2: 5 features, expected 4 as in train/r, record 1",
        ),
        (
            records(&[wide.clone(), sparse(1.0, &[4], &[2.0], 4)]),
            "UserError: train/r, record 2: key 4 is not a column, allowed are whole numbers from 0 to 3",
        ),
        (
            records(&[wide.clone(), sparse(1.0, &[2, 1, 2], &[2.0; 3], 4)]),
            "UserError: train/r, record 2: key 2 is there twice",
        ),
        (
            records(&[wide.clone(), sparse(1.0, &[1, 2], &[2.0], 4)]),
            "UserError: train/r, record 2: 2 keys for 1 values",
        ),
        (
            records(&[wide.clone(), sparse(1.0, &[1], &[f32::INFINITY], 4)]),
            "UserError: train/r, record 2, column 3: `inf` is infinite or beyond 32-bit floating point, …",
        ),
        (
            records(&[sparse(1.0, &[1], &[2.0], 1 << 40)]),
            "UserError: train/r, record 1: 1099511627776 columns, allowed are up to 1048576",
        ),
        (
            records(&[frame(&entry(2, "values", &label(1.0)))]),
            "UserError: train/r, record 1: the first record has neither features nor a shape; one of them must say how many columns there are",
        ),
        (
            records(&[sparse(1.0, &[], &[], 0)]),
            "UserError: train/r, record 1: 1 columns, expected a label and at least one feature",
        ),
        (
            records(&[record(&label(1.0), &floats(&[1.0, 2.0], &[], &[3]))]),
            "UserError: train/r, record 1: 2 values for a shape of 3",
        ),
    ]);
}

#[test]
fn records_that_ask_for_what_there_is_not() {
    let wide = sparse(1.0, &[1], &[2.0], 4);
    check(vec![
        (
            records(&[frame(
                &[entry(1, "x", &label(1.0)), entry(2, "values", &label(1.0))].concat(),
            )]),
            "UserError: train/r, record 1: the features have the name `x`, expected `values`",
        ),
        (
            records(&[record(&label(1.0), &field(9, b"picture"))]),
            "UserError: train/r, record 1: the features hold bytes, allowed are float32, float64 and int32 tensors",
        ),
        (
            records(&[dense(1.0, &[-2.0, 3.0])]).set("csv_weights", "1"),
            "UserError: train/r, record 1, column 2: weight `-2` is not allowed, allowed are finite numbers from 0",
        ),
        (
            records(std::slice::from_ref(&wide)).set("csv_weights", "1"),
            "UserError: train/r, record 1: Hyperparameter csv_weights: sparse records have no column for it",
        ),
        (
            records(&[dense(0.0, &[1.0]), dense(2.0, &[1.0])]).set("objective", "binary:logistic"),
            "UserError: train/r, record 2, column 1: label must be in [0,1] for logistic regression…",
        ),
        (
            records(&[dense(0.0, &[1.5, 1.0])])
                .set("qid_column", "1")
                .set("objective", "rank:ndcg"),
            "UserError: train/r, record 1, column 2: query id `1.5` is not allowed, allowed is a whole number from 0",
        ),
    ]);
}

#[test]
fn lines_of_json_that_do_not_fit() {
    check(vec![
        (
            json_lines("[1,2]\n1,2\n"),
            "UserError: train/j, line 2: `1,2` where `[` or `{` is expected",
        ),
        (
            json_lines("[1,2]\n[1,2,3]\n"),
            "UserError: train/j, line 2: 3 columns, expected 2 as in train/j, line 1",
        ),
        (
            json_lines("\n[1,2]\n[1,\"x\"]\n"),
            "UserError: train/j, line 3, column 2: text `\"x\"` where a number is expected",
        ),
        (
            json_lines("[1,2]\n[null,2]\n"),
            "UserError: train/j, line 2, column 1: the label is missing, every row needs one",
        ),
        (
            json_lines("[1,2]\n[1,Infinity]\n"),
            "UserError: train/j, line 2, column 2: `Infinity` is infinite or beyond 32-bit floating point, …",
        ),
        (
            json_lines("{\"label\": 1, \"features\": [1]}\n{\"label\": 1, \"features\": [[1]]}\n"),
            "UserError: train/j, line 2, column 2: `[1]]}` where a number is expected, a row has no rows in it",
        ),
        (
            json_lines("{\"label\": 1, \"features\": [1], \"id\": 7}\n"),
            "UserError: train/j, line 1: key `id` is not known, allowed are `label`, `features` and, with csv_weights, `weight`",
        ),
        (
            json_lines("{\"features\": [1]}\n"),
            "UserError: train/j, line 1: the key `label` is missing",
        ),
        (
            json_lines("{\"label\": 1, \"features\": [1]}\n").set("csv_weights", "1"),
            "UserError: train/j, line 1: the key `weight` is missing",
        ),
        (
            json_lines("[1]\n"),
            "UserError: train/j, line 1: 1 columns, expected a label and at least one feature",
        ),
        (
            json_lines("[1,2]\n[1,2"),
            "UserError: train/j, line 2, column 2: `` where `,` or `]` is expected",
        ),
        (
            json_lines("[\n  [1, 2],\n  [3, 4]\n]\n"),
            "UserError: train/j, line 1, column 1: `` where a number is expected",
        ),
        (
            json_lines("[0,2]\n[3,2]\n").set("objective", "binary:logistic"),
            "UserError: train/j, line 2, column 1: label must be in [0,1] for logistic regression…",
        ),
    ]);
}

#[test]
fn compressed_files_that_cannot_be_read_to_their_end() {
    let text = table(2000);
    let half = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    let broken = |mut bytes: Vec<u8>, from_end: usize| {
        let at = bytes.len() - from_end;
        bytes[at] ^= 0x55;
        bytes
    };
    let with_bad_row = format!("{text}1,x,2,3\n");
    check(vec![
        (
            csv("a.gz", &[0x1f, 0x8b, 8, 0]),
            "UserError: train/a.gz, line 1: the gzip stream cannot be read on, it is cut short",
        ),
        (
            csv("a.gz", &[0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            "UserError: train/a.gz, line 1: the gzip stream cannot be read on, it is damaged (…",
        ),
        (
            csv("a.gz", &half(gzip(text.as_bytes()))),
            "UserError: train/a.gz, line …",
        ),
        (
            csv("a.gz", &broken(gzip(text.as_bytes()), 8)),
            "UserError: train/a.gz, line 2001: the gzip stream cannot be read on, it is damaged (…",
        ),
        (
            csv("a.gz", &[gzip(b"1,2\n"), b"junk".to_vec()].concat()),
            "UserError: train/a.gz, line 2: the gzip stream cannot be read on, it is …",
        ),
        (
            csv("a.zst", &half(zstd(text.as_bytes()))),
            "UserError: train/a.zst, line 1: the zstd stream cannot be read on, it is cut short",
        ),
        (
            csv("a.zst", &[zstd(b"1,2\n"), b"junk".to_vec()].concat()),
            "UserError: train/a.zst, line 2: the zstd stream cannot be read on, it is damaged (…",
        ),
        (
            csv("a.gz", &gzip(&gzip(b"1,2\n"))),
            "UserError: train/a.gz is a gzip file in a compressed file, expected plain UTF-8 text",
        ),
        (
            csv("a.gz", &gzip(with_bad_row.as_bytes())),
            "UserError: train/a.gz, line 2001, column 2: text `x` where a number is expected",
        ),
        (
            csv("a.zst", &zstd(b"label,x\n1,2\n")),
            "UserError: train/a.zst, line 1, column 1: text `label` where the first label is expected: the file starts with a header",
        ),
        (
            of_file(
                RECORDS,
                "a.gz",
                &gzip(&[one(), one()[..20].to_vec()].concat()),
            ),
            "UserError: train/a.gz, record 2: the bytes end in the middle of the record: 20 of 52 bytes are there",
        ),
        (
            of_file("application/x-parquet", "a.gz", &gzip(b"PAR1")),
            "UserError: train/a.gz: this is not a Parquet file, it does not start with `PAR1`",
        ),
        (
            csv("a.gz", &gzip(b"\n\n")),
            "UserError: No data in training channel path ROOT/input/data/train",
        ),
    ]);
}

#[test]
fn pipes_that_cannot_be_read_to_their_end() {
    let csv = "text/csv";
    let object = |text: &str| frame(text.as_bytes());
    check(vec![
        (
            piped(csv, "None", b"1,2\n2,3\n3".to_vec()),
            "UserError: train_0, line 3: 1 columns, expected 2 as in train_0, line 1",
        ),
        (
            piped(csv, "None", b"1,2\n2,x\n".to_vec()),
            "UserError: train_0, line 2, column 2: text `x` where a number is expected",
        ),
        (
            piped(
                csv,
                "RecordIO",
                [object("1,2\n"), object("2,3\n3,x\n")].concat(),
            ),
            "UserError: train_0, object 2, line 2, column 2: text `x` where a number is expected",
        ),
        (
            piped(
                csv,
                "RecordIO",
                [object("1,2\n"), object("a,b\n2,3\n")].concat(),
            ),
            "UserError: train_0, object 2, line 1, column 1: text `a` where the first label is expected: the file starts with a header",
        ),
        (
            piped(
                csv,
                "RecordIO",
                [object("1,2\n"), object("2,3\n")[..10].to_vec()].concat(),
            ),
            "UserError: train_0, object 2, line 1: the bytes end in the middle of the record: 2 of 4 bytes are there",
        ),
        (
            piped(
                csv,
                "RecordIO",
                [object("1,2\n"), b"\x0a\x23\xd7".to_vec()].concat(),
            ),
            "UserError: train_0, record 2: the bytes end in the middle of the record: 3 of 8 bytes are there",
        ),
        (
            piped(csv, "RecordIO", b"1,2\n2,3\n3,4\n".to_vec()),
            "UserError: train_0, record 1: the record starts with 31 2c 32 0a, expected RecordIO's magic word 0a 23 d7 ce",
        ),
        (
            piped(
                csv,
                "RecordIO",
                [
                    object("1,2\n"),
                    frame_in_parts(&[b"1,2\n", b""])[..12].to_vec(),
                ]
                .concat(),
            ),
            "UserError: train_0, object 2, line 2: a part of a record of several parts …",
        ),
        (
            piped(RECORDS, "None", [one(), one()[..30].to_vec()].concat()),
            "UserError: train_0, record 2: the bytes end in the middle of the record: 30 of 52 bytes are there",
        ),
        (
            piped("application/x-parquet", "None", b"PAR1".to_vec()),
            "UserError: channel `train` is application/x-parquet in Pipe mode, which cannot be read, …",
        ),
    ]);
}

#[test]
fn a_pipe_that_is_not_there() {
    let job = Job::new(&[("num_round", "2")]).channel_config(
        "train",
        json!({"ContentType": "text/csv", "TrainingInputMode": "Pipe"}),
    );
    check(vec![(
        job,
        "PlatformError: cannot read `ROOT/input/data/train_0`: No such file or directory (os error 2)",
    )]);
}

#[test]
fn a_channel_that_is_mostly_bad_rows_is_refused() {
    let skip = |text: &[u8]| csv("a", text).set("on_bad_row", "skip");
    check(vec![
        (
            skip(b"a note,of two cells\n1,2,3\n1,2,3\n1,2\n"),
            "UserError: channel `train`: 3 rows do not fit and 1 do; the first that does not: train/a, line 1, column 1: \
             text `a note` where the first label is expected: the file starts with a header",
        ),
        (
            csv("a", b"1,2\n").set("on_bad_row", "ignore"),
            "UserError: Hyperparameter on_bad_row: ignore is not in …",
        ),
    ]);
}

#[test]
fn text_that_does_not_fit_across_files() {
    let two = |a: &[u8], b: &[u8]| {
        let job = csv("a", a);
        job.write("input/data/train/b", b);
        job
    };
    let long = [b"1,2\n1,".to_vec(), vec![b'9'; 70 << 20]].concat();
    check(vec![
        (
            two(b"1,2\n", b"label,x\n1,2\n"),
            "UserError: train/b, line 1, column 1: text `label` where the first label is expected: the file starts with a header",
        ),
        (
            two(b"\xef\xbb\xbf1,2\r\n", b"\xef\xbb\xbf1,2\r\n1,2,3\r\n"),
            "UserError: train/b, line 2: 3 columns, expected 2 as in train/a, line 1",
        ),
        (
            csv("a", b"1,2\n1,2\0\n"),
            "UserError: train/a, line 2, column 2: text `2\u{fffd}` where a number is expected",
        ),
        (
            csv("a", b"1,2\n\0,2\n"),
            "UserError: train/a, line 2, column 1: text `\u{fffd}` where a number is expected",
        ),
        (
            csv("a", b"1,2\n2,\xef\xbb\xbf3\n"),
            "UserError: train/a, line 2, column 2: text `\u{feff}3` where a number is expected",
        ),
        (
            csv("a", b"1,2\n2,\"3\"4\n"),
            "UserError: train/a, line 2, column 2: text `\"3\"4` where a number is expected",
        ),
        (
            csv("a", b"\xff\xfe1\0,\0"),
            "UserError: train/a is UTF-16 text, expected plain UTF-8 text",
        ),
        (
            csv("a", &long),
            "UserError: train/a, line 2: the line does not end within 64 MiB; a quote may have been left open",
        ),
    ]);
}
