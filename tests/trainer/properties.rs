//! The readers on random bytes and random spellings of random tables.

use std::fmt::Write as _;
use std::io::Read as _;

use engine::objective::ObjectiveName;
use proptest::prelude::*;
use trainer::data::labels::LabelRule;

use crate::record;
use crate::table::{
    channel, read_csv, read_csv_sampled, read_json, read_libsvm, read_records, regression,
};

/// How one table is spelled as CSV.
#[derive(Clone, Debug)]
struct Spelling {
    delimiter: char,
    line_end: &'static str,
    mark: bool,
    last_line_end: bool,
    /// One a cell, taken in turn: quoted, padded with blanks, how a missing value reads.
    cells: Vec<(bool, bool, u8)>,
}

fn spelling() -> impl Strategy<Value = Spelling> {
    let delimiter = prop::sample::select(vec![',', '\t', ';', '|', ':', ' ']);
    let line_end = prop::sample::select(vec!["\n", "\r\n", "\r"]);
    let cells = prop::collection::vec((any::<bool>(), any::<bool>(), 0..4_u8), 1..20);
    (delimiter, line_end, any::<bool>(), any::<bool>(), cells).prop_map(
        |(delimiter, line_end, mark, last_line_end, cells)| Spelling {
            delimiter,
            line_end,
            mark,
            last_line_end,
            cells,
        },
    )
}

/// Rows of label and features; NaN is missing.
fn table() -> impl Strategy<Value = Vec<(f32, Vec<f32>)>> {
    let number = any::<f32>().prop_filter("finite", |it| it.is_finite());
    let cell =
        prop_oneof![4 => number.clone(), 1 => Just(f32::NAN), 1 => (-9_i8..9).prop_map(f32::from)];
    (1..6_usize).prop_flat_map(move |width| {
        let features = prop::collection::vec(cell.clone(), width);
        prop::collection::vec((number.clone(), features), 1..40)
    })
}

impl Spelling {
    fn write(&self, rows: &[(f32, Vec<f32>)]) -> String {
        let mut styles = self.cells.iter().cycle();
        let mut lines = Vec::new();
        for (label, features) in rows {
            let cells = std::iter::once(label).chain(features).map(|value| {
                let &(quoted, padded, missing) = styles.next().unwrap();
                self.cell(*value, quoted, padded, missing)
            });
            lines.push(cells.collect::<Vec<_>>().join(&self.delimiter.to_string()));
        }
        let mut text = lines.join(self.line_end);
        if self.last_line_end {
            text.push_str(self.line_end);
        }
        if self.mark {
            format!("\u{feff}{text}")
        } else {
            text
        }
    }

    fn cell(&self, value: f32, quoted: bool, padded: bool, missing: u8) -> String {
        // An empty cell between blanks as delimiters is no cell.
        let missing = if self.delimiter == ' ' && !quoted {
            missing.max(1)
        } else {
            missing
        };
        let text = match missing {
            _ if !value.is_nan() => format!("{value}"),
            0 => String::new(),
            1 => "nan".to_owned(),
            2 => "NA".to_owned(),
            _ => "NaN".to_owned(),
        };
        let text = if quoted { format!("\"{text}\"") } else { text };
        if padded && self.delimiter != ' ' {
            format!(" {text} ")
        } else {
            text
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_table_reads_back_from_any_spelling_and_any_block_size(
        rows in table(), spelling in spelling(), block_bytes in 1..200_usize
    ) {
        let text = spelling.write(&rows);
        let dir = channel(&[("a.csv", text.as_bytes())]);
        let read = read_csv(dir.path(), &regression(false), block_bytes);
        let read = read.map_err(|err| TestCaseError::fail(format!("{err} in {text:?}")))?;
        let (labels, features): (Vec<f32>, Vec<Vec<f32>>) = rows.into_iter().unzip();
        prop_assert_eq!(read.labels, labels);
        let features: Vec<Vec<Option<f32>>> =
            features.iter().map(|row| row.iter().map(|it| Some(*it).filter(|it| !it.is_nan())).collect()).collect();
        prop_assert_eq!(read.features, features);
    }

    /// The csv crate, which others wrote, finds the same cells.
    #[test]
    fn agrees_with_the_csv_crate_on_quoted_tables(rows in table(), spelling in spelling(), block_bytes in 1..200_usize) {
        let spelling = Spelling { mark: false, ..spelling };
        // The csv crate takes quotes only at the start of a cell, so blanks may not come before them.
        let cells = spelling.cells.iter().map(|&(quoted, _, missing)| (quoted, false, missing)).collect();
        let text = Spelling { cells, ..spelling.clone() }.write(&rows);
        let mut theirs = Vec::new();
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(u8::try_from(spelling.delimiter).unwrap())
            .from_reader(text.as_bytes());
        for record in reader.records() {
            let record = record.map_err(|err| TestCaseError::fail(format!("{err} in {text:?}")))?;
            theirs.push(record.iter().map(|it| it.parse::<f32>().ok().filter(|it| !it.is_nan())).collect::<Vec<_>>());
        }
        let dir = channel(&[("a.csv", text.as_bytes())]);
        let ours = read_csv(dir.path(), &regression(false), block_bytes).map_err(|err| TestCaseError::fail(err.to_string()))?;
        let ours: Vec<Vec<Option<f32>>> = ours.labels.iter().zip(ours.features)
            .map(|(label, features)| std::iter::once(Some(*label)).chain(features).collect())
            .collect();
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), block_bytes in 1..50_usize) {
        read_both(&bytes, block_bytes);
    }

    #[test]
    fn random_pieces_of_tables_never_panic(
        pieces in prop::collection::vec(
            prop::sample::select(vec!["1", "-2.5", ",", "\t", " ", ";", "\"", "\"\"", "\n", "\r", "\r\n", ":", "#", "qid:", "nan", "inf", "1e", "\u{feff}", "x"]),
            0..60,
        ),
        block_bytes in 1..50_usize,
    ) {
        read_both(pieces.concat().as_bytes(), block_bytes);
    }

    /// Where blocks end, what is read first and by how many threads must not show, in the rows or in the error.
    #[test]
    fn the_block_size_changes_nothing(
        pieces in prop::collection::vec(
            prop::sample::select(vec!["1", "2", ",", ",", "\"", "\n", "\n", "\r\n", "NA", "x"]),
            0..60,
        ),
        (block_bytes, n_values, n_threads) in (1..30_usize, 1..20_usize, 1..4_usize),
    ) {
        let text = pieces.concat();
        let dir = channel(&[("a.csv", text.as_bytes())]);
        let small = read_csv(dir.path(), &regression(false), block_bytes).map(|it| (it.labels, it.features));
        let large = read_csv(dir.path(), &regression(false), 1 << 20).map(|it| (it.labels, it.features));
        let large = large.map_err(|err| err.to_string());
        prop_assert_eq!(&small.map_err(|err| err.to_string()), &large);
        let sampled = read_csv_sampled(dir.path(), (block_bytes, n_values), n_threads).map(|it| (it.labels, it.features));
        prop_assert_eq!(&sampled.map_err(|err| err.to_string()), &large);
    }

    #[test]
    fn a_table_reads_the_same_from_json_records_and_gzip(rows in table(), block_bytes in 1..200_usize) {
        let (mut json, mut text, mut records) = (String::new(), String::new(), Vec::new());
        for (label, features) in &rows {
            let cells: Vec<String> = features.iter().map(|it| if it.is_nan() { "null".to_owned() } else { it.to_string() }).collect();
            writeln!(json, "[{label},{}]", cells.join(",")).unwrap();
            writeln!(text, "{label},{}", cells.join(",").replace("null", "")).unwrap();
            records.extend(record::dense(*label, features));
        }
        let mut gzip = flate2::read::GzEncoder::new(text.as_bytes(), flate2::Compression::fast());
        let mut packed = Vec::new();
        gzip.read_to_end(&mut packed).unwrap();
        let plain = channel(&[("a", text.as_bytes())]);
        let expected = read_csv(plain.path(), &regression(false), block_bytes).map_err(|err| TestCaseError::fail(err.to_string()))?;
        let (packed, json, records) = (channel(&[("a", &packed)]), channel(&[("a", json.as_bytes())]), channel(&[("a", &records)]));
        let options = regression(false);
        let read = [
            read_csv(packed.path(), &options, block_bytes),
            read_json(json.path(), &options, block_bytes),
            read_records(records.path(), &options, block_bytes),
        ];
        for read in read {
            let read = read.map_err(|err| TestCaseError::fail(err.to_string()))?;
            prop_assert_eq!((read.labels, read.features), (expected.labels.clone(), expected.features.clone()));
        }
    }

    #[test]
    fn random_pieces_of_json_never_panic(
        pieces in prop::collection::vec(
            prop::sample::select(vec!["1", "-2.5e", ",", " ", "[", "]", "{", "}", ":", "\"label\":", "\"features\":", "\"values\"", "\"", "null", "NaN", "\n", "\\", "x"]),
            0..40,
        ),
        block_bytes in 1..50_usize,
    ) {
        let dir = channel(&[("a", pieces.concat().as_bytes())]);
        for weighted in [false, true] {
            let _ = read_json(dir.path(), &regression(weighted), block_bytes);
        }
    }

    /// Cut anywhere and with any byte changed; where blocks end must not show.
    #[test]
    fn damaged_records_never_panic(
        records in prop::collection::vec(prop_oneof![
            Just(record::dense(1.0, &[2.0, 3.0])),
            Just(record::sparse(1.0, &[0, 3], &[2.0, 3.0], 5)),
            prop::collection::vec(any::<u8>(), 0..20).prop_map(|it| record::frame(&it)),
            Just(record::frame_in_parts(&[b"ab", b"c"])),
        ], 0..6),
        (at, byte, end, block_bytes) in (any::<usize>(), any::<u8>(), any::<usize>(), 1..50_usize),
    ) {
        let mut bytes = records.concat();
        if !bytes.is_empty() {
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(end % (2 * bytes.len()));
        }
        let dir = channel(&[("a", &bytes)]);
        let read = |block_bytes| {
            let read = read_records(dir.path(), &regression(false), block_bytes);
            read.map(|it| it.labels).map_err(|err| err.to_string())
        };
        prop_assert_eq!(read(block_bytes), read(1 << 20));
    }

    #[test]
    fn a_dense_table_reads_the_same_from_libsvm(rows in table(), block_bytes in 1..200_usize) {
        let mut text = String::new();
        for (label, features) in &rows {
            write!(text, "{label}").unwrap();
            for (index, value) in features.iter().enumerate() {
                write!(text, " {index}:{value}").unwrap();
            }
            text.push('\n');
        }
        let dir = channel(&[("a.txt", text.as_bytes())]);
        let labels = regression(false).labels;
        let read = read_libsvm(dir.path(), labels, block_bytes).map_err(|err| TestCaseError::fail(err.to_string()))?;
        let features: Vec<Vec<Option<f32>>> = rows.iter()
            .map(|(_, row)| row.iter().map(|it| Some(*it).filter(|it| !it.is_nan())).collect())
            .collect();
        prop_assert_eq!(read.features, features);
    }
}

fn read_both(bytes: &[u8], block_bytes: usize) {
    let dir = channel(&[("a", bytes)]);
    let labels = LabelRule {
        objective: ObjectiveName::BinaryLogistic,
        num_class: 0,
    };
    // Whether they are refused does not matter here; a panic fails the test.
    let _ = read_csv(dir.path(), &regression(true), block_bytes);
    let _ = read_libsvm(dir.path(), labels, block_bytes);
}
