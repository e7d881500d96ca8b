//! Lists of jobs: filters first, then pages.

use crate::client::{Local, request};
use serde_json::{Value, json};

fn names(page: &Value) -> Vec<String> {
    let jobs = page["TrainingJobSummaries"].as_array().unwrap();
    jobs.iter()
        .map(|it| it["TrainingJobName"].as_str().unwrap().to_owned())
        .collect()
}

/// Every page after the other, with how many jobs each had.
fn pages(local: &Local, request: &Value) -> (Vec<String>, Vec<usize>) {
    let (mut all, mut sizes, mut request) = (Vec::new(), Vec::new(), request.clone());
    for _ in 0..20 {
        let page = local.sagemaker("ListTrainingJobs", &request);
        sizes.push(names(&page).len());
        all.extend(names(&page));
        if page["NextToken"].is_null() {
            return (all, sizes);
        }
        request["NextToken"] = page["NextToken"].clone();
    }
    panic!("the pages do not end");
}

fn seven_jobs() -> Local {
    let local = Local::start();
    for (name, mode) in [
        ("a-1", "ok"),
        ("b-1", "mute"),
        ("c-2", "ok"),
        ("d-1", "mute"),
        ("e-2", "ok"),
        ("f-1", "ok"),
        ("g-1", "mute"),
    ] {
        local.create(&request(name, mode));
        local.ended(name);
    }
    local
}

#[test]
fn filters_come_before_pages() {
    let local = seven_jobs();
    let failed = json!({ "StatusEquals": "Failed", "MaxResults": 2, "SortBy": "Name", "SortOrder": "Ascending" });
    let (all, sizes) = pages(&local, &failed);
    assert_eq!(all, ["b-1", "d-1", "g-1"]);
    assert_eq!(sizes, [2, 1], "no page is thinned out afterwards");
    let named = json!({ "NameContains": "-2", "MaxResults": 1, "SortBy": "Name" });
    assert_eq!(
        pages(&local, &named).0,
        ["e-2", "c-2"],
        "descending unless asked"
    );
}

#[test]
fn creation_times_bound_and_sort() {
    let local = seven_jobs();
    let newest_first = pages(&local, &json!({ "MaxResults": 3 })).0;
    assert_eq!(
        newest_first,
        ["g-1", "f-1", "e-2", "d-1", "c-2", "b-1", "a-1"]
    );
    let third = local.describe("c-2")["CreationTime"].clone();
    let (since, _) = pages(
        &local,
        &json!({ "CreationTimeAfter": third, "SortOrder": "Ascending" }),
    );
    assert_eq!(since, ["c-2", "d-1", "e-2", "f-1", "g-1"]);
    let (until, _) = pages(&local, &json!({ "LastModifiedTimeBefore": third }));
    assert_eq!(until, ["b-1", "a-1"]);
}

#[test]
fn a_job_between_two_pages_neither_repeats_nor_hides_another() {
    let local = seven_jobs();
    let first = local.sagemaker("ListTrainingJobs", &json!({ "MaxResults": 3 }));
    assert_eq!(names(&first), ["g-1", "f-1", "e-2"]);
    local.create(&request("h-1", "ok"));
    local.ended("h-1");
    let rest = local.sagemaker(
        "ListTrainingJobs",
        &json!({ "NextToken": first["NextToken"] }),
    );
    assert_eq!(names(&rest), ["d-1", "c-2", "b-1", "a-1"]);
}

#[test]
fn refuses_pages_and_orders_that_sagemaker_refuses() {
    let local = Local::start();
    for (document, expected) in [
        (json!({ "MaxResults": 101 }), "maxResults"),
        (json!({ "MaxResults": 0 }), "maxResults"),
        (json!({ "SortBy": "Cost" }), "sortBy"),
        (json!({ "SortOrder": "Up" }), "sortOrder"),
        (json!({ "NextToken": "zz" }), "NextToken"),
    ] {
        let (code, message) = local.refused("ListTrainingJobs", &document);
        assert_eq!(code, "ValidationException");
        assert!(message.contains(expected), "{message}");
    }
}
