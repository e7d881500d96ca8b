//! Predictions become the bytes of an answer, in the built-in container's layout.
//!
//! Invariants: a row's answers stand in the order of the rows; numbers are 32-bit floats widened to 64 bits and written as
//! Python writes them. In a transform job every row is a line that ends, whatever is accepted.
//!
//! Where the built-in container answers 500, for JSON lines and records of bare predictions, the prediction is named
//! `score` as in its JSON; its records repeat all earlier ones of the answer, these do not.
//!
//! Source: sagemaker-xgboost-container `algorithm_mode/serve.py`, `serve_utils.py`, `handler_service.py`.

use super::accept::Accept;
use super::model::Predictions;
use super::python::{NotANumber, push_float};
use super::record::{Record, push_frame};
use super::select::{Selected, Selection};
use super::settings::{Caller, Hosting};

/// What the prediction is called where it needs a name.
const SCORE: &str = "score";

/// How answers are put together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout<'a> {
    pub(super) accept: Accept,
    pub(super) caller: Caller,
    pub(super) hosting: Hosting,
    pub(super) selection: Option<&'a Selection>,
}

/// Bytes a number takes, to reserve memory once.
const BYTES_OF_NUMBER: usize = 22;

impl Layout<'_> {
    /// The bytes of an answer.
    pub(super) fn encode(&self, predictions: &Predictions) -> Vec<u8> {
        let mut out = Vec::with_capacity(predictions.values.len() * BYTES_OF_NUMBER);
        let rows = predictions.values.chunks_exact(predictions.n_outputs);
        match (self.hosting, self.selection) {
            (Hosting::Many, _) => self.many(rows, &mut out),
            (Hosting::One, Some(selection)) => self.selected(selection, rows, &mut out),
            (Hosting::One, None) => self.plain(rows, &mut out),
        }
        out
    }

    fn plain<'r>(&self, rows: impl Iterator<Item = &'r [f32]>, out: &mut Vec<u8>) {
        match (self.caller, self.accept) {
            (Caller::Batch, _) => lines(rows, out),
            (Caller::Endpoint, Accept::Csv) => {
                for row in rows {
                    joined(row.iter(), b",", out, |value, out| {
                        push_float(out, f64::from(*value), NotANumber::Str);
                    });
                    out.push(b'\n');
                }
            }
            (Caller::Endpoint, Accept::Json) => document(rows, out, |row, out| {
                named_score(row, out);
            }),
            (Caller::Endpoint, Accept::JsonLines) => {
                for row in rows {
                    named_score(row, out);
                    out.push(b'\n');
                }
            }
            (Caller::Endpoint, Accept::RecordIoProtobuf) => {
                for row in rows {
                    let mut record = Record::default();
                    record.push(SCORE, row.iter().copied());
                    push_frame(&record, out);
                }
            }
        }
    }

    /// Several models to an endpoint have another server in the built-in container, and another layout.
    fn many<'r>(&self, rows: impl Iterator<Item = &'r [f32]>, out: &mut Vec<u8>) {
        match (self.accept, self.caller) {
            (Accept::Csv, Caller::Batch) => lines(rows, out),
            (Accept::Csv, Caller::Endpoint) => joined(rows, b",", out, |row, out| {
                score(row, out, NotANumber::Str);
            }),
            (Accept::Json | Accept::JsonLines | Accept::RecordIoProtobuf, _) => {
                out.push(b'[');
                joined(rows, b", ", out, |row, out| {
                    score(row, out, NotANumber::Json);
                });
                out.push(b']');
            }
        }
    }

    fn selected<'r>(
        &self,
        selection: &Selection,
        rows: impl Iterator<Item = &'r [f32]>,
        out: &mut Vec<u8>,
    ) {
        match self.accept {
            Accept::Json => document(rows, out, |row, out| named(selection, row, out)),
            Accept::JsonLines => {
                for row in rows {
                    named(selection, row, out);
                    out.push(b'\n');
                }
            }
            Accept::Csv => {
                joined(rows, b"\n", out, |row, out| cells(selection, row, out));
                if self.caller == Caller::Batch {
                    out.push(b'\n');
                }
            }
            Accept::RecordIoProtobuf => {
                for row in rows {
                    let mut record = Record::default();
                    for (key, value) in selection.documented(row) {
                        push_selected(&mut record, key, value);
                    }
                    push_frame(&record, out);
                }
            }
        }
    }
}

/// Each item by `write`, with `separator` between two.
fn joined<T>(
    items: impl Iterator<Item = T>,
    separator: &[u8],
    out: &mut Vec<u8>,
    mut write: impl FnMut(T, &mut Vec<u8>),
) {
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.extend_from_slice(separator);
        }
        write(item, out);
    }
}

/// A line for each row, which ends.
fn lines<'r>(rows: impl Iterator<Item = &'r [f32]>, out: &mut Vec<u8>) {
    for row in rows {
        score(row, out, NotANumber::Str);
        out.push(b'\n');
    }
}

/// `{"predictions": [...]}`.
fn document<'r>(
    rows: impl Iterator<Item = &'r [f32]>,
    out: &mut Vec<u8>,
    write: impl FnMut(&'r [f32], &mut Vec<u8>),
) {
    out.extend_from_slice(b"{\"predictions\": [");
    joined(rows, b", ", out, write);
    out.extend_from_slice(b"]}");
}

/// A number, or a list of them.
fn score(row: &[f32], out: &mut Vec<u8>, none: NotANumber) {
    match row {
        [value] => push_float(out, f64::from(*value), none),
        values => list(values.iter().copied().map(f64::from), out, none),
    }
}

fn named_score(row: &[f32], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"score\": ");
    score(row, out, NotANumber::Json);
    out.push(b'}');
}

fn list(values: impl Iterator<Item = f64>, out: &mut Vec<u8>, none: NotANumber) {
    out.push(b'[');
    joined(values, b", ", out, |value, out| {
        push_float(out, value, none);
    });
    out.push(b']');
}

fn wholes(n: u32, out: &mut Vec<u8>) {
    out.push(b'[');
    joined(0..n, b", ", out, |value, out| {
        out.extend_from_slice(value.to_string().as_bytes());
    });
    out.push(b']');
}

fn push_value(value: &Selected, out: &mut Vec<u8>, none: NotANumber) {
    match value {
        Selected::Whole(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Selected::Wholes(n) => wholes(*n, out),
        Selected::Number(value) => push_float(out, *value, none),
        Selected::Numbers(values) => list(values.iter().copied(), out, none),
        Selected::Nothing => push_float(out, f64::NAN, none),
    }
}

/// `{"key": value, ...}`.
fn named(selection: &Selection, row: &[f32], out: &mut Vec<u8>) {
    out.push(b'{');
    joined(
        selection.documented(row),
        b", ",
        out,
        |(key, value), out| {
            // A key that nobody knows may hold anything.
            let key = serde_json::Value::from(key).to_string();
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(b": ");
            push_value(&value, out, NotANumber::Json);
        },
    );
    out.push(b'}');
}

/// A line of CSV without its end; lists are quoted.
fn cells(selection: &Selection, row: &[f32], out: &mut Vec<u8>) {
    joined(selection.asked(row), b",", out, |(_, value), out| {
        let is_list = matches!(value, Selected::Wholes(_) | Selected::Numbers(_));
        let quote: &[u8] = if is_list { b"\"" } else { b"" };
        out.extend_from_slice(quote);
        push_value(&value, out, NotANumber::Str);
        out.extend_from_slice(quote);
    });
}

fn push_selected(record: &mut Record, key: &str, value: Selected) {
    match value {
        Selected::Whole(value) => record.push(key, [value as f32]),
        Selected::Wholes(n) => record.push(key, (0..n).map(|it| it as f32)),
        Selected::Number(value) => record.push(key, [value as f32]),
        Selected::Numbers(values) => record.push(key, values.into_iter().map(|it| it as f32)),
        Selected::Nothing => record.push(key, [f32::NAN]),
    }
}

#[cfg(test)]
mod tests {
    use engine::objective::{Objective, ObjectiveName};

    use super::*;

    const ONE: &[f32] = &[0.25, 1e-5];
    const TWO: &[f32] = &[0.25, 0.75, 1.0, 0.0];

    fn text(layout: Layout<'_>, values: &[f32], n_outputs: usize) -> String {
        let predictions = Predictions {
            values: values.to_vec(),
            n_outputs,
        };
        String::from_utf8(layout.encode(&predictions)).unwrap()
    }

    fn layout(accept: Accept, caller: Caller, hosting: Hosting) -> Layout<'static> {
        Layout {
            accept,
            caller,
            hosting,
            selection: None,
        }
    }

    #[test]
    fn bare_predictions_have_the_built_in_containers_layout() {
        use Accept::{Csv, Json, JsonLines};
        use Caller::{Batch, Endpoint};
        use Hosting::{Many, One};
        let small = "9.999999747378752e-06";
        for (accept, caller, hosting, one, two) in [
            (
                Csv,
                Endpoint,
                One,
                format!("0.25\n{small}\n"),
                "0.25,0.75\n1.0,0.0\n",
            ),
            (
                Json,
                Endpoint,
                One,
                format!("{{\"predictions\": [{{\"score\": 0.25}}, {{\"score\": {small}}}]}}"),
                "{\"predictions\": [{\"score\": [0.25, 0.75]}, {\"score\": [1.0, 0.0]}]}",
            ),
            (
                JsonLines,
                Endpoint,
                One,
                format!("{{\"score\": 0.25}}\n{{\"score\": {small}}}\n"),
                "{\"score\": [0.25, 0.75]}\n{\"score\": [1.0, 0.0]}\n",
            ),
            (
                Csv,
                Batch,
                One,
                format!("0.25\n{small}\n"),
                "[0.25, 0.75]\n[1.0, 0.0]\n",
            ),
            (
                Json,
                Batch,
                One,
                format!("0.25\n{small}\n"),
                "[0.25, 0.75]\n[1.0, 0.0]\n",
            ),
            (
                Csv,
                Endpoint,
                Many,
                format!("0.25,{small}"),
                "[0.25, 0.75],[1.0, 0.0]",
            ),
            (
                Json,
                Endpoint,
                Many,
                format!("[0.25, {small}]"),
                "[[0.25, 0.75], [1.0, 0.0]]",
            ),
            (
                Csv,
                Batch,
                Many,
                format!("0.25\n{small}\n"),
                "[0.25, 0.75]\n[1.0, 0.0]\n",
            ),
        ] {
            let layout = layout(accept, caller, hosting);
            assert_eq!(text(layout, ONE, 1), one, "{layout:?}");
            assert_eq!(text(layout, TWO, 2), two, "{layout:?}");
        }
    }

    #[test]
    fn selected_predictions_have_the_built_in_containers_layout() {
        let asked = ["probabilities", "foo", "predicted_label"].map(str::to_owned);
        let selection = Selection::new(&asked, &Objective::new(ObjectiveName::BinaryLogistic), 1);
        let selection = selection.unwrap();
        let layout = |accept, caller| Layout {
            selection: Some(&selection),
            ..layout(accept, caller, Hosting::One)
        };
        let values = [0.25, 0.75];
        let (low, high) = (
            "{\"predicted_label\": 0, \"probabilities\": [0.75, 0.25], \"foo\": NaN}",
            "{\"predicted_label\": 1, \"probabilities\": [0.25, 0.75], \"foo\": NaN}",
        );
        for caller in [Caller::Endpoint, Caller::Batch] {
            let expected = format!("{{\"predictions\": [{low}, {high}]}}");
            assert_eq!(text(layout(Accept::Json, caller), &values, 1), expected);
            let expected = format!("{low}\n{high}\n");
            assert_eq!(
                text(layout(Accept::JsonLines, caller), &values, 1),
                expected
            );
        }
        let lines = "\"[0.75, 0.25]\",nan,0\n\"[0.25, 0.75]\",nan,1";
        assert_eq!(
            text(layout(Accept::Csv, Caller::Endpoint), &values, 1),
            lines
        );
        let lines = format!("{lines}\n");
        assert_eq!(text(layout(Accept::Csv, Caller::Batch), &values, 1), lines);
    }

    #[test]
    fn a_record_is_a_frame_of_its_own() {
        let layout = layout(Accept::RecordIoProtobuf, Caller::Endpoint, Hosting::One);
        let predictions = Predictions {
            values: vec![0.5, 2.0],
            n_outputs: 1,
        };
        let bytes = layout.encode(&predictions);
        let frames: Vec<&[u8]> = bytes.chunks(bytes.len() / 2).collect();
        assert_eq!(frames[0][..8], [0x0a, 0x23, 0xd7, 0xce, 19, 0, 0, 0]);
        let expected = [
            &[0x12, 17, 0x0a, 5][..],
            b"score",
            &[0x12, 8, 0x12, 6, 0x0a, 4],
            &0.5_f32.to_le_bytes(),
            &[0],
        ]
        .concat();
        assert_eq!(frames[0][8..], expected);
        assert_eq!(frames[1][8 + 15..8 + 19], 2.0_f32.to_le_bytes());
    }
}
