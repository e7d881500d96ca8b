//! What a planner would guess without a model: the mean label of the training rows that agree in some columns.
//!
//! Invariants: the mean is weighted as the rows are; a combination that training never saw gets the mean of all rows;
//! for several classes the guess is each class's share. Missing is a value like others, and `-0` is `0`. The guess is
//! judged by the same metrics on the same rows as the model.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use contract::artifact::{Baseline, BaselineMetric};
use engine::dataset::{Part, Targets, Word};
use engine::metric::{Judged, Metric};
use engine::objective::Objective;
use engine::threads::Threads;

use super::tables::Labelled;
use crate::error::TrainerError;

/// Names of the columns by which rows are grouped; there is at least one, and all are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns(Vec<String>);

impl Columns {
    /// Finds `names` among `feature_names`, or as numbers of features from 0; `None` if there are no names.
    pub(crate) fn find(
        names: &[String],
        feature_names: &[String],
        n_features: usize,
    ) -> Result<Option<Self>, TrainerError> {
        let is_there =
            |name: &&String| feature(name, feature_names).is_some_and(|it| it < n_features);
        match names.iter().find(|name| !is_there(name)) {
            Some(name) => Err(TrainerError::BaselineColumn {
                name: name.clone(),
                allowed: allowed(feature_names, n_features),
            }),
            None => Ok((!names.is_empty()).then(|| Self(names.to_owned()))),
        }
    }
}

/// The column that a name or number stands for, whether there are so many columns or not.
pub(super) fn feature(name: &str, feature_names: &[String]) -> Option<usize> {
    let named = feature_names.iter().position(|it| it == name);
    named.or_else(|| name.parse().ok())
}

/// What the rows of a table are grouped by, kept while its values go by.
#[derive(Debug)]
pub(crate) struct Keys {
    features: Vec<usize>,
    /// The bits of the values of a part's rows, or the hashes of words, row after row.
    parts: BTreeMap<usize, Vec<u64>>,
}

impl Keys {
    /// Keys of no rows. Names that are no columns are left to [`Columns::find`], since the columns are not known yet.
    pub(crate) fn new(names: &[String], feature_names: &[String]) -> Self {
        let features = names.iter().filter_map(|it| feature(it, feature_names));
        Self {
            features: features.collect(),
            parts: BTreeMap::new(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.parts.clear();
    }

    /// Takes the keys of these rows.
    pub(crate) fn take(&mut self, parts: &[Part]) {
        if self.features.is_empty() {
            return;
        }
        let bits = |value: f32, words: &[Word]| match words.get((-1.0 - value) as usize) {
            Some(word) if value < 0.0 => hash(&word.text),
            _ if value.is_nan() => f32::NAN.to_bits().into(),
            _ => (value + 0.0).to_bits().into(),
        };
        for part in parts {
            let mut keys = Vec::new();
            for tile in &part.tiles {
                let n_rows = tile.labels.len();
                let words_of = |feature: usize| {
                    let found = tile.words.iter().find(|it| it.feature as usize == feature);
                    found.map_or(&[][..], |it| &*it.words)
                };
                let words: Vec<&[Word]> = self.features.iter().map(|&it| words_of(it)).collect();
                for row in 0..n_rows {
                    let values = self.features.iter().zip(&words);
                    let key = |(&feature, words): (&usize, &&[Word])| {
                        bits(tile.features.value(row, n_rows, feature), words)
                    };
                    keys.extend(values.map(key));
                }
            }
            self.parts.insert(part.number, keys);
        }
    }

    /// The key of each row, in the order of the rows.
    fn rows(&self) -> impl Iterator<Item = &[u64]> {
        let n_values = self.features.len().max(1);
        self.parts
            .values()
            .flat_map(move |keys| keys.chunks_exact(n_values))
    }
}

/// A hash with keys that are always the same, since words of two channels are compared.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    // Bits of values do not reach that far.
    hasher.finish() | 1 << 63
}

/// The names and numbers that features can be asked for by.
pub(super) fn allowed(feature_names: &[String], n_features: usize) -> String {
    let numbers = format!("0 to {}", n_features.saturating_sub(1));
    let names = feature_names.iter().cloned();
    names.chain([numbers]).collect::<Vec<_>>().join(", ")
}

/// Sums over the rows of a group: one for each class, or the one of the labels, and the weights.
#[derive(Clone, Debug, Default)]
struct Group {
    sums: Vec<f64>,
    weight: f64,
}

impl Group {
    /// Adds a row's labels; of classes there is one, which says where to count.
    fn add(&mut self, labels: &[f32], weight: f64, n_classes: usize) {
        self.sums.resize(n_classes.max(labels.len()), 0.0);
        if n_classes == 1 {
            for (sum, &label) in self.sums.iter_mut().zip(labels) {
                *sum += f64::from(label) * weight;
            }
        } else {
            self.sums[labels[0] as usize] += weight;
        }
        self.weight += weight;
    }

    /// `None` if all rows weigh nothing.
    fn mean(&self) -> Option<Vec<f32>> {
        (self.weight > 0.0).then(|| {
            self.sums
                .iter()
                .map(|it| (it / self.weight) as f32)
                .collect()
        })
    }
}

/// The guess, measured. The model's values are filled in when there is a model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Guess {
    columns: Vec<String>,
    data: &'static str,
    n_groups: u64,
    n_unseen: u64,
    values: Vec<(Metric, f64)>,
}

/// Rows and what they are grouped by.
pub(crate) type Grouped<'a> = (Labelled<'a>, &'a Keys);

/// Learns the guess from `train` and measures it on `judged`, the data set called `data`.
pub(crate) fn measure(
    columns: &Columns,
    (train, train_keys): Grouped<'_>,
    (data, (judged, judged_keys)): (&'static str, Grouped<'_>),
    metrics: &[Metric],
    objective: &Objective,
) -> Guess {
    let n_classes = if objective.name.is_multiclass() {
        objective.n_groups()
    } else {
        1
    };
    let mut groups: HashMap<&[u64], Group> = HashMap::new();
    let mut all = Group::default();
    let rows = train.labels.chunks_exact(train.n_targets).enumerate();
    for ((row, labels), key) in rows.zip(train_keys.rows()) {
        let weight = train.weights.map_or(1.0, |it| f64::from(it[row]));
        all.add(labels, weight, n_classes);
        groups
            .entry(key)
            .or_default()
            .add(labels, weight, n_classes);
    }
    let n_numbers = n_classes.max(train.n_targets);
    let overall = all.mean().unwrap_or_else(|| vec![0.0; n_numbers]);
    let mut n_unseen = 0;
    let mut predictions = Vec::with_capacity(judged.labels.len() * objective.n_groups());
    for key in judged_keys.rows() {
        let mean = groups.get(key).and_then(Group::mean);
        n_unseen += u64::from(mean.is_none());
        let mean = mean.as_ref().unwrap_or(&overall);
        if n_classes > 1 {
            predictions.extend(mean);
            continue;
        }
        for &mean in mean {
            // Every level of a quantile is guessed by the same mean.
            let guesses = std::iter::repeat_n(objective.judged(mean), objective.n_groups());
            predictions.extend(guesses);
        }
    }
    // To metrics each label is a row of its own.
    let weights: Option<Vec<f32>> = judged.weights.map(|weights| {
        let of_labels = weights.iter();
        let of_labels = of_labels.flat_map(|&it| std::iter::repeat_n(it, judged.n_targets));
        of_labels.collect()
    });
    let targets = Targets::new(&judged.labels, weights.as_deref());
    let rows = Judged::new(&predictions, targets, objective);
    let value = |metric: &Metric| (*metric, metric.evaluate_on(&rows, &Threads::single()));
    Guess {
        columns: columns.0.clone(),
        data,
        n_groups: groups.len() as u64,
        n_unseen,
        values: metrics.iter().map(value).collect(),
    }
}

impl Guess {
    /// The comparison, where `model` gives the model's value of a metric on a data set.
    pub(crate) fn against(self, model: impl Fn(&str, Metric) -> Option<f64>) -> Baseline {
        let compare = |&(metric, baseline): &(Metric, f64)| {
            Some(BaselineMetric {
                metric: metric.to_string(),
                maximize: metric.maximize(),
                baseline,
                model: model(self.data, metric)?,
            })
        };
        let metrics = self.values.iter().filter_map(compare).collect();
        Baseline {
            data: self.data.to_owned(),
            columns: self.columns,
            groups: self.n_groups,
            unseen_rows: self.n_unseen,
            metrics,
        }
    }
}

/// The comparison in words, on one line that no metric definition finds:
/// `Baseline (mean by hr, weekday): validation rmse 61.2; model 38.4, 37% lower`.
pub(crate) fn in_words(baseline: &Baseline) -> String {
    let one = |it: &BaselineMetric| {
        let share = (it.model - it.baseline) / it.baseline.abs() * 100.0;
        let compared = match share {
            share if !share.is_finite() => String::new(),
            share if share.abs() < 0.5 => ", about the same".to_owned(),
            share if share < 0.0 => format!(", {:.0}% lower", -share),
            share => format!(", {share:.0}% higher"),
        };
        format!(
            "{} {} {}; model {}{compared}",
            baseline.data,
            it.metric,
            short(it.baseline),
            short(it.model)
        )
    };
    let metrics: Vec<String> = baseline.metrics.iter().map(one).collect();
    format!(
        "Baseline (mean by {}): {}",
        baseline.columns.join(", "),
        metrics.join(" | ")
    )
}

/// Three significant digits, but no whole digit less.
fn short(value: f64) -> String {
    let n_decimals = if value == 0.0 {
        1.0
    } else {
        2.0 - value.abs().log10().floor()
    };
    format!("{value:.*}", n_decimals.clamp(0.0, 6.0) as usize)
}

#[cfg(test)]
mod tests {
    use engine::dataset::{Dataset, Origin, SideColumns, Tile, TileFeatures};
    use engine::objective::ObjectiveName;

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|it| (*it).to_owned()).collect()
    }

    fn measured(
        columns: &Columns,
        train: &Dataset,
        (data, judged): (&'static str, &Dataset),
        metrics: &[Metric],
        objective: &Objective,
    ) -> Guess {
        let (train_keys, judged_keys) = (keys(train), keys(judged));
        measure(
            columns,
            (rows(train), &train_keys),
            (data, (rows(judged), &judged_keys)),
            metrics,
            objective,
        )
    }

    fn rows(data: &Dataset) -> Labelled<'_> {
        Labelled {
            n_features: data.n_features(),
            n_targets: data.n_targets(),
            labels: data.label_matrix(),
            weights: data.weights(),
        }
    }

    /// The first column of a table as keys.
    fn keys(data: &Dataset) -> Keys {
        let mut keys = Keys::new(&names(&["0"]), &[]);
        let values = (0..data.n_rows()).map(|row| data.value(row, 0)).collect();
        keys.take(&[Part {
            number: 0,
            tiles: vec![Tile {
                features: TileFeatures::Dense {
                    n_features: 1,
                    values,
                },
                labels: data.labels().to_vec(),
                weights: None,
                side: SideColumns::default(),
                words: Vec::new(),
                origin: Origin {
                    object: "a".into(),
                    first_row: 0,
                },
            }],
        }]);
        keys
    }

    fn guess(train: &Dataset, judged: &Dataset, metrics: &[Metric]) -> Guess {
        let columns = Columns::find(&names(&["0"]), &[], 2).unwrap().unwrap();
        let objective = Objective::new(ObjectiveName::RegSquaredError);
        measured(&columns, train, ("validation", judged), metrics, &objective)
    }

    #[test]
    fn guesses_the_weighted_mean_of_rows_that_agree_and_the_overall_mean_else() {
        let train = Dataset::from_rows(
            2,
            &[1., 7., 1., 8., 2., 9., f32::NAN, 0.],
            &[10., 20., 40., 7.],
        )
        .unwrap();
        let train = train.with_weights(vec![3., 1., 1., 0.]).unwrap();
        // Seen: 12.5 and 40. Not seen, or seen with no weight: (30 + 20 + 40) / 5 = 18.
        let judged = Dataset::from_rows(
            2,
            &[1., 0., 2., 0., 3., 0., f32::NAN, 0.],
            &[12.5, 40., 18., 18.],
        )
        .unwrap();
        let guess = guess(&train, &judged, &[Metric::Mae, Metric::Rmse]);
        assert_eq!(guess.values, [(Metric::Mae, 0.0), (Metric::Rmse, 0.0)]);
        assert_eq!((guess.n_groups, guess.n_unseen), (3, 2));
    }

    #[test]
    fn guesses_each_class_by_its_share() {
        let train = Dataset::from_rows(1, &[1., 1., 1., 2.], &[0., 0., 2., 1.]).unwrap();
        let columns = Columns::find(&names(&["hr"]), &names(&["hr"]), 1)
            .unwrap()
            .unwrap();
        let judged = Dataset::from_rows(1, &[1., 2.], &[0., 2.]).unwrap();
        let objective = Objective {
            num_class: 3,
            ..Objective::new(ObjectiveName::MultiSoftprob)
        };
        let metrics = &[Metric::Merror];
        let guess = measured(&columns, &train, ("train", &judged), metrics, &objective);
        assert_eq!(guess.values, [(Metric::Merror, 0.5)]);
    }

    #[test]
    fn a_column_that_is_not_there_is_refused_with_those_that_are() {
        let said = Columns::find(&names(&["hour"]), &names(&["hr", "day"]), 2)
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("`hour`") && said.contains("hr, day"),
            "{said}"
        );
        let said = Columns::find(&names(&["2"]), &[], 2)
            .unwrap_err()
            .to_string();
        assert!(said.contains("0 to 1"), "{said}");
        assert_eq!(Columns::find(&[], &[], 2).unwrap(), None);
    }

    #[test]
    fn says_in_plain_words_how_the_model_compares() {
        let metric = |metric: &str, maximize, baseline, model| BaselineMetric {
            metric: metric.to_owned(),
            maximize,
            baseline,
            model,
        };
        let baseline = Baseline {
            data: "validation".to_owned(),
            columns: names(&["hr", "weekday"]),
            groups: 168,
            unseen_rows: 0,
            metrics: vec![
                metric("rmse", false, 61.234, 38.44),
                metric("auc", true, 0.5, 0.75),
            ],
        };
        assert_eq!(
            in_words(&baseline),
            "Baseline (mean by hr, weekday): validation rmse 61.2; model 38.4, 37% lower | validation auc 0.500; model 0.750, 50% higher"
        );
    }
}
