//! Rows before and after the model: filtered, and joined with what was answered to them.

use super::request::{Format, Rows};
use serde_json::{Value, json};

/// What a joined record calls the answer.
const OUTPUT: &str = "SageMakerOutput";
/// What a joined record that is no object calls itself.
const INPUT: &str = "SageMakerInput";

impl Rows {
    /// A record as the model gets it.
    pub(super) fn before(&self, record: &[u8]) -> Result<Vec<u8>, String> {
        let text = std::str::from_utf8(record).map_err(|err| err.to_string())?;
        Ok(match self.format {
            Format::Csv => self.input.of_csv(text).into_bytes(),
            Format::JsonLines => self.input.of_json(&json_of(text)?).to_string().into_bytes(),
        })
    }

    /// The answers to `records`, a line for each, as they are written.
    pub(super) fn after(&self, records: &[&[u8]], answer: &[u8]) -> Result<String, String> {
        let answers = super::records::lines(answer);
        if answers.len() != records.len() {
            return Err(format!(
                "{} records were answered by {} lines, so they cannot be put together",
                records.len(),
                answers.len()
            ));
        }
        let mut written = String::new();
        for (record, answer) in records.iter().zip(answers) {
            let record = String::from_utf8_lossy(record);
            let answer = String::from_utf8_lossy(answer);
            written.push_str(&self.line(&record, &answer)?);
            written.push('\n');
        }
        Ok(written)
    }

    fn line(&self, record: &str, answer: &str) -> Result<String, String> {
        match self.format {
            Format::Csv if self.is_joined => Ok(self.output.of_csv(&format!("{record},{answer}"))),
            Format::Csv => Ok(self.output.of_csv(answer)),
            Format::JsonLines => {
                let answer = json_of(answer)?;
                let joined = if self.is_joined {
                    joined(json_of(record)?, answer)
                } else {
                    answer
                };
                Ok(self.output.of_json(&joined).to_string())
            }
        }
    }
}

fn joined(record: Value, answer: Value) -> Value {
    match record {
        Value::Object(mut members) => {
            members.insert(OUTPUT.to_owned(), answer);
            Value::Object(members)
        }
        other => json!({ INPUT: other, OUTPUT: answer }),
    }
}

fn json_of(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|err| format!("`{text}` is not JSON: {err}"))
}
