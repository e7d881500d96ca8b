//! XGBoost's model document becomes a booster; what this engine does not have is refused by name.
//!
//! Invariants: members that are not needed are passed over, so that newer documents can be read; what is read holds
//! [`Booster`]'s own invariants.
//!
//! Source: XGBoost `doc/model.schema`, `src/learner.cc`, `src/gbm/gbtree.cc`, `src/gbm/gblinear_model.h`, versions 1.7 to
//! 3.4.

use std::collections::BTreeMap;

use crate::booster::{Booster, BoosterKind, FeatureType, LinearModel};

use super::error::ModelError;
use super::member::Member;
use super::objective;
use super::read_tree;
use super::value::{Value, shortened};

/// Reads the whole document.
pub(super) fn booster(document: &Value<'_>) -> Result<Booster, ModelError> {
    let root = Member::root(document);
    let learner = root.member("learner")?;
    let param = learner.member("learner_model_param")?;
    let objective = objective::read(&learner.member("objective")?, &param)?;
    let n_features = param
        .member("num_feature")?
        .parsed::<u32>("a whole number in a text")?;
    let mut booster = Booster {
        n_targets: objective::read_targets(&param, &objective)?,
        feature_names: feature_names(&learner, n_features)?,
        feature_types: feature_types(&learner, n_features)?,
        attributes: attributes(&learner)?,
        ..Booster::new(objective, n_features)
    };
    read_booster(&learner.member("gradient_booster")?, &mut booster)?;
    set_base_score(&mut booster, &param.member("base_score")?)?;
    Ok(booster)
}

/// `gbtree` and `gblinear` hold a model, `dart` holds a `gbtree` and the trees' weights. From 3.5 on the weights may lie in
/// the model itself.
fn read_booster(place: &Member<'_, '_>, booster: &mut Booster) -> Result<(), ModelError> {
    let name = place.member("name")?;
    match name.text()? {
        "gbtree" => {
            let model = place.member("model")?;
            read_trees(&model, booster)?;
            if let Some(weights) = model.optional("weight_drop")?
                && !weights.is_empty_array()
            {
                booster.kind = dart(&weights, booster)?;
            }
            Ok(())
        }
        "dart" => {
            let gbtree = place.member("gbtree")?;
            read_trees(&gbtree.member("model")?, booster)?;
            booster.kind = dart(&place.member("weight_drop")?, booster)?;
            Ok(())
        }
        "gblinear" => {
            booster.kind = linear(&place.member("model")?, booster)?;
            Ok(())
        }
        other => {
            let what = format!("booster `{}`", shortened(other));
            Err(name.unsupported(what, "gbtree, dart, gblinear"))
        }
    }
}

fn dart(weights: &Member<'_, '_>, booster: &Booster) -> Result<BoosterKind, ModelError> {
    if booster.has_leaf_vectors() {
        return Err(weights.unsupported("weights of trees with several outputs", "gbtree"));
    }
    let weight_drop = weights.numbers(booster.trees.len())?;
    Ok(BoosterKind::Dart { weight_drop })
}

fn linear(model: &Member<'_, '_>, booster: &Booster) -> Result<BoosterKind, ModelError> {
    let weights = model.member("weights")?;
    let n_weights = (booster.n_features() + 1).checked_mul(booster.n_groups());
    let n_weights = n_weights.ok_or_else(|| weights.expected("fewer features or groups"))?;
    let boosted_rounds = match model.optional("boosted_rounds")? {
        Some(rounds) => rounds.whole("a whole number")?,
        None => 0,
    };
    Ok(BoosterKind::GbLinear(LinearModel {
        weights: weights.numbers(n_weights)?,
        boosted_rounds,
    }))
}

fn feature_names(learner: &Member<'_, '_>, n_features: u32) -> Result<Vec<String>, ModelError> {
    let Some(names) = learner.optional("feature_names")? else {
        return Ok(Vec::new());
    };
    let texts = names.items()?;
    if ![0, n_features as usize].contains(&texts.len()) {
        return Err(names.expected(format!("an array of {n_features} names, or of none")));
    }
    texts.map(|name| name.text().map(str::to_owned)).collect()
}

/// None if all are numbers, which is what no types mean.
fn feature_types(
    learner: &Member<'_, '_>,
    n_features: u32,
) -> Result<Vec<FeatureType>, ModelError> {
    let Some(types) = learner.optional("feature_types")? else {
        return Ok(Vec::new());
    };
    let texts = types.items()?;
    if ![0, n_features as usize].contains(&texts.len()) {
        return Err(types.expected(format!("an array of {n_features} types, or of none")));
    }
    let one = |it: Member<'_, '_>| it.parsed::<FeatureType>("one of float, int, i, q, c");
    let types: Vec<_> = texts.map(one).collect::<Result<_, _>>()?;
    if types.iter().all(|&it| it == FeatureType::Float) {
        return Ok(Vec::new());
    }
    Ok(types)
}

fn attributes(learner: &Member<'_, '_>) -> Result<BTreeMap<String, String>, ModelError> {
    let Some(attributes) = learner.optional("attributes")? else {
        return Ok(BTreeMap::new());
    };
    let members = attributes.members()?;
    members
        .map(|(name, value)| Ok((name.to_owned(), value.text()?.to_owned())))
        .collect()
}

fn read_trees(model: &Member<'_, '_>, booster: &mut Booster) -> Result<(), ModelError> {
    let param = model.member("gbtree_model_param")?;
    let num_trees = param.member("num_trees")?;
    let n_trees = num_trees.parsed::<u32>("a whole number in a text")? as usize;
    if let Some(count) = param.optional("num_parallel_tree")? {
        booster.num_parallel_tree = count.parsed::<u32>("a whole number in a text")?.max(1);
    }
    let members = model.member("trees")?;
    let items = members.items()?;
    if items.len() != n_trees {
        return Err(members.expected(format!("an array of {n_trees} trees")));
    }
    let trees: Result<Vec<_>, _> = items
        .enumerate()
        .map(|(idx, tree)| read_tree::read(&tree, idx, booster.n_features))
        .collect();
    booster.trees = trees?;
    booster.category_names = super::categories::read(model, booster.n_features)?;
    let info = model.member("tree_info")?;
    let groups = info.ints(n_trees)?;
    let groups: Option<Vec<_>> = groups.iter().map(|&it| u32::try_from(it).ok()).collect();
    booster.tree_info = groups.ok_or_else(|| info.expected("output groups from 0"))?;
    check_outputs(&members, booster)?;
    check_rounds(booster, &info)
}

/// Every tree has one output, or every tree has all.
fn check_outputs(trees: &Member<'_, '_>, booster: &Booster) -> Result<(), ModelError> {
    let n_groups = booster.n_groups();
    let allowed = if booster.has_leaf_vectors() {
        n_groups
    } else {
        1
    };
    let n_outputs = booster.trees.iter().map(|it| it.leaf_values(0).len());
    match n_outputs.enumerate().find(|it| it.1 != allowed) {
        None => Ok(()),
        Some((idx, found)) => Err(ModelError::tree(
            idx,
            0,
            format!(
                "it has {found} outputs, `{}` must have 1 each or {n_groups} each",
                trees.path()
            ),
        )),
    }
}

/// A round is `num_parallel_tree` trees for each group in turn, or as many trees that have all groups.
fn check_rounds(booster: &Booster, info: &Member<'_, '_>) -> Result<(), ModelError> {
    let n_parallel = booster.num_parallel_tree as usize;
    let n_groups = if booster.has_leaf_vectors() {
        1
    } else {
        booster.n_groups()
    };
    let problem = |found: String| {
        let expected = format!(
            "rounds of {n_groups} groups with {n_parallel} trees each, one after the other"
        );
        Err(ModelError::schema(info.path(), expected, found))
    };
    let Some(per_round) = n_groups.checked_mul(n_parallel) else {
        return problem("more trees a round than can be counted".to_owned());
    };
    if !booster.trees.len().is_multiple_of(per_round) {
        return problem(format!("{} trees", booster.trees.len()));
    }
    let group_of = |tree: usize| tree / n_parallel % n_groups;
    let mut groups = booster.tree_info.iter().enumerate();
    match groups.find(|&(tree, &it)| it as usize != group_of(tree)) {
        Some((tree, group)) => problem(format!("group {group} at tree {tree}")),
        None => Ok(()),
    }
}

/// `5E-1`, `[5E-1]` or, from XGBoost 3.1 on, one number for each output.
///
/// A booster has one base score. Where outputs differ it becomes the one whose margin is 0, and each output's own margin
/// goes into the leaves of its first tree, which gives the same sums bit for bit, since the first addition is then the
/// same one. (Dart's weight is divided out, which may cost the last bit.) A linear model takes the first, as XGBoost does.
fn set_base_score(booster: &mut Booster, member: &Member<'_, '_>) -> Result<(), ModelError> {
    let expected = "a finite number in a text, or one for each class in brackets";
    let text = member.text()?.trim();
    let inner = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let parse = |it: &str| it.trim().parse::<f32>().ok().filter(|it| it.is_finite());
    let scores: Option<Vec<f32>> = inner.unwrap_or(text).split(',').map(parse).collect();
    let scores = scores.ok_or_else(|| member.expected(expected))?;
    let all_equal = scores.iter().all(|&it| it == scores[0]);
    if ![1, booster.n_groups()].contains(&scores.len()) {
        return Err(member.expected(expected));
    }
    booster.base_score = scores[0];
    if all_equal || matches!(booster.kind, BoosterKind::GbLinear(_)) {
        return Ok(());
    }
    let refusal = |what: &str| Err(member.unsupported(what, "one base score"));
    if booster.trees.is_empty() {
        return refusal("a base score for each class in a model without trees");
    }
    let margins = scores
        .iter()
        .map(|&it| booster.objective.prob_to_margin(it));
    let margins: Vec<f32> = margins.collect();
    let Some(neutral) = booster.neutral_base_score() else {
        return refusal("a base score for each output of this objective");
    };
    booster.base_score = neutral;
    if add_to_first_round(booster, &margins) {
        Ok(())
    } else {
        refusal("a base score for each class where the first trees cannot take it up")
    }
}

/// Adds a margin for each group to the leaves of the group's first tree; `false` if that gives something else than numbers.
fn add_to_first_round(booster: &mut Booster, margins: &[f32]) -> bool {
    if booster.has_leaf_vectors() {
        let tree = &mut booster.trees[0];
        let Some(vectors) = &mut tree.leaf_vectors else {
            return false;
        };
        let values = vectors.values.chunks_exact_mut(margins.len());
        for (_, values) in tree
            .nodes
            .iter()
            .zip(values)
            .filter(|it| it.0.left.is_none())
        {
            for (value, margin) in values.iter_mut().zip(margins) {
                *value += margin;
            }
        }
        return !vectors.values.iter().any(|it| it.is_nan());
    }
    for (group, margin) in margins.iter().enumerate() {
        let tree_idx = group * booster.num_parallel_tree as usize;
        let weight = booster.tree_weight(tree_idx);
        let nodes = &mut booster.trees[tree_idx].nodes;
        for node in nodes.iter_mut().filter(|node| node.left.is_none()) {
            node.split_condition += margin / weight;
            node.base_weight = node.split_condition;
        }
        if nodes.iter().any(|node| node.split_condition.is_nan()) || weight == 0.0 {
            return false;
        }
    }
    true
}
