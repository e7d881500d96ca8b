//! Gradients against differences of the loss, transforms, and which labels are refused.

use engine::objective::{GradientPair, Objective, ObjectiveName};

/// The loss of a row with several margins, by its definition.
fn loss(objective: &Objective, margins: &[f64], label: f64) -> f64 {
    let margin = margins[0];
    match objective.name {
        ObjectiveName::RegSquaredError => 0.5 * (margin - label).powi(2),
        ObjectiveName::RegLogistic | ObjectiveName::BinaryLogistic => {
            margin.exp().ln_1p() - label * margin
        }
        ObjectiveName::CountPoisson => margin.exp() - label * margin,
        _ => margins.iter().map(|m| m.exp()).sum::<f64>().ln() - margins[label as usize],
    }
}

fn pairs(
    objective: &Objective,
    margins: &[f32],
    label: f32,
    weight: Option<f32>,
) -> Vec<GradientPair> {
    let mut pairs = vec![GradientPair::default(); margins.len()];
    let weights = weight.map(|weight| [weight]);
    objective.gradients(
        margins,
        &[label],
        weights.as_ref().map(<[f32; 1]>::as_slice),
        &mut pairs,
    );
    pairs
}

#[test]
fn gradients_are_differences_of_the_loss() {
    const STEP: f64 = 1e-4;
    for &name in ObjectiveName::ALL {
        let classes = if name.is_multiclass() { 3 } else { 0 };
        let objective = Objective {
            num_class: classes,
            ..Objective::new(name)
        };
        for label in [0.0, 1.0] {
            for margin in [-2.0_f32, -0.3, 0.0, 0.9, 2.5] {
                let margins: Vec<f32> = (0..objective.n_groups())
                    .map(|group| margin * (group as f32 - 0.5))
                    .collect();
                let got = pairs(&objective, &margins, label, None);
                for (group, pair) in got.iter().enumerate() {
                    let at = |step: f64| {
                        let mut margins: Vec<f64> = margins.iter().map(|&m| f64::from(m)).collect();
                        margins[group] += step;
                        loss(&objective, &margins, f64::from(label))
                    };
                    let grad = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                    let mut hess = (at(STEP) - 2.0 * at(0.0) + at(-STEP)) / (STEP * STEP);
                    // XGBoost bounds these second derivatives from above.
                    hess *= if name.is_multiclass() { 2.0 } else { 1.0 };
                    hess *= f64::from(objective.max_delta_step).exp();
                    assert!(
                        (f64::from(pair.grad) - grad).abs() < 1e-5 * (1.0 + grad.abs()),
                        "{name} {margins:?} {pair:?} {grad}"
                    );
                    assert!(
                        (f64::from(pair.hess) - hess).abs() < 1e-4 * (1.0 + hess.abs()),
                        "{name} {margins:?} {pair:?} {hess}"
                    );
                }
            }
        }
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
    for &name in ObjectiveName::ALL
        .iter()
        .filter(|name| !name.is_multiclass())
    {
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
    ];
    for (name, label, allowed) in refused {
        let message = name.check_label(label, 3).unwrap_err().to_string();
        assert!(
            message.contains(allowed) && message.contains(&label.to_string()),
            "{name}: {message}"
        );
    }
    assert_eq!(ObjectiveName::MultiSoftmax.check_label(2.0, 3), Ok(()));
}

#[test]
fn names_are_xgboosts() {
    for name in ObjectiveName::ALL {
        assert_eq!(name.to_string().parse(), Ok(*name));
    }
    assert_eq!("reg:linear".parse(), Ok(ObjectiveName::RegSquaredError));
    assert!(
        "rank:ndcg"
            .parse::<ObjectiveName>()
            .unwrap_err()
            .to_string()
            .contains("binary:logistic")
    );
}
