//! XGBoost's UBJSON: the Draft-12 subset that it writes, numbers big-endian, arrays of numbers packed.
//!
//! Invariants: every length is an `i64` behind the marker `L`, since XGBoost's reader takes nothing else; a length is
//! held against the bytes that are left before anything is allocated.
//!
//! Source: ubjson.org, Draft 12; XGBoost `src/common/json.cc`, `UBJReader` and `UBJWriter`.

use std::borrow::Cow;

use super::error::ModelError;
use super::value::{ArrayBuilder, Encode, Value, check_depth};

/// Writes UBJSON.
#[derive(Default)]
pub(super) struct UbjEncoder {
    bytes: Vec<u8>,
}

impl UbjEncoder {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn len(&mut self, len: usize) {
        self.bytes.push(b'L');
        self.bytes.extend((len as i64).to_be_bytes());
    }

    fn packed<const N: usize>(
        &mut self,
        marker: u8,
        values: impl ExactSizeIterator<Item = [u8; N]>,
    ) {
        self.bytes.extend([b'[', b'$', marker, b'#']);
        self.len(values.len());
        self.bytes.reserve(values.len() * N);
        values.for_each(|value| self.bytes.extend(value));
    }
}

impl Encode for UbjEncoder {
    fn begin_object(&mut self) {
        self.bytes.push(b'{');
    }

    fn end_object(&mut self) {
        self.bytes.push(b'}');
    }

    fn key(&mut self, key: &str) {
        self.len(key.len());
        self.bytes.extend(key.as_bytes());
    }

    fn text(&mut self, text: &str) {
        self.bytes.push(b'S');
        self.len(text.len());
        self.bytes.extend(text.as_bytes());
    }

    /// The smallest type that holds it; the limits of a type go to the next one, as XGBoost does it.
    fn integer(&mut self, value: i64) {
        let within = |low: i64, high: i64| low < value && value < high;
        if within(i64::from(i8::MIN), i64::from(i8::MAX)) {
            self.bytes.push(b'i');
            self.bytes.extend((value as i8).to_be_bytes());
        } else if within(i64::from(i16::MIN), i64::from(i16::MAX)) {
            self.bytes.push(b'I');
            self.bytes.extend((value as i16).to_be_bytes());
        } else if within(i64::from(i32::MIN), i64::from(i32::MAX)) {
            self.bytes.push(b'l');
            self.bytes.extend((value as i32).to_be_bytes());
        } else {
            self.bytes.push(b'L');
            self.bytes.extend(value.to_be_bytes());
        }
    }

    fn float(&mut self, value: f32) {
        self.bytes.push(b'd');
        self.bytes.extend(value.to_be_bytes());
    }

    /// An array with a count has no closing bracket.
    fn begin_array(&mut self, len: usize) {
        self.bytes.extend(*b"[#");
        self.len(len);
    }

    fn end_array(&mut self) {}

    fn floats(&mut self, values: impl ExactSizeIterator<Item = f32>) {
        self.packed(b'd', values.map(f32::to_be_bytes));
    }

    fn ints(&mut self, values: impl ExactSizeIterator<Item = i32>) {
        self.packed(b'l', values.map(i32::to_be_bytes));
    }

    fn bytes(&mut self, values: impl ExactSizeIterator<Item = u8>) {
        self.packed(b'U', values.map(u8::to_be_bytes));
    }

    fn longs(&mut self, values: impl ExactSizeIterator<Item = i64>) {
        self.packed(b'L', values.map(i64::to_be_bytes));
    }
}

/// Decodes one UBJSON document.
///
/// # Errors
/// [`ModelError::Syntax`] with the byte at which it stops being UBJSON.
pub(super) fn decode(bytes: &[u8]) -> Result<Value<'_>, ModelError> {
    let mut decoder = Decoder { bytes, at: 0 };
    let value = decoder.value(1)?;
    match bytes[decoder.at..].iter().position(|&byte| byte != 0) {
        None => Ok(value),
        Some(extra) => Err(ModelError::syntax(
            decoder.at + extra,
            "there is more after the document's end",
        )),
    }
}

struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Decoder<'a> {
    fn error<T>(&self, problem: impl Into<String>) -> Result<T, ModelError> {
        Err(ModelError::syntax(self.at, problem))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], ModelError> {
        let Some((head, _)) = self.bytes[self.at..].split_at_checked(len) else {
            let left = self.bytes.len() - self.at;
            return self.error(format!("{len} bytes are announced, {left} are left"));
        };
        self.at += len;
        Ok(head)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], ModelError> {
        let bytes = self.take(N)?;
        Ok(bytes.try_into().expect("as many bytes as were asked for"))
    }

    fn byte(&mut self) -> Result<u8, ModelError> {
        self.fixed::<1>().map(|[byte]| byte)
    }

    /// A length of items that each take at least `item_len` bytes of what is left.
    fn len(&mut self, item_len: usize) -> Result<usize, ModelError> {
        if self.peek() != Some(b'L') {
            return self.error("expected a length, marked `L`");
        }
        self.at += 1;
        let len = i64::from_be_bytes(self.fixed()?);
        let left = self.bytes.len() - self.at;
        match usize::try_from(len) {
            Ok(len) if len.checked_mul(item_len).is_some_and(|bytes| bytes <= left) => Ok(len),
            _ => self.error(format!(
                "a length of {len} is announced, {left} bytes are left"
            )),
        }
    }

    fn text(&mut self) -> Result<Cow<'a, str>, ModelError> {
        let len = self.len(1)?;
        let start = self.at;
        let bytes = self.take(len)?;
        let text = std::str::from_utf8(bytes);
        text.map(Cow::Borrowed)
            .map_err(|err| ModelError::syntax(start + err.valid_up_to(), "not UTF-8"))
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, ModelError> {
        check_depth(depth, self.at)?;
        let marker = self.byte()?;
        Ok(match marker {
            b'{' => self.object(depth)?,
            b'[' => self.array(depth)?,
            b'S' => Value::Text(self.text()?),
            b'Z' => Value::Null,
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            b'i' => Value::Int(i8::from_be_bytes(self.fixed()?).into()),
            b'U' | b'C' => Value::Int(self.byte()?.into()),
            b'I' => Value::Int(i16::from_be_bytes(self.fixed()?).into()),
            b'l' => Value::Int(i32::from_be_bytes(self.fixed()?).into()),
            b'L' => Value::Int(i64::from_be_bytes(self.fixed()?)),
            b'd' => Value::Float(f32::from_be_bytes(self.fixed()?)),
            b'D' => Value::Float(f64::from_be_bytes(self.fixed()?) as f32),
            _ => {
                self.at -= 1;
                return self.error(format!("`{}` is no type of a value", marker.escape_ascii()));
            }
        })
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, ModelError> {
        let mut members = Vec::new();
        loop {
            if self.peek() == Some(b'}') {
                self.at += 1;
                return Ok(Value::Object(members));
            }
            let key = self.text()?;
            members.push((key, self.value(depth + 1)?));
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, ModelError> {
        match self.peek() {
            Some(b'$') => {
                self.at += 1;
                let marker = self.byte()?;
                self.expect_count()?;
                self.packed(marker)
            }
            Some(b'#') => {
                self.expect_count()?;
                let len = self.len(1)?;
                let mut items = ArrayBuilder::default();
                for _ in 0..len {
                    items.push(self.value(depth + 1)?);
                }
                Ok(items.finish())
            }
            _ => {
                let mut items = ArrayBuilder::default();
                while self.peek() != Some(b']') {
                    items.push(self.value(depth + 1)?);
                }
                self.at += 1;
                Ok(items.finish())
            }
        }
    }

    fn expect_count(&mut self) -> Result<(), ModelError> {
        if self.byte()? == b'#' {
            return Ok(());
        }
        self.at -= 1;
        self.error("expected an array's count, marked `#`")
    }

    fn packed(&mut self, marker: u8) -> Result<Value<'a>, ModelError> {
        Ok(match marker {
            b'd' => Value::Floats(self.items(f32::from_be_bytes)?),
            b'D' => Value::Floats(self.items(|bytes| f64::from_be_bytes(bytes) as f32)?),
            b'i' => Value::Ints(self.items(|bytes| i8::from_be_bytes(bytes).into())?),
            b'U' => Value::Ints(self.items(|bytes| u8::from_be_bytes(bytes).into())?),
            b'I' => Value::Ints(self.items(|bytes| i16::from_be_bytes(bytes).into())?),
            b'l' => Value::Ints(self.items(|bytes| i32::from_be_bytes(bytes).into())?),
            b'L' => Value::Ints(self.items(i64::from_be_bytes)?),
            _ => {
                return self.error(format!(
                    "`{}` is no type of a packed array",
                    marker.escape_ascii()
                ));
            }
        })
    }

    fn items<const N: usize, T>(
        &mut self,
        item: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, ModelError> {
        let len = self.len(N)?;
        let (chunks, _) = self.take(len * N)?.as_chunks();
        Ok(chunks.iter().map(|&chunk| item(chunk)).collect())
    }
}
