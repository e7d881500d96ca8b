//! The failure file: reason first, bounded, one reason a line, and readable again.

use contract::failure::{EXIT_CODE, Failure, FailureClass, MAX_BYTES};

fn user(reason: &str) -> Failure {
    Failure::new(FailureClass::UserError, reason)
}

#[test]
fn the_first_line_is_class_and_reason() {
    let failure = user("column 3 of row 17 is `abc`, expected a number")
        .with_context("file train/part-0.csv")
        .with_hint("remove the header row");
    assert_eq!(
        failure.render(),
        "UserError: column 3 of row 17 is `abc`, expected a number\n  file train/part-0.csv\nhint: remove the header row"
    );
    assert_eq!(failure.exit_code(), EXIT_CODE);
}

#[test]
fn control_characters_cannot_forge_a_line() {
    let text = user("bad cell `1\nUserError: forged\u{1b}[31m`").render();
    assert_eq!(text.lines().count(), 1);
    assert_eq!(
        text,
        r"UserError: bad cell `1\nUserError: forged\u{1b}[31m`"
    );
}

#[test]
fn a_long_failure_keeps_its_reason_and_its_hint() {
    let mut failure = user("the reason").with_hint("the hint");
    for row in 0..500 {
        failure = failure.with_context(format!("row {row} is wrong in some way"));
    }
    let text = failure.render();
    assert!(text.len() <= MAX_BYTES);
    assert!(text.starts_with("UserError: the reason\n  row 0 "));
    assert!(text.ends_with("\nhint: the hint"));
    let more = text.lines().rev().nth(1).unwrap();
    let n_shown = text.lines().count() - 3;
    assert_eq!(more, format!("  and {} more", 500 - n_shown));

    let long = user(&"ä".repeat(2000)).with_hint("h".repeat(2000)).render();
    assert!(long.len() <= MAX_BYTES);
    assert!(long.contains("\nhint: h"));
}

#[test]
fn causes_become_context() {
    #[derive(Debug, thiserror::Error)]
    #[error("no space left")]
    struct Cause;
    #[derive(Debug, thiserror::Error)]
    #[error("cannot write the model")]
    struct Outer(#[source] Cause);
    let failure = Failure::from_error(FailureClass::PlatformError, &Outer(Cause));
    assert_eq!(
        failure.render(),
        "PlatformError: cannot write the model\n  caused by: no space left"
    );
}

#[test]
fn a_panic_is_a_bug_of_ours() {
    let failure = Failure::from_panic(&"index out of bounds");
    assert_eq!(failure.class, FailureClass::AlgorithmError);
    assert_eq!(
        failure.headline(),
        "AlgorithmError: panicked: index out of bounds"
    );
    assert_eq!(
        Failure::from_panic(&"text".to_owned()).headline(),
        "AlgorithmError: panicked: text"
    );
    assert_eq!(
        Failure::from_panic(&17).headline(),
        "AlgorithmError: panicked: no message"
    );
}

#[test]
fn a_failure_reason_reads_back_with_sagemakers_prefix() {
    let failure = user("no rows")
        .with_context("channel train")
        .with_hint("check the prefix");
    let text = failure.render();
    assert_eq!(Failure::parse(&text), Some(failure.clone()));
    assert_eq!(
        Failure::parse(&format!("AlgorithmError: {text}")),
        Some(failure)
    );
    assert_eq!(
        Failure::parse("AlgorithmError: Exit Code: 137")
            .unwrap()
            .reason,
        "Exit Code: 137"
    );
    assert_eq!(Failure::parse("ClientError: no such bucket"), None);
    assert_eq!(Failure::parse(""), None);
}

proptest::proptest! {
    #[test]
    fn no_failure_is_too_long_or_empty(reason in "\\PC{0,1500}", context in proptest::collection::vec("\\PC{0,300}", 0..20), hint in proptest::option::of("\\PC{0,1500}")) {
        let mut failure = user(&reason);
        failure.context = context;
        failure.hint = hint;
        let text = failure.render();
        proptest::prop_assert!(text.len() <= MAX_BYTES);
        proptest::prop_assert!(text.starts_with("UserError: "));
        proptest::prop_assert!(!text.chars().any(|it| it.is_control() && it != '\n'));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = Failure::parse(&text);
    }
}
