//! Categories that are words: their codes depend on the words alone, and words that the training rows did not have are missing.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::sync::Arc;

use engine::bin::{Ingest, Sample};
use engine::booster::Booster;
use engine::dataset::{
    CategoryNames, Dataset, DatasetError, FeatureWords, Names, Origin, Part, SideColumns, Tile,
    TileFeatures, Word,
};
use engine::model::{ModelFormat, load, save};
use engine::objective::{Objective, ObjectiveName};
use engine::params::BoosterParams;
use engine::threads::Threads;

use crate::table::fit;

/// A part of one tile of `(word, number)`, `None` where one is missing; words are numbered as they come.
fn part(number: usize, rows: &[(Option<&str>, f32)]) -> Part {
    let mut words: Vec<Word> = Vec::new();
    let mut column = Vec::new();
    for (text, _) in rows {
        column.push(match text {
            None => f32::NAN,
            Some(text) if text.parse::<u32>().is_ok() => text.parse().unwrap(),
            Some(text) => {
                let at = words.iter().position(|it| &*it.text == *text);
                let at = at.unwrap_or_else(|| {
                    words.push(Word {
                        text: (*text).into(),
                        is_number: text.parse::<f32>().is_ok(),
                    });
                    words.len() - 1
                });
                -1.0 - at as f32
            }
        });
    }
    column.extend(rows.iter().map(|(_, number)| number));
    let labels = rows
        .iter()
        .map(|(text, _)| text.map_or(0.0, |it| it.len() as f32));
    Part {
        number,
        tiles: vec![Tile {
            features: TileFeatures::Dense {
                n_features: 2,
                values: column,
            },
            labels: labels.collect(),
            weights: None,
            side: SideColumns::default(),
            words: vec![FeatureWords {
                feature: 0,
                words: words.into(),
            }],
            origin: Origin {
                object: "a".into(),
                first_row: 0,
            },
        }],
    }
}

const FIRST: [(Option<&str>, f32); 4] = [
    (Some("south"), 1.0),
    (None, 2.0),
    (Some("10"), 0.0),
    (Some("é"), 1.0),
];
const SECOND: [(Option<&str>, f32); 3] =
    [(Some("north"), 0.0), (Some("south"), 1.0), (Some("7"), 1.0)];

/// The table of these parts, with what was sampled cut first.
fn ingest(sampled: Vec<Part>, others: Vec<Part>) -> Result<Ingest, DatasetError> {
    let threads = Threads::new(Some(2)).unwrap();
    let mut sample = Sample::new(1000).with_categories(vec![0]);
    sample.push(sampled, &threads);
    let mut ingest = sample.cut(256, others.is_empty(), &threads).unwrap();
    ingest.push(others, &threads)?;
    Ok(ingest)
}

#[test]
fn codes_are_in_the_order_of_the_words_whatever_the_order_of_the_rows() {
    let names = |parts: Vec<Part>| ingest(parts, Vec::new()).unwrap().category_names().clone();
    let found = names(vec![part(0, &FIRST), part(1, &SECOND)]);
    let expected = ["10", "7", "north", "south", "é"].map(str::to_owned);
    assert_eq!(found.of(0).unwrap().as_slice(), expected);
    assert_eq!(found.iter().count(), 1);
    assert_eq!(names(vec![part(0, &SECOND), part(1, &FIRST)]), found);
    // The rest of the table does not add to them.
    let sampled = ingest(vec![part(0, &FIRST)], vec![part(1, &SECOND)]).unwrap();
    assert_eq!(
        sampled.category_names().of(0).unwrap().as_slice(),
        ["10", "south", "é"]
    );
}

#[test]
fn words_are_followed_as_their_codes_and_unknown_ones_are_missing() {
    let rows: Vec<_> = (0..60)
        .map(|row| {
            (
                Some(["a", "bb", "ccc", "dddd", "ee"][row % 5]),
                (row % 3) as f32,
            )
        })
        .collect();
    let data = ingest(vec![part(0, &rows)], Vec::new())
        .unwrap()
        .finish()
        .unwrap();
    let booster = fit(&BoosterParams::default().num_round(4), &data, None).booster;
    assert_eq!(booster.category_names, data.cuts().category_names());
    let table = |rows: &[(Option<&str>, f32)]| {
        let mut builder = Dataset::builder();
        for tile in part(0, rows).tiles {
            builder.push(tile).unwrap();
        }
        builder.finish().unwrap()
    };
    let threads = Threads::single();
    let predicted = |rows: &[(Option<&str>, f32)]| {
        let mut data = table(rows);
        data.code_words(&booster.category_names);
        booster.predict(&data, &threads).unwrap()
    };
    let [known, missing, unknown, number] = [Some("dddd"), None, Some("zz"), Some("3")];
    let found = predicted(&[(known, 1.0), (missing, 1.0), (unknown, 1.0), (number, 1.0)]);
    assert!(found[0] > 2.0, "{found:?}");
    assert_eq!([found[1]; 2], [found[2], found[3]]);
    // The same as by the bins of the table that it was trained on.
    let mut beside = Ingest::new(data.cuts());
    let rows = [(known, 1.0), (unknown, 1.0)];
    beside.push(vec![part(0, &rows)], &threads).unwrap();
    let margins = booster
        .predict_margin_binned(&beside.finish().unwrap(), &threads)
        .unwrap();
    assert_eq!(
        margins,
        found[..1]
            .iter()
            .chain(&found[2..3])
            .copied()
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_word_among_codes_and_a_number_that_is_no_code_are_told_as_they_stand() {
    let refused = |text: &'static str| {
        let codes = part(0, &[(Some("1"), 0.0), (Some("2"), 1.0)]);
        let parts = vec![part(1, &[(Some("3"), 0.0), (Some(text), 1.0)])];
        ingest(vec![codes], parts).unwrap_err()
    };
    for text in ["north", "-1", "2.5"] {
        let DatasetError::Category {
            row,
            feature,
            value,
            ..
        } = refused(text)
        else {
            panic!("{text} is refused as something else")
        };
        // The object's rows go on from the first part.
        assert_eq!((row, feature, value.as_str()), (3, 0, text));
    }
}

#[test]
fn names_are_in_the_model_in_both_formats() {
    let names = Names::new(["süd", "nord", "", "ost"].map(str::to_owned).to_vec());
    let booster = Booster {
        category_names: CategoryNames::from_iter([(1, Arc::new(names))]),
        ..Booster::new(Objective::new(ObjectiveName::RegSquaredError), 3)
    };
    for format in [ModelFormat::Json, ModelFormat::Ubj] {
        assert_eq!(load(&save(&booster, format)).unwrap(), booster);
    }
    let text = String::from_utf8(save(&booster, ModelFormat::Json)).unwrap();
    let expected = "\"cats\":{\"enc\":[{\"offsets\":[],\"values\":[]},\
                    {\"offsets\":[0,4,8,8,11],\"values\":[115,-61,-68,100,110,111,114,100,111,115,116]},\
                    {\"offsets\":[],\"values\":[]}],\"feature_segments\":[0,0,4,4],\"sorted_idx\":[2,1,3,0]}";
    assert!(text.contains(expected), "{text}");
    assert!(load(text.replace("[0,4,8,8,11]", "[0,4,8,8,99]").as_bytes()).is_err());
}
