//! `model predict` on models that need more of a row than its features.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use cli::predict::{Options, PredictFileError, Source, stream};
use engine::booster::Booster;
use engine::dataset::{CategoryNames, Names, SideColumn};
use engine::objective::{Objective, ObjectiveName};
use engine::tree::{CategorySet, NO_PARENT, Node, Tree};

/// A rate of 2 for every row, twice that by its only leaf.
fn rates() -> Booster {
    let leaf = Node::leaf(NO_PARENT, 2.0_f32.ln(), 1.0);
    Booster {
        trees: vec![Tree::from(vec![leaf])],
        tree_info: vec![0],
        base_score: 2.0,
        ..Booster::new(Objective::new(ObjectiveName::CountPoisson), 1)
    }
}

fn predict(rows: &str, options: &Options) -> Result<Vec<f32>, PredictFileError> {
    let mut predictions = Vec::new();
    let mut on_row = |row: &[f32]| {
        predictions.extend_from_slice(row);
        Ok(())
    };
    let source = Source {
        input: Box::new(Cursor::new(rows.to_owned())),
        path: Path::new("rows.csv"),
        options: options.clone(),
    };
    stream(&rates(), source, false, &mut on_row)?;
    Ok(predictions)
}

#[test]
fn an_exposure_multiplies_the_rate_and_a_margin_takes_the_place_of_the_base_score() {
    let near = |found: Vec<f32>, expected: &[f32]| {
        assert_eq!(found.len(), expected.len());
        assert!(
            found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-4),
            "{found:?}"
        );
    };
    near(predict("7\n8\n", &Options::default()).unwrap(), &[4.0, 4.0]);
    let exposed = Options {
        label_column: Some(0),
        exposure_column: Some(2),
        ..Options::default()
    };
    near(predict("1,7,0.5\n1,8,3\n", &exposed).unwrap(), &[2.0, 12.0]);
    let margin = Options {
        base_margin_columns: vec![0],
        ..Options::default()
    };
    near(predict("0,7\n", &margin).unwrap(), &[2.0]);
}

#[test]
fn what_a_model_needs_is_asked_for() {
    let needs = [SideColumn::Exposure];
    assert_eq!(
        Options::default().missing(&needs),
        Some(SideColumn::Exposure)
    );
    let exposed = Options {
        exposure_column: Some(1),
        ..Options::default()
    };
    assert_eq!(exposed.missing(&needs), None);
    let missing = PredictFileError::Input {
        path: "rows.csv".into(),
        column: SideColumn::Exposure,
    };
    assert!(missing.to_string().contains("trained with exposures"));
    assert!(missing.fix().contains("--exposure-column"));
    let said = predict("7,0\n", &exposed).unwrap_err().to_string();
    assert_eq!(
        said,
        "exposure `0`, allowed is a finite number above 0 (rows.csv:1:2)"
    );
    let twice = Options {
        label_column: Some(1),
        ..exposed.clone()
    };
    let said = predict("7,2,3\n", &twice).unwrap_err().to_string();
    assert_eq!(said, "column 1 was named twice (rows.csv)");
    let said = predict("7\n", &exposed).unwrap_err().to_string();
    assert_eq!(said, "there is no column 1, the row has 1 (rows.csv:1)");
}

#[test]
fn words_are_the_categories_that_the_model_has_names_for() {
    let names = Names::new(["north", "south", "7"].map(str::to_owned).to_vec());
    let split = Node {
        left: Some(1),
        default_left: true,
        ..Node::leaf(NO_PARENT, 0.0, 3.0)
    };
    let leaves = [Node::leaf(0, 1.0, 1.0), Node::leaf(0, 5.0, 2.0)];
    let tree = Tree {
        categories: [(0, CategorySet::new(vec![1, 2]).unwrap())].into(),
        ..Tree::from([vec![split], leaves.to_vec()].concat())
    };
    let category_names: CategoryNames = [(0, Arc::new(names))].into_iter().collect();
    let booster = Booster {
        trees: vec![tree],
        tree_info: vec![0],
        base_score: 0.0,
        category_names: category_names.clone(),
        ..Booster::new(Objective::new(ObjectiveName::RegSquaredError), 1)
    };
    let mut predictions = Vec::new();
    let mut on_row = |row: &[f32]| {
        predictions.extend_from_slice(row);
        Ok::<_, PredictFileError>(())
    };
    let source = Source {
        input: Box::new(Cursor::new(
            "1,north\n2,south\n3,7.0\n4,\n5,east\n6,1\n".to_owned(),
        )),
        path: Path::new("rows.csv"),
        options: Options {
            label_column: Some(0),
            names: category_names,
            ..Options::default()
        },
    };
    stream(&booster, source, false, &mut on_row).unwrap();
    assert_eq!(predictions, [1.0, 5.0, 5.0, 1.0, 1.0, 1.0]);
}
