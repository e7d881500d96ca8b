//! A template's parameters: what they may be set to, by the template's own words, before AWS is asked.
//!
//! Invariants: all problems are told at once; what is filled in is the template's text with other defaults and nothing else
//! changed, so that it is deployed without `--parameter-overrides`.
//!
//! Source: AWS CloudFormation User Guide, "CloudFormation template Parameters syntax" and "Rules section".

use std::collections::BTreeMap;

use contract::nearest::nearest;
use regex::Regex;
use serde_json::Value;

/// Parameters by name.
pub type Values = BTreeMap<String, String>;

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No such parameter.
    #[error("there is no parameter `{name}`{}", .nearest.as_ref().map(|it| format!("; `{it}` is the nearest")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        name: String,
        /// A parameter with a similar name.
        nearest: Option<String>,
    },
    /// Not what the parameter takes.
    #[error("`{name}` is `{value}`, allowed is {allowed}")]
    Value {
        /// The parameter.
        name: String,
        /// What it was set to.
        value: String,
        /// What it takes.
        allowed: String,
    },
    /// Values that do not go together.
    #[error("{0}")]
    Rule(String),
}

/// The values that hold: the template's defaults, and what is set over them.
///
/// # Errors
/// With everything that is wrong.
pub fn values(template: &Value, set: &[(String, String)]) -> Result<Values, Vec<Problem>> {
    let mut problems = Vec::new();
    let known = object(&template["Parameters"]);
    let mut values: Values = known
        .clone()
        .map(|(name, it)| (name.clone(), text(&it["Default"])))
        .collect();
    for (name, value) in set {
        let Some((_, parameter)) = known.clone().find(|it| it.0 == name) else {
            let names = known.clone().map(|it| it.0.as_str());
            problems.push(Problem::Unknown {
                name: name.clone(),
                nearest: nearest(name, names).map(ToOwned::to_owned),
            });
            continue;
        };
        if let Some(allowed) = refused(parameter, value) {
            problems.push(Problem::Value {
                name: name.clone(),
                value: value.clone(),
                allowed,
            });
        }
        values.insert(name.clone(), value.clone());
    }
    // Values that are wrong by themselves would only make rules fail for no reason of their own.
    if problems.is_empty() {
        problems.extend(broken_rules(template, &values));
    }
    if problems.is_empty() {
        Ok(values)
    } else {
        Err(problems)
    }
}

/// What a parameter takes, if `value` is not that.
fn refused(parameter: &Value, value: &str) -> Option<String> {
    if let Some(allowed) = parameter["AllowedValues"].as_array() {
        let allowed: Vec<String> = allowed.iter().map(text).collect();
        if !allowed.iter().any(|it| it == value) {
            return Some(format!("one of {}", allowed.join(", ")));
        }
    }
    if let Some(pattern) = parameter["AllowedPattern"].as_str() {
        // CloudFormation wants the whole value to match.
        let fits = Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|it| it.is_match(value));
        if !fits {
            let what = text(&parameter["Description"]);
            return Some(format!("{pattern} ({what})"));
        }
    }
    if parameter["Type"] == "Number" {
        let (low, high) = (bound(parameter, "MinValue"), bound(parameter, "MaxValue"));
        let fits = value.parse::<f64>().is_ok_and(|it| {
            it.is_finite() && low.is_none_or(|low| low <= it) && high.is_none_or(|high| it <= high)
        });
        if !fits {
            let end = |it: Option<f64>| it.map(|it| it.to_string()).unwrap_or_default();
            return Some(format!("a number in {}..{}", end(low), end(high)));
        }
    }
    None
}

fn bound(parameter: &Value, key: &str) -> Option<f64> {
    let bound = &parameter[key];
    bound
        .as_f64()
        .or_else(|| bound.as_str().and_then(|it| it.parse().ok()))
}

/// What the template's rules say against the values.
fn broken_rules(template: &Value, values: &Values) -> Vec<Problem> {
    let mut broken = Vec::new();
    for (_, rule) in object(&template["Rules"]) {
        let applies = rule.get("RuleCondition").is_none_or(|it| holds(it, values));
        let assertions = rule["Assertions"].as_array().into_iter().flatten();
        for it in assertions.filter(|it| applies && !holds(&it["Assert"], values)) {
            broken.push(Problem::Rule(text(&it["AssertDescription"])));
        }
    }
    broken
}

/// Whether a condition of a rule holds. A function that rules of this template do not use does not hold, and so is told.
fn holds(condition: &Value, values: &Values) -> bool {
    let Some((function, arguments)) = object(condition).next() else {
        return false;
    };
    let arguments = arguments.as_array().map(Vec::as_slice).unwrap_or_default();
    match (function.as_str(), arguments) {
        ("Fn::Equals", [one, other]) => resolved(one, values) == resolved(other, values),
        ("Fn::Not", [it]) => !holds(it, values),
        ("Fn::And", all) => all.iter().all(|it| holds(it, values)),
        ("Fn::Or", any) => any.iter().any(|it| holds(it, values)),
        _ => false,
    }
}

fn resolved(value: &Value, values: &Values) -> String {
    match value["Ref"].as_str() {
        Some(name) => values.get(name).cloned().unwrap_or_default(),
        None => text(value),
    }
}

/// The template's text with `values` for defaults.
pub fn filled(yaml: &str, values: &Values) -> String {
    let mut section = "";
    let mut parameter = "";
    let mut lines: Vec<String> = Vec::new();
    for line in yaml.lines() {
        let indent = line.len() - line.trim_start().len();
        match indent {
            0 if !line.is_empty() => section = line,
            2 => parameter = line.trim().trim_end_matches(':'),
            _ => {}
        }
        let is_default =
            section == "Parameters:" && indent == 4 && line.trim().starts_with("Default:");
        match values.get(parameter).filter(|_| is_default) {
            // A JSON text is a quoted text of YAML too.
            Some(value) => lines.push(format!("    Default: {}", Value::from(value.as_str()))),
            None => lines.push(line.to_owned()),
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> + Clone {
    value.as_object().into_iter().flatten()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(it) => it.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{TEMPLATE, document};
    use super::*;

    fn of(set: &[(&str, &str)]) -> Result<Values, Vec<String>> {
        let set: Vec<(String, String)> = set
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        values(&document::read(TEMPLATE).unwrap(), &set)
            .map_err(|it| it.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_parameter_has_a_default_that_it_takes() {
        let template = document::read(TEMPLATE).unwrap();
        for (name, parameter) in object(&template["Parameters"]) {
            let default = text(&parameter["Default"]);
            assert_eq!(refused(parameter, &default), None, "{name}");
        }
        assert!(of(&[]).is_ok());
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let problems = of(&[
            ("Nmae", "x"),
            ("Name", "Linden!"),
            ("MaxRuntimeSeconds", "59"),
            ("LogRetentionDays", "8"),
        ])
        .unwrap_err();
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert_eq!(
            problems[0],
            "there is no parameter `Nmae`; `Name` is the nearest"
        );
        assert!(
            problems[1].starts_with("`Name` is `Linden!`, allowed is ^[a-z]"),
            "{}",
            problems[1]
        );
        assert_eq!(
            problems[2],
            "`MaxRuntimeSeconds` is `59`, allowed is a number in 60..2419200"
        );
        assert!(problems[3].ends_with("allowed is one of keep, 7, 30, 90, 180, 365, 731, 1827"));
    }

    #[test]
    fn a_subject_must_be_one_environment_of_one_repository() {
        let subject = |it: &str| of(&[("GitHubSubject", it)]).is_ok();
        assert!(subject("repo:a-team/forecasts:environment:training"));
        for it in [
            "repo:a-team/*:environment:training",
            "repo:a-team/forecasts:*",
            "repo:a-team/forecasts:ref:refs/heads/main",
            "repo:a-team/forecasts:environment:*",
        ] {
            assert!(!subject(it), "{it}");
        }
    }

    #[test]
    fn rules_tell_what_does_not_go_together() {
        let provider =
            "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
        let problems = of(&[
            ("GitHubOidcProviderArn", provider),
            ("VpcSubnets", "subnet-0a"),
        ])
        .unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(
            of(&[
                ("GitHubOidcProviderArn", provider),
                ("GitHubSubject", "repo:a/b:environment:c"),
                ("JobsInVpc", "true"),
                ("VpcSubnets", "subnet-0a"),
                ("VpcSecurityGroups", "sg-0a"),
            ])
            .is_ok()
        );
    }

    #[test]
    fn the_template_is_filled_and_nothing_else_of_it_changes() {
        let values = of(&[("Name", "trees"), ("DaysWithoutSuccess", "35")]).unwrap();
        let text = filled(TEMPLATE, &values);
        let mut expected = document::read(TEMPLATE).unwrap();
        for (name, value) in &values {
            expected["Parameters"][name]["Default"] = value.as_str().into();
        }
        assert_eq!(document::read(&text), Ok(expected));
        let unchanged = |it: &str| !it.trim().starts_with("Default:");
        assert!(
            text.lines()
                .filter(|it| unchanged(it))
                .eq(TEMPLATE.lines().filter(|it| unchanged(it)))
        );
    }
}
