//! A place in a decoded document: the value there, and the path to it for messages.
//!
//! Invariant: a path costs nothing until a message needs it.

use std::borrow::Cow;
use std::str::FromStr;

use super::error::ModelError;
use super::value::{Value, shortened};

/// A value and where it lies.
#[derive(Clone, Copy)]
pub(super) struct Member<'p, 'v> {
    value: &'v Value<'v>,
    step: Step<'v>,
    parent: Option<&'p Self>,
}

#[derive(Clone, Copy)]
enum Step<'v> {
    Root,
    Key(&'v str),
    Index(usize),
}

impl<'p, 'v> Member<'p, 'v> {
    pub(super) fn root(value: &'v Value<'v>) -> Self {
        Self {
            value,
            step: Step::Root,
            parent: None,
        }
    }

    /// `learner.gradient_booster.model.trees[3].parents`, for example.
    pub(super) fn path(&self) -> String {
        let before = self.parent.map(Member::path).unwrap_or_default();
        match self.step {
            Step::Root => before,
            Step::Key(key) if before.is_empty() => shortened(key),
            Step::Key(key) => format!("{before}.{}", shortened(key)),
            Step::Index(index) => format!("{before}[{index}]"),
        }
    }

    /// The error that something else belongs here.
    pub(super) fn expected(&self, expected: impl Into<String>) -> ModelError {
        ModelError::schema(self.path(), expected, self.value.kind())
    }

    /// The error that this engine has no such thing.
    pub(super) fn unsupported(&self, what: impl Into<String>, allowed: &str) -> ModelError {
        ModelError::Unsupported {
            path: self.path(),
            what: what.into(),
            allowed: allowed.to_owned(),
        }
    }

    /// The members, in the document's order.
    pub(super) fn members(&'p self) -> Result<impl Iterator<Item = (&'v str, Self)>, ModelError> {
        let Value::Object(members) = self.value else {
            return Err(self.expected("an object"));
        };
        Ok(members.iter().map(|(key, value)| {
            let member = Self {
                value,
                step: Step::Key(key),
                parent: Some(self),
            };
            (key.as_ref(), member)
        }))
    }

    /// The member `key`, if it is there; the first of several.
    pub(super) fn optional(&'p self, key: &str) -> Result<Option<Self>, ModelError> {
        Ok(self
            .members()?
            .find_map(|(name, member)| (name == key).then_some(member)))
    }

    /// The member `key`.
    pub(super) fn member(&'p self, key: &'v str) -> Result<Self, ModelError> {
        self.optional(key)?.ok_or_else(|| {
            let path = Member {
                value: self.value,
                step: Step::Key(key),
                parent: Some(self),
            };
            ModelError::schema(path.path(), "a value", "nothing")
        })
    }

    pub(super) fn text(&self) -> Result<&'v str, ModelError> {
        match self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.expected("a text")),
        }
    }

    /// A text that holds a `T`, as XGBoost writes its parameters.
    pub(super) fn parsed<T: FromStr>(&self, expected: &str) -> Result<T, ModelError> {
        let parsed = self.text().ok().and_then(|text| text.parse().ok());
        parsed.ok_or_else(|| self.expected(expected))
    }

    /// The items of an array that is not packed.
    pub(super) fn items(&'p self) -> Result<impl ExactSizeIterator<Item = Self>, ModelError> {
        let Value::Array(items) = self.value else {
            return Err(self.expected("an array of objects or texts"));
        };
        Ok(items.iter().enumerate().map(|(index, value)| Self {
            value,
            step: Step::Index(index),
            parent: Some(self),
        }))
    }

    /// An array of `len` whole numbers; booleans count as 0 and 1, as XGBoost before 1.6 wrote them.
    pub(super) fn ints(&self, len: usize) -> Result<Cow<'v, [i64]>, ModelError> {
        let bit = |value: &Value<'_>| match value {
            Value::Bool(bit) => Some(i64::from(*bit)),
            _ => None,
        };
        let ints = match self.value {
            Value::Ints(items) => Some(Cow::Borrowed(items.as_slice())),
            Value::Array(items) => items
                .iter()
                .map(bit)
                .collect::<Option<Vec<_>>>()
                .map(Cow::Owned),
            _ => None,
        };
        ints.filter(|items| items.len() == len)
            .ok_or_else(|| self.expected(format!("an array of {len} whole numbers")))
    }

    /// An array of `len` numbers.
    pub(super) fn floats(&self, len: usize) -> Result<Cow<'v, [f32]>, ModelError> {
        let floats = self.any_floats().ok();
        floats
            .filter(|items| items.len() == len)
            .ok_or_else(|| self.expected(format!("an array of {len} numbers")))
    }

    /// An array of whole numbers, however many.
    pub(super) fn any_ints(&self) -> Result<Cow<'v, [i64]>, ModelError> {
        match self.value {
            Value::Ints(items) => Ok(Cow::Borrowed(items)),
            Value::Array(items) if items.is_empty() => Ok(Cow::default()),
            _ => Err(self.expected("an array of whole numbers")),
        }
    }

    /// An array of numbers, however many.
    pub(super) fn any_floats(&self) -> Result<Cow<'v, [f32]>, ModelError> {
        match self.value {
            Value::Floats(items) => Ok(Cow::Borrowed(items)),
            Value::Ints(items) => Ok(Cow::Owned(items.iter().map(|&item| item as f32).collect())),
            Value::Array(items) if items.is_empty() => Ok(Cow::default()),
            _ => Err(self.expected("an array of numbers")),
        }
    }

    /// An array of `len` numbers, none of them NaN.
    pub(super) fn numbers(&self, len: usize) -> Result<Vec<f32>, ModelError> {
        let numbers = self.floats(len)?.into_owned();
        if numbers.iter().any(|it| it.is_nan()) {
            return Err(self.expected("numbers, none of them NaN"));
        }
        Ok(numbers)
    }

    /// A whole number.
    pub(super) fn whole<T: TryFrom<i64>>(&self, expected: &str) -> Result<T, ModelError> {
        let whole = match self.value {
            Value::Int(value) => T::try_from(*value).ok(),
            _ => None,
        };
        whole.ok_or_else(|| self.expected(expected))
    }

    /// Whether this is an array without items.
    pub(super) fn is_empty_array(&self) -> bool {
        match self.value {
            Value::Ints(items) => items.is_empty(),
            Value::Floats(items) => items.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        }
    }
}
