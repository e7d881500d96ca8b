//! What the libsvm reader takes, and what it says about what it does not take.

use engine::objective::ObjectiveName;
use trainer::data::blocks::BLOCK_BYTES;
use trainer::data::labels::LabelRule;

use crate::table::{Rows, channel, read_libsvm, without_origins};

const ANY: LabelRule = LabelRule {
    objective: ObjectiveName::RegSquaredError,
    num_class: 0,
};

fn read(text: &str) -> Result<Rows, String> {
    let dir = channel(&[("a.txt", text.as_bytes())]);
    read_libsvm(dir.path(), ANY, BLOCK_BYTES)
        .map(without_origins)
        .map_err(|err| err.to_string())
}

#[test]
fn indexes_count_from_zero_and_what_is_not_listed_is_missing() {
    let rows = read("1 0:2 3:0\n-1.5 1:4\n").unwrap();
    assert_eq!(rows.labels, [1.0, -1.5]);
    assert_eq!(
        rows.features,
        [
            vec![Some(2.0), None, None, Some(0.0)],
            vec![None, Some(4.0)]
        ]
    );
}

#[test]
fn takes_any_blanks_comments_queries_and_line_ends() {
    let expected = read("1 0:2 3:0\n0\n").unwrap();
    for text in [
        "1  0:2\t3:0 \r\n0\r\n",
        "# a comment\n\n1 0:2 3:0 # another\n0",
        " 1 qid:7 0:2 3:0\n0 qid:8\n",
        "\u{feff}1 0:2 3:0\r0\r",
    ] {
        assert_eq!(read(text).as_ref(), Ok(&expected), "{text:?}");
    }
}

#[test]
fn weights_stand_behind_the_label() {
    let rows = read("1:0.5 0:1\n0:2 0:3\n").unwrap();
    assert_eq!(rows.weights, [0.5, 2.0]);
}

#[test]
fn says_where_and_what_is_wrong() {
    let table = [
        (
            "1 0:1\nx 0:1\n",
            "train/a.txt, line 2: label `x` is not a number, a line reads `label index:value index:value ...`",
        ),
        (
            "1 0:1\nnan 0:1\n",
            "train/a.txt, line 2: label `nan` is not a number, a line reads `label index:value index:value ...`",
        ),
        (
            "1 0:1\n\n1 2\n",
            "train/a.txt, line 3: `2` is not a pair, expected `index:value`",
        ),
        (
            "1 -1:1\n",
            "train/a.txt, line 1: index `-1` in `-1:1` is not a column, allowed are whole numbers from 0 to 1048575",
        ),
        (
            "1 4294967296:1\n",
            "train/a.txt, line 1: index `4294967296` in `4294967296:1` is not a column, allowed are whole numbers from 0 to 1048575",
        ),
        (
            "1 0:a\n",
            "train/a.txt, line 1: text `a` where a number is expected (in `0:a`)",
        ),
        (
            "1 3:1 2:1\n",
            "train/a.txt, line 1: index 2 comes after 3, indexes must ascend and be there once",
        ),
        (
            "1 3:1 3:1\n",
            "train/a.txt, line 1: index 3 comes after 3, indexes must ascend and be there once",
        ),
        (
            "1 qid:x 3:1\n",
            "train/a.txt, line 1: `qid:x` is not a query, expected `qid:` and a whole number",
        ),
        (
            "1:1 0:1\n1 0:1\n",
            "train/a.txt, line 2: the row has no weight, while the first row of the channel has one",
        ),
        (
            "1:-1 0:1\n",
            "train/a.txt, line 1: weight `-1` is not allowed, allowed are finite numbers from 0",
        ),
        (
            "1,2,3\n",
            "train/a.txt, line 1: First line '1,2,3' is not 'LIBSVM' format, it looks like CSV",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(read(text), Err(expected.to_owned()), "{text:?}");
    }
    let said = read("1 0:inf\n").unwrap_err();
    assert!(
        said.starts_with("train/a.txt, line 1: `inf` is infinite"),
        "{said}"
    );
}
