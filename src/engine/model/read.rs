//! XGBoost's model document becomes a booster; what this engine does not have is refused by name.
//!
//! Invariants: members that are not needed are passed over, so that newer documents can be read; what is read holds
//! [`Booster`]'s own invariants.
//!
//! Source: XGBoost `doc/model.schema`, `src/learner.cc`, versions 1.7 to 3.4.

use std::collections::BTreeMap;

use crate::booster::Booster;
use crate::tree::Tree;

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
    let model_place = learner.member("gradient_booster")?;
    let forest = Forest::read(&model_place, n_features)?;
    let mut booster = Booster {
        trees: forest.trees,
        tree_info: forest.tree_info,
        num_parallel_tree: forest.num_parallel_tree,
        n_features,
        base_score: 0.0,
        objective,
        feature_names: feature_names(&learner, n_features)?,
        attributes: attributes(&learner)?,
    };
    check_rounds(&booster, &model_place)?;
    set_base_score(&mut booster, &param.member("base_score")?)?;
    Ok(booster)
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

fn attributes(learner: &Member<'_, '_>) -> Result<BTreeMap<String, String>, ModelError> {
    let Some(attributes) = learner.optional("attributes")? else {
        return Ok(BTreeMap::new());
    };
    let members = attributes.members()?;
    members
        .map(|(name, value)| Ok((name.to_owned(), value.text()?.to_owned())))
        .collect()
}

/// The trees with what says how they are grouped.
struct Forest {
    trees: Vec<Tree>,
    tree_info: Vec<u32>,
    num_parallel_tree: u32,
}

impl Forest {
    fn read(gradient_booster: &Member<'_, '_>, n_features: u32) -> Result<Self, ModelError> {
        let name = gradient_booster.member("name")?;
        if name.text()? != "gbtree" {
            let what = format!("booster `{}`", shortened(name.text()?));
            return Err(name.unsupported(what, "gbtree"));
        }
        let model = gradient_booster.member("model")?;
        if model
            .optional("weight_drop")?
            .is_some_and(|it| !it.is_empty_array())
        {
            return Err(model.unsupported("booster `dart`", "gbtree"));
        }
        let param = model.member("gbtree_model_param")?;
        let num_trees = param.member("num_trees")?;
        let n_trees = num_trees.parsed::<u32>("a whole number in a text")? as usize;
        let num_parallel_tree = match param.optional("num_parallel_tree")? {
            Some(count) => count.parsed::<u32>("a whole number in a text")?.max(1),
            None => 1,
        };
        let members = model.member("trees")?;
        let items = members.items()?;
        if items.len() != n_trees {
            return Err(members.expected(format!("an array of {n_trees} trees")));
        }
        let trees: Result<Vec<_>, _> = items
            .enumerate()
            .map(|(idx, tree)| read_tree::read(&tree, idx, n_features))
            .collect();
        let info = model.member("tree_info")?;
        let groups = info.ints(n_trees)?;
        let groups: Option<Vec<_>> = groups.iter().map(|&it| u32::try_from(it).ok()).collect();
        Ok(Self {
            trees: trees?,
            tree_info: groups.ok_or_else(|| info.expected("output groups from 0"))?,
            num_parallel_tree,
        })
    }
}

/// A round is `num_parallel_tree` trees for each group in turn.
fn check_rounds(booster: &Booster, place: &Member<'_, '_>) -> Result<(), ModelError> {
    let (n_groups, n_parallel) = (booster.n_groups(), booster.num_parallel_tree as usize);
    let problem = |found: String| {
        let path = format!("{}.model.tree_info", place.path());
        let expected = format!(
            "rounds of {n_groups} groups with {n_parallel} trees each, one after the other"
        );
        Err(ModelError::schema(path, expected, found))
    };
    let Some(per_round) = n_groups.checked_mul(n_parallel) else {
        return problem("more trees a round than can be counted".to_owned());
    };
    if !booster.trees.len().is_multiple_of(per_round) {
        return problem(format!("{} trees", booster.trees.len()));
    }
    let group_of = |tree: usize| tree / n_parallel % n_groups;
    let groups = booster.tree_info.iter().enumerate();
    match groups
        .into_iter()
        .find(|&(tree, &it)| it as usize != group_of(tree))
    {
        Some((tree, group)) => problem(format!("group {group} at tree {tree}")),
        None => Ok(()),
    }
}

/// `5E-1`, `[5E-1]` or, from XGBoost 3.1 on, one number for each class.
///
/// A booster has one base score. Where classes differ it becomes 0 and each class's own goes into the leaves of the
/// class's first tree, which gives the same sums bit for bit, since the first addition is then the same one.
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
    if all_equal {
        booster.base_score = scores[0];
        return Ok(());
    }
    if booster.trees.is_empty() {
        return Err(member.unsupported(
            "a base score for each class in a model without trees",
            "one base score",
        ));
    }
    booster.base_score = 0.0;
    for (group, score) in scores.into_iter().enumerate() {
        let tree = &mut booster.trees[group * booster.num_parallel_tree as usize];
        for node in tree.nodes.iter_mut().filter(|node| node.left.is_none()) {
            node.split_condition += score;
            node.base_weight = node.split_condition;
        }
    }
    Ok(())
}
