//! What the CSV reader takes, and what it says about what it does not take.

use contract::hyperparameter::OnBadRow;
use engine::objective::ObjectiveName;
use trainer::data::blocks::BLOCK_BYTES;
use trainer::data::csv::CsvOptions;
use trainer::data::labels::LabelRule;
use trainer::data::side::SideOptions;

use crate::table::{Rows, channel, read_csv, regression, without_origins};

fn read(text: &str, options: &CsvOptions) -> Result<Rows, String> {
    let dir = channel(&[("a.csv", text.as_bytes())]);
    read_csv(dir.path(), options, BLOCK_BYTES)
        .map(without_origins)
        .map_err(|err| err.to_string())
}

#[test]
fn every_line_end_delimiter_and_quoting_gives_the_same_rows() {
    let expected = read("1,2,3\n4,,6\n", &regression(false)).unwrap();
    assert_eq!(expected.labels, [1.0, 4.0]);
    assert_eq!(
        expected.features,
        [[Some(2.0), Some(3.0)], [None, Some(6.0)]]
    );
    let spellings = [
        "1,2,3\r\n4,,6\r\n",
        "1,2,3\r4,,6\r",
        "1,2,3\n4,,6",
        "\u{feff}1,2,3\n4,,6\n",
        "\n\n1,2,3\n   \n4,,6\n\n",
        "1, 2 ,3 \n 4 , ,6\n",
        "\"1\",\"2\",\"3\"\n\"4\",\"\",\"6\"\n",
        "\"1\" , \"2\",3\r\n4,NA,\"6\"",
        "1\t2\t3\n4\t\t6\n",
        "1;2;3\n4;nan;6\n",
        "1|2|3\n4|NaN|6\n",
        "1 2 3\n4 na 6\n",
        "  1  2   3  \n4 NA  6\n",
        "1:2:3\n4::6\n",
        "1.0,2e0,+3\n40e-1,-nan,6.\n",
        "\"1\",\"2\n\",3\n4,,6\n",
    ];
    for text in spellings {
        assert_eq!(
            read(text, &regression(false)).as_ref(),
            Ok(&expected),
            "{text:?}"
        );
    }
}

#[test]
fn weights_stand_in_the_second_column_where_they_are_asked_for() {
    let rows = read("1,0.5,3\n2,2,6\n", &regression(true)).unwrap();
    assert_eq!(rows.weights, [0.5, 2.0]);
    assert_eq!(rows.features, [[Some(3.0)], [Some(6.0)]]);
}

#[test]
fn a_file_of_blank_lines_has_no_rows() {
    assert_eq!(read("\n \r\n\n", &regression(false)), Ok(Rows::default()));
}

/// A text, and what is said about it.
const REFUSED: &[(&str, &str)] = &[
    (
        "label,x\n1,2\n",
        "train/a.csv, line 1, column 1: text `label` where the first label is expected: the file starts with a header",
    ),
    (
        "\"y\",x\n1,2\n",
        "train/a.csv, line 1, column 1: text `y` where the first label is expected: the file starts with a header",
    ),
    (
        "1,2\n3,abc\n",
        "train/a.csv, line 2, column 2: text `abc` where a number is expected",
    ),
    (
        "1,2\r\n\r\n3,12abc\r\n",
        "train/a.csv, line 3, column 2: text `12abc` where a number is expected",
    ),
    (
        "1,2\r3,abc\r",
        "train/a.csv, line 2, column 2: text `abc` where a number is expected",
    ),
    (
        "1,2\nx,4\n",
        "train/a.csv, line 2, column 1: text `x` where a number is expected",
    ),
    (
        "1,2\n,4\n",
        "train/a.csv, line 2, column 1: the label is missing, every row needs one",
    ),
    (
        "1,2\nnan,4\n",
        "train/a.csv, line 2, column 1: the label is missing, every row needs one",
    ),
    (
        "1,2,3\n1,2\n",
        "train/a.csv, line 2: 2 columns, expected 3 as in train/a.csv, line 1",
    ),
    (
        "\n1,2\n1,2,3,4\n",
        "train/a.csv, line 3: 4 columns, expected 2 as in train/a.csv, line 2",
    ),
    (
        "1,\"2\",x\n1,\"a,b\"\n",
        "train/a.csv, line 1, column 3: text `x` where a number is expected",
    ),
    (
        "1,2\n3,inf\n",
        "train/a.csv, line 2, column 2: `inf` is infinite or beyond 32-bit floating point, allowed are finite numbers up to 3.4e38",
    ),
    (
        "1,2\n3,-1e39\n",
        "train/a.csv, line 2, column 2: `-1e39` is infinite or beyond 32-bit floating point, allowed are finite numbers up to 3.4e38",
    ),
    (
        "1,2\n3,\"4\n5,6\n",
        "train/a.csv, line 2, column 2: the quote in `\"4\u{fffd}5,6\u{fffd}` is not closed",
    ),
    (
        "1,2\n3,\"4\"5\n",
        "train/a.csv, line 2, column 2: text `\"4\"5` where a number is expected",
    ),
    (
        "1\n2\n",
        "train/a.csv, line 1: Could not determine delimiter on line `1`: none of `,` TAB `;` `|` `:` space stands between two cells",
    ),
];

#[test]
fn says_where_and_what_is_wrong() {
    for (text, expected) in REFUSED {
        assert_eq!(
            read(text, &regression(false)),
            Err((*expected).to_owned()),
            "{text:?}"
        );
    }
}

#[test]
fn refuses_weights_that_are_none() {
    for weight in ["-1", "nan", ""] {
        let said = read(&format!("1,1,3\n2,{weight},4\n"), &regression(true)).unwrap_err();
        assert!(
            said.starts_with("train/a.csv, line 2, column 2: weight `"),
            "{said}"
        );
    }
    let said = read("1,1\n", &regression(true)).unwrap_err();
    assert_eq!(
        said,
        "train/a.csv, line 1: 2 columns, expected a label, a weight and at least one feature"
    );
}

#[test]
fn checks_labels_against_the_objective_where_they_stand() {
    let labels = |objective, num_class| CsvOptions {
        on_bad_row: OnBadRow::Error,
        weighted: false,
        side: SideOptions::default(),
        categorical: Vec::new(),
        labels: LabelRule {
            objective,
            num_class,
        },
    };
    let said = read("1,2\n2,3\n", &labels(ObjectiveName::BinaryLogistic, 0)).unwrap_err();
    assert!(
        said.starts_with(
            "train/a.csv, line 2, column 1: label must be in [0,1] for logistic regression"
        ),
        "{said}"
    );
    let said = read("0,2\n\n3,3\n", &labels(ObjectiveName::MultiSoftprob, 3)).unwrap_err();
    assert!(
        said.starts_with("train/a.csv, line 3, column 1: ") && said.contains("[0, num_class)"),
        "{said}"
    );
}

#[test]
fn the_first_file_fixes_the_width_and_rows_are_counted_per_file() {
    let dir = channel(&[
        ("a.csv", b"1,2\n3,4\n"),
        ("b.csv", b"\n5,6\n"),
        ("c.csv", b"7,8,9\n"),
    ]);
    let said = read_csv(dir.path(), &regression(false), BLOCK_BYTES)
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "train/c.csv, line 1: 3 columns, expected 2 as in train/a.csv, line 1"
    );

    let dir = channel(&[("a.csv", b"1,2\n3,4\n"), ("b.csv", b"\n5,6\n")]);
    let rows = read_csv(dir.path(), &regression(false), 4).unwrap();
    assert_eq!(rows.labels, [1.0, 3.0, 5.0]);
    let origins: Vec<(&str, u64)> = rows
        .origins
        .iter()
        .map(|(object, row)| (object.as_str(), *row))
        .collect();
    assert_eq!(
        origins,
        [("train/a.csv", 0), ("train/a.csv", 1), ("train/b.csv", 0)]
    );
}

#[test]
fn names_the_right_line_far_into_a_large_file() {
    let mut text = "1,2.5,3\n".repeat(700_000);
    text.push_str("1,2.5,oops\n");
    text.push_str(&"1,also,wrong\n".repeat(200_000));
    let said = read(&text, &regression(false)).unwrap_err();
    assert_eq!(
        said,
        "train/a.csv, line 700001, column 3: text `oops` where a number is expected"
    );
}

#[test]
fn tells_other_formats_by_their_first_bytes() {
    let table: &[(&[u8], &str)] = &[
        (b"\x0a\x23\xd7\xce", "a RecordIO file"),
        (b"PAR1....", "a Parquet file"),
        (b"PK\x03\x04", "a zip file"),
        (b"\xff\xfe1\x00,\x00", "UTF-16 text"),
    ];
    for (bytes, found) in table {
        let dir = channel(&[("a.csv", bytes)]);
        let said = read_csv(dir.path(), &regression(false), BLOCK_BYTES)
            .unwrap_err()
            .to_string();
        assert_eq!(
            said,
            format!("train/a.csv is {found}, expected plain UTF-8 text")
        );
    }
}
