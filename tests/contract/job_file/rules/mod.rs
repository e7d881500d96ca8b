//! Every rule with a file that passes and one that does not, in one table. A rule without a row fails the test.

mod data;
mod job;

use std::collections::BTreeSet;

use contract::job::file::{Layer, Layers, Rule};
use contract::job::{JobFile, Problem};

use super::SAMPLE;

/// Changes to the sample that a row starts from.
type Base = &'static [(&'static str, &'static str)];

const AS_IT_IS: Base = &[];
const ANOTHER_IMAGE: Base = &[(
    "linden-trainer:0.1.0\"",
    "other:1\"\ncheck_hyperparameters = false",
)];
const THREE_MACHINES: Base = &[ANOTHER_IMAGE[0], ("instances = 1", "instances = 3")];
const ON_DEMAND: Base = &[("enabled = true\nmax_wait = \"3h\"\n", "")];
const OPEN: Base = &[("isolation = true\n", "")];

/// A rule, what is replaced in the sample, by what it passes, by what it does not, and what is said then.
struct Case {
    rule: Rule,
    base: Base,
    from: &'static str,
    passes: String,
    fails: String,
    says: &'static str,
}

fn case(rule: Rule, from: &'static str, (passes, fails): (&str, &str), says: &'static str) -> Case {
    case_on(AS_IT_IS, rule, from, (passes, fails), says)
}

fn case_on(
    base: Base,
    rule: Rule,
    from: &'static str,
    (passes, fails): (&str, &str),
    says: &'static str,
) -> Case {
    Case {
        rule,
        base,
        from,
        passes: passes.to_owned(),
        fails: fails.to_owned(),
        says,
    }
}

fn cases() -> Vec<Case> {
    [
        job::reading(),
        job::machines(),
        job::spot_and_retries(),
        data::channels(),
        data::texts(),
        data::network(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Case {
    fn text(&self, to: &str) -> String {
        let mut text = SAMPLE.to_owned();
        for (from, to) in self.base {
            assert!(text.contains(from), "{}: no {from:?}", self.rule);
            text = text.replace(from, to);
        }
        assert!(
            text.contains(self.from),
            "{}: no {:?}",
            self.rule,
            self.from
        );
        text.replacen(self.from, to, 1)
    }

    fn check(&self) {
        let rule = self.rule;
        let file = JobFile::parse(&self.text(&self.passes), &[]);
        let file = file.unwrap_or_else(|it| panic!("{rule} does not pass:\n{it}"));
        assert!(
            file.warnings.iter().all(|it| it.rule != rule),
            "{rule}: {:?}",
            file.warnings
        );
        let told = match JobFile::parse(&self.text(&self.fails), &[]) {
            Ok(file) => file.warnings,
            Err(problems) => problems.0,
        };
        let said = |it: &&Problem| it.rule == rule && it.message.contains(self.says);
        let found = told.iter().find(said);
        let found = found.unwrap_or_else(|| panic!("{rule} is not told: {told:#?}"));
        assert!(
            found.line.is_some() && found.column.is_some(),
            "{rule} has no place"
        );
    }
}

/// What stands in no file.
fn path_and_overlay(overlay: Option<&str>, set: &str) -> Result<JobFile, Vec<Problem>> {
    let layers = Layers {
        files: &[Layer {
            name: "job.toml".to_owned(),
            text: format!("{SAMPLE}[overlay.ci.compute]\nvolume_gb = 5\n"),
        }],
        overlay,
        overrides: &[(set.to_owned(), "1".to_owned())],
        ..Layers::default()
    };
    layers.resolve().job.map_err(|it| it.0)
}

#[test]
fn every_rule_lets_a_file_pass_and_refuses_another() {
    cases().iter().for_each(Case::check);
    let good = path_and_overlay(Some("ci"), "compute.instances").unwrap();
    assert_eq!(good.compute.volume_gb, 5);
    let rules = |overlay, set| -> Vec<Rule> {
        let problems = path_and_overlay(overlay, set).unwrap_err();
        problems.iter().map(|it| it.rule).collect()
    };
    assert_eq!(rules(Some("ci"), "compute..instances"), [Rule::SetPath]);
    assert_eq!(rules(Some("cj"), "compute.instances"), [Rule::Overlay]);
}

#[test]
fn no_rule_is_without_a_case() {
    let mut tried: BTreeSet<Rule> = cases().iter().map(|it| it.rule).collect();
    // They are about the command line.
    tried.extend([Rule::SetPath, Rule::Overlay]);
    let all: BTreeSet<Rule> = Rule::ALL.iter().copied().collect();
    let missing: Vec<&Rule> = all.difference(&tried).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
    assert_eq!(cases().len() + 2, all.len(), "a rule has two rows");
}

#[test]
fn a_short_spot_job_may_say_that_it_starts_from_nothing() {
    let text = SAMPLE
        .replace(
            "[checkpoint]\ns3 = \"s3://acme-ml/ckpt/{name}/{spec_hash}/\"\n",
            "",
        )
        .replace("enabled = true", "enabled = true\nrestart_from_zero = true");
    let file = JobFile::parse(&text, &[]).unwrap();
    assert!(file.spot.unwrap().restarts_from_zero && file.checkpoint.is_none());
}
