//! From the text of a scenario to its rules.

use super::calls::CallFault;
use super::jobs::PlannedFailure;
use super::section::{Problems, Section};
use super::{
    CallRule, JobFault, JobRule, Quota, RuleFault, Scenario, ScenarioProblems, Silence, Usage,
};
use crate::config::Interruption;
use std::time::Duration;
use toml::de::DeTable;

/// Stands for every operation.
const EVERY: &str = "*";

/// Reads a whole file.
pub(super) fn scenario(text: &str) -> Result<Scenario, ScenarioProblems> {
    let mut problems = Problems::of(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |it| it.start);
        problems.add(at, error.message().lines().collect::<Vec<_>>().join(", "));
    }
    // What is read of a broken text says little.
    problems = problems.none(text).map(Problems::of)?;
    let mut root = Section::new("", &document);
    let mut scenario = Scenario::default();
    for section in root.tables("call", &mut problems) {
        scenario.calls.extend(call(section, &mut problems));
    }
    for section in root.tables("job", &mut problems) {
        scenario.jobs.extend(job(section, &mut problems));
    }
    for section in root.tables("quota", &mut problems) {
        scenario.quotas.extend(quota(section, &mut problems));
    }
    if let Some(mut logs) = root.table("logs", &mut problems) {
        scenario.log_group_after = logs.duration("group_after", &mut problems);
        logs.finish(&mut problems);
    }
    root.finish(&mut problems);
    problems.none(scenario)
}

fn call(mut section: Section<'_>, problems: &mut Problems<'_>) -> Option<CallRule> {
    let at = section.place("operation");
    let operation = section.required("operation", problems);
    let known = || crate::operations().chain([EVERY]);
    if let Some(name) = operation
        .as_deref()
        .filter(|it| known().all(|known| known != *it))
    {
        // All of them would be a page.
        let near = contract::nearest::nearest(name, known());
        let hint = near.map_or_else(
            || {
                "allowed is an operation of the local SageMaker or CloudWatch Logs, or `*`"
                    .to_owned()
            },
            |it| format!("did you mean `{it}`?"),
        );
        problems.add(at, format!("there is no operation `{name}` here; {hint}"));
    }
    let (one_of, place) = (
        section.has("error") != section.has("per_second"),
        section.at,
    );
    let choices: Vec<(&str, CallFault)> =
        CallFault::ALL.iter().map(|it| (it.name(), *it)).collect();
    let error = section
        .choice("error", &choices, problems)
        .map(RuleFault::Always);
    let rate = section.rate("per_second", problems).map(RuleFault::Rate);
    if !one_of {
        problems.add(place, "`[[call]]` needs either `error` or `per_second`");
    }
    let times = section.count("times", 1, problems);
    let skip = section.count("skip", 0, problems).unwrap_or(0);
    section.finish(problems);
    Some(CallRule {
        operation: Some(operation?).filter(|it| it != EVERY),
        fault: error.or(rate)?,
        skip,
        times,
    })
}

fn job(mut section: Section<'_>, problems: &mut Problems<'_>) -> Option<JobRule> {
    let name_prefix = section.text("name_prefix", problems).unwrap_or_default();
    let instance_type = section.text("instance_type", problems);
    let jobs = section.count("jobs", 1, problems);
    let kinds = ["fails_with", "interrupt_after", "silent_host"];
    let n_kinds = kinds.iter().filter(|it| section.has(it)).count();
    if n_kinds != 1 {
        problems.add(
            section.at,
            "`[[job]]` needs one of `fails_with`, `interrupt_after` and `silent_host`",
        );
    }
    let lone = |key: &str, with: &str, section: &Section<'_>, problems: &mut Problems<'_>| {
        if section.has(key) && !section.has(with) {
            problems.add(
                section.place(key),
                format!("`{key}` goes with `{with}` alone"),
            );
        }
    };
    lone("interruptions", "interrupt_after", &section, problems);
    lone("back_after", "interrupt_after", &section, problems);
    lone("silent_for", "silent_host", &section, problems);
    let choices: Vec<_> = PlannedFailure::ALL
        .iter()
        .map(|it| (it.name(), *it))
        .collect();
    let fails = section.choice("fails_with", &choices, problems);
    let after = section.duration("interrupt_after", problems);
    let times = section.count("interruptions", 1, problems).unwrap_or(1);
    let back_after = section
        .duration("back_after", problems)
        .unwrap_or(Duration::ZERO);
    let host = section.text("silent_host", problems);
    let until = section.duration("silent_for", problems);
    section.finish(problems);
    let interrupted = after.map(|after| {
        JobFault::Interrupted(Interruption {
            after,
            times: u32::try_from(times).unwrap_or(u32::MAX),
            back_after,
        })
    });
    let silent = host.map(|host| JobFault::Silent(Silence { host, until }));
    Some(JobRule {
        name_prefix,
        instance_type,
        jobs,
        fault: fails.map(JobFault::Fails).or(interrupted).or(silent)?,
    })
}

fn quota(mut section: Section<'_>, problems: &mut Problems<'_>) -> Option<Quota> {
    let instance_type = section.required("instance_type", problems);
    let is_given = section.has("usage");
    let usage = section.choice("usage", &Usage::ALL, problems);
    let usage = usage.or((!is_given).then_some(Usage::OnDemand));
    if !section.has("instances") {
        problems.add(section.at, "`[[quota]]` needs `instances`");
    }
    let instances = section.count("instances", 0, problems);
    section.finish(problems);
    Some(Quota {
        instance_type: instance_type?,
        usage: usage?,
        instances: i64::try_from(instances?).unwrap_or(i64::MAX),
    })
}
