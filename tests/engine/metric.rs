//! Metrics against values worked out by hand.

use engine::metric::Metric;

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
    let message = "ndcg".parse::<Metric>().unwrap_err().to_string();
    assert!(
        message.contains("ndcg") && message.contains("poisson-nloglik"),
        "{message}"
    );
}

#[test]
fn only_auc_is_better_when_larger() {
    let larger: Vec<_> = Metric::ALL
        .iter()
        .filter(|metric| metric.maximize())
        .collect();
    assert_eq!(larger, [&Metric::Auc]);
}
