//! The operations of CloudWatch Logs that clients follow a training job with.
//!
//! Source: CloudWatch Logs API reference of 2014-03-28; token semantics of `GetLogEvents` (the same token twice is the
//! end) as documented there.

use super::event::{Event, Window};
use super::groups::LogGroups;
use super::search;
use super::store::{LogStore, Page, StreamInfo};
use crate::config::Config;
use crate::wire::{Answer, AwsError, ErrorCode, parse};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;

/// Most events in one answer.
pub(super) const MAX_EVENTS: usize = 10_000;
/// What the service says of a group that does not exist.
const NO_GROUP: &str = "The specified log group does not exist.";
/// Most streams or groups in one answer.
const MAX_LISTED: usize = 50;

/// What [`dispatch`] answers.
pub(crate) const OPERATIONS: &[&str] = &[
    "DescribeLogGroups",
    "DescribeLogStreams",
    "GetLogEvents",
    "FilterLogEvents",
];

/// Answers `Logs_20140328.<operation>`.
pub(crate) fn dispatch(
    groups: &LogGroups,
    config: &Config,
    operation: &str,
    body: &[u8],
) -> Answer {
    match operation {
        "DescribeLogGroups" => Ok(describe_groups(groups, config, &parse(body)?)),
        "DescribeLogStreams" => describe_streams(groups, config, &parse(body)?),
        "GetLogEvents" => get_events(groups, &parse(body)?),
        "FilterLogEvents" => search::filter_events(groups, &parse(body)?),
        _ => Err(AwsError::new(
            ErrorCode::UnknownOperation,
            format!(
                "the local CloudWatch Logs has no operation `{operation}`, it has {}",
                OPERATIONS.join(", ")
            ),
        )),
    }
}

/// As [`dispatch`], in an account that has no log group yet.
pub(crate) fn dispatch_without_group(operation: &str, body: &[u8]) -> Answer {
    if operation == "DescribeLogGroups" {
        let _: DescribeGroups = parse(body)?;
        return Ok(json!({ "logGroups": [] }));
    }
    Err(missing(NO_GROUP))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeGroups {
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
}

fn describe_groups(groups: &LogGroups, config: &Config, request: &DescribeGroups) -> Value {
    let prefix = request.log_group_name_prefix.as_deref().unwrap_or_default();
    let part = request
        .log_group_name_pattern
        .as_deref()
        .unwrap_or_default();
    let groups: Vec<Value> = groups
        .all()
        .iter()
        .filter(|it| it.group().starts_with(prefix) && it.group().contains(part))
        .map(|it| group(config, it))
        .collect();
    json!({ "logGroups": groups })
}

fn group(config: &Config, logs: &LogStore) -> Value {
    let arn = group_arn(config, logs);
    json!({ "logGroupName": logs.group(), "creationTime": logs.created(), "metricFilterCount": 0, "storedBytes": 0,
            "arn": format!("{arn}:*"), "logGroupArn": arn, "logGroupClass": "STANDARD" })
}

fn group_arn(config: &Config, logs: &LogStore) -> String {
    format!(
        "arn:aws:logs:{}:{}:log-group:{}",
        config.region,
        config.account,
        logs.group()
    )
}

/// The group by name or ARN, as every operation on streams takes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
}

impl Group {
    /// The group, which has a stream.
    pub(super) fn find(&self, groups: &LogGroups) -> Result<Arc<LogStore>, AwsError> {
        let given = self
            .log_group_name
            .as_deref()
            .or(self.log_group_identifier.as_deref());
        let Some(given) = given else {
            return Err(invalid("logGroupName is required"));
        };
        let name = given
            .rsplit_once("log-group:")
            .map_or(given, |(_, name)| name.trim_end_matches(":*"));
        groups.find(name).ok_or_else(|| missing(NO_GROUP))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeStreams {
    #[serde(flatten)]
    group: Group,
    log_stream_name_prefix: Option<String>,
    order_by: Option<String>,
    #[serde(default)]
    descending: bool,
    limit: Option<i64>,
    next_token: Option<String>,
}

fn describe_streams(groups: &LogGroups, config: &Config, request: &DescribeStreams) -> Answer {
    let logs = request.group.find(groups)?;
    let limit = limit(request.limit, MAX_LISTED)?;
    let mut streams = logs.list(
        request
            .log_stream_name_prefix
            .as_deref()
            .unwrap_or_default(),
    );
    match request.order_by.as_deref() {
        None | Some("LogStreamName") => {}
        Some("LastEventTime") if request.log_stream_name_prefix.is_some() => {
            return Err(invalid(
                "Cannot order by LastEventTime with a logStreamNamePrefix.",
            ));
        }
        Some("LastEventTime") => streams.sort_by_key(|(_, info)| info.last),
        Some(other) => {
            return Err(invalid(format!(
                "orderBy is `{other}`, allowed are LogStreamName and LastEventTime"
            )));
        }
    }
    if request.descending {
        streams.reverse();
    }
    let skip = count(request.next_token.as_deref())?;
    let page: Vec<Value> = streams
        .iter()
        .skip(skip)
        .take(limit)
        .map(|it| stream(config, &logs, it))
        .collect();
    let mut answer = json!({ "logStreams": page });
    if skip + limit < streams.len() {
        answer["nextToken"] = json!(counted(skip + limit));
    }
    Ok(answer)
}

fn stream(config: &Config, logs: &LogStore, (name, info): &(String, StreamInfo)) -> Value {
    let mut stream = json!({ "logStreamName": name, "creationTime": info.created, "storedBytes": 0,
        "arn": format!("{}:log-stream:{name}", group_arn(config, logs)) });
    if let (Some(first), Some(last)) = (info.first, info.last) {
        stream["firstEventTimestamp"] = json!(first);
        stream["lastEventTimestamp"] = json!(last);
        stream["lastIngestionTime"] = json!(last);
    }
    stream
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetEvents {
    #[serde(flatten)]
    group: Group,
    log_stream_name: String,
    start_time: Option<i64>,
    end_time: Option<i64>,
    limit: Option<i64>,
    next_token: Option<String>,
    #[serde(default)]
    start_from_head: bool,
}

fn get_events(groups: &LogGroups, request: &GetEvents) -> Answer {
    let logs = request.group.find(groups)?;
    let name = request.log_stream_name.as_str();
    if logs.info(name).is_none() {
        return Err(missing("The specified log stream does not exist."));
    }
    let limit = limit(request.limit, MAX_EVENTS)?;
    let window = Window {
        start: request.start_time,
        end: request.end_time,
    };
    let keep = |event: &Event| window.contains(event.timestamp);
    let forward = |from| -> io::Result<(Page, u64, u64)> {
        let (page, end) = logs.forward(name, from, limit, keep)?;
        Ok((page, from, end))
    };
    let backward = |to| -> io::Result<(Page, u64, u64)> {
        let (page, start) = logs.backward(name, to, limit, keep)?;
        let end = page.last().map_or(start, |(end, _)| *end);
        Ok((page, start, end))
    };
    let (page, start, end) = match position(request.next_token.as_deref())? {
        Some(Position::Forward(from)) => forward(from),
        Some(Position::Backward(to)) => backward(to),
        None if request.start_from_head => forward(0),
        None => backward(logs.info(name).map_or(0, |it| it.bytes)),
    }
    .map_err(AwsError::internal)?;
    let events: Vec<Value> = page.iter().map(|(_, it)| json!(it)).collect();
    Ok(
        json!({ "events": events, "nextForwardToken": token('f', end), "nextBackwardToken": token('b', start) }),
    )
}

#[derive(Clone, Copy, Debug)]
enum Position {
    Forward(u64),
    Backward(u64),
}

fn token(direction: char, position: u64) -> String {
    format!("{direction}/{position:056}/s")
}

fn position(token: Option<&str>) -> Result<Option<Position>, AwsError> {
    let Some(token) = token else { return Ok(None) };
    let digits = token
        .get(2..)
        .and_then(|it| it.strip_suffix("/s"))
        .and_then(|it| it.parse().ok());
    match (token.get(..2), digits) {
        (Some("f/"), Some(from)) => Ok(Some(Position::Forward(from))),
        (Some("b/"), Some(to)) => Ok(Some(Position::Backward(to))),
        _ => Err(invalid("The specified nextToken is invalid.")),
    }
}

fn counted(skip: usize) -> String {
    format!("n/{skip:020}")
}

fn count(token: Option<&str>) -> Result<usize, AwsError> {
    let Some(token) = token else { return Ok(0) };
    let skip = token.strip_prefix("n/").and_then(|it| it.parse().ok());
    skip.ok_or_else(|| invalid("The specified nextToken is invalid."))
}

pub(super) fn limit(given: Option<i64>, most: usize) -> Result<usize, AwsError> {
    match given.map(usize::try_from) {
        None => Ok(most),
        Some(Ok(limit)) if (1..=most).contains(&limit) => Ok(limit),
        Some(_) => Err(invalid(format!(
            "limit is `{}`, allowed is 1 to {most}",
            given.unwrap_or_default()
        ))),
    }
}

pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new(ErrorCode::InvalidParameter, message)
}

pub(super) fn missing(message: &str) -> AwsError {
    AwsError::new(ErrorCode::ResourceNotFound, message)
}
