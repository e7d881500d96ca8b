//! Parquet: the numbers of every type, nulls, row groups, pages and files, and the model that CSV gives as well.

use engine::dataset::TILE_ROWS;
use engine::model;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterVersion};

use crate::job::{Job, rows};
use crate::parquet_file::{Cells, doubles, file, file_with, floats, ints};
use crate::table::{Rows, channel, read_parquet, regression, without_origins};

const TYPE: &str = "application/x-parquet";

/// The rows of one file.
fn read(bytes: &[u8]) -> Rows {
    let dir = channel(&[("a.parquet", bytes)]);
    read_parquet(dir.path(), regression(false), 1).unwrap()
}

/// The feature `x` of a file whose label is always 1.
fn feature(declared: &str, cells: Cells, n_rows: usize) -> Vec<Option<f32>> {
    let columns = format!("required float label; optional {declared}");
    let rows = read(&file(&columns, &[vec![floats(&vec![1.0; n_rows]), cells]]));
    rows.features.into_iter().map(|row| row[0]).collect()
}

/// Checks each column against the numbers that it stands for, bit by bit.
fn check_numbers(table: Vec<(&str, Cells, &[f32])>) {
    for (declared, cells, expected) in table {
        let found = feature(declared, cells, expected.len());
        let bits = |it: f32| format!("{it} ({:08x})", it.to_bits());
        let found: Vec<_> = found.into_iter().map(|it| it.map(bits)).collect();
        let expected: Vec<_> = expected.iter().map(|it| Some(bits(*it))).collect();
        assert_eq!(found, expected, "{declared}");
    }
}

fn longs(values: &[i64]) -> Cells {
    Cells::Long(values.iter().copied().map(Some).collect())
}

#[test]
fn whole_numbers_become_the_nearest_f32() {
    check_numbers(vec![
        (
            "boolean x",
            Cells::Bool(vec![Some(true), Some(false)]),
            &[1.0, 0.0],
        ),
        (
            "int32 x",
            ints(&[-7, i32::MAX, 16_777_217, 16_777_219]),
            &[-7.0, 2_147_483_648.0, 16_777_216.0, 16_777_220.0],
        ),
        (
            "int32 x (INTEGER(8,true))",
            ints(&[-128, 127]),
            &[-128.0, 127.0],
        ),
        (
            "int32 x (INTEGER(32,false))",
            ints(&[-1, 5]),
            &[4_294_967_295.0, 5.0],
        ),
        ("int32 x (UINT_16)", ints(&[65_535]), &[65_535.0]),
        (
            // The second is just above the middle of two f32, and in the middle as f64.
            "int64 x",
            longs(&[i64::MIN, 9_007_199_791_611_905]),
            &[-9_223_372_036_854_775_808.0, 9_007_200_328_482_816.0],
        ),
        (
            "int64 x (INTEGER(64,false))",
            longs(&[-1]),
            &[18_446_744_073_709_551_615.0],
        ),
    ]);
}

#[test]
fn fractions_become_the_nearest_f32() {
    let fixed = |values: &[i128], width: usize| {
        let cut = |it: &i128| Some(it.to_be_bytes()[16 - width..].to_vec());
        Cells::Bytes(values.iter().map(cut).collect())
    };
    check_numbers(vec![
        ("float x", floats(&[1.5, -0.0, 1e-45]), &[1.5, -0.0, 1e-45]),
        ("double x", doubles(&[0.1, 1e-60, -2.5]), &[0.1, 0.0, -2.5]),
        (
            "fixed_len_byte_array(2) x (FLOAT16)",
            Cells::Bytes(vec![Some(vec![0, 0x3e]), Some(vec![1, 0])]),
            &[1.5, 5.960_464_5e-8],
        ),
        (
            "int32 x (DECIMAL(9,2))",
            ints(&[12_345, -5]),
            &[123.45, -0.05],
        ),
        (
            "int64 x (DECIMAL(18,18))",
            longs(&[100_000_000_000_000_000]),
            &[0.1],
        ),
        (
            "fixed_len_byte_array(5) x (DECIMAL(11,3))",
            fixed(&[12_345_678_901, -1], 5),
            &[12_345_678.901, -0.001],
        ),
        (
            "fixed_len_byte_array(16) x (DECIMAL(38,38))",
            fixed(&[1, 0], 16),
            &[1e-38, 0.0],
        ),
    ]);
}

#[test]
fn null_and_nan_are_missing() {
    let cells = Cells::Double(vec![None, Some(f64::NAN), Some(2.0), None]);
    assert_eq!(feature("double x", cells, 4), [None, None, Some(2.0), None]);
    let nothing = Cells::Int(vec![None; 3]);
    assert_eq!(feature("int32 x (UNKNOWN)", nothing, 3), [None; 3]);
}

/// A column with every third cell null, in three row groups of several pages.
fn gaps(properties: parquet::file::properties::WriterPropertiesBuilder) -> Vec<u8> {
    let group = |first: usize, n_rows: usize| {
        let rows = first..first + n_rows;
        vec![
            Cells::Int(rows.clone().map(|it| Some(it as i32)).collect()),
            Cells::Double(
                rows.clone()
                    .map(|it| (it % 3 != 0).then_some(it as f64 / 8.0))
                    .collect(),
            ),
            Cells::Long(rows.map(|it| Some((it % 10) as i64)).collect()),
        ]
    };
    let properties = properties
        .set_data_page_row_count_limit(700)
        .set_write_batch_size(100);
    let groups = [group(0, 10_000), group(10_000, 1), group(10_001, 4_999)];
    file_with(
        "required int32 label; optional double x; required int64 y",
        &groups,
        properties,
    )
}

#[test]
fn encodings_and_compressions_make_no_difference() {
    let plain = WriterProperties::builder().set_dictionary_enabled(false);
    let expected = without_origins(read(&gaps(plain)));
    assert_eq!(expected.labels.len(), 15_000);
    for row in [0, 1, 9_999, 10_000, 10_001, 14_999] {
        let x = (row % 3 != 0).then_some(row as f32 / 8.0);
        assert_eq!(expected.labels[row], row as f32);
        assert_eq!(expected.features[row], [x, Some((row % 10) as f32)]);
    }
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
    ] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let properties = WriterProperties::builder()
                .set_compression(compression)
                .set_writer_version(version);
            let found = without_origins(read(&gaps(properties)));
            assert!(found == expected, "{compression:?} {version:?}");
        }
    }
}

#[test]
fn tiles_are_the_same_for_any_number_of_threads() {
    let bytes = gaps(WriterProperties::builder());
    let dir = channel(&[("a.parquet", &bytes), ("b/c.parquet", &bytes)]);
    let one = read_parquet(dir.path(), regression(false), 1).unwrap();
    let at = |file: &str, row: usize| (format!("train/{file}"), row as u64);
    let (tile, two) = (TILE_ROWS, 2 * TILE_ROWS);
    let starts = [0, tile, two, 10_000, 10_001, 10_001 + tile];
    let expected: Vec<_> = ["a.parquet", "b/c.parquet"]
        .into_iter()
        .flat_map(|file| starts.map(|row| at(file, row)))
        .collect();
    assert_eq!(one.origins, expected);
    for n_threads in [2, 3, 8] {
        let more = read_parquet(dir.path(), regression(false), n_threads).unwrap();
        assert!(more == one, "{n_threads} threads");
    }
}

#[test]
fn a_very_wide_table_is_read_in_short_tiles() {
    let n_features = 5_000;
    let names: Vec<String> = (0..n_features)
        .map(|it| format!("required int32 x{it}"))
        .collect();
    let columns = format!("required float label; {}", names.join("; "));
    let cells = |column: i32| ints(&(0..2_000).map(|row| row * 7 + column).collect::<Vec<_>>());
    let mut group = vec![floats(&[0.0; 2_000])];
    group.extend((0..n_features).map(cells));
    let rows = read(&file(&columns, &[group]));
    assert!(rows.origins.len() > 1, "{:?}", rows.origins);
    for row in [0, 1_000, 1_999] {
        for column in [0, 2_500, 4_999] {
            let expected = (row * 7 + column) as f32;
            assert_eq!(rows.features[row as usize][column as usize], Some(expected));
        }
    }
}

#[test]
fn the_second_column_is_the_weight_where_csv_weights_says_so() {
    let bytes = file(
        "required float label; required double w; required float x",
        &[vec![
            floats(&[1.0, 2.0]),
            doubles(&[0.5, 0.0]),
            floats(&[3.0, 4.0]),
        ]],
    );
    let dir = channel(&[("a.parquet", &bytes)]);
    let rows = read_parquet(dir.path(), regression(true), 1).unwrap();
    assert_eq!(rows.weights, [0.5, 0.0]);
    assert_eq!(rows.features, [[Some(3.0)], [Some(4.0)]]);
}

#[test]
fn files_without_rows_are_no_data() {
    let columns = "required float label; required float x";
    let empty = file(columns, &[]);
    let group = file(columns, &[vec![floats(&[]), floats(&[])]]);
    let one = file(columns, &[vec![floats(&[1.0]), floats(&[2.0])]]);
    assert_eq!(read(&empty), Rows::default());
    assert_eq!(read(&group), Rows::default());
    let dir = channel(&[("a", &empty), ("b", &group), ("c", &one)]);
    let rows = read_parquet(dir.path(), regression(false), 1).unwrap();
    assert_eq!(rows.origins, [("train/c".to_owned(), 0)]);
}

#[test]
fn the_index_that_pandas_writes_is_no_feature() {
    let columns = "required float label; required float x; required int64 day; \
                   required int64 __index_level_1__";
    let long = || Cells::Long(vec![Some(20_000)]);
    let group = vec![floats(&[1.0]), floats(&[2.0]), long(), long()];
    let says = r#"{"index_columns": ["day", "__index_level_1__", {"kind": "range"}]}"#;
    let says = KeyValue::new("pandas".to_owned(), says.to_owned());
    let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![says]));
    let bytes = file_with(columns, &[group], properties);
    assert_eq!(read(&bytes).features, [[Some(2.0)]]);
    let job = Job::new(&[("num_round", "1")]).channel("train", TYPE, &[]);
    job.write("input/data/train/a.parquet", &bytes);
    let ended = job.run();
    ended.model();
    let said = "train/a.parquet: left out what pandas calls the index: day, __index_level_1__";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}

/// `rows` of the jobs' table, cut into row groups.
fn table(n_rows: usize, names: [&str; 3]) -> Vec<u8> {
    let [a, b, c] = names;
    let columns = format!(
        "required float label; required int32 {a}; optional int64 {b}; required double {c}"
    );
    let all: Vec<(f32, [f32; 3])> = rows(n_rows).collect();
    let groups: Vec<Vec<Cells>> = all
        .chunks(170)
        .map(|rows| {
            let of = |idx: usize| rows.iter().map(move |it| it.1[idx]);
            vec![
                Cells::Float(rows.iter().map(|it| Some(it.0)).collect()),
                Cells::Int(of(0).map(|it| Some(it as i32)).collect()),
                Cells::Long(of(1).map(|it| (it != 6.0).then_some(it as i64)).collect()),
                Cells::Double(of(2).map(|it| Some(f64::from(it))).collect()),
            ]
        })
        .collect();
    file(&columns, &groups)
}

/// As [`table`], in CSV.
fn text(n_rows: usize) -> String {
    let line = |(label, [a, b, c]): (f32, [f32; 3])| {
        let b = if b == 6.0 {
            String::new()
        } else {
            b.to_string()
        };
        format!("{label},{a},{b},{c}\n")
    };
    rows(n_rows).map(line).collect::<Vec<_>>().concat()
}

const NAMES: [&str; 3] = ["hour", "weekday", "temperature"];

fn job(names: Option<&str>) -> Job {
    let job = Job::new(&[("num_round", "5"), ("max_depth", "4")]);
    match names {
        Some(names) => job.set("feature_names", names),
        None => job,
    }
}

#[test]
fn the_model_is_that_of_the_same_table_as_csv() {
    let csv = job(Some("hour,weekday,temperature"))
        .csv("train", &text(900))
        .csv("validation", &text(300));
    let parquet = job(None)
        .channel("train", TYPE, &[])
        .channel("validation", TYPE, &[]);
    parquet.write("input/data/train/part.parquet", table(900, NAMES));
    parquet.write("input/data/validation/part.parquet", table(300, NAMES));
    let (csv, parquet) = (csv.run(), parquet.run());
    assert!(csv.model() == parquet.model());
    assert_eq!(csv.stdout, parquet.stdout);
    let booster = model::load(&parquet.model()).unwrap();
    assert_eq!(booster.feature_names, NAMES);
}

#[test]
fn names_come_from_the_job_first_and_are_left_out_where_a_model_cannot_carry_them() {
    for (given, in_file, expected) in [
        (Some("a,b,c"), NAMES, &["a", "b", "c"][..]),
        (None, NAMES, &NAMES[..]),
        (None, ["x", "x", "y"], &[]),
    ] {
        let job = job(given).channel("train", TYPE, &[]);
        job.write("input/data/train/part.parquet", table(200, in_file));
        let ended = job.run();
        let booster = model::load(&ended.model()).unwrap();
        assert_eq!(booster.feature_names, expected);
        let warned = ended
            .stderr
            .contains("the model names no feature, since column `x`");
        assert_eq!(warned, expected.is_empty(), "{}", ended.stderr);
    }
}

#[test]
fn a_channel_of_parquet_may_stand_beside_one_of_csv() {
    let job = job(None)
        .channel("train", TYPE, &[])
        .csv("validation", &text(100));
    job.write("input/data/train/part.parquet", table(200, NAMES));
    assert_eq!(job.run().metric_lines().len(), 5);
}
