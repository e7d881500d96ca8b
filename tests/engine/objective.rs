//! Gradients against differences of the loss, transforms, and which labels are refused.

use engine::dataset::Targets;
use engine::objective::{AftDistribution, GradientPair, Objective, ObjectiveName, Task};

const STEP: f64 = 1e-4;

/// The loss of a row by its definition; `upper` is the label's upper bound.
fn loss(objective: &Objective, margins: &[f64], label: f64, upper: f64) -> f64 {
    let margin = margins[0];
    match objective.name {
        ObjectiveName::RegSquaredError => 0.5 * (margin - label).powi(2),
        ObjectiveName::RegLogistic
        | ObjectiveName::BinaryLogistic
        | ObjectiveName::BinaryLogitraw => margin.exp().ln_1p() - label * margin,
        ObjectiveName::CountPoisson => margin.exp() - label * margin,
        ObjectiveName::MultiSoftmax | ObjectiveName::MultiSoftprob => {
            margins.iter().map(|m| m.exp()).sum::<f64>().ln() - margins[label as usize]
        }
        ObjectiveName::BinaryHinge => (1.0 - margin * (2.0 * label - 1.0)).max(0.0),
        ObjectiveName::RegSquaredLogError => 0.5 * (margin.ln_1p() - label.ln_1p()).powi(2),
        ObjectiveName::RegPseudoHuberError => {
            let slope = f64::from(objective.huber_slope);
            slope.powi(2) * ((1.0 + ((margin - label) / slope).powi(2)).sqrt() - 1.0)
        }
        ObjectiveName::RegAbsoluteError => (margin - label).abs(),
        ObjectiveName::RegQuantileError => {
            let pairs = margins.iter().zip(&*objective.quantile_alpha);
            let pinball = |(margin, &level): (&f64, &f32)| {
                let (over, level) = (margin - label, f64::from(level));
                (over * (1.0 - level)).max(-over * level)
            };
            pairs.map(pinball).sum()
        }
        ObjectiveName::RegGamma => margin + label * (-margin).exp(),
        ObjectiveName::RegTweedie => {
            let rho = f64::from(objective.tweedie_variance_power);
            ((2.0 - rho) * margin).exp() / (2.0 - rho)
                - label * ((1.0 - rho) * margin).exp() / (1.0 - rho)
        }
        ObjectiveName::SurvivalAft => aft_loss(objective, margin, label, upper),
        ObjectiveName::SurvivalCox
        | ObjectiveName::RankPairwise
        | ObjectiveName::RankNdcg
        | ObjectiveName::RankMap => unreachable!("rows have no losses of their own"),
    }
}

fn aft_loss(objective: &Objective, margin: f64, lower: f64, upper: f64) -> f64 {
    let sigma = f64::from(objective.aft_loss_distribution_scale);
    // The probability of less, by a sum of the density over small steps.
    let cdf = |z: f64| {
        const FROM: f64 = -40.0;
        const N: usize = 200_000;
        let step = (z - FROM) / N as f64;
        let middle = |it: usize| {
            density(
                objective.aft_loss_distribution,
                FROM + (it as f64 + 0.5) * step,
            )
        };
        (0..N).map(middle).sum::<f64>() * step
    };
    let z = |time: f64| (time.ln() - margin) / sigma;
    if lower == upper {
        return -(density(objective.aft_loss_distribution, z(lower)) / (sigma * lower)).ln();
    }
    let above = if upper.is_infinite() {
        1.0
    } else {
        cdf(z(upper))
    };
    let below = if lower == 0.0 { 0.0 } else { cdf(z(lower)) };
    -(above - below).ln()
}

fn density(distribution: AftDistribution, z: f64) -> f64 {
    match distribution {
        AftDistribution::Normal => (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt(),
        AftDistribution::Logistic => z.exp() / (1.0 + z.exp()).powi(2),
        AftDistribution::Extreme => (z - z.exp()).exp(),
    }
}

/// What XGBoost's hessian is, beside the second derivative.
fn hessian(objective: &Objective, second: f64, grad: f64) -> f64 {
    match objective.name {
        ObjectiveName::MultiSoftmax | ObjectiveName::MultiSoftprob => 2.0 * second,
        ObjectiveName::CountPoisson => second * f64::from(objective.max_delta_step).exp(),
        ObjectiveName::BinaryHinge => f64::from(u8::from(grad != 0.0)),
        ObjectiveName::RegAbsoluteError | ObjectiveName::RegQuantileError => 1.0,
        ObjectiveName::RegSquaredLogError => second.max(1e-6),
        ObjectiveName::SurvivalAft => second.clamp(1e-16, 15.0),
        ObjectiveName::RegSquaredError
        | ObjectiveName::RegLogistic
        | ObjectiveName::BinaryLogistic
        | ObjectiveName::BinaryLogitraw
        | ObjectiveName::RegPseudoHuberError
        | ObjectiveName::RegGamma
        | ObjectiveName::RegTweedie => second,
        ObjectiveName::SurvivalCox
        | ObjectiveName::RankPairwise
        | ObjectiveName::RankNdcg
        | ObjectiveName::RankMap => unreachable!("rows have no losses of their own"),
    }
}

fn pairs(
    objective: &Objective,
    margins: &[f32],
    label: f32,
    weight: Option<f32>,
) -> Vec<GradientPair> {
    bounded_pairs(objective, margins, (label, label), weight)
}

fn bounded_pairs(
    objective: &Objective,
    margins: &[f32],
    (label, upper): (f32, f32),
    weight: Option<f32>,
) -> Vec<GradientPair> {
    let mut pairs = vec![GradientPair::default(); margins.len()];
    let weights = weight.map(|weight| [weight]);
    let weights = weights.as_ref().map(<[f32; 1]>::as_slice);
    let (labels, uppers) = ([label], [upper]);
    let targets = Targets::new(&labels, weights).bounded(Some(&uppers));
    objective.gradients(margins, &targets, &mut pairs);
    pairs
}

/// Compares gradient and hessian with differences of the loss at one place.
fn check(objective: &Objective, margins: &[f32], (label, upper): (f32, f32)) {
    let name = objective.name;
    let got = bounded_pairs(objective, margins, (label, upper), None);
    for (group, pair) in got.iter().enumerate() {
        let at = |step: f64| {
            let mut margins: Vec<f64> = margins.iter().map(|&m| f64::from(m)).collect();
            margins[group] += step;
            loss(objective, &margins, label.into(), upper.into())
        };
        let grad = (at(STEP) - at(-STEP)) / (2.0 * STEP);
        let second = (at(STEP) - 2.0 * at(0.0) + at(-STEP)) / (STEP * STEP);
        let hess = hessian(objective, second, grad);
        assert!(
            (f64::from(pair.grad) - grad).abs() < 2e-5 * (1.0 + grad.abs()),
            "{name} {margins:?} {label} {upper} {pair:?} {grad}"
        );
        assert!(
            (f64::from(pair.hess) - hess).abs() < 1e-4 * (1.0 + hess.abs()),
            "{name} {margins:?} {label} {upper} {pair:?} {hess}"
        );
    }
}

fn objective(name: ObjectiveName) -> Objective {
    let mut objective = Objective::new(name);
    if name.is_multiclass() {
        objective.num_class = 3;
    }
    if name == ObjectiveName::RegQuantileError {
        objective.quantile_alpha = [0.1, 0.5, 0.8].into();
    }
    objective.huber_slope = 0.7;
    objective.tweedie_variance_power = 1.3;
    objective
}

#[test]
fn gradients_are_differences_of_the_loss() {
    let alone = |it: &&ObjectiveName| !matches!(it.task(), Task::Time | Task::Ranking);
    for &name in ObjectiveName::ALL.iter().filter(alone) {
        let objective = objective(name);
        for label in [0.0, 1.0, 3.0] {
            if name.check_label(label, 3).is_err()
                || (name == ObjectiveName::BinaryHinge && label > 1.0)
            {
                continue;
            }
            for margin in [-2.0_f32, -0.3, 0.02, 0.9, 2.5] {
                // The squared logarithm has its own floor there.
                if name == ObjectiveName::RegSquaredLogError && margin < -0.9 {
                    continue;
                }
                let margins: Vec<f32> = (0..objective.n_groups())
                    .map(|group| margin * (group as f32 + 0.53))
                    .collect();
                check(&objective, &margins, (label, label));
            }
        }
    }
}

/// What may be known of a time: the time, and intervals with an open end or none.
const BOUNDS: [(f32, f32); 4] = [(2.0, 2.0), (2.0, f32::INFINITY), (0.0, 3.0), (1.5, 4.0)];

/// `survival:aft` with each distribution.
fn of_times(scale: f32) -> impl Iterator<Item = Objective> {
    AftDistribution::ALL
        .into_iter()
        .map(move |distribution| Objective {
            aft_loss_distribution: distribution,
            aft_loss_distribution_scale: scale,
            ..Objective::new(ObjectiveName::SurvivalAft)
        })
}

#[test]
fn gradients_of_intervals_are_differences_of_the_loss() {
    for objective in of_times(0.8) {
        for bounds in BOUNDS {
            for margin in [-0.4, 0.3, 1.4] {
                check(&objective, &[margin], bounds);
            }
        }
    }
}

/// Far from the label, where probabilities are 0, and at its floor.
#[test]
fn intervals_keep_finite_gradients_anywhere() {
    for objective in of_times(1.0) {
        let distribution = objective.aft_loss_distribution;
        for bounds in BOUNDS {
            for margin in [-1e5, -800.0, -50.0, 50.0, 800.0, 1e5] {
                let pair = bounded_pairs(&objective, &[margin], bounds, None)[0];
                assert!(
                    pair.grad.abs() <= 15.0,
                    "{distribution} {bounds:?} {margin} {pair:?}"
                );
                assert!(
                    (1e-16..=15.0).contains(&pair.hess),
                    "{distribution} {bounds:?} {pair:?}"
                );
                let towards =
                    (margin > 0.0 && bounds.1.is_finite()) || (margin < 0.0 && bounds.0 > 0.0);
                if towards {
                    assert!(
                        pair.grad * margin > 0.0,
                        "{distribution} {bounds:?} {margin} {pair:?}"
                    );
                }
            }
        }
    }
}

/// Minus the log partial likelihood with Breslow's method, row by row.
fn cox_loss(margins: &[f64], labels: &[f32]) -> f64 {
    let risk = |time: f32| -> f64 {
        let rows = margins.iter().zip(labels);
        rows.filter(|(_, it)| it.abs() >= time)
            .map(|(m, _)| m.exp())
            .sum()
    };
    let events = margins
        .iter()
        .zip(labels)
        .filter(|(_, label)| **label > 0.0);
    events
        .map(|(margin, &label)| risk(label).ln() - margin)
        .sum()
}

#[test]
fn hazards_have_the_gradients_of_the_partial_likelihood_whatever_the_order_of_rows() {
    let labels = [3.0, -1.0, 2.0, 3.0, -3.0, 5.0, 2.0, -7.0, 3.0, 0.0];
    let margins: Vec<f32> = (0..labels.len())
        .map(|row| (row as f32 * 0.7).sin())
        .collect();
    let objective = Objective::new(ObjectiveName::SurvivalCox);
    let mut pairs = vec![GradientPair::default(); labels.len()];
    objective.gradients(&margins, &Targets::new(&labels, None), &mut pairs);
    for (row, pair) in pairs.iter().enumerate() {
        let at = |step: f64| {
            let mut margins: Vec<f64> = margins.iter().map(|&m| f64::from(m)).collect();
            margins[row] += step;
            cox_loss(&margins, &labels)
        };
        let grad = (at(STEP) - at(-STEP)) / (2.0 * STEP);
        let hess = (at(STEP) - 2.0 * at(0.0) + at(-STEP)) / (STEP * STEP);
        assert!(
            (f64::from(pair.grad) - grad).abs() < 1e-5,
            "{row} {pair:?} {grad}"
        );
        assert!(
            (f64::from(pair.hess) - hess).abs() < 1e-4,
            "{row} {pair:?} {hess}"
        );
    }
    let reversed: Vec<f32> = labels.iter().rev().copied().collect();
    let margins: Vec<f32> = margins.iter().rev().copied().collect();
    let mut backwards = pairs.clone();
    objective.gradients(&margins, &Targets::new(&reversed, None), &mut backwards);
    for (pair, other) in pairs.iter().zip(backwards.iter().rev()) {
        assert!((pair.grad - other.grad).abs() < 1e-6 && (pair.hess - other.hess).abs() < 1e-6);
    }
}

#[test]
fn weights_and_positives_scale_both_derivatives() {
    let objective = Objective {
        scale_pos_weight: 3.0,
        ..Objective::new(ObjectiveName::BinaryLogistic)
    };
    let plain = pairs(
        &Objective::new(ObjectiveName::BinaryLogistic),
        &[0.4],
        1.0,
        None,
    )[0];
    let scaled = pairs(&objective, &[0.4], 1.0, Some(2.0))[0];
    assert_eq!(
        scaled,
        GradientPair {
            grad: plain.grad * 6.0,
            hess: plain.hess * 6.0
        }
    );
    let negative = pairs(&objective, &[0.4], 0.0, None)[0];
    assert_eq!(
        negative,
        pairs(
            &Objective::new(ObjectiveName::BinaryLogistic),
            &[0.4],
            0.0,
            None
        )[0]
    );
}

#[test]
fn a_certain_row_keeps_a_hessian() {
    let pair = pairs(
        &Objective::new(ObjectiveName::BinaryLogistic),
        &[200.0],
        1.0,
        None,
    )[0];
    assert!(pair.hess > 0.0 && pair.grad == 0.0, "{pair:?}");
}

#[test]
fn the_base_score_comes_back_from_its_margin() {
    let has_inverse =
        |name: &&ObjectiveName| !name.is_multiclass() && **name != ObjectiveName::BinaryHinge;
    for &name in ObjectiveName::ALL.iter().filter(has_inverse) {
        let objective = Objective::new(name);
        for score in [0.01_f32, 0.5, 0.93] {
            let mut margin = [objective.prob_to_margin(score)];
            objective.transform(&mut margin);
            assert!(
                (margin[0] - score).abs() < 1e-6,
                "{name} {score} {margin:?}"
            );
        }
    }
}

#[test]
fn softmax_predicts_the_first_of_the_largest() {
    let objective = Objective {
        num_class: 3,
        ..Objective::new(ObjectiveName::MultiSoftmax)
    };
    let mut margins = vec![1.0, 1.0, 0.0, -500.0, 90.0, 89.0];
    objective.transform(&mut margins);
    assert!((margins[3..].iter().sum::<f32>() - 1.0).abs() < 1e-6);
    assert_eq!(objective.decide(margins), [0.0, 1.0]);
}

#[test]
fn refuses_labels_that_an_objective_cannot_learn() {
    let refused = [
        (
            ObjectiveName::BinaryLogistic,
            1.5,
            "label must be in [0,1] for logistic regression",
        ),
        (
            ObjectiveName::RegLogistic,
            -0.1,
            "label must be in [0,1] for logistic regression",
        ),
        (
            ObjectiveName::CountPoisson,
            -1.0,
            "label must be nonnegative",
        ),
        (ObjectiveName::MultiSoftmax, 3.0, "[0, num_class)"),
        (ObjectiveName::MultiSoftprob, 1.5, "[0, num_class)"),
        (ObjectiveName::RegSquaredError, f32::NAN, "finite"),
        (
            ObjectiveName::RegGamma,
            0.0,
            "label must be positive for gamma regression",
        ),
        (ObjectiveName::RegTweedie, -0.5, "label must be nonnegative"),
        (
            ObjectiveName::RegSquaredLogError,
            -1.0,
            "label must be greater than -1",
        ),
        (ObjectiveName::BinaryLogitraw, 2.0, "label must be in [0,1]"),
        (ObjectiveName::SurvivalAft, -1.0, "must not be negative"),
        (ObjectiveName::SurvivalCox, f32::INFINITY, "finite"),
    ];
    for (name, label, allowed) in refused {
        let message = name.check_label(label, 3).unwrap_err().to_string();
        assert!(
            message.contains(allowed) && message.contains(&label.to_string()),
            "{name}: {message}"
        );
    }
    assert_eq!(ObjectiveName::MultiSoftmax.check_label(2.0, 3), Ok(()));
    assert_eq!(ObjectiveName::SurvivalCox.check_label(-4.0, 0), Ok(()));
    let aft = Objective::new(ObjectiveName::SurvivalAft);
    assert!(
        aft.check_target(0.0, None)
            .unwrap_err()
            .to_string()
            .contains("positive")
    );
    assert_eq!(aft.check_target(0.0, Some(f32::INFINITY)), Ok(()));
    assert_eq!(aft.check_target(2.0, None), Ok(()));
}

#[test]
fn a_hinge_predicts_classes_and_raw_logits_are_margins() {
    let mut margins = [-0.5, 0.0, 0.5];
    Objective::new(ObjectiveName::BinaryLogitraw).transform(&mut margins);
    assert_eq!(margins, [-0.5, 0.0, 0.5]);
    Objective::new(ObjectiveName::BinaryHinge).transform(&mut margins);
    assert_eq!(margins, [0.0, 0.0, 1.0]);
}

#[test]
fn names_are_xgboosts() {
    for name in ObjectiveName::ALL {
        assert_eq!(name.to_string().parse(), Ok(*name));
    }
    assert_eq!("reg:linear".parse(), Ok(ObjectiveName::RegSquaredError));
    assert!(
        "rank:best"
            .parse::<ObjectiveName>()
            .unwrap_err()
            .to_string()
            .contains("binary:logistic")
    );
}
