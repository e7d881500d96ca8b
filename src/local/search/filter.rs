//! One condition of a search: a name, an operator, a value.

use super::value;
use crate::list::not_in;
use crate::wire::AwsError;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;
use std::cmp::Ordering::{self, Equal, Greater, Less};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    pub(super) name: String,
    operator: Option<String>,
    value: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equals,
    NotEquals,
    GreaterThan,
    GreaterThanOrEqualTo,
    LessThan,
    LessThanOrEqualTo,
    Contains,
    Exists,
    NotExists,
    In,
}

impl Operator {
    const ALL: [(&'static str, Self); 10] = [
        ("Equals", Self::Equals),
        ("NotEquals", Self::NotEquals),
        ("GreaterThan", Self::GreaterThan),
        ("GreaterThanOrEqualTo", Self::GreaterThanOrEqualTo),
        ("LessThan", Self::LessThan),
        ("LessThanOrEqualTo", Self::LessThanOrEqualTo),
        ("Contains", Self::Contains),
        ("Exists", Self::Exists),
        ("NotExists", Self::NotExists),
        ("In", Self::In),
    ];
}

impl Filter {
    /// Whether the filter counts against the one `Contains` that a search may have.
    pub(super) fn is_contains(&self) -> bool {
        self.operator.as_deref() == Some("Contains")
    }

    /// Refuses what cannot be asked.
    pub(super) fn check(&self, name: &str) -> Result<(), AwsError> {
        value::check_name(name)?;
        let needs_value = !matches!(self.operator()?, Operator::Exists | Operator::NotExists);
        if needs_value != self.value.is_some() {
            let verb = if needs_value { "needs" } else { "has no" };
            return Err(AwsError::validation(format!(
                "The filter on {name} {verb} Value with the operator {}.",
                self.operator.as_deref().unwrap_or("Equals")
            )));
        }
        if value::is_time(name) {
            for text in self.values() {
                time(text)?;
            }
        }
        Ok(())
    }

    /// Whether the values of `name` pass.
    pub(super) fn holds(&self, name: &str, values: &[&Value]) -> Result<bool, AwsError> {
        let any = |holds: &dyn Fn(&Value, &str) -> bool| {
            let texts: Vec<&str> = self.values().collect();
            values
                .iter()
                .any(|value| texts.iter().any(|text| holds(value, text)))
        };
        let ordered = |wanted: &[Ordering]| -> Result<bool, AwsError> {
            for value in values {
                if let Some(order) = self.order(name, value)?
                    && wanted.contains(&order)
                {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        Ok(match self.operator()? {
            Operator::Equals | Operator::In => any(&|value, text| equals(name, value, text)),
            Operator::NotEquals => !any(&|value, text| equals(name, value, text)),
            Operator::Contains => {
                any(&|value, text| plain(value).to_lowercase().contains(&text.to_lowercase()))
            }
            Operator::Exists => !values.is_empty(),
            Operator::NotExists => values.is_empty(),
            Operator::GreaterThan => ordered(&[Greater])?,
            Operator::GreaterThanOrEqualTo => ordered(&[Greater, Equal])?,
            Operator::LessThan => ordered(&[Less])?,
            Operator::LessThanOrEqualTo => ordered(&[Less, Equal])?,
        })
    }

    fn operator(&self) -> Result<Operator, AwsError> {
        let Some(name) = self.operator.as_deref() else {
            return Ok(Operator::Equals);
        };
        let found = Operator::ALL.iter().find(|it| it.0 == name);
        found
            .map(|it| it.1)
            .ok_or_else(|| not_in("operator", name, Operator::ALL.map(|it| it.0)))
    }

    /// The value, or those of a list where the operator takes one.
    fn values(&self) -> impl Iterator<Item = &str> {
        let text = self.value.as_deref();
        let is_list = self.operator.as_deref() == Some("In");
        text.into_iter().flat_map(move |text| -> Vec<&str> {
            if is_list {
                text.split(',').map(str::trim).collect()
            } else {
                vec![text]
            }
        })
    }

    fn order(&self, name: &str, value: &Value) -> Result<Option<Ordering>, AwsError> {
        let text = self.value.as_deref().unwrap_or_default();
        let wanted = if value::is_time(name) {
            Some(time(text)?)
        } else {
            text.parse().ok()
        };
        // Hyperparameters are numbers in texts.
        let number = value.as_f64().or_else(|| value.as_str()?.parse().ok());
        match (number, wanted) {
            (Some(number), Some(wanted)) => Ok(number.partial_cmp(&wanted)),
            (None, Some(_)) => Ok(None),
            (_, None) => Err(AwsError::validation(format!(
                "The filter on {name} compares numbers or times, and `{text}` is neither."
            ))),
        }
    }
}

fn equals(name: &str, value: &Value, text: &str) -> bool {
    if value::is_time(name) {
        let seconds = value.as_f64().unwrap_or_default().floor();
        return time(text).is_ok_and(|it| it == seconds);
    }
    match (value, text.parse::<f64>()) {
        (Value::Number(number), Ok(wanted)) => number.as_f64() == Some(wanted),
        _ => plain(value) == text,
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Seconds since 1970 of `2026-03-01T12:00:00`, with or without a zone; without one it is UTC.
fn time(text: &str) -> Result<f64, AwsError> {
    let zoned = text.parse::<Timestamp>().ok();
    let civil = || {
        let time: DateTime = text.parse().ok()?;
        Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    let found = zoned.or_else(civil);
    found.map(|it| it.as_second() as f64).ok_or_else(|| {
        AwsError::validation(format!(
            "`{text}` is not a time such as 2026-03-01T12:00:00"
        ))
    })
}
