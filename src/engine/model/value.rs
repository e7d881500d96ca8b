//! A document between its bytes and its meaning: what both decoders give and both encoders take.
//!
//! Invariant: memory is a small multiple of the input's length, since arrays of numbers are packed and a decoder
//! grows them as it reads. Depth is at most [`MAX_DEPTH`].

use std::borrow::Cow;

use super::error::ModelError;

/// Values may lie this deep in each other; a model needs 8.
pub(super) const MAX_DEPTH: usize = 32;

/// A decoded value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f32),
    Text(Cow<'a, str>),
    /// An array of whole numbers.
    Ints(Vec<i64>),
    /// An array of numbers with at least one that is not whole by its spelling.
    Floats(Vec<f32>),
    /// Any other array, an empty one included.
    Array(Vec<Self>),
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl Value<'_> {
    /// What this is, for a message.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => format!("`{value}`"),
            Self::Int(value) => format!("the number `{value}`"),
            Self::Float(value) => format!("the number `{value}`"),
            Self::Text(text) => format!("the text `{}`", shortened(text)),
            Self::Ints(items) => format!("an array of {} whole numbers", items.len()),
            Self::Floats(items) => format!("an array of {} numbers", items.len()),
            Self::Array(items) => format!("an array of {} values", items.len()),
            Self::Object(members) => format!("an object of {} members", members.len()),
        }
    }
}

/// Text of a hostile file must not fill a message.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(LONGEST).collect();
    if chars.next().is_some() {
        format!("{head}…")
    } else {
        head
    }
}

/// Collects the items of an array, packed for as long as they are numbers.
#[derive(Default)]
pub(super) struct ArrayBuilder<'a> {
    packed: Packed,
    mixed: Vec<Value<'a>>,
}

#[derive(Default)]
enum Packed {
    #[default]
    Empty,
    Ints(Vec<i64>),
    Floats(Vec<f32>),
}

impl<'a> ArrayBuilder<'a> {
    pub(super) fn push(&mut self, value: Value<'a>) {
        if !self.mixed.is_empty() {
            self.mixed.push(value);
            return;
        }
        match (&mut self.packed, value) {
            (Packed::Ints(items), Value::Int(value)) => items.push(value),
            (Packed::Floats(items), Value::Int(value)) => items.push(value as f32),
            (Packed::Floats(items), Value::Float(value)) => items.push(value),
            (packed @ Packed::Empty, Value::Int(value)) => *packed = Packed::Ints(vec![value]),
            (packed @ Packed::Empty, Value::Float(value)) => *packed = Packed::Floats(vec![value]),
            (Packed::Ints(items), Value::Float(value)) => {
                let floats = items
                    .iter()
                    .map(|&item| item as f32)
                    .chain([value])
                    .collect();
                self.packed = Packed::Floats(floats);
            }
            (packed, value) => {
                self.mixed = std::mem::take(packed).into_values();
                self.mixed.push(value);
            }
        }
    }

    pub(super) fn finish(self) -> Value<'a> {
        match self.packed {
            Packed::Ints(items) => Value::Ints(items),
            Packed::Floats(items) => Value::Floats(items),
            Packed::Empty => Value::Array(self.mixed),
        }
    }
}

impl Packed {
    fn into_values<'a>(self) -> Vec<Value<'a>> {
        match self {
            Self::Empty => Vec::new(),
            Self::Ints(items) => items.into_iter().map(Value::Int).collect(),
            Self::Floats(items) => items.into_iter().map(Value::Float).collect(),
        }
    }
}

/// Refuses what lies deeper than [`MAX_DEPTH`].
pub(super) fn check_depth(depth: usize, offset: usize) -> Result<(), ModelError> {
    if depth <= MAX_DEPTH {
        return Ok(());
    }
    Err(ModelError::syntax(
        offset,
        format!("more than {MAX_DEPTH} values lie in each other"),
    ))
}

/// Writes a document as it is walked, so that no second copy of it is held.
///
/// Calls nest as the document does: a value after each [`Encode::key`], and as many values as announced in an array.
pub(super) trait Encode {
    fn begin_object(&mut self);
    fn end_object(&mut self);
    /// The name of the member whose value follows.
    fn key(&mut self, key: &str);
    fn text(&mut self, text: &str);
    fn integer(&mut self, value: i64);
    fn float(&mut self, value: f32);
    /// An array of values that are not all of one type by construction.
    fn begin_array(&mut self, len: usize);
    fn end_array(&mut self);
    /// A packed array: `f32`.
    fn floats(&mut self, values: impl ExactSizeIterator<Item = f32>);
    /// A packed array: `i32`.
    fn ints(&mut self, values: impl ExactSizeIterator<Item = i32>);
    /// A packed array: `u8`.
    fn bytes(&mut self, values: impl ExactSizeIterator<Item = u8>);
    /// A packed array: `i64`.
    fn longs(&mut self, values: impl ExactSizeIterator<Item = i64>);

    /// A member that is a text.
    fn text_member(&mut self, key: &str, text: &str) {
        self.key(key);
        self.text(text);
    }

    /// A member that is an array of texts.
    fn text_array_member<'t>(&mut self, key: &str, texts: impl ExactSizeIterator<Item = &'t str>) {
        self.key(key);
        self.begin_array(texts.len());
        texts.for_each(|text| self.text(text));
        self.end_array();
    }

    /// A member that is an array of integers, each as small as it can be.
    fn integer_array_member(&mut self, key: &str, values: impl ExactSizeIterator<Item = i64>) {
        self.key(key);
        self.begin_array(values.len());
        values.for_each(|value| self.integer(value));
        self.end_array();
    }
}
