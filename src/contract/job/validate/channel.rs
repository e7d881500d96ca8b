//! The channels of a request.

use super::check::Check;
use super::{INPUT_MODES, S3_URI_PATTERN, is_uri};
use crate::job::limits;
use crate::job::request::Channel;

const CHANNEL_PATTERN: &str = r"[A-Za-z0-9\.\-_]+";

pub(super) fn all(check: &mut Check, channels: &[Channel]) {
    check.at_most("inputDataConfig", channels.len(), *limits::CHANNELS.end());
    for (at, channel) in channels.iter().enumerate() {
        let member = |name: &str| format!("inputDataConfig.{}.member.{name}", at + 1);
        let name = &channel.channel_name;
        check.required(&member("channelName"), name);
        check.pattern(
            &member("channelName"),
            name,
            CHANNEL_PATTERN,
            limits::is_channel_name,
        );
        if channels[..at].iter().any(|it| it.channel_name == *name) {
            check.add(
                &member("channelName"),
                Some(name.clone()),
                "Member must be unique among the channels",
            );
        }
        check.length(
            &member("contentType"),
            channel.content_type.as_deref().unwrap_or_default(),
            limits::MAX_CONTENT_TYPE_CHARS,
        );
        check.one_of(
            &member("compressionType"),
            channel.compression_type.as_deref(),
            &["None", "Gzip"],
        );
        check.one_of(
            &member("recordWrapperType"),
            channel.record_wrapper_type.as_deref(),
            &["None", "RecordIO"],
        );
        check.one_of(
            &member("inputMode"),
            channel.input_mode.as_deref(),
            INPUT_MODES,
        );
        let source = &channel.data_source;
        if source.s3_data_source.is_some() == source.file_system_data_source.is_some() {
            let constraint =
                "Member must have exactly one of s3DataSource and fileSystemDataSource";
            check.add(&member("dataSource"), None, constraint);
        }
        if let Some(s3) = &source.s3_data_source {
            let member = |name: &str| member(&format!("dataSource.s3DataSource.{name}"));
            let types = &[
                "S3Prefix",
                "ManifestFile",
                "AugmentedManifestFile",
                "Converse",
            ];
            check.one_of(&member("s3DataType"), Some(&s3.s3_data_type), types);
            check.required(&member("s3Uri"), &s3.s3_uri);
            check.pattern(&member("s3Uri"), &s3.s3_uri, S3_URI_PATTERN, is_uri);
            let distributions = &["FullyReplicated", "ShardedByS3Key"];
            check.one_of(
                &member("s3DataDistributionType"),
                s3.s3_data_distribution_type.as_deref(),
                distributions,
            );
        }
    }
}
