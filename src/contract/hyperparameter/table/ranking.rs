//! Rows of ranking. The built-in algorithm takes none of them; XGBoost does.
//!
//! Source: XGBoost 3.x, "XGBoost Parameters", "Parameters for learning to rank".

use engine::objective::LambdaRank;

use super::super::draft::Draft;
use super::super::error::Refusal;
use super::super::spec::{Kind, Spec};
use super::{NON_NEGATIVE, POSITIVE_COUNT};

use Kind::{Choice, Integer, Real};

/// How XGBoost spells yes and no.
const FLAG: &[&str] = &["true", "false", "1", "0"];

/// Rows of ranking.
pub static RANKING: &[Spec] = &[
    Spec::new(
        "lambdarank_pair_method",
        Choice(&["topk", "mean"], |draft, it| {
            let method = it
                .parse()
                .map_err(|_| Refusal::message("unknown pair method"))?;
            set(draft, |rank| rank.pair_method = method);
            Ok(())
        }),
        "topk",
        "Which rows of a query are compared: each of the best with all below it, or each with some that are drawn by `seed`.",
    ),
    Spec::new(
        "lambdarank_num_pair_per_sample",
        Integer(POSITIVE_COUNT, |draft, it| {
            set(draft, |rank| rank.num_pair_per_sample = Some(it as u32));
        }),
        "",
        "How many of the best rows are compared, 32 where it is not given; with `mean`, how many rows each is compared with, 1 where it is not given.",
    ),
    Spec::new(
        "lambdarank_normalization",
        Choice(FLAG, |draft, it| {
            set(draft, |rank| rank.normalization = is_on(it));
            Ok(())
        }),
        "true",
        "Whether queries with much to put right are held back.",
    ),
    Spec::new(
        "lambdarank_score_normalization",
        Choice(FLAG, |draft, it| {
            set(draft, |rank| rank.score_normalization = is_on(it));
            Ok(())
        }),
        "true",
        "Whether pairs whose scores are far apart count less.",
    ),
    Spec::new(
        "ndcg_exp_gain",
        Choice(FLAG, |draft, it| {
            set(draft, |rank| rank.ndcg_exp_gain = is_on(it));
            Ok(())
        }),
        "true",
        "Whether a label is worth a power of two less one, in `rank:ndcg` and the metric `ndcg`, or itself.",
    ),
    Spec::new(
        "lambdarank_unbiased",
        Choice(FLAG, |draft, it| {
            set(draft, |rank| rank.unbiased = is_on(it));
            Ok(())
        }),
        "false",
        "Whether labels are clicks, and rows stand in their query in the order in which they were shown: the part that a row's place has in its clicks is learned, and taken out.",
    ),
    Spec::new(
        "lambdarank_bias_norm",
        Real(NON_NEGATIVE, |draft, it| {
            set(draft, |rank| rank.bias_norm = it);
        }),
        "1.0",
        "How much that part is drawn to the same for all places, where `lambdarank_unbiased` is on.",
    ),
];

fn is_on(text: &str) -> bool {
    matches!(text, "true" | "1")
}

fn set(draft: &mut Draft, change: impl FnOnce(&mut LambdaRank)) {
    change(&mut draft.lambdarank);
    let lambdarank = draft.lambdarank;
    draft.boost(|params| params.lambdarank(lambdarank));
}
