//! The names of categories in XGBoost's document, as 3.1 and later have them: `cats`, beside the trees.
//!
//! Invariants: earlier versions pass the member over; its arrays are of the kind that those read too, since bytes with a
//! sign in a packed array end them. Categories that are called by numbers in a data frame have no names here: their codes
//! are what data bring.
//!
//! Source: XGBoost 3.2 `src/data/cat_container.cc`, `src/encoder/ordinal.h`.

use std::sync::Arc;

use crate::booster::Booster;
use crate::dataset::{CategoryNames, Names};

use super::error::ModelError;
use super::member::Member;
use super::value::Encode;

/// Writes the member, where there are names.
pub(super) fn write(booster: &Booster, out: &mut impl Encode) {
    let names = &booster.category_names;
    if names.is_empty() {
        return;
    }
    let of_features: Vec<&[String]> = (0..booster.n_features)
        .map(|feature| names.of(feature).map_or(&[][..], |it| it.as_slice()))
        .collect();
    out.key("cats");
    out.begin_object();
    out.key("enc");
    out.begin_array(of_features.len());
    for names in &of_features {
        let bytes: Vec<i64> = names.iter().flat_map(|it| signed(it)).collect();
        let ends = names.iter().scan(0, |end, name| {
            *end += name.len() as i64;
            Some(*end)
        });
        let begin = (!names.is_empty()).then_some(0);
        let offsets: Vec<i64> = begin.into_iter().chain(ends).collect();
        out.begin_object();
        out.integer_array_member("offsets", offsets.into_iter());
        out.integer_array_member("values", bytes.into_iter());
        out.end_object();
    }
    out.end_array();
    let ends = of_features.iter().scan(0, |end, names| {
        *end += names.len() as i64;
        Some(*end)
    });
    let segments: Vec<i64> = std::iter::once(0).chain(ends).collect();
    out.integer_array_member("feature_segments", segments.into_iter());
    let sorted: Vec<i64> = of_features.iter().flat_map(|it| sorted(it)).collect();
    out.integer_array_member("sorted_idx", sorted.into_iter());
    out.end_object();
}

/// The codes in the order of their names, as XGBoost searches them: its characters have a sign.
fn sorted(names: &[String]) -> Vec<i64> {
    let mut codes: Vec<usize> = (0..names.len()).collect();
    codes.sort_by(|&a, &b| signed(&names[a]).cmp(signed(&names[b])));
    codes.into_iter().map(|code| code as i64).collect()
}

fn signed(name: &str) -> impl Iterator<Item = i64> {
    name.bytes().map(|byte| i64::from(byte.cast_signed()))
}

/// Reads the member of `model`, if it is there.
pub(super) fn read(model: &Member<'_, '_>, n_features: u32) -> Result<CategoryNames, ModelError> {
    let Some(cats) = model.optional("cats")? else {
        return Ok(CategoryNames::default());
    };
    let columns = cats.member("enc")?;
    let columns = columns.items()?;
    if ![0, n_features as usize].contains(&columns.len()) {
        let enc = cats.member("enc")?;
        return Err(enc.expected(format!("an array of {n_features} columns, or of none")));
    }
    let mut found = Vec::new();
    for (feature, column) in (0..).zip(columns) {
        let Some(offsets) = column.optional("offsets")? else {
            continue;
        };
        let values = column.member("values")?.any_ints()?;
        let bytes: Vec<u8> = values.iter().map(|&it| it as u8).collect();
        let bounds = offsets.any_ints()?;
        let names = bounds.windows(2).map(|bounds| {
            let range = usize::try_from(bounds[0]).ok()?..usize::try_from(bounds[1]).ok()?;
            bytes
                .get(range)
                .map(|it| String::from_utf8_lossy(it).into_owned())
        });
        let names: Option<Vec<String>> = names.collect();
        let names =
            names.ok_or_else(|| offsets.expected("offsets that ascend within the values"))?;
        if !names.is_empty() {
            found.push((feature, Arc::new(Names::new(names))));
        }
    }
    Ok(found.into_iter().collect())
}
