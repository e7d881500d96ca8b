//! Metrics against values worked out by hand, and against slow ways to the same.

use engine::dataset::Targets;
use engine::metric::{Judged, Metric};
use engine::objective::{Objective, ObjectiveName};
use engine::threads::Threads;

use crate::table::Numbers;

fn close(got: f64, expected: f64) {
    assert!(
        (got - expected).abs() < 1e-7,
        "got {got}, expected {expected}"
    );
}

#[test]
fn rmse_and_mae_are_weighted_means() {
    let (predictions, labels) = ([1.0, 2.0, 5.0], [1.0, 4.0, 1.0]);
    close(
        Metric::Rmse.evaluate(&predictions, &labels, None),
        (20.0_f64 / 3.0).sqrt(),
    );
    close(Metric::Mae.evaluate(&predictions, &labels, None), 2.0);
    close(
        Metric::Mae.evaluate(&predictions, &labels, Some(&[1.0, 3.0, 0.0])),
        1.5,
    );
}

#[test]
fn logloss_survives_certainty() {
    close(
        Metric::Logloss.evaluate(&[0.8, 0.25], &[1.0, 0.0], None),
        -(0.8_f64.ln() + 0.75_f64.ln()) / 2.0,
    );
    close(
        Metric::Logloss.evaluate(&[0.0], &[1.0], None),
        -1e-16_f64.ln(),
    );
    close(Metric::Logloss.evaluate(&[1.0], &[1.0], None), 0.0);
}

#[test]
fn error_counts_what_is_on_the_wrong_side_of_its_threshold() {
    let (predictions, labels) = ([0.5, 0.6, 0.9], [0.0, 0.0, 1.0]);
    close(
        Metric::Error { threshold: None }.evaluate(&predictions, &labels, None),
        1.0 / 3.0,
    );
    close(
        Metric::Error {
            threshold: Some(0.7),
        }
        .evaluate(&predictions, &labels, None),
        0.0,
    );
    close(
        Metric::Error {
            threshold: Some(0.7),
        }
        .evaluate(&[0.6], &[1.0], None),
        1.0,
    );
}

#[test]
fn auc_counts_ordered_pairs_and_halves_ties() {
    let labels = [1.0, 0.0, 1.0, 0.0];
    close(
        Metric::Auc.evaluate(&[0.9, 0.8, 0.7, 0.1], &labels, None),
        0.75,
    );
    close(
        Metric::Auc.evaluate(&[0.5, 0.5, 0.5, 0.5], &labels, None),
        0.5,
    );
    close(
        Metric::Auc.evaluate(&[0.9, 0.8, 0.7, 0.1], &labels, Some(&[1.0, 2.0, 3.0, 1.0])),
        6.0 / 12.0,
    );
}

#[test]
fn auc_is_not_a_number_where_a_class_is_absent() {
    assert!(
        Metric::Auc
            .evaluate(&[0.9, 0.8], &[1.0, 1.0], None)
            .is_nan()
    );
}

#[test]
fn auc_of_classes_is_one_against_the_rest_by_share() {
    let predictions = [0.6, 0.3, 0.1, 0.5, 0.4, 0.1, 0.2, 0.2, 0.6, 0.4, 0.3, 0.3];
    let labels = [0.0, 1.0, 2.0, 0.0];
    // Class 0 wins 3 of 4 pairs, class 1 all 3, class 2 all 3.
    close(
        Metric::Auc.evaluate(&predictions, &labels, None),
        (2.0 * 0.75 + 1.0 + 1.0) / 4.0,
    );
}

#[test]
fn class_metrics_take_the_first_of_equal_probabilities() {
    let predictions = [0.4, 0.4, 0.2, 0.1, 0.2, 0.7];
    close(
        Metric::Merror.evaluate(&predictions, &[1.0, 2.0], None),
        0.5,
    );
    close(
        Metric::Mlogloss.evaluate(&predictions, &[1.0, 2.0], None),
        -(0.4_f64.ln() + 0.7_f64.ln()) / 2.0,
    );
}

#[test]
fn poisson_nloglik_has_the_factorial() {
    let expected = 6.0_f64.ln() + 2.0 - 3.0 * 2.0_f64.ln();
    close(
        Metric::PoissonNloglik.evaluate(&[2.0], &[3.0], None),
        expected,
    );
}

#[test]
fn names_are_read_as_they_are_printed() {
    for metric in Metric::ALL {
        assert_eq!(metric.to_string().parse(), Ok(*metric));
    }
    assert_eq!(
        "error@0.7".parse(),
        Ok(Metric::Error {
            threshold: Some(0.7)
        })
    );
    assert_eq!(
        Metric::Error {
            threshold: Some(0.7)
        }
        .to_string(),
        "error@0.7"
    );
    assert_eq!(
        Metric::Error {
            threshold: Some(0.5)
        }
        .to_string(),
        "error"
    );
    assert!("error@".parse::<Metric>().is_err());
    let message = "ndgc".parse::<Metric>().unwrap_err().to_string();
    assert!(
        message.contains("ndgc") && message.contains("poisson-nloglik"),
        "{message}"
    );
}

#[test]
fn metrics_with_a_parameter_show_it() {
    let rho = Metric::TweedieNloglik { rho: Some(1.5) };
    assert_eq!(rho.to_string(), "tweedie-nloglik@1.5");
    assert_eq!("tweedie-nloglik@1.5".parse(), Ok(rho));
    let plain = Metric::TweedieNloglik { rho: None };
    assert_eq!("tweedie-nloglik".parse(), Ok(plain));
    assert_eq!(
        plain.beside(&Objective::new(ObjectiveName::RegTweedie)),
        rho
    );
    for name in [
        "tweedie-nloglik@2",
        "tweedie-nloglik@1",
        "rmse@1",
        "auc@0.5",
    ] {
        let message = name.parse::<Metric>().unwrap_err().to_string();
        for part in [
            name,
            "rmse, ",
            "auc, ",
            "error[@threshold], ",
            "tweedie-nloglik[@power in (1, 2)]",
            "ndcg[@n from 1][-], pre[@n from 1], ",
        ] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

#[test]
fn shares_of_hits_are_better_when_larger_and_losses_when_smaller() {
    let losses = [
        "rmse",
        "mae",
        "logloss",
        "error",
        "merror",
        "mlogloss",
        "poisson-nloglik",
        "aft-nloglik",
        "cox-nloglik",
        "gamma-deviance",
        "gamma-nloglik",
        "mape",
        "mphe",
        "mse",
        "quantile",
        "rmsle",
        "tweedie-nloglik",
    ];
    for metric in Metric::ALL {
        let is_loss = losses.contains(&metric.name());
        assert_eq!(metric.maximize(), !is_loss, "{metric}");
    }
}

/// Predictions, labels and weights of as many rows as several blocks have.
fn rows(seed: u64) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    const N_ROWS: usize = 5000;
    let mut numbers = Numbers::new(seed);
    let mut column = |of: fn(&mut Numbers) -> f32| (0..N_ROWS).map(|_| of(&mut numbers)).collect();
    (
        column(|it| 0.05 + 3.0 * it.unit()),
        column(|it| 0.1 + 2.0 * it.unit()),
        column(|it| it.below(4) as f32 / 2.0),
    )
}

fn objective(name: ObjectiveName) -> Objective {
    Objective {
        huber_slope: 0.6,
        tweedie_variance_power: 1.3,
        quantile_alpha: [0.3].into(),
        ..Objective::new(name)
    }
}

fn nearly(got: f64, expected: f64, what: impl std::fmt::Display) {
    assert!(
        (got - expected).abs() <= 1e-6 * (1.0 + expected.abs()),
        "{what}: got {got}, expected {expected}"
    );
}

/// The loss of a label and a prediction.
type Loss = fn(f64, f64) -> f64;

#[test]
fn means_of_losses_are_their_definitions() {
    let (predictions, labels, weights) = rows(3);
    let settings = objective(ObjectiveName::RegQuantileError);
    let losses: [(Metric, Loss); 9] = [
        (Metric::Rmsle, |y, p| (y.ln_1p() - p.ln_1p()).powi(2)),
        (Metric::Mape, |y, p| ((y - p) / y).abs()),
        (Metric::Mphe, |y, p| {
            0.36 * ((1.0 + ((y - p) / 0.6).powi(2)).sqrt() - 1.0)
        }),
        (Metric::GammaNloglik, |y, p| y / p + p.ln()),
        (Metric::GammaDeviance, |y, p| {
            let (y, p) = (y + 1e-6, p + 1e-6);
            2.0 * ((p / y).ln() + y / p - 1.0)
        }),
        (Metric::TweedieNloglik { rho: None }, |y, p| {
            p.powf(0.7) / 0.7 + y * p.powf(-0.3) / 0.3
        }),
        (Metric::TweedieNloglik { rho: Some(1.5) }, |y, p| {
            p.powf(0.5) / 0.5 + y * p.powf(-0.5) / 0.5
        }),
        (Metric::Quantile, |y, p| (0.3 * (y - p)).max(0.7 * (p - y))),
        (Metric::Mae, |y, p| (y - p).abs()),
    ];
    for weights in [None, Some(weights.as_slice())] {
        let judged = Judged::new(&predictions, Targets::new(&labels, weights), &settings);
        for (metric, loss) in losses {
            let (mut sum, mut total) = (0.0, 0.0);
            for (row, (&p, &y)) in predictions.iter().zip(&labels).enumerate() {
                let weight = weights.map_or(1.0, |it| f64::from(it[row]));
                sum += weight * loss(y.into(), p.into());
                total += weight;
            }
            let mut expected = sum / total;
            if metric == Metric::Rmsle {
                expected = expected.sqrt();
            }
            nearly(
                metric.evaluate_on(&judged, &Threads::single()),
                expected,
                metric,
            );
        }
        let mean = labels.iter().map(|&y| f64::from(y)).sum::<f64>() / labels.len() as f64;
        let pairs = || predictions.iter().zip(&labels);
        let missed: f64 = pairs().map(|(&p, &y)| f64::from(y - p).powi(2)).sum();
        let spread: f64 = labels.iter().map(|&y| (f64::from(y) - mean).powi(2)).sum();
        let evaluate = |metric: Metric| metric.evaluate_on(&judged, &Threads::single());
        nearly(evaluate(Metric::Mse), missed / labels.len() as f64, "mse");
        nearly(evaluate(Metric::R2), 1.0 - missed / spread, "r2");
    }
}

#[test]
fn several_levels_are_one_mean() {
    let settings = Objective {
        quantile_alpha: [0.2, 0.9].into(),
        ..Objective::new(ObjectiveName::RegQuantileError)
    };
    let judged = [1.0, 5.0, 2.0, 3.0];
    let judged = Judged::new(
        &judged,
        Targets::new(&[2.0, 4.0], Some(&[1.0, 3.0])),
        &settings,
    );
    let value = Metric::Quantile.evaluate_on(&judged, &Threads::single());
    // Row 1 is above its low and below its high prediction, (0.2 + 0.3) / 2; row 2 above both by 2 and by 1: (0.4 + 0.9) / 2.
    let (first, second) = (0.25, 0.65);
    close(value, (first + 3.0 * second) / 4.0);
}

#[test]
fn variance_that_is_not_there_is_explained_or_not() {
    close(Metric::R2.evaluate(&[2.0, 2.0], &[2.0, 2.0], None), 1.0);
    close(Metric::R2.evaluate(&[2.0, 3.0], &[2.0, 2.0], None), 0.0);
    assert!(Metric::R2.evaluate(&[2.0], &[2.0], None).is_nan());
}

#[test]
fn cox_nloglik_is_the_partial_likelihood() {
    let (hazards, times, _) = rows(4);
    let times: Vec<f32> = times.iter().map(|it| (it * 10.0).ceil()).collect();
    let signs = (0..times.len()).map(|row| if row % 3 == 0 { -1.0 } else { 1.0 });
    let labels: Vec<f32> = times
        .iter()
        .zip(signs)
        .map(|(it, sign)| it * sign)
        .collect();
    let mut at_risk = std::collections::BTreeMap::new();
    for (&hazard, &time) in hazards.iter().zip(&times) {
        *at_risk.entry(time as u32).or_insert(0.0) += f64::from(hazard);
    }
    let risk = |time: f32| {
        at_risk
            .range(time as u32..)
            .map(|(_, sum)| sum)
            .sum::<f64>()
    };
    let events = hazards
        .iter()
        .zip(&labels)
        .filter(|(_, label)| **label > 0.0);
    let losses: Vec<f64> = events
        .map(|(&hazard, &time)| risk(time).ln() - f64::from(hazard).ln())
        .collect();
    let expected = losses.iter().sum::<f64>() / losses.len() as f64;
    nearly(
        Metric::CoxNloglik.evaluate(&hazards, &labels, None),
        expected,
        "cox-nloglik",
    );
    assert!(
        Metric::CoxNloglik
            .evaluate(&[1.0, 2.0], &[-1.0, -2.0], None)
            .is_nan()
    );
}

#[test]
fn a_time_is_judged_by_what_is_known_of_it() {
    let settings = Objective::new(ObjectiveName::SurvivalAft);
    let margins = [0.0, 1.0, -1.0, 1.0];
    let (labels, uppers) = ([1.0, 2.0, 0.0, 3.0], [1.0, f32::INFINITY, 1.0, 4.0]);
    let judged = Judged::new(
        &margins,
        Targets::new(&labels, None).bounded(Some(&uppers)),
        &settings,
    );
    let evaluate = |metric: Metric| metric.evaluate_on(&judged, &Threads::single());
    // e is within (2, infinity), 1/e within (0, 1), and e below 3.
    close(evaluate(Metric::IntervalRegressionAccuracy), 0.75);
    // From a table of the normal distribution.
    let density_at_0 = 0.398_942_280_4_f64;
    let above_ln_2_less_1 = 0.620_522_299_f64;
    let below_1 = 0.841_344_746_f64;
    let between = 0.650_360_662_f64 - 0.539_276_944_f64;
    let expected = [density_at_0, above_ln_2_less_1, below_1, between].map(|it| -it.ln());
    let value = evaluate(Metric::AftNloglik);
    assert!(
        (value - expected.iter().sum::<f64>() / 4.0).abs() < 1e-5,
        "{value}"
    );
}

/// The area under precision over recall, where true and false positives of one score come in proportion, in small steps.
fn slow_area_of_precision(scores: &[f32], labels: &[f32], weights: &[f32]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let positives: f64 = labels
        .iter()
        .zip(weights)
        .map(|(y, w)| f64::from(y * w))
        .sum();
    let (mut tp, mut fp, mut area) = (0.0, 0.0, 0.0);
    for tie in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        const STEPS: usize = 20_000;
        let of = |label: f32| -> f64 {
            let rows = tie.iter().filter(|&&row| labels[row] == label);
            rows.map(|&row| f64::from(weights[row])).sum()
        };
        let (more, less) = (of(1.0) / STEPS as f64, of(0.0) / STEPS as f64);
        for step in 0..STEPS {
            let way = step as f64 + 0.5;
            let (tp, fp) = (tp + more * way, fp + less * way);
            if tp + fp > 0.0 {
                area += tp / (tp + fp) * more / positives;
            }
        }
        tp += of(1.0);
        fp += of(0.0);
    }
    area
}

#[test]
fn aucpr_is_an_area() {
    let mut numbers = Numbers::new(9);
    for _ in 0..20 {
        let mut column =
            |below: u32| -> Vec<f32> { (0..40).map(|_| numbers.below(below) as f32).collect() };
        let (scores, labels, weights) = (column(12), column(2), column(3));
        let expected = slow_area_of_precision(&scores, &labels, &weights);
        let value = Metric::Aucpr.evaluate(&scores, &labels, Some(&weights));
        assert!((value - expected).abs() < 1e-4, "{value} {expected}");
    }
    assert!(
        Metric::Aucpr
            .evaluate(&[0.3, 0.4], &[1.0, 1.0], None)
            .is_nan()
    );
    let (predictions, labels) = ([0.6, 0.4, 0.3, 0.7, 0.8, 0.2], [0.0, 1.0, 0.0]);
    close(Metric::Aucpr.evaluate(&predictions, &labels, None), 1.0);
}

/// Shares of rows with a class, by search.
fn slow_shares(predicted: &[usize], labels: &[usize], class: usize) -> (f64, f64, f64) {
    let both = predicted
        .iter()
        .zip(labels)
        .filter(|it| *it.0 == class && *it.1 == class)
        .count() as f64;
    let count = |of: &[usize]| of.iter().filter(|&&it| it == class).count() as f64;
    let share = |of: f64| if of == 0.0 { 0.0 } else { both / of };
    let (precision, recall) = (share(count(predicted)), share(count(labels)));
    let sum = precision + recall;
    let f1 = if sum == 0.0 {
        0.0
    } else {
        2.0 * precision * recall / sum
    };
    (precision, recall, f1)
}

fn check_classes(
    predictions: &[f32],
    (predicted, labels): (&[usize], &[usize]),
    objective: &Objective,
) {
    let as_floats: Vec<f32> = labels.iter().map(|&it| it as f32).collect();
    let judged = Judged::new(predictions, Targets::new(&as_floats, None), objective);
    let threads = Threads::new(Some(2)).expect("two threads");
    let evaluate = |metric: Metric| metric.evaluate_on(&judged, &threads);
    let n_classes = objective.n_groups().max(2);
    let shares: Vec<_> = (0..n_classes)
        .map(|it| slow_shares(predicted, labels, it))
        .collect();
    let present: Vec<_> = (0..n_classes)
        .filter(|it| predicted.contains(it) || labels.contains(it))
        .collect();
    let mean = |classes: &[usize], of: fn(&(f64, f64, f64)) -> f64| {
        classes.iter().map(|&it| of(&shares[it])).sum::<f64>() / classes.len() as f64
    };
    let hits = predicted
        .iter()
        .zip(labels)
        .filter(|it| it.0 == it.1)
        .count();
    let accuracy = hits as f64 / labels.len() as f64;
    let labelled: Vec<_> = present
        .iter()
        .copied()
        .filter(|it| labels.contains(it))
        .collect();
    close(evaluate(Metric::Accuracy), accuracy);
    close(evaluate(Metric::PrecisionMicro), accuracy);
    close(evaluate(Metric::RecallMicro), accuracy);
    close(
        evaluate(Metric::BalancedAccuracy),
        mean(&labelled, |it| it.1),
    );
    close(evaluate(Metric::PrecisionMacro), mean(&present, |it| it.0));
    close(evaluate(Metric::RecallMacro), mean(&present, |it| it.1));
    close(evaluate(Metric::F1), mean(&present, |it| it.2));
    close(evaluate(Metric::F1Macro), mean(&present, |it| it.2));
    if n_classes == 2 {
        close(evaluate(Metric::Precision), shares[1].0);
        close(evaluate(Metric::Recall), shares[1].1);
        close(evaluate(Metric::F1Binary), shares[1].2);
    }
}

#[test]
fn classes_are_counted_at_one_half() {
    let mut numbers = Numbers::new(11);
    let predictions: Vec<f32> = (0..80_000).map(|_| numbers.unit()).collect();
    let labels: Vec<usize> = predictions
        .iter()
        .map(|&p| usize::from(p + 0.5 * numbers.unit() > 0.8))
        .collect();
    let above = |threshold: f32| -> Vec<usize> {
        predictions
            .iter()
            .map(|&p| usize::from(p > threshold))
            .collect()
    };
    let logistic = Objective::new(ObjectiveName::BinaryLogistic);
    check_classes(&predictions, (&above(0.5), &labels), &logistic);
    // A margin is positive where a probability is above one half.
    let raw = Objective::new(ObjectiveName::BinaryLogitraw);
    check_classes(&predictions, (&above(0.0), &labels), &raw);
    check_classes(&[0.1, 0.2], (&[0, 0], &[0, 0]), &logistic);
    check_classes(&[0.1, 0.2], (&[0, 0], &[1, 0]), &logistic);
}

#[test]
fn several_classes_are_counted_by_the_most_probable() {
    let objective = Objective {
        num_class: 4,
        ..Objective::new(ObjectiveName::MultiSoftprob)
    };
    let mut numbers = Numbers::new(12);
    let n_rows = 3000;
    // The last class never comes.
    let labels: Vec<usize> = (0..n_rows).map(|_| numbers.below(3) as usize).collect();
    let predicted: Vec<usize> = labels
        .iter()
        .map(|&label| {
            if numbers.unit() < 0.6 {
                label
            } else {
                numbers.below(3) as usize
            }
        })
        .collect();
    let of_class = |class: usize| (0..4).map(move |it| if it == class { 0.7 } else { 0.1 });
    let predictions: Vec<f32> = predicted.iter().flat_map(|&it| of_class(it)).collect();
    check_classes(&predictions, (&predicted, &labels), &objective);
}

#[test]
fn a_metric_judges_what_it_can_read() {
    let judges = |name, metric: Metric| metric.judges(&objective(name));
    assert!(judges(ObjectiveName::BinaryHinge, Metric::Accuracy));
    assert!(judges(ObjectiveName::RegLogistic, Metric::F1));
    assert!(!judges(ObjectiveName::RegGamma, Metric::Accuracy));
    assert!(!judges(ObjectiveName::RegGamma, Metric::Mlogloss));
    assert!(!judges(ObjectiveName::SurvivalAft, Metric::Mse));
    assert!(judges(ObjectiveName::SurvivalAft, Metric::AftNloglik));
    assert!(!judges(ObjectiveName::SurvivalCox, Metric::AftNloglik));
    assert!(!judges(ObjectiveName::RegSquaredError, Metric::Quantile));
    let levels = Objective {
        quantile_alpha: [0.1, 0.9].into(),
        ..Objective::new(ObjectiveName::RegQuantileError)
    };
    assert!(Metric::Quantile.judges(&levels) && !Metric::Mae.judges(&levels));
}
