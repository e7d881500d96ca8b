//! Jobs by what they are made of.

use crate::client::{Local, request};
use serde_json::{Value, json};

fn filled() -> Local {
    let local = Local::start();
    for (name, eta, team) in [
        ("usage-1", "0.1", "planning"),
        ("usage-2", "0.25", "staffing"),
        ("heads-1", "0.3", "planning"),
    ] {
        let mut document = request(name, if name == "heads-1" { "fail" } else { "ok" });
        document["HyperParameters"]["eta"] = json!(eta);
        document["Tags"] = json!([{ "Key": "team", "Value": team }]);
        document["AlgorithmSpecification"]["MetricDefinitions"] =
            json!([{ "Name": "train:rmse", "Regex": "train-rmse:([0-9.]+)" }]);
        local.create(&document);
        local.ended(name);
    }
    local
}

fn names(answer: &Value) -> Vec<String> {
    let results = answer["Results"].as_array().unwrap();
    let name = |it: &Value| {
        it["TrainingJob"]["TrainingJobName"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    results.iter().map(name).collect()
}

fn search(local: &Local, expression: &Value) -> Vec<String> {
    let answer = local.sagemaker(
        "Search",
        &json!({ "Resource": "TrainingJob", "SearchExpression": expression,
        "SortBy": "TrainingJobName", "SortOrder": "Ascending" }),
    );
    names(&answer)
}

fn filter(name: &str, operator: &str, value: &str) -> Value {
    json!({ "Name": name, "Operator": operator, "Value": value })
}

/// Asserts what each list of filters finds, by name.
fn assert_found(cases: Vec<(Value, &str)>) {
    let local = filled();
    for (filters, expected) in cases {
        let found = search(&local, &json!({ "Filters": filters }));
        assert_eq!(found.join(" "), expected, "{filters}");
    }
}

#[test]
fn texts_are_compared_as_the_operator_says() {
    let without = |operator: &str| json!([{ "Name": "FailureReason", "Operator": operator }]);
    let status = |operator: &str| json!([filter("TrainingJobStatus", operator, "Failed")]);
    let uri = "InputDataConfig.DataSource.S3DataSource.S3Uri";
    assert_found(vec![
        (status("Equals"), "heads-1"),
        (
            json!([{ "Name": "TrainingJobStatus", "Value": "Failed" }]),
            "heads-1",
        ),
        (status("NotEquals"), "usage-1 usage-2"),
        (
            json!([filter("TrainingJobName", "Contains", "USAGE")]),
            "usage-1 usage-2",
        ),
        (
            json!([filter("Tags.team", "Equals", "planning")]),
            "heads-1 usage-1",
        ),
        (
            json!([filter("Tags.team", "In", "staffing, other")]),
            "usage-2",
        ),
        (without("Exists"), "heads-1"),
        (without("NotExists"), "usage-1 usage-2"),
        (
            json!([filter(uri, "Contains", "bkt/train")]),
            "heads-1 usage-1 usage-2",
        ),
    ]);
}

#[test]
fn numbers_and_times_are_compared_by_size() {
    let one = filter("ResourceConfig.InstanceCount", "Equals", "1");
    let staffing = filter("Tags.team", "Equals", "staffing");
    let created = |operator: &str, time: &str| json!([filter("CreationTime", operator, time)]);
    let eta = |operator: &str, eta: &str| json!([filter("HyperParameters.eta", operator, eta)]);
    assert_found(vec![
        (eta("GreaterThan", "0.1"), "heads-1 usage-2"),
        (eta("LessThanOrEqualTo", "0.25"), "usage-1 usage-2"),
        (
            json!([filter("Metrics.train:rmse", "LessThan", "1.3")]),
            "heads-1 usage-1 usage-2",
        ),
        (
            created("GreaterThan", "2020-01-01T00:00:00"),
            "heads-1 usage-1 usage-2",
        ),
        (created("LessThan", "2020-01-01T00:00:00Z"), ""),
        (json!([one, staffing]), "usage-2"),
    ]);
}

#[test]
fn expressions_join_and_nested_filters_look_at_one_item() {
    let local = filled();
    let either = json!({ "Operator": "Or", "Filters": [filter("Tags.team", "Equals", "staffing")],
        "SubExpressions": [{ "Filters": [filter("TrainingJobStatus", "Equals", "Failed")] }] });
    assert_eq!(search(&local, &either), ["heads-1", "usage-2"]);
    let nested = |channel: &str| {
        let filters = [
            filter("ChannelName", "Equals", channel),
            filter("DataSource.S3DataSource.S3Uri", "Contains", "train"),
        ];
        json!({ "NestedFilters": [{ "NestedPropertyName": "InputDataConfig", "Filters": filters }] })
    };
    assert_eq!(search(&local, &nested("train")).len(), 3);
    assert!(search(&local, &nested("validation")).is_empty());
}

#[test]
fn pages_bring_every_job_once_newest_first() {
    let local = filled();
    let first = local.sagemaker(
        "Search",
        &json!({ "Resource": "TrainingJob", "MaxResults": 2 }),
    );
    assert_eq!(names(&first), ["heads-1", "usage-2"]);
    assert_eq!(
        first["TotalHits"],
        json!({ "Value": 3, "Relation": "EqualTo" })
    );
    assert_eq!(
        first["Results"][0]["TrainingJob"]["Tags"][0]["Value"],
        "planning"
    );
    let next =
        json!({ "Resource": "TrainingJob", "MaxResults": 2, "NextToken": first["NextToken"] });
    let second = local.sagemaker("Search", &next);
    assert_eq!(names(&second), ["usage-1"]);
    assert_eq!(second["NextToken"], Value::Null);
}

#[test]
fn what_cannot_be_asked_is_refused_with_what_can() {
    let local = Local::start();
    let two = json!([
        filter("TrainingJobName", "Contains", "a"),
        filter("RoleArn", "Contains", "b")
    ]);
    for (document, expected) in [
        (
            json!({ "Resource": "Trainings" }),
            "Member must satisfy enum value set: [TrainingJob, ",
        ),
        (
            json!({ "Resource": "Endpoint" }),
            "searches TrainingJob, not Endpoint",
        ),
        (
            json!({ "Resource": "TrainingJob", "SearchExpression": { "Filters": [filter("Colour", "Equals", "x")] } }),
            "Unknown property name: Colour",
        ),
        (
            json!({ "Resource": "TrainingJob", "SearchExpression": { "Filters": [filter("RoleArn", "Like", "x")] } }),
            "Value 'Like' at 'operator'",
        ),
        (
            json!({ "Resource": "TrainingJob", "SearchExpression": { "Filters": [filter("CreationTime", "LessThan", "now")] } }),
            "not a time such as",
        ),
        (
            json!({ "Resource": "TrainingJob", "SearchExpression": { "Filters": two } }),
            "'CONTAINS' operator usage limit of 1 exceeded.",
        ),
        (
            json!({ "Resource": "TrainingJob", "MaxResults": 101 }),
            "between 1 and 100",
        ),
        (
            json!({ "Resource": "TrainingJob", "NextToken": "?" }),
            "Invalid NextToken",
        ),
    ] {
        let (code, message) = local.refused("Search", &document);
        assert_eq!(code, "ValidationException", "{document}");
        assert!(message.contains(expected), "{message}");
    }
}
