//! `ListTrainingJobs`: filter, sort, then cut a page.
//!
//! A token names the last job of its page and its sort key, so jobs that come or change between two pages neither
//! repeat nor hide others that were there all the time.

use crate::app::App;
use crate::job::JobRecord;
use crate::warm_pool;
use crate::wire::{Answer, AwsError, document};
use contract::job::description::WarmPoolStatus;
use contract::job::{TrainingJobDescription, TrainingJobSummary};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Most jobs of a page.
const MAX_RESULTS: i64 = 100;
/// Jobs of a page where the request does not say.
const DEFAULT_RESULTS: i64 = 10;
const TOKEN_SEPARATOR: char = ' ';

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct List {
    next_token: Option<String>,
    max_results: Option<i64>,
    creation_time_after: Option<f64>,
    creation_time_before: Option<f64>,
    last_modified_time_after: Option<f64>,
    last_modified_time_before: Option<f64>,
    name_contains: Option<String>,
    status_equals: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    warm_pool_status_equals: Option<String>,
}

pub(super) fn list(app: &App, request: &List) -> Answer {
    let sort = request.sort()?;
    if let Some(status) = request.warm_pool_status_equals.as_deref()
        && !warm_pool::STATUSES.contains(&status)
    {
        let set = format!("[{}]", warm_pool::STATUSES.join(", "));
        return Err(not_in("warmPoolStatusEquals", status, &set));
    }
    let max_results = request.max_results.unwrap_or(DEFAULT_RESULTS);
    if !(1..=MAX_RESULTS).contains(&max_results) {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{max_results}' at 'maxResults' failed to satisfy constraint: Member must have value between 1 and {MAX_RESULTS}"
        )));
    }
    let mut jobs: Vec<TrainingJobDescription> = app
        .jobs
        .all()
        .into_iter()
        .map(|it: JobRecord| it.description)
        .filter(|it| request.wants(it))
        .collect();
    jobs.sort_by(|a, b| sort.order(a, b));
    let begin = match &request.next_token {
        None => 0,
        Some(token) => {
            let last =
                Key::parse(token).ok_or_else(|| AwsError::validation("Invalid NextToken"))?;
            jobs.partition_point(|it| {
                sort.order_keys(&Key::of(it, sort.by), &last) != Ordering::Greater
            })
        }
    };
    let end = jobs.len().min(begin + max_results as usize);
    let page = &jobs[begin..end];
    let next_token = page
        .last()
        .filter(|_| end < jobs.len())
        .map(|it| Key::of(it, sort.by).token());
    document(&Page {
        training_job_summaries: page.iter().map(Listed::of).collect(),
        next_token,
    })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    training_job_summaries: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(flatten)]
    summary: TrainingJobSummary,
    #[serde(skip_serializing_if = "Option::is_none")]
    warm_pool_status: Option<WarmPoolStatus>,
}

impl Listed {
    fn of(job: &TrainingJobDescription) -> Self {
        Self {
            summary: summary(job),
            warm_pool_status: job.warm_pool_status.clone(),
        }
    }
}

impl List {
    fn wants(&self, job: &TrainingJobDescription) -> bool {
        let modified = job.last_modified_time.unwrap_or(job.creation_time);
        let after = |limit: Option<f64>, time: f64| limit.is_none_or(|it| it <= time);
        let before = |limit: Option<f64>, time: f64| limit.is_none_or(|it| time <= it);
        let name = self
            .name_contains
            .as_deref()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let pool = job.warm_pool_status.as_ref().map(|it| it.status.as_str());
        job.training_job_name.to_ascii_lowercase().contains(&name)
            && self
                .status_equals
                .as_deref()
                .is_none_or(|it| job.training_job_status.as_str() == it)
            && self
                .warm_pool_status_equals
                .as_deref()
                .is_none_or(|it| pool == Some(it))
            && after(self.creation_time_after, job.creation_time)
            && before(self.creation_time_before, job.creation_time)
            && after(self.last_modified_time_after, modified)
            && before(self.last_modified_time_before, modified)
    }

    fn sort(&self) -> Result<Sort, AwsError> {
        let by = match self.sort_by.as_deref() {
            None | Some("CreationTime") => By::CreationTime,
            Some("Name") => By::Name,
            Some("Status") => By::Status,
            Some(other) => return Err(not_in("sortBy", other, "[Name, CreationTime, Status]")),
        };
        let descending = match self.sort_order.as_deref() {
            None | Some("Descending") => true,
            Some("Ascending") => false,
            Some(other) => return Err(not_in("sortOrder", other, "[Ascending, Descending]")),
        };
        Ok(Sort { by, descending })
    }
}

fn not_in(member: &str, value: &str, set: &str) -> AwsError {
    AwsError::validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must satisfy enum value set: {set}"
    ))
}

#[derive(Clone, Copy, Debug)]
enum By {
    Name,
    CreationTime,
    Status,
}

#[derive(Clone, Copy, Debug)]
struct Sort {
    by: By,
    descending: bool,
}

impl Sort {
    fn order(self, a: &TrainingJobDescription, b: &TrainingJobDescription) -> Ordering {
        self.order_keys(&Key::of(a, self.by), &Key::of(b, self.by))
    }

    fn order_keys(self, a: &Key, b: &Key) -> Ordering {
        let ascending = a.cmp(b);
        if self.descending {
            ascending.reverse()
        } else {
            ascending
        }
    }
}

/// What a list is sorted by: the chosen member as text, then the name, which is unique.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    member: String,
    name: String,
}

impl Key {
    fn of(job: &TrainingJobDescription, by: By) -> Self {
        let member = match by {
            By::Name => String::new(),
            By::Status => job.training_job_status.to_string(),
            // Milliseconds in a fixed width sort as text.
            By::CreationTime => format!("{:020}", (job.creation_time * 1000.0).round() as u64),
        };
        Self {
            member,
            name: job.training_job_name.clone(),
        }
    }

    fn token(&self) -> String {
        let text = format!("{}{TOKEN_SEPARATOR}{}", self.member, self.name);
        text.bytes()
            .fold(String::new(), |token, it| token + &format!("{it:02x}"))
    }

    fn parse(token: &str) -> Option<Self> {
        let pairs = token.as_bytes().chunks(2);
        let byte = |it: &[u8]| u8::from_str_radix(std::str::from_utf8(it).ok()?, 16).ok();
        let text = String::from_utf8(pairs.map(byte).collect::<Option<_>>()?).ok()?;
        let (member, name) = text.split_once(TOKEN_SEPARATOR)?;
        Some(Self {
            member: member.to_owned(),
            name: name.to_owned(),
        })
    }
}

fn summary(job: &TrainingJobDescription) -> TrainingJobSummary {
    TrainingJobSummary {
        training_job_name: job.training_job_name.clone(),
        training_job_arn: job.training_job_arn.clone(),
        creation_time: job.creation_time,
        training_end_time: job.training_end_time,
        last_modified_time: job.last_modified_time,
        training_job_status: job.training_job_status.clone(),
        secondary_status: Some(job.secondary_status.clone()),
    }
}
