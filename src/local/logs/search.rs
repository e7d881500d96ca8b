//! `FilterLogEvents`: the events of several streams, merged by time.
//!
//! A token holds how far each stream has been read, so a page costs what it reads and not what came before it.

use super::event::{Event, Window};
use super::filter::Filter;
use super::groups::LogGroups;
use super::handlers::{Group, MAX_EVENTS, invalid, limit, missing};
use super::store::LogStore;
use crate::wire::{Answer, AwsError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FilterEvents {
    #[serde(flatten)]
    group: Group,
    log_stream_names: Option<Vec<String>>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    filter_pattern: Option<String>,
    limit: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn filter_events(groups: &LogGroups, request: &FilterEvents) -> Answer {
    let logs = request.group.find(groups)?;
    let names = request.names(&logs)?;
    let pattern = request.filter_pattern.as_deref().unwrap_or_default();
    let filter = Filter::parse(pattern).map_err(invalid)?;
    let window = Window {
        start: request.start_time,
        end: request.end_time,
    };
    let keep = |event: &Event| window.contains(event.timestamp) && filter.matches(&event.message);
    let limit = limit(request.limit, MAX_EVENTS)?;
    let mut read = Read::parse(request.next_token.as_deref())?;
    let (found, more) = merge(&logs, &names, &mut read, limit, keep)?;
    let events: Vec<Value> = found.iter().map(Found::document).collect();
    let mut answer = json!({ "events": events, "searchedLogStreams": [] });
    if more {
        answer["nextToken"] = json!(read.token());
    }
    Ok(answer)
}

impl FilterEvents {
    fn names(&self, logs: &LogStore) -> Result<Vec<String>, AwsError> {
        let names = match (&self.log_stream_names, &self.log_stream_name_prefix) {
            (Some(_), Some(_)) => {
                return Err(invalid(
                    "logStreamNames and logStreamNamePrefix are mutually exclusive, give one of them",
                ));
            }
            (Some(names), None) => names.clone(),
            (None, prefix) => {
                let listed = logs.list(prefix.as_deref().unwrap_or_default());
                listed.into_iter().map(|(name, _)| name).collect()
            }
        };
        match names.iter().find(|it| logs.info(it).is_none()) {
            Some(_) => Err(missing("The specified log stream does not exist.")),
            None => Ok(names),
        }
    }
}

/// An event, the stream it is in, and the position behind it.
#[derive(Debug)]
struct Found<'a> {
    name: &'a str,
    position: u64,
    event: Event,
}

impl Found<'_> {
    fn document(&self) -> Value {
        let Self {
            name,
            position,
            event,
        } = self;
        json!({
            "logStreamName": name,
            "timestamp": event.timestamp,
            "ingestionTime": event.ingestion_time,
            "message": event.message,
            "eventId": format!("{:020}{position:036}", event.timestamp),
        })
    }
}

/// The first `limit` events of all streams behind what `read` says, and whether there may be more. Moves `read` on.
fn merge<'a>(
    logs: &LogStore,
    names: &'a [String],
    read: &mut Read,
    limit: usize,
    keep: impl Fn(&Event) -> bool,
) -> Result<(Vec<Found<'a>>, bool), AwsError> {
    let mut found = Vec::new();
    let mut more = false;
    for name in names {
        let from = read.0.get(name).copied().unwrap_or_default();
        let (page, end) = logs
            .forward(name, from, limit, &keep)
            .map_err(AwsError::internal)?;
        more |= page.len() == limit;
        read.0.insert(name.clone(), end);
        found.extend(page.into_iter().map(|(position, event)| {
            (
                from,
                Found {
                    name,
                    position,
                    event,
                },
            )
        }));
    }
    // Times of a stream never fall, so its events stay in order.
    found.sort_by_key(|(_, it)| (it.event.timestamp, it.name, it.position));
    let rest = found.split_off(limit.min(found.len()));
    for (from, it) in &rest {
        let taken = found.iter().rfind(|(_, taken)| taken.name == it.name);
        read.0.insert(
            it.name.to_owned(),
            taken.map_or(*from, |(_, taken)| taken.position),
        );
    }
    Ok((
        found.into_iter().map(|(_, it)| it).collect(),
        more || !rest.is_empty(),
    ))
}

/// How far each stream has been read, by its name.
#[derive(Debug, Default)]
struct Read(BTreeMap<String, u64>);

impl Read {
    fn parse(token: Option<&str>) -> Result<Self, AwsError> {
        let entry = |it: &str| {
            let (position, name) = it.split_once(':')?;
            Some((name.to_owned(), position.parse().ok()?))
        };
        let Some(token) = token else {
            return Ok(Self::default());
        };
        let read: Option<BTreeMap<_, _>> = token.split('|').map(entry).collect();
        read.map(Self)
            .ok_or_else(|| invalid("The specified nextToken is invalid."))
    }

    fn token(&self) -> String {
        let entries: Vec<String> = self
            .0
            .iter()
            .map(|(name, position)| format!("{position}:{name}"))
            .collect();
        entries.join("|")
    }
}
