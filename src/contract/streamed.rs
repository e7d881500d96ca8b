//! Channels that the trainer reads straight from S3 instead of from its disk.
//!
//! The job's environment names them: `LINDEN_CHANNEL_TRAIN=s3://bucket/prefix`, and beside it, where the channel's content
//! type is to be said, `LINDEN_CONTENT_TYPE_TRAIN=text/csv`. SageMaker is not asked to bring such a channel, so it is not in
//! the request's `InputDataConfig`; one that is there all the same is replaced.
//!
//! Invariant: what [`variables`] writes, [`read`] reads.

use std::collections::BTreeMap;

use crate::channel::{MODEL, TRAIN, VALIDATION};
use crate::content_type::ContentType;
use crate::environment::{self, Variable};
use crate::error::ContractError;
use crate::job::S3Uri;

/// The channels, the variables with their addresses, and those with their content types. A model tells by its bytes what it
/// is.
const VARIABLES: &[(&str, Variable, Option<Variable>)] = &[
    (
        TRAIN,
        environment::LINDEN_CHANNEL_TRAIN,
        Some(environment::LINDEN_CONTENT_TYPE_TRAIN),
    ),
    (
        VALIDATION,
        environment::LINDEN_CHANNEL_VALIDATION,
        Some(environment::LINDEN_CONTENT_TYPE_VALIDATION),
    ),
    (MODEL, environment::LINDEN_CHANNEL_MODEL, None),
];

/// A channel in S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamedChannel {
    /// The prefix with its objects.
    pub s3: S3Uri,
    /// How to read the bytes; `None` where the job does not say.
    pub content_type: Option<ContentType>,
}

/// The channels that the environment names, by name. An empty value counts as none.
///
/// # Errors
/// [`ContractError::Streamed`] for what is no address, [`ContractError::ContentType`] for what has no reader.
pub fn read(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<&'static str, StreamedChannel>, ContractError> {
    let value = |it: &Variable| variable(it.name).filter(|it| !it.trim().is_empty());
    let mut channels = BTreeMap::new();
    for (channel, address, content_type) in VARIABLES {
        let Some(text) = value(address) else {
            continue;
        };
        let s3 = text
            .trim()
            .parse()
            .map_err(|source| ContractError::Streamed {
                variable: address.name,
                source,
            })?;
        let content_type = content_type.as_ref().and_then(value);
        let content_type = content_type.map(|it| it.trim().parse()).transpose();
        let content_type = content_type.map_err(|source| ContractError::ContentType {
            channel: (*channel).to_owned(),
            source,
        })?;
        channels.insert(*channel, StreamedChannel { s3, content_type });
    }
    Ok(channels)
}

/// The variables of a channel at this address; none for a channel that no trainer reads.
pub fn variables(channel: &str, s3: &S3Uri, content_type: &str) -> Vec<(String, String)> {
    let found = VARIABLES.iter().find(|it| it.0 == channel);
    found.map_or_else(Vec::new, |(_, address, of_type)| {
        let address = (address.name.to_owned(), s3.to_string());
        let of_type = of_type.map(|it| (it.name.to_owned(), content_type.to_owned()));
        std::iter::once(address).chain(of_type).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> Result<BTreeMap<&'static str, StreamedChannel>, String> {
        let find = |name: &str| pairs.iter().find(|it| it.0 == name);
        read(|name| find(name).map(|it| it.1.to_owned())).map_err(|err| err.to_string())
    }

    #[test]
    fn what_the_job_file_writes_the_trainer_reads() {
        let s3: S3Uri = "s3://acme-ml/usage/train/".parse().unwrap();
        let written = variables("train", &s3, "text/csv");
        let pairs: Vec<(&str, &str)> = written.iter().map(|(a, b)| (&**a, &**b)).collect();
        assert_eq!(
            pairs,
            [
                ("LINDEN_CHANNEL_TRAIN", "s3://acme-ml/usage/train/"),
                ("LINDEN_CONTENT_TYPE_TRAIN", "text/csv")
            ]
        );
        let channels = from(&pairs).unwrap();
        assert_eq!(channels.len(), 1);
        assert_eq!(channels["train"].s3, s3);
        let content_type = channels["train"].content_type;
        assert_eq!(content_type, Some(ContentType::Csv { label_size: 1 }));
        assert_eq!(variables("model", &s3, "text/csv").len(), 1);
        assert_eq!(variables("other", &s3, "text/csv"), []);
    }

    #[test]
    fn an_empty_variable_is_none_and_a_wrong_one_is_named() {
        assert_eq!(from(&[("LINDEN_CHANNEL_TRAIN", " ")]), Ok(BTreeMap::new()));
        let said = from(&[("LINDEN_CHANNEL_VALIDATION", "/opt/ml/input")]).unwrap_err();
        assert!(said.contains("`LINDEN_CHANNEL_VALIDATION`"), "{said}");
        assert!(said.contains("/opt/ml/input"), "{said}");
        let said = from(&[
            ("LINDEN_CHANNEL_TRAIN", "s3://acme-ml/t"),
            ("LINDEN_CONTENT_TYPE_TRAIN", "image/png"),
        ]);
        assert!(said.unwrap_err().contains("`train`: `image/png`"));
    }
}
