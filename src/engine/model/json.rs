//! XGBoost's JSON: strict JSON and the three words `NaN`, `Infinity` and `-Infinity`.
//!
//! Invariants: whole numbers and others are told by spelling, since XGBoost's parser does so: what is an `f32` in the
//! model has an exponent here. Floats are the shortest text that reads back as the same `f32`.
//!
//! Source: RFC 8259; XGBoost `src/common/json.cc`.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::error::ModelError;
use super::value::{ArrayBuilder, Encode, Value, check_depth};

/// Writes JSON without white space.
#[derive(Default)]
pub(super) struct JsonEncoder {
    text: String,
    /// Whether a comma comes before the next value or key.
    comma: bool,
}

impl JsonEncoder {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    fn separate(&mut self) {
        if self.comma {
            self.text.push(',');
        }
        self.comma = true;
    }

    fn open(&mut self, bracket: char) {
        self.separate();
        self.text.push(bracket);
        self.comma = false;
    }

    fn close(&mut self, bracket: char) {
        self.text.push(bracket);
        self.comma = true;
    }

    fn quoted(&mut self, text: &str) {
        self.text.push('"');
        for char in text.chars() {
            match char {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\u{0}'..='\u{1f}' => {
                    write!(self.text, "\\u{:04x}", u32::from(char))
                        .expect("a String takes everything");
                }
                other => self.text.push(other),
            }
        }
        self.text.push('"');
    }

    fn whole_numbers(&mut self, values: impl Iterator<Item = i64>) {
        self.open('[');
        values.for_each(|value| self.integer(value));
        self.close(']');
    }
}

impl Encode for JsonEncoder {
    fn begin_object(&mut self) {
        self.open('{');
    }

    fn end_object(&mut self) {
        self.close('}');
    }

    fn key(&mut self, key: &str) {
        self.separate();
        self.quoted(key);
        self.text.push(':');
        self.comma = false;
    }

    fn text(&mut self, text: &str) {
        self.separate();
        self.quoted(text);
    }

    fn integer(&mut self, value: i64) {
        self.separate();
        write!(self.text, "{value}").expect("a String takes everything");
    }

    fn float(&mut self, value: f32) {
        self.separate();
        push_float(&mut self.text, value);
    }

    fn begin_array(&mut self, _len: usize) {
        self.open('[');
    }

    fn end_array(&mut self) {
        self.close(']');
    }

    fn floats(&mut self, values: impl ExactSizeIterator<Item = f32>) {
        self.open('[');
        for value in values {
            self.separate();
            push_float(&mut self.text, value);
        }
        self.close(']');
    }

    fn ints(&mut self, values: impl ExactSizeIterator<Item = i32>) {
        self.whole_numbers(values.map(i64::from));
    }

    fn bytes(&mut self, values: impl ExactSizeIterator<Item = u8>) {
        self.whole_numbers(values.map(i64::from));
    }

    fn longs(&mut self, values: impl ExactSizeIterator<Item = i64>) {
        self.whole_numbers(values);
    }
}

/// The shortest text that is this `f32`, with an exponent: `5E-1`.
pub(super) fn float_text(value: f32) -> String {
    let mut text = String::new();
    push_float(&mut text, value);
    text
}

fn push_float(text: &mut String, value: f32) {
    if value.is_nan() {
        text.push_str("NaN");
    } else if value.is_infinite() {
        text.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        write!(text, "{value:E}").expect("a String takes everything");
    }
}

/// Decodes one JSON document.
///
/// # Errors
/// [`ModelError::Syntax`] with the byte at which it stops being JSON.
pub(super) fn decode(bytes: &[u8]) -> Result<Value<'_>, ModelError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|err| ModelError::syntax(err.valid_up_to(), "not UTF-8"))?;
    let mut decoder = Decoder { text, at: 0 };
    let value = decoder.value(1)?;
    decoder.skip_space();
    // Some of XGBoost's C API writers end the buffer with NUL bytes.
    match text.as_bytes()[decoder.at..]
        .iter()
        .position(|&byte| byte != 0)
    {
        None => Ok(value),
        Some(extra) => Err(ModelError::syntax(
            decoder.at + extra,
            "there is more after the document's end",
        )),
    }
}

struct Decoder<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Decoder<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn error<T>(&self, problem: &str) -> Result<T, ModelError> {
        Err(ModelError::syntax(self.at, problem))
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, ModelError> {
        if !self.text[self.at..].starts_with(word) {
            return self.error("expected a value");
        }
        self.at += word.len();
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, ModelError> {
        check_depth(depth, self.at)?;
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'N') => self.word("NaN", Value::Float(f32::NAN)),
            Some(b'I') => self.word("Infinity", Value::Float(f32::INFINITY)),
            Some(_) => self.error("expected a value"),
            None => self.error("the document breaks off"),
        }
    }

    /// Whether another item follows: takes the comma, or the `close` bracket.
    fn next_item(&mut self, close: u8, first: bool) -> Result<bool, ModelError> {
        self.skip_space();
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if first => Ok(true),
            Some(_) => self.error("expected `,` or the end of the array or object"),
            None => self.error("the document breaks off"),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, ModelError> {
        self.at += 1;
        let mut items = ArrayBuilder::default();
        let mut first = true;
        while self.next_item(b']', first)? {
            items.push(self.value(depth + 1)?);
            first = false;
        }
        Ok(items.finish())
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, ModelError> {
        self.at += 1;
        let mut members = Vec::new();
        while self.next_item(b'}', members.is_empty())? {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return self.error("expected a member's name in quotes");
            }
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return self.error("expected `:`");
            }
            self.at += 1;
            members.push((key, self.value(depth + 1)?));
        }
        Ok(Value::Object(members))
    }

    fn number(&mut self) -> Result<Value<'a>, ModelError> {
        let rest = &self.text[self.at..];
        if rest.starts_with("-Infinity") {
            return self.word("-Infinity", Value::Float(f32::NEG_INFINITY));
        }
        let is_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let len = rest.bytes().take_while(|byte| is_number(byte)).count();
        let number = &rest[..len];
        let value = if number
            .bytes()
            .any(|byte| matches!(byte, b'.' | b'e' | b'E'))
        {
            number.parse().ok().map(Value::Float)
        } else {
            number.parse().ok().map(Value::Int)
        };
        match value {
            Some(value) => {
                self.at += len;
                Ok(value)
            }
            None => self.error("expected a number"),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, ModelError> {
        self.at += 1;
        let mut owned = String::new();
        let mut start = self.at;
        loop {
            match self.peek() {
                None => return self.error("the document breaks off in a text"),
                Some(b'"') => {
                    let tail = &self.text[start..self.at];
                    self.at += 1;
                    let whole = if owned.is_empty() {
                        Cow::Borrowed(tail)
                    } else {
                        Cow::Owned(owned + tail)
                    };
                    return Ok(whole);
                }
                Some(b'\\') => {
                    owned.push_str(&self.text[start..self.at]);
                    owned.push(self.escape()?);
                    start = self.at;
                }
                Some(0..=0x1f) => return self.error("a control character in a text"),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<char, ModelError> {
        self.at += 1;
        let Some(letter) = self.peek() else {
            return self.error("the document breaks off in a text");
        };
        let char = match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return self.error("an unknown escape in a text"),
        };
        self.at += 1;
        Ok(char)
    }

    /// `\uXXXX`, or two of them where they are a surrogate pair; stands on the `u`.
    fn unicode_escape(&mut self) -> Result<char, ModelError> {
        let high = self.hex_unit()?;
        let code = if (0xd800..0xdc00).contains(&high) && self.text[self.at..].starts_with("\\u") {
            self.at += 1;
            let low = self.hex_unit()?;
            if !(0xdc00..0xe000).contains(&low) {
                return self.error("half a surrogate pair in a text");
            }
            0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
        } else {
            high
        };
        match char::from_u32(code) {
            Some(char) => Ok(char),
            None => self.error("half a surrogate pair in a text"),
        }
    }

    fn hex_unit(&mut self) -> Result<u32, ModelError> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5);
        let is_hex = |digits: &&[u8]| digits.iter().all(u8::is_ascii_hexdigit);
        let Some(digits) = digits.filter(is_hex) else {
            return self.error("expected four hexadecimal digits");
        };
        let unit = digits.iter().fold(0, |sum, &digit| {
            sum * 16 + char::from(digit).to_digit(16).unwrap_or(0)
        });
        self.at += 5;
        Ok(unit)
    }
}
