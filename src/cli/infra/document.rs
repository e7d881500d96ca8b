//! A CloudFormation template as a JSON value, from YAML or JSON, with the lines that parameters' defaults stand on.
//!
//! Invariants: every short form (`!Sub`) is spelled out as its long one (`Fn::Sub`), so YAML and JSON of one template are
//! equal; the order of keys is not kept, which CloudFormation does not look at either. Aliases are refused, as by
//! CloudFormation.
//!
//! Source: AWS CloudFormation User Guide, "Intrinsic function reference" and "CloudFormation template format".

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Value};

/// Deeper than any template; the parser's depth is the reader's stack.
const MAX_DEPTH: usize = 100;

/// A text that is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct DocumentError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl DocumentError {
    fn at(span: Span, message: impl Into<String>) -> Self {
        Self {
            line: span.start.line(),
            message: message.into(),
        }
    }
}

/// Reads a template; JSON is YAML as well.
///
/// # Errors
/// If it is neither, uses aliases, or has a short form that CloudFormation does not know.
pub fn read(text: &str) -> Result<Value, DocumentError> {
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        depth: 0,
    };
    loop {
        match reader.next()? {
            (Event::Nothing | Event::StreamStart | Event::DocumentStart(_), _) => {}
            (Event::StreamEnd | Event::DocumentEnd, span) => {
                return Err(DocumentError::at(span, "there is no template"));
            }
            (event, span) => return reader.value(event, span),
        }
    }
}

struct Reader<'t> {
    events: Parser<'t, saphyr_parser::StrInput<'t>>,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), DocumentError> {
        match self.events.next() {
            Some(Ok(it)) => Ok(it),
            Some(Err(err)) => Err(DocumentError {
                line: err.marker().line(),
                message: err.info().to_owned(),
            }),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn value(&mut self, event: Event<'t>, span: Span) -> Result<Value, DocumentError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(DocumentError::at(span, "it is nested too deeply"));
        }
        let value = match event {
            Event::Scalar(text, style, _, tag) => {
                let name = short_form(tag.as_deref());
                let value = scalar(text, style, name.is_some());
                spelled_out(name, value, span)
            }
            Event::SequenceStart(_, tag) => {
                let mut list = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => list.push(self.value(event, span)?),
                    }
                }
                spelled_out(short_form(tag.as_deref()), Value::Array(list), span)
            }
            Event::MappingStart(_, tag) => {
                let map = self.mapping()?;
                spelled_out(short_form(tag.as_deref()), Value::Object(map), span)
            }
            Event::Alias(_) => Err(DocumentError::at(
                span,
                "it uses a YAML alias, which CloudFormation does not take",
            )),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => Err(DocumentError::at(span, "it ends in the middle")),
        };
        self.depth -= 1;
        value
    }

    fn mapping(&mut self) -> Result<Map<String, Value>, DocumentError> {
        let mut map = Map::new();
        loop {
            let (key, span) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(map),
                (Event::Scalar(key, ..), span) => (key.into_owned(), span),
                (_, span) => return Err(DocumentError::at(span, "a key is not a text")),
            };
            let (event, value_span) = self.next()?;
            let value = self.value(event, value_span)?;
            if map.insert(key.clone(), value).is_some() {
                return Err(DocumentError::at(span, format!("`{key}` is there twice")));
            }
        }
    }
}

/// The name of a short form: `Sub` of `!Sub`.
fn short_form(tag: Option<&Tag>) -> Option<&str> {
    let tag = tag?;
    (tag.handle == "!").then_some(tag.suffix.as_str())
}

/// `{"Fn::Sub": value}`; `!GetAtt A.B` becomes a list, as its long form has it.
fn spelled_out(name: Option<&str>, value: Value, span: Span) -> Result<Value, DocumentError> {
    let Some(name) = name else {
        return Ok(value);
    };
    let key = match name {
        "Ref" | "Condition" => name.to_owned(),
        "And" | "Base64" | "Cidr" | "Equals" | "FindInMap" | "ForEach" | "GetAtt" | "GetAZs"
        | "If" | "ImportValue" | "Join" | "Length" | "Not" | "Or" | "Select" | "Split" | "Sub"
        | "ToJsonString" | "Transform" => format!("Fn::{name}"),
        _ => {
            let message = format!("`!{name}` is no function of CloudFormation's");
            return Err(DocumentError::at(span, message));
        }
    };
    let value = match (&*key, value) {
        ("Fn::GetAtt", Value::String(text)) => match text.split_once('.') {
            Some((resource, attribute)) => Value::from(vec![resource, attribute]),
            None => Value::String(text),
        },
        (_, value) => value,
    };
    Ok(Value::Object(Map::from_iter([(key, value)])))
}

/// A plain scalar of YAML 1.1 as CloudFormation reads it; what is quoted, or an argument of a short form, is text.
fn scalar(text: Cow<'_, str>, style: ScalarStyle, is_text: bool) -> Value {
    if is_text || style != ScalarStyle::Plain {
        return Value::String(text.into_owned());
    }
    match &*text {
        "true" | "True" => Value::Bool(true),
        "false" | "False" => Value::Bool(false),
        "" | "~" | "null" => Value::Null,
        _ => match text.parse::<serde_json::Number>() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::String(text.into_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn short_forms_are_spelled_out() {
        let text = r#"
A: !Sub "${B}/*"
B: [!Ref C, !GetAtt D.Arn, 7, "7", true, 2012-10-17]
E: !If [F, {"G": !Ref "AWS::NoValue"}, !Not [!Condition H]]
I:
  !If
  - F
  - K: 1
    L: 2
  - !Split [",", !Ref M]
"#;
        let expected = json!({
            "A": {"Fn::Sub": "${B}/*"},
            "B": [{"Ref": "C"}, {"Fn::GetAtt": ["D", "Arn"]}, 7, "7", true, "2012-10-17"],
            "E": {"Fn::If": ["F", {"G": {"Ref": "AWS::NoValue"}}, {"Fn::Not": [{"Condition": "H"}]}]},
            "I": {"Fn::If": ["F", {"K": 1, "L": 2}, {"Fn::Split": [",", {"Ref": "M"}]}]},
        });
        assert_eq!(read(text), Ok(expected.clone()));
        assert_eq!(read(&expected.to_string()), Ok(expected));
    }

    #[test]
    fn what_cloudformation_does_not_take_is_refused_with_its_line() {
        let line = |text: &str| read(text).unwrap_err().line;
        assert_eq!(line("a: &x 1\nb: *x\n"), 2);
        assert_eq!(line("a: 1\nb: !Subb x\n"), 2);
        assert_eq!(line("a: 1\na: 2\n"), 2);
        assert!(read("").is_err());
        assert!(read("a: [1, 2\n").is_err());
        assert!(read(&"[".repeat(10_000)).is_err());
    }

    #[test]
    fn the_built_in_template_is_read() {
        let template = read(super::super::TEMPLATE).unwrap();
        let policy = &template["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"];
        assert_eq!(policy["Version"], "2012-10-17");
        assert_eq!(policy["Statement"][0]["Effect"], "Deny");
    }
}
