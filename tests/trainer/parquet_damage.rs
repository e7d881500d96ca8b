//! Parquet files that must be refused: exit code 1, and a reason that names file, place and column.

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnChunkMetaDataBuilder, ParquetMetaData, ParquetMetaDataReader,
    ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::WriterProperties;

use crate::job::Job;
use crate::parquet_file::{Cells, doubles, file, file_with, floats, ints};
use crate::table::{channel, read_parquet, regression};

const COLUMNS: &str = "required float label; required float x; optional int32 hour";

/// A small file that is read without complaint.
fn good() -> Vec<u8> {
    let group = || {
        vec![
            floats(&[1.0, 2.0]),
            floats(&[3.0, 4.0]),
            Cells::Int(vec![Some(5), None]),
        ]
    };
    file(COLUMNS, &[group(), group()])
}

/// A file of a label that is always 1 and this column, in two row groups.
fn column(declared: &str, cells: Cells, n_rows: usize) -> Vec<u8> {
    let group = vec![floats(&vec![1.0; n_rows]), cells];
    let columns = format!("required float label; {declared}");
    file(&columns, &[group.clone(), group])
}

/// A job of these training files.
fn job_of(files: &[(&str, &[u8])]) -> Job {
    let job = Job::new(&[("num_round", "2")]).channel("train", "application/x-parquet", &[]);
    for (path, bytes) in files {
        job.write(&format!("input/data/train/{path}"), bytes);
    }
    job
}

/// The reason of a job that `job` describes, after `UserError: train/`.
fn reason(job: &Job) -> String {
    let reason = job.run().reason();
    let below = reason.strip_prefix("UserError: train/");
    below.map(str::to_owned).unwrap_or(reason)
}

/// Runs a job for each file; `…` at the end of an expectation stands for anything.
fn check(cases: Vec<(Vec<u8>, &str)>) {
    for (bytes, expected) in cases {
        fits(&reason(&job_of(&[("a.parquet", &bytes)])), expected);
    }
}

fn fits(reason: &str, expected: &str) {
    let fits = match expected.strip_suffix('…') {
        Some(start) => reason.starts_with(start),
        None => reason == expected,
    };
    assert!(fits, "\nreason:   {reason}\nexpected: {expected}");
}

/// [`good`] with another footer: `change` gets the chunks of the second row group and may give it other rows.
fn forged(change: impl Fn(Vec<ColumnChunkMetaData>) -> (Vec<ColumnChunkMetaData>, i64)) -> Vec<u8> {
    let bytes = good();
    let reader = ParquetMetaDataReader::new();
    let metadata: ParquetMetaData = reader
        .parse_and_finish(&Bytes::from(bytes.clone()))
        .unwrap();
    let footer: [u8; 4] = bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap();
    let data = bytes.len() - 8 - u32::from_le_bytes(footer) as usize;
    let (first, second) = (metadata.row_group(0).clone(), metadata.row_group(1));
    let (chunks, n_rows) = change(second.columns().to_vec());
    let second: RowGroupMetaData = second
        .clone()
        .into_builder()
        .set_column_metadata(chunks)
        .set_num_rows(n_rows)
        .build()
        .unwrap();
    let metadata = metadata
        .into_builder()
        .set_row_groups(vec![first, second])
        .build();
    let mut forged = bytes[..data].to_vec();
    ParquetMetaDataWriter::new(&mut forged, &metadata)
        .finish()
        .unwrap();
    forged
}

/// [`forged`] with a change to what is said of the third column.
fn forged_hour(
    change: impl Fn(ColumnChunkMetaDataBuilder) -> ColumnChunkMetaDataBuilder,
) -> Vec<u8> {
    forged(|mut chunks| {
        let changed = change(chunks[2].clone().into_builder());
        chunks[2] = changed.build().unwrap();
        (chunks, 2)
    })
}

#[test]
fn files_that_are_not_parquet_or_not_whole() {
    let good = good();
    let n_bytes = good.len();
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let wrong = "a.parquet: this is not a Parquet file, it does not start with `PAR1`";
    let short =
        "a.parquet: the file is cut short: it starts like Parquet but does not end with `PAR1`";
    let encrypted = "a.parquet: the file is encrypted, which this version does not read";
    check(vec![
        (b"1,2,3\n4,5,6\n7,8,9\n".to_vec(), wrong),
        (b"PA".to_vec(), wrong),
        (vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], wrong),
        (b"PAR1".to_vec(), short),
        (b"PAR1PAR1".to_vec(), short),
        (good[..n_bytes / 2].to_vec(), short),
        (good[..n_bytes - 1].to_vec(), short),
        (with(n_bytes - 4, b"PARE"), encrypted),
        (with(0, b"PARE"), encrypted),
        (
            b"PAR1\0\0\0\0PAR1".to_vec(),
            "a.parquet: the footer is damaged: …",
        ),
        (
            with(n_bytes - 8, &[0xff; 4]),
            "a.parquet: the footer is damaged: …",
        ),
        (
            with(n_bytes - 8, &[3, 0, 0, 0]),
            "a.parquet: the footer is damaged: …",
        ),
        (
            with(n_bytes - 40, &[0xff; 20]),
            "a.parquet: the footer is damaged: …",
        ),
    ]);
}

#[test]
fn columns_that_are_no_numbers_are_named() {
    let text = || Cells::Bytes(vec![Some(b"red".to_vec())]);
    let bytes = |n_bytes: usize| Cells::Bytes(vec![Some(vec![0; n_bytes])]);
    let long = || Cells::Long(vec![Some(1)]);
    let cases: Vec<(&str, Cells, &str)> = vec![
        ("required binary c (JSON)", text(), "text"),
        ("required binary c", text(), "bytes or text"),
        ("required int32 c (DATE)", ints(&[1]), "dates"),
        ("required int64 c (TIMESTAMP_MILLIS)", long(), "timestamps"),
        (
            "required int64 c (TIMESTAMP(NANOS,true))",
            long(),
            "timestamps",
        ),
        ("required int32 c (TIME_MILLIS)", ints(&[1]), "times of day"),
        (
            "required int96 c",
            Cells::Int96(vec![Some([1, 2, 3])]),
            "timestamps (INT96)",
        ),
        (
            "required fixed_len_byte_array(16) c (UUID)",
            bytes(16),
            "UUIDs",
        ),
        (
            "required fixed_len_byte_array(12) c (INTERVAL)",
            bytes(12),
            "intervals",
        ),
        (
            "required fixed_len_byte_array(20) c (DECIMAL(40,2))",
            bytes(20),
            "decimals of more than 38 digits or of variable length",
        ),
    ];
    for (declared, cells, what) in cases {
        let expected =
            format!("a.parquet, column 2 (`c`): the column holds {what}, expected numbers");
        check(vec![(column(declared, cells, 1), &expected)]);
    }
    let nested =
        "a.parquet, column 2 (`c`): the column is nested or repeated, expected one number in a row";
    check(vec![
        (column("repeated int32 c", ints(&[1]), 1), nested),
        (
            column("optional group c { required int32 d; }", ints(&[1]), 1),
            nested,
        ),
        (
            file(
                "required binary c (UTF8); required float x",
                &[vec![text(), floats(&[1.0])]],
            ),
            "a.parquet, column 1 (`c`): the column holds text, expected numbers",
        ),
        (
            file("required float label", &[vec![floats(&[1.0])]]),
            "a.parquet: 1 columns, expected a label and at least one feature",
        ),
    ]);
}

#[test]
fn values_that_are_not_allowed_have_a_row_and_a_column() {
    let label = |cells: Cells, n_rows: usize| {
        let group = vec![cells, floats(&vec![1.0; n_rows])];
        file("optional double label; required float x", &[group])
    };
    let infinite = "`inf` is infinite or beyond 32-bit floating point, allowed are finite numbers below 3.4e38";
    let missing = "a.parquet, row 2, column 1 (`label`): the label is missing, every row needs one";
    check(vec![
        (
            column("required double c", doubles(&[1.0, f64::INFINITY]), 2),
            &format!("a.parquet, row 2, column 2 (`c`): {infinite}"),
        ),
        (
            column("required double c", doubles(&[1e39, 1.0]), 2),
            &format!("a.parquet, row 1, column 2 (`c`): {infinite}"),
        ),
        (
            column("required float c", floats(&[f32::MAX]), 1),
            "a.parquet, row 1, column 2 (`c`): `340282350000000000000000000000000000000` is infinite…",
        ),
        (label(Cells::Double(vec![Some(1.0), None]), 2), missing),
        (label(doubles(&[1.0, f64::NAN, f64::NAN]), 3), missing),
        (
            label(doubles(&[1.0, f64::INFINITY]), 2),
            "a.parquet, row 2, column 1 (`label`): …",
        ),
    ]);
}

#[test]
fn labels_and_weights_are_checked_as_those_of_csv() {
    let bytes = |label: f32, weight: Option<f64>| {
        let first = vec![floats(&[0.0]), doubles(&[1.0]), floats(&[1.0])];
        let second = vec![
            floats(&[label]),
            Cells::Double(vec![weight]),
            floats(&[1.0]),
        ];
        file(
            "required float label; optional double w; required float x",
            &[first, second],
        )
    };
    let weighted = |weight| job_of(&[("a.parquet", &bytes(0.0, weight))]).set("csv_weights", "1");
    fits(
        &reason(&weighted(Some(-3.0))),
        "a.parquet, row 2, column 2 (`w`): weight `-3` is not allowed, allowed are finite numbers from 0",
    );
    fits(
        &reason(&weighted(None)),
        "a.parquet, row 2, column 2 (`w`): weight `NaN` is not allowed, allowed are finite numbers from 0",
    );
    let job = job_of(&[("a.parquet", &bytes(2.0, Some(1.0)))]).set("objective", "binary:logistic");
    fits(
        &reason(&job),
        "a.parquet, row 2, column 1 (`label`): label must be in [0,1] for logistic regression…",
    );
    let narrow = column("required float w", floats(&[1.0]), 1);
    fits(
        &reason(&job_of(&[("a.parquet", &narrow)]).set("csv_weights", "1")),
        "a.parquet: 2 columns, expected a label, a weight and at least one feature",
    );
}

#[test]
fn files_of_a_channel_and_channels_have_the_same_columns() {
    let one = |columns: &str, cells: Vec<Cells>| file(columns, &[cells]);
    let first = one(
        "required float label; required float x",
        vec![floats(&[1.0]), floats(&[2.0])],
    );
    let cases = [
        (
            one(
                "required float label; required float x; required float y",
                vec![floats(&[1.0]), floats(&[2.0]), floats(&[2.0])],
            ),
            "b.parquet: 3 columns, expected 2 as in train/a.parquet",
        ),
        (
            one(
                "required float label; required float y",
                vec![floats(&[1.0]), floats(&[2.0])],
            ),
            "b.parquet, column 2 (`y`): the column holds FLOAT, expected `x` with FLOAT as in train/a.parquet",
        ),
        (
            one(
                "required float label; required int32 x",
                vec![floats(&[1.0]), ints(&[2])],
            ),
            "b.parquet, column 2 (`x`): the column holds INT32, expected `x` with FLOAT as in train/a.parquet",
        ),
    ];
    for (second, expected) in &cases {
        let job = job_of(&[("a.parquet", &first), ("b.parquet", second)]);
        fits(&reason(&job), expected);
    }
    let nullable = one(
        "optional float label; optional float x",
        vec![floats(&[1.0]), floats(&[2.0])],
    );
    job_of(&[("a.parquet", &first), ("b.parquet", &nullable)])
        .run()
        .model();
    for (second, expected) in [
        (
            &cases[0].0,
            "UserError: feature_names mismatch: train has 1 feature columns, validation has 2",
        ),
        (
            &cases[1].0,
            "UserError: feature_names mismatch: feature column 1 is `x` in train and `y` in validation",
        ),
    ] {
        let job =
            job_of(&[("a.parquet", &first)]).channel("validation", "application/x-parquet", &[]);
        job.write("input/data/validation/a.parquet", second);
        fits(&job.run().reason(), expected);
    }
}

#[test]
fn footers_that_do_not_fit_their_pages() {
    let many = 1_i64 << 40;
    let rows_of = |n_rows: i64| {
        forged(|chunks| {
            let with =
                |it: ColumnChunkMetaData| it.into_builder().set_num_values(n_rows).build().unwrap();
            (chunks.into_iter().map(with).collect(), n_rows)
        })
    };
    let damaged = "a.parquet, row group 2, column 3 (`hour`): the file is damaged: …";
    check(vec![
        (
            rows_of(many),
            "a.parquet, row group 2, column 1 (`label`): the column ends after 2 of 1099511627776 rows",
        ),
        (
            rows_of(3),
            "a.parquet, row group 2, column 1 (`label`): the column ends after 2 of 3 rows",
        ),
        (
            rows_of(-1),
            "a.parquet, row group 2, column 1 (`label`): the row group has -1 rows, but the column has -1 values",
        ),
        (
            forged_hour(|it| it.set_num_values(7)),
            "a.parquet, row group 2, column 3 (`hour`): the row group has 2 rows, but the column has 7 values",
        ),
        (
            forged_hour(|it| {
                let brotli = Compression::BROTLI(parquet::basic::BrotliLevel::default());
                it.set_compression(brotli)
            }),
            "a.parquet, row group 2, column 3 (`hour`): the column is compressed with BROTLI; allowed are SNAPPY, GZIP, ZSTD, LZ4 and none",
        ),
        (
            forged_hour(|it| it.set_compression(Compression::SNAPPY)),
            damaged,
        ),
        (forged_hour(|it| it.set_total_compressed_size(-1)), damaged),
        (
            forged_hour(|it| it.set_dictionary_page_offset(Some(many))),
            damaged,
        ),
        (
            forged_hour(|it| it.set_dictionary_page_offset(Some(-5))),
            damaged,
        ),
        (forged_hour(|it| it.set_total_compressed_size(10)), damaged),
    ]);
}

#[test]
fn a_parquet_file_in_a_csv_channel_is_told_with_its_content_type() {
    let job = Job::new(&[("num_round", "2")]).channel("train", "text/csv", &[]);
    job.write("input/data/train/a.parquet", good());
    let ended = job.run();
    assert_eq!(
        ended.reason(),
        "UserError: train/a.parquet is a Parquet file, expected plain UTF-8 text"
    );
    let hint = "hint: give the channel the content type application/x-parquet";
    assert!(ended.stderr.contains(hint), "{}", ended.stderr);
}

#[test]
fn more_columns_than_a_model_can_have_are_refused() {
    let mut columns = String::from("required float label");
    for _ in 0..trainer::data::parquet::MAX_COLUMNS {
        columns.push_str(";required float x");
    }
    check(vec![(
        file(&columns, &[]),
        "a.parquet: 1048577 columns, allowed are up to 1048576",
    )]);
}

/// Bytes that nobody wrote are refused or read as something else, but never end the process.
#[test]
fn damaged_bytes_never_panic() {
    let files = [
        good(),
        file_with(
            COLUMNS,
            &[vec![floats(&[1.0; 40]), floats(&[0.5; 40]), ints(&[3; 40])]],
            WriterProperties::builder()
                .set_compression(Compression::SNAPPY)
                .set_writer_version(parquet::file::properties::WriterVersion::PARQUET_2_0),
        ),
    ];
    let mut refused = 0;
    for bytes in &files {
        for at in 4..bytes.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= change;
                let dir = channel(&[("a.parquet", &damaged)]);
                let read = read_parquet(dir.path(), regression(false), 1);
                refused += usize::from(read.is_err());
            }
        }
    }
    assert!(refused > 1000, "{refused}");
}
