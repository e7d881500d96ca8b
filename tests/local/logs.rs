//! CloudWatch Logs as a follower uses it.

use crate::client::{Local, Reply, refusal, request};
use serde_json::{Value, json};

const GROUP: &str = "/aws/sagemaker/TrainingJobs";

fn call(local: &Local, operation: &str, mut document: Value) -> Reply {
    document["logGroupName"] = json!(GROUP);
    local.call(&format!("Logs_20140328.{operation}"), &document)
}

fn messages(answer: &Value) -> Vec<&str> {
    answer["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["message"].as_str().unwrap())
        .collect()
}

fn trained(name: &str, n_hosts: usize) -> Local {
    let local = Local::start();
    let mut document = request(name, "ok");
    document["ResourceConfig"]["InstanceCount"] = json!(n_hosts);
    local.create(&document);
    local.ended(name);
    local
}

fn streams(local: &Local, document: Value) -> Vec<String> {
    let answer = call(local, "DescribeLogStreams", document).json();
    let listed = answer["logStreams"].as_array().unwrap();
    listed
        .iter()
        .map(|it| it["logStreamName"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn nothing_is_there_before_the_first_line() {
    let local = Local::start();
    let reply = call(&local, "DescribeLogStreams", json!({}));
    assert_eq!(
        refusal(&reply),
        (
            "ResourceNotFoundException".to_owned(),
            "The specified log group does not exist.".to_owned()
        )
    );
    assert_eq!(
        local
            .call("Logs_20140328.DescribeLogGroups", &json!({}))
            .json(),
        json!({ "logGroups": [] })
    );
}

#[test]
fn each_host_has_a_stream_and_tabs_are_stored_as_the_platform_does() {
    let local = trained("two", 2);
    let names = streams(&local, json!({ "logStreamNamePrefix": "two/" }));
    assert!(
        names.len() == 2
            && names[0].starts_with("two/algo-1-")
            && names[1].starts_with("two/algo-2-"),
        "{names:?}"
    );
    let answer = call(
        &local,
        "GetLogEvents",
        json!({ "logStreamName": names[0], "startFromHead": true }),
    )
    .json();
    assert_eq!(
        messages(&answer)[0],
        "[0]#011train-rmse:2.50000#011validation-rmse:3.50000"
    );
    let groups = local
        .call(
            "Logs_20140328.DescribeLogGroups",
            &json!({ "logGroupNamePrefix": "/aws/sage" }),
        )
        .json();
    assert_eq!(groups["logGroups"][0]["logGroupName"], GROUP);
}

#[test]
fn the_same_token_twice_is_the_end() {
    let local = trained("tok", 1);
    let stream = streams(&local, json!({})).remove(0);
    let mut document = json!({ "logStreamName": stream, "startFromHead": true, "limit": 1 });
    let mut lines = Vec::new();
    for _ in 0..10 {
        let answer = call(&local, "GetLogEvents", document.clone()).json();
        lines.extend(messages(&answer).into_iter().map(str::to_owned));
        if answer["nextForwardToken"] == document["nextToken"] {
            break;
        }
        document["nextToken"] = answer["nextForwardToken"].clone();
    }
    assert_eq!(lines.len(), 2, "{lines:?}");
    let last = call(
        &local,
        "GetLogEvents",
        json!({ "logStreamName": stream, "limit": 1 }),
    )
    .json();
    assert!(
        messages(&last)[0].starts_with("[1]"),
        "the last line unless from the head"
    );
    let before =
        json!({ "logStreamName": stream, "limit": 1, "nextToken": last["nextBackwardToken"] });
    assert!(messages(&call(&local, "GetLogEvents", before).json())[0].starts_with("[0]"));
}

#[test]
fn filtered_events_are_interleaved_and_paged() {
    let local = trained("mix", 3);
    let mut document =
        json!({ "logStreamNamePrefix": "mix/", "filterPattern": "\"[1]\" -nonsense", "limit": 2 });
    let first = call(&local, "FilterLogEvents", document.clone()).json();
    document["nextToken"] = first["nextToken"].clone();
    let second = call(&local, "FilterLogEvents", document.clone()).json();
    assert_eq!((messages(&first).len(), messages(&second).len()), (2, 1));
    assert_eq!(second["nextToken"], Value::Null);
    let all = [
        first["events"].as_array().unwrap().clone(),
        second["events"].as_array().unwrap().clone(),
    ]
    .concat();
    let times: Vec<i64> = all
        .iter()
        .map(|it| it["timestamp"].as_i64().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    document["filterPattern"] = json!("{ $.rmse < 1 }");
    document["nextToken"] = Value::Null;
    let reply = call(&local, "FilterLogEvents", document);
    assert_eq!(refusal(&reply).0, "InvalidParameterException");
}

#[test]
fn streams_are_paged_and_ordered_by_their_last_event() {
    let local = trained("ord", 3);
    local.create(&request("aaa", "ok"));
    local.ended("aaa");
    let first = call(&local, "DescribeLogStreams", json!({ "limit": 3 })).json();
    let rest = streams(
        &local,
        json!({ "limit": 3, "nextToken": first["nextToken"] }),
    );
    assert_eq!(
        (first["logStreams"].as_array().unwrap().len(), rest.len()),
        (3, 1)
    );
    let newest = streams(
        &local,
        json!({ "orderBy": "LastEventTime", "descending": true, "limit": 1 }),
    );
    assert!(newest[0].starts_with("aaa/"), "{newest:?}");
    let both = call(
        &local,
        "DescribeLogStreams",
        json!({ "orderBy": "LastEventTime", "logStreamNamePrefix": "ord" }),
    );
    assert_eq!(
        refusal(&both).1,
        "Cannot order by LastEventTime with a logStreamNamePrefix."
    );
}
