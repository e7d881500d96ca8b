//! Where a deployed template differs from this program's.
//!
//! Invariant: what parameters are set to is a choice and no difference, wherever it was made; everything else is.

use serde::Serialize;
use serde_json::Value;

/// A place where two templates differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// `Resources.TrainingRole.Properties.Policies[0].PolicyName`.
    pub path: String,
    /// What this program's template has; none where it has nothing.
    pub ours: Option<Value>,
    /// What is deployed; none where nothing is.
    pub deployed: Option<Value>,
}

/// All places where `deployed` differs from `ours`, in the order of their paths.
pub fn differences(ours: &Value, deployed: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), Some(ours), Some(deployed), &mut found);
    found
}

fn compare(
    path: String,
    ours: Option<&Value>,
    deployed: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    if ours == deployed || is_choice(&path) {
        return;
    }
    match (ours, deployed) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let dot = if path.is_empty() { "" } else { "." };
                compare(format!("{path}{dot}{key}"), a.get(key), b.get(key), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for idx in 0..a.len().max(b.len()) {
                compare(format!("{path}[{idx}]"), a.get(idx), b.get(idx), found);
            }
        }
        _ => found.push(Difference {
            path,
            ours: ours.cloned(),
            deployed: deployed.cloned(),
        }),
    }
}

/// `Parameters.Name.Default`.
fn is_choice(path: &str) -> bool {
    path.starts_with("Parameters.") && path.ends_with(".Default")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_have_their_paths_and_choices_are_none() {
        let ours = json!({"Parameters": {"Name": {"Type": "String", "Default": "linden"}},
                          "Resources": {"Role": {"Policies": [{"Action": ["a", "b"]}]}, "Bucket": {"X": 1}}});
        let deployed = json!({"Parameters": {"Name": {"Type": "String", "Default": "trees"}},
                              "Resources": {"Role": {"Policies": [{"Action": ["a", "*", "c"]}]}, "Extra": {}}});
        let found = differences(&ours, &deployed);
        let paths: Vec<&str> = found.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "Resources.Bucket",
                "Resources.Extra",
                "Resources.Role.Policies[0].Action[1]",
                "Resources.Role.Policies[0].Action[2]"
            ]
        );
        assert_eq!((&found[0].deployed, &found[1].ours), (&None, &None));
        assert!(differences(&ours, &ours).is_empty());
    }
}
