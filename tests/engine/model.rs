//! Model files: what is written is XGBoost's document to the byte, what is read is whole or refused.

use std::collections::BTreeMap;

use engine::booster::Booster;
use engine::model::{ModelError, ModelFormat, load, save};
use engine::objective::{
    AftDistribution, LambdaRank, Objective, ObjectiveName, PairMethod, PositionBias,
};
use engine::tree::{NO_PARENT, Node, Tree};
use proptest::prelude::*;

/// The example of XGBoost's document with two features and one stump.
fn stump() -> Booster {
    let root = Node {
        parent: NO_PARENT,
        left: Some(1),
        split_index: 1,
        split_condition: 0.5,
        default_left: true,
        base_weight: -0.015,
        loss_change: 12.0,
        sum_hessian: 25.0,
    };
    let nodes = vec![root, Node::leaf(0, -0.2, 10.0), Node::leaf(0, 0.3, 15.0)];
    Booster {
        trees: vec![Tree::from(nodes)],
        tree_info: vec![0],
        feature_names: vec!["f0".to_owned(), "f\"1\n\u{e9}".to_owned()],
        attributes: BTreeMap::from([("best_iteration".to_owned(), "0".to_owned())]),
        ..Booster::new(Objective::new(ObjectiveName::BinaryLogistic), 2)
    }
}

const STUMP: &str = concat!(
    r#"{"learner":{"attributes":{"best_iteration":"0"},"feature_names":["f0","f\"1\né"],"#,
    r#""feature_types":["float","float"],"gradient_booster":{"model":{"#,
    r#""gbtree_model_param":{"num_parallel_tree":"1","num_trees":"1"},"iteration_indptr":[0,1],"tree_info":[0],"#,
    r#""trees":[{"base_weights":[-1.5E-2,-2E-1,3E-1],"categories":[],"categories_nodes":[],"#,
    r#""categories_segments":[],"categories_sizes":[],"default_left":[1,0,0],"id":0,"left_children":[1,-1,-1],"#,
    r#""loss_changes":[1.2E1,0E0,0E0],"parents":[2147483647,0,0],"right_children":[2,-1,-1],"#,
    r#""split_conditions":[5E-1,-2E-1,3E-1],"split_indices":[1,0,0],"split_type":[0,0,0],"#,
    r#""sum_hessian":[2.5E1,1E1,1.5E1],"#,
    r#""tree_param":{"num_deleted":"0","num_feature":"2","num_nodes":"3","size_leaf_vector":"1"}}]},"name":"gbtree"},"#,
    r#""learner_model_param":{"base_score":"5E-1","boost_from_average":"1","num_class":"0","num_feature":"2","#,
    r#""num_target":"1"},"objective":{"name":"binary:logistic","reg_loss_param":{"scale_pos_weight":"1"}}},"#,
    r#""version":[3,0,5]}"#
);

#[test]
fn writes_the_document_that_xgboost_reads() {
    let json = String::from_utf8(save(&stump(), ModelFormat::Json)).unwrap();
    assert_eq!(json, STUMP);
}

#[test]
fn writes_packed_big_endian_arrays() {
    let bytes = save(&stump(), ModelFormat::Ubj);
    let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(bytes.starts_with(b"{L\0\0\0\0\0\0\0\x07learner{L"));
    assert!(has(
        b"split_conditions[$d#L\0\0\0\0\0\0\0\x03\x3f\0\0\0\xbe\x4c\xcc\xcd\x3e\x99\x99\x9a"
    ));
    assert!(has(
        b"parents[$l#L\0\0\0\0\0\0\0\x03\x7f\xff\xff\xff\0\0\0\0\0\0\0\0"
    ));
    assert!(has(b"default_left[$U#L\0\0\0\0\0\0\0\x03\x01\0\0"));
    assert!(has(b"categories_sizes[$L#L\0\0\0\0\0\0\0\0"));
    assert!(has(b"iteration_indptr[#L\0\0\0\0\0\0\0\x02i\0i\x01"));
    assert!(bytes.ends_with(b"version[#L\0\0\0\0\0\0\0\x03i\x03i\0i\x05}"));
}

#[test]
fn reads_back_what_it_wrote_in_both_formats() {
    for format in [ModelFormat::Json, ModelFormat::Ubj] {
        assert_eq!(load(&save(&stump(), format)).unwrap(), stump(), "{format}");
    }
}

#[test]
fn keeps_what_belongs_to_each_objective() {
    for &name in ObjectiveName::ALL {
        let mut booster = stump();
        booster.objective = Objective::new(name);
        let objective = &mut booster.objective;
        match name {
            ObjectiveName::RegSquaredError
            | ObjectiveName::RegLogistic
            | ObjectiveName::BinaryLogistic
            | ObjectiveName::BinaryLogitraw
            | ObjectiveName::RegSquaredLogError
            | ObjectiveName::RegGamma => objective.scale_pos_weight = 2.5,
            ObjectiveName::CountPoisson => objective.max_delta_step = 0.3,
            ObjectiveName::RegTweedie => objective.tweedie_variance_power = 1.2,
            ObjectiveName::RegPseudoHuberError => objective.huber_slope = 0.4,
            ObjectiveName::SurvivalAft => {
                objective.aft_loss_distribution = AftDistribution::Extreme;
                objective.aft_loss_distribution_scale = 1.7;
            }
            ObjectiveName::MultiSoftmax | ObjectiveName::MultiSoftprob => objective.num_class = 3,
            ObjectiveName::RegQuantileError => objective.quantile_alpha = [0.1, 0.5, 1.0].into(),
            ObjectiveName::RankPairwise | ObjectiveName::RankNdcg | ObjectiveName::RankMap => {
                objective.lambdarank = LambdaRank {
                    pair_method: PairMethod::Mean,
                    num_pair_per_sample: Some(7),
                    normalization: false,
                    score_normalization: false,
                    ndcg_exp_gain: false,
                    unbiased: true,
                    bias_norm: 2.5,
                };
                objective.position_bias = PositionBias {
                    clicked: vec![1.0, 0.7],
                    passed: vec![1.0, 0.0],
                };
            }
            ObjectiveName::BinaryHinge
            | ObjectiveName::RegAbsoluteError
            | ObjectiveName::SurvivalCox => {}
        }
        if objective.n_groups() == 3 {
            booster.trees = vec![booster.trees[0].clone(); 3];
            booster.tree_info = vec![0, 1, 2];
        }
        for format in [ModelFormat::Json, ModelFormat::Ubj] {
            assert_eq!(
                load(&save(&booster, format)).unwrap(),
                booster,
                "{name} {format}"
            );
        }
    }
}

/// The stump with one text in place of another.
fn edited(from: &str, to: &str) -> Result<Booster, ModelError> {
    assert!(STUMP.contains(from), "{from} is not in the document");
    load(STUMP.replace(from, to).as_bytes())
}

#[test]
fn reads_what_other_versions_write() {
    let same = [
        (r#""5E-1""#, r#""[5E-1]""#),
        (r#""5E-1""#, r#""0.5""#),
        ("[1,0,0],\"id\"", "[true,false,false],\"id\""),
        (r#""iteration_indptr":[0,1],"#, ""),
        (r#""num_target":"1""#, r#""other":{"a":[null,1,[]]}"#),
        (r#""name":"gbtree""#, r#""cats":{"enc":[]},"name":"gbtree""#),
        ("1E1", "10"),
        ("{\"learner\":", "{\n  \"learner\" :\t"),
    ];
    for (from, to) in same {
        assert_eq!(edited(from, to).unwrap(), stump(), "{to}");
    }
}

#[test]
fn numbers_nodes_anew_where_children_are_not_neighbours() {
    let found = edited("[1,-1,-1]", "[2,-1,-1]")
        .map_err(|err| err.to_string())
        .unwrap_err();
    assert_eq!(
        found,
        "tree 0, node 2: it has two parents, or is above itself"
    );

    let swapped = STUMP
        .replace("[1,-1,-1]", "[2,-1,-1]")
        .replace("[2,-1,-1],\"split_c", "[1,-1,-1],\"split_c");
    let booster = load(swapped.as_bytes()).unwrap();
    let values: Vec<_> = booster.trees[0]
        .nodes
        .iter()
        .map(|node| node.split_condition)
        .collect();
    assert_eq!(values, [0.5, 0.3, -0.2]);
    assert_eq!(booster.trees[0].nodes[0].left, Some(1));
}

#[test]
fn leaves_out_nodes_that_xgboost_has_pruned() {
    let pruned = STUMP
        .replace("[1,-1,-1]", "[-1,-1,-1]")
        .replace(r#""num_deleted":"0""#, r#""num_deleted":"2""#);
    let booster = load(pruned.as_bytes()).unwrap();
    assert_eq!(booster.trees[0].nodes.len(), 1);
    assert_eq!(booster.trees[0].leaf_value(|_| 0.0), 0.5);
}

#[test]
fn adds_class_base_scores_to_the_first_tree_of_each_class() {
    let mut booster = stump();
    booster.objective = Objective::new(ObjectiveName::MultiSoftprob);
    booster.objective.num_class = 2;
    booster.trees = vec![booster.trees[0].clone(); 4];
    booster.tree_info = vec![0, 1, 0, 1];
    let json = String::from_utf8(save(&booster, ModelFormat::Json)).unwrap();
    let read = load(json.replace(r#""5E-1""#, r#""[1.25E0,-1E0]""#).as_bytes()).unwrap();
    assert_eq!(read.base_score, 0.0);
    let leaf = |tree: usize| read.trees[tree].nodes[1].split_condition;
    assert_eq!(
        [leaf(0), leaf(1), leaf(2), leaf(3)],
        [1.05, -1.2, -0.2, -0.2]
    );
}

#[test]
fn refuses_by_name_what_is_damaged_or_not_supported() {
    let model = "learner.gradient_booster.model";
    let cases = [
        ("[1,-1,-1]", "[7,-1,-1]", "tree 0, node 0: its child 7 is not one of 3 nodes".to_owned()),
        ("[1,-1,-1]", "[-2,-1,-1]", "tree 0, node 0: its child -2 is not one of 3 nodes".to_owned()),
        ("[1,-1,-1]", "[0,-1,-1]", "tree 0, node 0: it has two parents, or is above itself".to_owned()),
        ("[1,-1,-1]", "[-1,-1,-1]", "tree 0, node 1: 2 nodes such as this one are below no other, `num_deleted` is 0".to_owned()),
        ("[2147483647,0,0]", "[2147483647,0,1]", "tree 0, node 2: it names node 1 as its parent, but is a child of 0".to_owned()),
        ("[2147483647,0,0]", "[1,0,0]", "tree 0, node 0: the root has a parent".to_owned()),
        ("[1,0,0],\"split_t", "[2,0,0],\"split_t", "tree 0, node 0: it splits feature 2, the model has 2".to_owned()),
        ("[5E-1,", "[NaN,", "tree 0, node 0: its split condition or leaf value is not a number".to_owned()),
        ("[1,0,0],\"id\"", "[1,0],\"id\"", format!("model member `{model}.trees[0].default_left`: expected an array of 3 whole numbers, found an array of 2 whole numbers")),
        ("1.5E1]", "\"x\"]", format!("model member `{model}.trees[0].sum_hessian`: expected an array of 3 numbers, found an array of 3 values")),
        (r#""num_nodes":"3""#, r#""num_nodes":3"#, format!("model member `{model}.trees[0].tree_param.num_nodes`: expected a whole number from 1 to 2147483646 in a text, found the number `3`")),
        (r#""num_trees":"1""#, r#""num_trees":"2""#, format!("model member `{model}.trees`: expected an array of 2 trees, found an array of 1 values")),
        (r#""tree_info":[0]"#, r#""tree_info":[1]"#, format!("model member `{model}.tree_info`: expected rounds of 1 groups with 1 trees each, one after the other, found group 1 at tree 0")),
        (r#""num_feature":"2","num_target""#, r#""num_target""#, "model member `learner.learner_model_param.num_feature`: expected a value, found nothing".to_owned()),
        (r#""5E-1""#, r#""[5E-1,5E-1]""#, "model member `learner.learner_model_param.base_score`: expected a finite number in a text, or one for each class in brackets, found the text `[5E-1,5E-1]`".to_owned()),
        (r#"["f0","#, "[", "model member `learner.feature_names`: expected an array of 2 names, or of none, found an array of 1 values".to_owned()),
        ("[0,0,0]", "[1,0,0]", format!("model member `{model}.trees[0].categories_nodes`: expected an array of 1 whole numbers, found an array of 0 values")),
        ("[0,0,0]", "[2,0,0]", format!("model member `{model}.trees[0].split_type`: a split of type 2 is not supported, allowed is 0 and 1")),
        (r#""name":"gbtree""#, r#""name":"dart""#, "model member `learner.gradient_booster.gbtree`: expected a value, found nothing".to_owned()),
        (r#""name":"gbtree""#, r#""name":"gblinear""#, format!("model member `{model}.weights`: expected a value, found nothing")),
        (r#""name":"gbtree""#, r#""name":"forest""#, "model member `learner.gradient_booster.name`: booster `forest` is not supported, allowed is gbtree, dart, gblinear".to_owned()),
        ("binary:logistic", "rank:best", format!("model member `learner.objective.name`: objective `rank:best` is not supported, allowed is {}", ObjectiveName::NAMES.join(", "))),
        (r#""size_leaf_vector":"1""#, r#""size_leaf_vector":"3""#, format!("model member `{model}.trees[0].base_weights`: expected an array of 9 numbers, found an array of 3 numbers")),
        (r#""num_target":"1""#, r#""num_target":"2""#, format!("model member `{model}.tree_info`: expected rounds of 2 groups with 1 trees each, one after the other, found 1 trees")),
        (r#"["float","float"]"#, r#"["float","word"]"#, "model member `learner.feature_types[1]`: expected one of float, int, i, q, c, found the text `word`".to_owned()),
        ("3,0,5]}", "3,0,5]} x", format!("damaged model at byte {}: there is more after the document's end", STUMP.len() + 1)),
    ];
    for (from, to, message) in cases {
        assert_eq!(edited(from, to).unwrap_err().to_string(), message);
    }
}

#[test]
fn refuses_bytes_that_are_no_model() {
    let refusal = |bytes: &[u8]| load(bytes).unwrap_err().to_string();
    let expected = "expected XGBoost's JSON or UBJSON, beginning with `{`, or LightGBM's text, beginning with a line `tree`, found";
    assert_eq!(refusal(b""), format!("{expected} no bytes"));
    assert_eq!(refusal(b"binf\0\0"), format!("{expected} `binf\\x00\\x00`"));
    assert_eq!(
        refusal(b"{}"),
        "model member `learner`: expected a value, found nothing"
    );
}

#[test]
fn refuses_lengths_beyond_the_end_before_it_allocates() {
    let huge = i64::MAX.to_be_bytes();
    for head in [
        &b"{L"[..],
        b"{L\0\0\0\0\0\0\0\x01a[$d#L",
        b"{L\0\0\0\0\0\0\0\x01a[#L",
        b"{L\0\0\0\0\0\0\0\x01aSL",
    ] {
        let err = load(&[head, &huge].concat()).unwrap_err().to_string();
        assert!(
            err.ends_with("a length of 9223372036854775807 is announced, 0 bytes are left"),
            "{err}"
        );
    }
}

#[test]
fn refuses_nesting_that_would_exhaust_the_stack() {
    let json = format!("{{\"a\":{}", "[".repeat(1_000_000));
    let ubj = [&b"{L\0\0\0\0\0\0\0\x01a"[..], &vec![b'['; 1_000_000]].concat();
    for bytes in [json.as_bytes(), &ubj] {
        let err = load(bytes).unwrap_err().to_string();
        assert!(
            err.ends_with("more than 32 values lie in each other"),
            "{err}"
        );
    }
}

#[test]
fn refuses_every_file_that_breaks_off() {
    for format in [ModelFormat::Json, ModelFormat::Ubj] {
        let bytes = save(&stump(), format);
        for len in 0..bytes.len() {
            assert!(load(&bytes[..len]).is_err(), "{format} of {len} bytes");
        }
    }
}

fn any_tree(n_features: u32) -> impl Strategy<Value = Tree> {
    let float = || any::<f32>().prop_filter("not NaN", |it| !it.is_nan());
    let node = (
        float(),
        float(),
        0..n_features,
        any::<bool>(),
        any::<bool>(),
    );
    prop::collection::vec(node, 1..20).prop_map(|drawn| {
        let mut nodes = vec![Node::leaf(NO_PARENT, 1.0, 1.0)];
        for (idx, (condition, gain, feature, default_left, splits)) in drawn.into_iter().enumerate()
        {
            if idx >= nodes.len() {
                break;
            }
            nodes[idx].split_condition = condition;
            nodes[idx].base_weight = condition;
            if splits {
                let left = nodes.len() as u32;
                let root = &mut nodes[idx];
                (root.left, root.split_index) = (Some(left), feature);
                (root.default_left, root.loss_change) = (default_left, gain);
                nodes.extend([
                    Node::leaf(idx as u32, gain, 1.0),
                    Node::leaf(idx as u32, -gain, 2.0),
                ]);
            }
        }
        Tree::from(nodes)
    })
}

prop_compose! {
    fn any_booster()(
        trees in prop::collection::vec(any_tree(5), 0..4),
        base_score in -1e30_f32..1e30,
        names in prop_oneof![Just(0_usize), Just(5)],
        name in any::<String>(),
    ) -> Booster {
        Booster {
            tree_info: vec![0; trees.len()],
            trees,
            base_score,
            feature_names: vec![name.clone(); names],
            attributes: BTreeMap::from([(name.clone(), name)]),
            ..Booster::new(Objective::new(ObjectiveName::RegSquaredError), 5)
        }
    }
}

proptest! {
    #[test]
    fn json_to_ubjson_to_json_is_the_same_to_the_byte(booster in any_booster()) {
        let json = save(&booster, ModelFormat::Json);
        let from_json = load(&json).unwrap();
        prop_assert_eq!(&from_json, &booster);
        let ubj = save(&from_json, ModelFormat::Ubj);
        let from_ubj = load(&ubj).unwrap();
        prop_assert_eq!(&save(&from_ubj, ModelFormat::Ubj), &ubj);
        prop_assert_eq!(save(&from_ubj, ModelFormat::Json), json);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = load(&bytes);
        let _ = load(&[b"{\"", bytes.as_slice()].concat());
        let _ = load(&[b"{L\0\0\0\0\0\0\0\x01a", bytes.as_slice()].concat());
    }

    #[test]
    fn a_model_with_damage_is_read_as_a_sound_one_or_refused(
        booster in any_booster(),
        ubj in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let format = if ubj { ModelFormat::Ubj } else { ModelFormat::Json };
        let mut bytes = save(&booster, format);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(read) = load(&bytes) {
            for tree in &read.trees {
                // Every walk ends at a leaf.
                tree.leaf_value(|_| f32::NAN);
                tree.leaf_value(|_| 0.0);
            }
        }
    }
}
