//! [`Logs`] by aws-sdk-cloudwatchlogs.

use async_trait::async_trait;
use aws_sdk_cloudwatchlogs::Client;

use super::{AwsError, LOG_GROUP, LogEvent, LogPage, Logs};

/// CloudWatch Logs.
#[derive(Debug)]
pub(super) struct CloudWatchLogs(pub(super) Client);

#[async_trait]
impl Logs for CloudWatchLogs {
    async fn streams(&self, prefix: &str) -> Result<Vec<String>, AwsError> {
        let mut streams = Vec::new();
        let mut token = None;
        loop {
            let call = self
                .0
                .describe_log_streams()
                .log_group_name(LOG_GROUP)
                .log_stream_name_prefix(prefix);
            let answer = call.set_next_token(token.clone()).send().await;
            let answer = answer.map_err(|err| AwsError::from_sdk("DescribeLogStreams", &err))?;
            let names = answer
                .log_streams
                .unwrap_or_default()
                .into_iter()
                .filter_map(|it| it.log_stream_name);
            streams.extend(names);
            // A token that comes back unchanged would go on for ever.
            if answer.next_token.is_none() || answer.next_token == token {
                return Ok(streams);
            }
            token = answer.next_token;
        }
    }

    async fn page(&self, stream: &str, token: Option<&str>) -> Result<LogPage, AwsError> {
        self.get(stream, token, true).await
    }

    async fn newest(&self, stream: &str, before: Option<&str>) -> Result<LogPage, AwsError> {
        self.get(stream, before, false).await
    }
}

impl CloudWatchLogs {
    async fn get(
        &self,
        stream: &str,
        token: Option<&str>,
        from_head: bool,
    ) -> Result<LogPage, AwsError> {
        let call = self
            .0
            .get_log_events()
            .log_group_name(LOG_GROUP)
            .log_stream_name(stream)
            .start_from_head(from_head);
        let answer = call
            .set_next_token(token.map(ToOwned::to_owned))
            .send()
            .await;
        let answer = answer.map_err(|err| AwsError::from_sdk("GetLogEvents", &err))?;
        let events = answer
            .events
            .unwrap_or_default()
            .into_iter()
            .map(|it| LogEvent {
                timestamp_ms: it.timestamp.unwrap_or_default(),
                message: it.message.unwrap_or_default(),
            });
        Ok(LogPage {
            events: events.collect(),
            next: answer.next_forward_token,
            back: answer.next_backward_token,
        })
    }
}
