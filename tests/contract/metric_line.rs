//! The metric line and the expressions that read it.

use contract::metric_line::{
    MAX_DEFINITIONS, MAX_NAME_CHARS, MAX_REGEX_CHARS, MetricDefinition, definitions, format_line,
};
use engine::metric::Metric;
use regex::Regex;

/// What SageMaker does: the first group of the first match, as a number.
fn value(definition: &MetricDefinition, line: &str) -> Option<f64> {
    let regex = Regex::new(&definition.regex).unwrap();
    regex.captures(line)?.get(1)?.as_str().parse().ok()
}

#[test]
fn prints_what_the_built_in_algorithm_prints() {
    let line = format_line(
        0,
        &[
            ("train", "rmse", 8.091_234),
            ("validation", "rmse", 7.944_116),
        ],
    );
    assert_eq!(line, "[0]\ttrain-rmse:8.09123\tvalidation-rmse:7.94412");
    assert_eq!(format_line::<&str, &str>(7, &[]), "[7]");
}

#[test]
fn prints_numbers_as_c_does() {
    for (value, text) in [
        (0.0, "0.00000"),
        (-0.0, "-0.00000"),
        (1.0, "1.00000"),
        (0.000_005, "0.00001"), // the nearest double is a little above the half
        (0.5e-5 / 2.0, "0.00000"),
        (0.015_625, "0.01562"), // an exact half rounds to even
        (1e15, "1000000000000000.00000"),
        (f64::NAN, "nan"),
        (-f64::NAN, "nan"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
    ] {
        assert_eq!(
            format_line(1, &[("train", "rmse", value)]),
            format!("[1]\ttrain-rmse:{text}")
        );
    }
}

#[test]
fn definitions_read_the_line_with_tabs_and_as_cloudwatch_stores_it() {
    let metrics = [
        Metric::Rmse,
        Metric::Error {
            threshold: Some(0.7),
        },
    ];
    let line = format_line(
        12,
        &[
            ("train", metrics[0], 0.25),
            ("train", metrics[1], 0.5),
            ("validation", metrics[0], 1.25),
            ("validation", metrics[1], 0.75),
        ],
    );
    let definitions = definitions(&["train", "validation"], &metrics);
    let names: Vec<&str> = definitions.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "train:rmse",
            "train:error@0.7",
            "validation:rmse",
            "validation:error@0.7"
        ]
    );
    for text in [
        line.clone(),
        line.replace('\t', "#011"),
        format!("[09:12:01] {line}"),
    ] {
        let values: Vec<_> = definitions.iter().map(|it| value(it, &text)).collect();
        assert_eq!(
            values,
            [Some(0.25), Some(0.5), Some(1.25), Some(0.75)],
            "{text:?}"
        );
    }
}

#[test]
fn a_definition_reads_its_own_metric_and_no_other() {
    let error = MetricDefinition::new("validation", "error");
    assert_eq!(value(&error, "[0]\tvalidation-error@0.7:0.5"), None);
    assert_eq!(value(&error, "[0]\ttrain-error:0.5"), None);
    assert_eq!(value(&error, "[0]\tvalidation-merror:0.5"), None);
    assert_eq!(
        value(&error, "validation-error:0.5"),
        None,
        "no round, no metric line"
    );
    let threshold = MetricDefinition::new("validation", "error@0.7");
    assert_eq!(value(&threshold, "[0]\tvalidation-error@0x7:0.5"), None);
}

#[test]
fn what_is_not_a_number_gives_no_value() {
    let rmse = MetricDefinition::new("train", "rmse");
    for value_text in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(
            value(&rmse, &format_line(0, &[("train", "rmse", value_text)])),
            None
        );
    }
}

#[test]
fn definitions_of_all_metrics_are_within_sagemakers_limits() {
    let all = definitions(&["validation"], Metric::ALL);
    assert!(all.len() <= MAX_DEFINITIONS);
    for definition in all {
        assert!(definition.name.len() <= MAX_NAME_CHARS);
        assert!(definition.regex.len() <= MAX_REGEX_CHARS);
        let n_groups = Regex::new(&definition.regex).unwrap().captures_len() - 1;
        assert_eq!(n_groups, 1, "{}", definition.regex);
    }
}

#[test]
fn a_power_that_is_printed_is_passed_over() {
    let line = format_line(3, &[("validation", "tweedie-nloglik@1.5", 2.25)]);
    let definition = MetricDefinition::new("validation", "tweedie-nloglik");
    assert_eq!(value(&definition, &line), Some(2.25));
    let own = MetricDefinition::new("validation", "tweedie-nloglik@1.5");
    assert_eq!(value(&own, &line), Some(2.25));
}

proptest::proptest! {
    #[test]
    fn every_finite_value_that_prints_is_read_back(round in 0_u32..5000, value_in in -1e12_f64..1e12) {
        let line = format_line(round, &[("train", "mae", 1.0), ("validation", "rmse", value_in)]);
        let read = value(&MetricDefinition::new("validation", "rmse"), &line).unwrap();
        proptest::prop_assert!((read - value_in).abs() <= 0.000_005_1 + value_in.abs() * 1e-15);
    }
}
