//! The messages of an ONNX graph that are used here.
//!
//! Source: `onnx.proto`, the fields' numbers.

use super::proto::Message;

/// `TensorProto.DataType`.
pub(super) const FLOAT: i64 = 1;
pub(super) const UINT8: i64 = 2;
pub(super) const INT64: i64 = 7;

/// `AttributeProto.AttributeType`.
const ATTRIBUTE_INT: i64 = 2;
const ATTRIBUTE_TEXT: i64 = 3;
const ATTRIBUTE_TENSOR: i64 = 4;
const ATTRIBUTE_FLOATS: i64 = 6;
const ATTRIBUTE_INTS: i64 = 7;
const ATTRIBUTE_TEXTS: i64 = 8;

fn attribute(name: &str, kind: i64) -> Message {
    Message::default().text(1, name).int(20, kind)
}

pub(super) fn int(name: &str, value: i64) -> Message {
    attribute(name, ATTRIBUTE_INT).int(3, value)
}

pub(super) fn text(name: &str, value: &str) -> Message {
    attribute(name, ATTRIBUTE_TEXT).text(4, value)
}

pub(super) fn tensor(name: &str, value: &Message) -> Message {
    attribute(name, ATTRIBUTE_TENSOR).message(5, value)
}

pub(super) fn floats(name: &str, values: &[f32]) -> Message {
    attribute(name, ATTRIBUTE_FLOATS).floats(7, values)
}

pub(super) fn ints(name: &str, values: &[i64]) -> Message {
    attribute(name, ATTRIBUTE_INTS).ints(8, values)
}

pub(super) fn texts(name: &str, values: &[&str]) -> Message {
    let attribute = attribute(name, ATTRIBUTE_TEXTS);
    values.iter().fold(attribute, |it, value| it.text(9, value))
}

/// A tensor of `f32`.
pub(super) fn float_tensor(name: &str, dims: &[i64], values: &[f32]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
    raw_tensor(name, FLOAT, dims, &raw)
}

/// A tensor of bytes.
pub(super) fn byte_tensor(name: &str, values: &[u8]) -> Message {
    raw_tensor(name, UINT8, &[values.len() as i64], values)
}

fn raw_tensor(name: &str, kind: i64, dims: &[i64], raw: &[u8]) -> Message {
    let tensor = Message::default().ints(1, dims).int(2, kind);
    tensor.text(8, name).raw(9, raw)
}

/// What an operator is called, and where it is from.
pub(super) struct Operator<'a> {
    pub(super) name: &'a str,
    pub(super) domain: &'a str,
}

/// A node of the graph.
pub(super) fn node(
    operator: &Operator<'_>,
    inputs: &[&str],
    outputs: &[&str],
    attributes: &[Message],
) -> Message {
    let node = inputs
        .iter()
        .fold(Message::default(), |it, input| it.text(1, input));
    let node = outputs.iter().fold(node, |it, output| it.text(2, output));
    let node = node.text(3, outputs[0]).text(4, operator.name);
    node.messages(5, attributes).text(7, operator.domain)
}

/// An input or output: rows of unknown number, and columns if there are any.
pub(super) fn value_info(name: &str, kind: i64, n_columns: Option<usize>) -> Message {
    let rows = Message::default().text(2, "n_rows");
    let mut shape = Message::default().message(1, &rows);
    if let Some(n_columns) = n_columns {
        shape = shape.message(1, &Message::default().int(1, n_columns as i64));
    }
    let tensor = Message::default().int(1, kind).message(2, &shape);
    Message::default()
        .text(1, name)
        .message(2, &Message::default().message(1, &tensor))
}
