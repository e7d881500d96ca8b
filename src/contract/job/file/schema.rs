//! The job file as JSON Schema, for editors and for whoever writes job files by program.
//!
//! Invariant: a file that the reader takes is valid by the schema. The schema says less than the reader: rules across keys
//! are the reader's alone. Source: <https://json-schema.org/draft/2020-12>; the keys are [`KEYS`].

use serde_json::{Map, Value, json};

use super::keys::{KEYS, Key, Kind, OVERLAY};
use crate::hyperparameter::table;

/// What the schema is called.
pub const ID: &str = "urn:linden:job:1";

const DURATION: &str = "^(?=[0-9])([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$";

/// The schema of a whole job file.
pub fn job() -> Value {
    document(true, ID)
}

/// The schema of what lies below a job file, such as `linden.toml`: the same keys, none of them required.
pub fn settings() -> Value {
    document(false, "urn:linden:settings:1")
}

fn document(is_whole: bool, id: &str) -> Value {
    let mut root = sections(is_whole);
    let overlays = json!({
        "type": "object",
        "description": "Overlays; `--overlay NAME` lays `[overlay.NAME]` over the file.",
        "additionalProperties": { "$ref": "#/$defs/overlay" },
    });
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["$id"] = json!(id);
    root["title"] = json!(if is_whole {
        "Linden job file"
    } else {
        "Linden settings"
    });
    root["properties"][OVERLAY] = overlays;
    root["$defs"] = json!({
        "overlay": sections(false),
        "scalar": { "type": ["string", "number", "boolean"] },
        "scalars": { "anyOf": [
            { "$ref": "#/$defs/scalar" },
            { "type": "array", "items": { "$ref": "#/$defs/scalar" } },
        ] },
    });
    root
}

/// The object with all sections. What is in a layer or an overlay need not be whole, but for channels, which are replaced.
fn sections(is_whole: bool) -> Value {
    let mut root = object();
    for key in KEYS {
        let path: Vec<&str> = key.path.split('.').collect();
        match path[..] {
            [name] => add(&mut root, name, key, is_whole),
            [section, name] => {
                let is_list = section.ends_with("[]");
                let section = section.trim_end_matches("[]");
                let at = root["properties"]
                    .as_object_mut()
                    .expect("an object of the schema has properties")
                    .entry(section)
                    .or_insert_with(|| if is_list { list() } else { object() });
                if name == "*" {
                    *at = scalars(section, key);
                } else if is_list {
                    add(&mut at["items"], name, key, true);
                } else {
                    add(at, name, key, is_whole);
                }
                if key.required && is_whole && section != "checkpoint" {
                    require(&mut root, section);
                }
            }
            _ => unreachable!("keys are at most two deep"),
        }
    }
    root
}

fn object() -> Value {
    json!({ "type": "object", "properties": {}, "additionalProperties": false })
}

fn list() -> Value {
    json!({ "type": "array", "minItems": 1, "maxItems": 20, "items": object() })
}

fn add(object: &mut Value, name: &str, key: &Key, is_whole: bool) {
    object["properties"][name] = of(key);
    if key.required && is_whole {
        require(object, name);
    }
}

fn require(object: &mut Value, name: &str) {
    let Some(object) = object.as_object_mut() else {
        return;
    };
    let required = object.entry("required").or_insert_with(|| json!([]));
    if let Some(names) = required.as_array_mut()
        && !names.contains(&json!(name))
    {
        names.push(json!(name));
    }
}

fn of(key: &Key) -> Value {
    let mut schema = match key.kind {
        Kind::Integer(low, high) if low == high => json!({ "const": low }),
        Kind::Integer(low, u64::MAX) => json!({ "type": "integer", "minimum": low }),
        Kind::Integer(low, high) => {
            json!({ "type": "integer", "minimum": low, "maximum": high })
        }
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Text(pattern) => text(pattern),
        Kind::Duration => text(DURATION),
        Kind::Choice(choices) => json!({ "enum": choices }),
        Kind::Texts(pattern) if key.required => {
            json!({ "type": "array", "items": text(pattern), "minItems": 1, "uniqueItems": true })
        }
        Kind::Texts(pattern) => json!({ "type": "array", "items": text(pattern) }),
        Kind::Choices(choices) => {
            json!({ "type": "array", "items": { "enum": choices }, "uniqueItems": true })
        }
        Kind::Scalars => json!({ "$ref": "#/$defs/scalars" }),
    };
    schema["description"] = json!(key.about);
    if let Some(default) = key.default.and_then(literal) {
        schema["default"] = default;
    }
    schema
}

fn text(pattern: &str) -> Value {
    if pattern.is_empty() {
        json!({ "type": "string" })
    } else {
        json!({ "type": "string", "pattern": pattern })
    }
}

/// Keys of the owner's own. Those hyperparameters that the trainer knows are named, for editors; others may be another
/// algorithm's.
fn scalars(section: &str, key: &Key) -> Value {
    let mut object = json!({
        "type": "object",
        "description": key.about,
        "additionalProperties": { "$ref": "#/$defs/scalars" },
    });
    if section == "hyperparameters" {
        let named = table().map(|it| {
            let schema = json!({ "$ref": "#/$defs/scalars", "description": it.doc });
            (it.name.to_owned(), schema)
        });
        object["properties"] = Value::Object(named.collect::<Map<_, _>>());
    }
    object
}

/// A default as JSON; TOML's texts, numbers, booleans and lists of texts are JSON as well.
fn literal(toml: &str) -> Option<Value> {
    serde_json::from_str(toml).ok()
}
