//! The table against itself, and the documents that it makes.

use contract::hyperparameter::{
    Kind, Support, create_algorithm_json, markdown, table, tuning_ranges_json,
};

use super::with;

#[test]
fn every_default_in_the_table_is_accepted_by_the_table() {
    for spec in table().filter(|it| !it.default.is_empty() && !it.required) {
        assert!(
            with(&[(spec.name, spec.default)]).is_ok(),
            "{}: {:?}",
            spec.name,
            with(&[(spec.name, spec.default)])
        );
    }
}

#[test]
fn the_table_has_each_name_once() {
    let mut names: Vec<&str> = table()
        .flat_map(|it| it.aliases.iter().copied().chain([it.name]))
        .collect();
    let n_names = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), n_names);
}

#[test]
fn tuning_ranges_are_within_the_allowed_ranges() {
    for spec in table().filter(|it| it.support == Support::Full) {
        let Some(range) = spec.tunable else { continue };
        let (Kind::Integer(allowed, _) | Kind::Real(allowed, _)) = spec.kind else {
            panic!("{} is no number", spec.name)
        };
        assert!(
            allowed.contains(range.min) && allowed.contains(range.max),
            "{}",
            spec.name
        );
    }
    let ranges = tuning_ranges_json();
    assert!(
        ranges["IntegerParameterRanges"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["Name"] == "max_depth")
    );
    assert!(
        ranges["ContinuousParameterRanges"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["Name"] == "colsample_bylevel")
    );
}

#[test]
fn the_create_algorithm_document_has_every_row() {
    let document = create_algorithm_json(
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0",
        &["ml.m5.large"],
    );
    let specification = &document["TrainingSpecification"];
    let rows = specification["SupportedHyperParameters"]
        .as_array()
        .unwrap();
    assert_eq!(rows.len(), table().count());
    let eta = rows.iter().find(|it| it["Name"] == "eta").unwrap();
    assert_eq!(eta["Type"], "Continuous");
    assert_eq!(
        eta["Range"]["ContinuousParameterRangeSpecification"]["MaxValue"],
        "1"
    );
    assert_eq!(
        (&eta["IsTunable"], &eta["DefaultValue"]),
        (&true.into(), &"0.3".into())
    );
    let seed = rows.iter().find(|it| it["Name"] == "seed").unwrap();
    assert_eq!(
        seed["Range"]["IntegerParameterRangeSpecification"]["MinValue"],
        "-2147483647"
    );
    assert!(specification["MetricDefinitions"].as_array().unwrap().len() <= 40);
}

/// The page in the repository is what the table says; `UPDATE_DOCS=1` writes it.
#[test]
fn the_page_about_hyperparameters_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/HYPERPARAMETERS.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, markdown()).unwrap();
    }
    let page = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        page == markdown(),
        "run `UPDATE_DOCS=1 cargo test -p contract` and commit HYPERPARAMETERS.md"
    );
}
