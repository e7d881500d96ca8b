//! A host's tree before its program starts: the two documents below `config`, the inputs, and folders for the outputs.
//!
//! Source: SageMaker developer guide, "How Amazon SageMaker Processing Configures Your Processing Container".

use super::request::Plan;
use crate::job::{Bring, Host};
use contract::paths::{MlRoot, RESOURCECONFIG_JSON};
use contract::resource::ResourceConfig;
use serde_json::{Map, Value};
use std::fs;
use std::io;
use std::path::Path;

const PROCESSINGJOBCONFIG_JSON: &str = "processingjobconfig.json";
/// Members of a request that the document has, which is `null` where the request has none.
const CONFIGURED: [&str; 8] = [
    "ProcessingJobName",
    "AppSpecification",
    "Environment",
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "RoleArn",
    "StoppingCondition",
];

/// Makes the trees of all hosts below `work`, rank by rank. `described` is what a description of the job says.
pub(super) fn lay_out(work: &Path, plan: &Plan, described: &Value) -> io::Result<Vec<Host>> {
    let config = configuration(described).to_string();
    let mut hosts = Vec::new();
    for rank in 0..plan.n_hosts {
        let resource = ResourceConfig::homogeneous(plan.n_hosts, rank, &plan.instance_type);
        let name = resource.current_host.clone();
        let root = MlRoot::at(work.join(&name));
        let documents = root.path().join("config");
        fs::create_dir_all(&documents)?;
        fs::create_dir_all(root.output_dir())?;
        fs::write(documents.join(PROCESSINGJOBCONFIG_JSON), &config)?;
        fs::write(documents.join(RESOURCECONFIG_JSON), resource.write())?;
        for input in &plan.inputs {
            let folder = root.path().join(&input.folder);
            let share = (rank, plan.n_hosts);
            input.source.bring(&folder, share, Bring::Copied)?;
        }
        for output in &plan.outputs {
            fs::create_dir_all(root.path().join(&output.folder))?;
        }
        hosts.push(Host { name, root });
    }
    Ok(hosts)
}

fn configuration(described: &Value) -> Value {
    let mut config = Map::new();
    let arn = described["ProcessingJobArn"].clone();
    config.insert("ProcessingJobArn".to_owned(), arn);
    for member in CONFIGURED {
        config.insert(member.to_owned(), described[member].clone());
    }
    let inputs = config.get_mut("ProcessingInputs");
    for input in inputs.and_then(Value::as_array_mut).into_iter().flatten() {
        remote(&mut input["S3Input"]);
    }
    let outputs = config.get_mut("ProcessingOutputConfig");
    let outputs = outputs.and_then(|it| it.get_mut("Outputs"));
    for output in outputs.and_then(Value::as_array_mut).into_iter().flatten() {
        remote(&mut output["S3Output"]);
    }
    Value::Object(config)
}

/// The document calls an address otherwise than the request does.
fn remote(place: &mut Value) {
    if let Some(uri) = place.as_object_mut().and_then(|it| it.remove("S3Uri")) {
        place["RemoteUri"] = uri;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_document_is_the_request_with_addresses_by_their_other_name() {
        let described = json!({
            "ProcessingJobName": "j", "ProcessingJobArn": "a", "ProcessingJobStatus": "InProgress",
            "ProcessingInputs": [{ "InputName": "in", "S3Input": { "S3Uri": "s3://b/in", "LocalPath": "/opt/ml/processing/in" } }],
            "ProcessingOutputConfig": { "Outputs": [{ "OutputName": "out", "S3Output": { "S3Uri": "s3://b/out" } }] },
        });
        let config = configuration(&described);
        assert_eq!(
            config["ProcessingInputs"][0]["S3Input"],
            json!({ "RemoteUri": "s3://b/in", "LocalPath": "/opt/ml/processing/in" })
        );
        let output = &config["ProcessingOutputConfig"]["Outputs"][0];
        assert_eq!(output["S3Output"], json!({ "RemoteUri": "s3://b/out" }));
        assert_eq!(
            (&config["ProcessingJobArn"], &config["Environment"]),
            (&json!("a"), &Value::Null)
        );
        assert!(config.get("ProcessingJobStatus").is_none());
    }
}
