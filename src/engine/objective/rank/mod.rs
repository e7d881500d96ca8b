//! `rank:pairwise`, `rank:ndcg`, `rank:map`: lambda gradients. Rows of a query are put in order; a label is a degree of
//! relevance. A table without queries is one query.
//!
//! Source: XGBoost 3.2 `src/objective/lambdarank_obj.cc`.

mod bias;
mod delta;
mod lambda;
mod pairs;

use crate::dataset::Targets;
use crate::metric::{Cut, Metric};
use crate::params::words;
use crate::ranking::{DEFAULT_TRUNCATION, MAX_RELEVANCE};
use crate::threads::Threads;

use super::link::Link;
use super::loss::{Facts, Loss, Start, TableLoss, Task};
use super::{GradientPair, Objective, ObjectiveName, Setting};

use lambda::Gradients;

pub(crate) use bias::BiasLearner;
pub use bias::PositionBias;

words! {
    /// Which rows of a query are compared.
    PairMethod of "lambdarank_pair_method" {
        /// Each of the best with all below it.
        #[default]
        TopK = "topk",
        /// Each with some that are drawn.
        Mean = "mean",
    }
}

/// The settings of ranking, by XGBoost's names.
#[expect(
    clippy::struct_excessive_bools,
    reason = "XGBoost's settings, each of which is on or off for itself"
)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LambdaRank {
    /// `lambdarank_pair_method`
    pub pair_method: PairMethod,
    /// `lambdarank_num_pair_per_sample`: how many of the best are compared, or how often each row is; `None` is 32, or 1.
    pub num_pair_per_sample: Option<u32>,
    /// `lambdarank_normalization`: whether queries with many pairs are held back.
    pub normalization: bool,
    /// `lambdarank_score_normalization`: whether pairs whose scores are far apart count less.
    pub score_normalization: bool,
    /// `ndcg_exp_gain`: whether a label is worth a power of two less one, or itself.
    pub ndcg_exp_gain: bool,
    /// `lambdarank_unbiased`: whether labels are clicks, of which a row's place in its query has a part that is learned.
    pub unbiased: bool,
    /// `lambdarank_bias_norm`: the larger, the nearer that part stays to 1 for all places; at least 0.
    pub bias_norm: f64,
}

impl Default for LambdaRank {
    fn default() -> Self {
        Self {
            pair_method: PairMethod::TopK,
            num_pair_per_sample: None,
            normalization: true,
            score_normalization: true,
            ndcg_exp_gain: true,
            unbiased: false,
            bias_norm: 1.0,
        }
    }
}

impl LambdaRank {
    /// Pairs of a row, or rows that are compared with all below them.
    fn n_pairs(&self) -> u32 {
        let usual = match self.pair_method {
            PairMethod::TopK => DEFAULT_TRUNCATION,
            PairMethod::Mean => 1,
        };
        self.num_pair_per_sample.unwrap_or(usual)
    }

    /// How many of the best labels make the best list.
    fn truncation(&self) -> usize {
        match self.pair_method {
            PairMethod::TopK => self.n_pairs() as usize,
            PairMethod::Mean => usize::MAX,
        }
    }

    /// How far the objective's own metric looks; `otherwise` where pairs come from all over a query.
    fn cut(&self, otherwise: Cut) -> Cut {
        match self.pair_method {
            PairMethod::TopK => Cut::at(self.n_pairs()),
            PairMethod::Mean => otherwise,
        }
    }
}

/// The metric that pairs are weighed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RankTarget {
    Pairwise,
    Ndcg,
    Map,
}

const SETTINGS: &[Setting] = &[
    Setting::LambdarankPairMethod,
    Setting::LambdarankNumPairPerSample,
    Setting::LambdarankUnbiased,
    Setting::LambdarankNormalization,
    Setting::LambdarankScoreNormalization,
    Setting::LambdarankBiasNorm,
    Setting::NdcgExpGain,
];
const OLD_SETTINGS: &[Setting] = &[Setting::FixListWeight, Setting::NumPairSample];

/// What all three have.
const FACTS: Facts = Facts {
    task: Task::Ranking,
    link: Link::Identity,
    start: Start::Zero,
    document: &[
        ("lambdarank_param", SETTINGS),
        // XGBoost 1.7 asks for it.
        ("lambda_rank_param", OLD_SETTINGS),
    ],
    ..Facts::NUMBER
};

pub(super) struct Pairwise;
pub(super) struct Ndcg;
pub(super) struct Map;

impl Loss for Pairwise {
    const FACTS: Facts = FACTS;

    fn default_metric(objective: &Objective) -> Metric {
        Metric::Ndcg {
            cut: objective.lambdarank.cut(Cut::whole()),
        }
    }
}

impl Loss for Ndcg {
    const FACTS: Facts = FACTS;

    fn default_metric(objective: &Objective) -> Metric {
        Pairwise::default_metric(objective)
    }

    #[inline(always)]
    fn takes(label: f32, _: u32) -> bool {
        (0.0..=MAX_RELEVANCE).contains(&label)
    }

    fn allowed(_: u32) -> String {
        format!("a degree of relevance must be in [0, {MAX_RELEVANCE}]")
    }
}

impl Loss for Map {
    const FACTS: Facts = FACTS;

    fn default_metric(objective: &Objective) -> Metric {
        Metric::Map {
            cut: objective.lambdarank.cut(Cut::default()),
        }
    }

    #[inline(always)]
    fn takes(label: f32, _: u32) -> bool {
        label == 0.0 || label == 1.0
    }

    fn allowed(_: u32) -> String {
        "map can only be used with binary labels, 0 or 1".to_owned()
    }
}

macro_rules! table_losses {
    ($($loss:ident)*) => {
        $(impl TableLoss for $loss {
            fn gradients(
                objective: &Objective,
                margins: &[f32],
                targets: &Targets<'_>,
                pairs: &mut [GradientPair],
                threads: &Threads,
            ) {
                let gradients = Gradients {
                    target: RankTarget::$loss,
                    settings: &objective.lambdarank,
                    targets: *targets,
                    margins,
                    bias: None,
                };
                gradients.fill(pairs, threads);
            }
        })*
    };
}

table_losses! { Pairwise Ndcg Map }

impl Objective {
    /// Starts to learn what places are worth, where the objective does; goes on with what it has learned before.
    pub(crate) fn bias_learner(&self, targets: &Targets<'_>) -> Option<BiasLearner> {
        let learns = self.name.task() == Task::Ranking && self.lambdarank.unbiased;
        learns.then(|| BiasLearner::new(&self.lambdarank, &self.position_bias, targets))
    }

    /// As [`Objective::gradients_on`], of labels whose places have a part in them; then learns more of that part.
    pub(crate) fn unbiased_gradients(
        &self,
        margins: &[f32],
        targets: &Targets<'_>,
        (pairs, learner): (&mut [GradientPair], &mut BiasLearner),
        threads: &Threads,
    ) {
        let target = if self.name == ObjectiveName::RankNdcg {
            RankTarget::Ndcg
        } else if self.name == ObjectiveName::RankMap {
            RankTarget::Map
        } else {
            RankTarget::Pairwise
        };
        let gradients = Gradients {
            target,
            settings: &self.lambdarank,
            targets: *targets,
            margins,
            bias: Some(learner.places()),
        };
        let costs = gradients.fill(pairs, threads);
        self.weigh(targets, pairs);
        learner.learn(&costs);
    }
}
