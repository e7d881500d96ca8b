//! What does not go with `stream = true`, by which the trainer reads a channel straight from S3.
//!
//! Source: [`crate::streamed`], by which the container hears of it.

use super::channel::ReadChannel;
use super::problem::Problems;
use super::rule::Rule;
use super::{JobChannel, Network};
use crate::channel::{Distribution, InputMode};
use crate::job::limits;
use crate::streamed::variables;

/// Checks the channels that are streamed, and that there is room for the variables that say so beside those of `[env]`.
pub(super) fn check(
    channels: &[ReadChannel],
    env: &std::collections::BTreeMap<String, String>,
    network: &Network,
    is_ours: bool,
    problems: &mut Problems,
) {
    let mut n_variables = env.len();
    for read in channels {
        let Some(channel) = read.channel.as_ref().filter(|it| it.is_streamed) else {
            continue;
        };
        let path = format!("{}.stream", read.path);
        let mut refuse =
            |why: &str| problems.add(Rule::Streamed, &path, format!("`{path}`: {why}"));
        if !is_ours {
            refuse(
                "an image of another algorithm reads channels that SageMaker brings; leave it out",
            );
        }
        if network.isolation {
            refuse("with `network.isolation` the container reaches no S3; leave one of them out");
        }
        if channel.input_mode != InputMode::File {
            refuse(
                "`input_mode` says how SageMaker brings a channel, and it does not bring this one; leave it out",
            );
        }
        if channel.distribution == Distribution::ShardedByS3Key {
            refuse(
                "every machine reads all of the channel, so `distribution` = `sharded` does not go with it",
            );
        }
        let longest = limits::MAX_ENVIRONMENT_CHARS;
        if longest < channel.s3.as_str().chars().count() {
            refuse(&format!(
                "`s3` becomes an environment variable, which has {longest} characters at most"
            ));
        }
        let of_channel = names(channel);
        if let Some(name) = of_channel.iter().find(|it| env.contains_key(*it)) {
            refuse(&format!("it sets `env.{name}`, which is there already"));
        }
        n_variables += of_channel.len();
        if limits::MAX_ENVIRONMENT < n_variables {
            refuse(&format!(
                "its variables make `env` longer than the {} entries that are allowed",
                limits::MAX_ENVIRONMENT
            ));
        }
    }
}

fn names(channel: &JobChannel) -> Vec<String> {
    let variables = variables(&channel.name, &channel.s3, &channel.content_type);
    variables.into_iter().map(|(name, _)| name).collect()
}
