//! The command line with an example or two for each command, for help, man pages and completions.
//!
//! Invariant: every command that people see has examples, and each example is a command line that parses.

use clap::{Command, CommandFactory};

use crate::args::Cli;

/// A command's words, and what people type.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "init",
        &[
            "linden init",
            "linden init usage --account 123456789012 --region eu-west-1",
        ],
    ),
    (
        "plan",
        &[
            "linden plan job.toml",
            "linden plan job.toml --set hyperparameters.eta=0.1 --request",
            "linden plan job.toml --online --pin",
        ],
    ),
    (
        "doctor",
        &[
            "linden doctor job.toml",
            "linden doctor --profile ml-dev --json",
        ],
    ),
    ("config", &["linden config show job.toml --origin"]),
    (
        "config show",
        &["linden config show job.toml --origin --overlay ci"],
    ),
    ("schema", &["linden schema job > job.schema.json"]),
    (
        "run",
        &[
            "linden run job.toml --overlay ci --max-cost 5 --if-exists rerun-failed",
            "linden run job.toml --local",
            "linden run job.toml --gate 'validation:rmse<=12.5'",
            "linden run job.toml --detach --json",
        ],
    ),
    (
        "ls",
        &[
            "linden ls",
            "linden ls usage --status Failed --limit 5",
            "linden ls --mine --json",
        ],
    ),
    (
        "show",
        &["linden show @last", "linden show usage-3fa91c02-2 --json"],
    ),
    (
        "logs",
        &[
            "linden logs -f usage-3fa91c02-2",
            "linden logs @last --tail 40",
            "linden logs @last --since 10m --host algo-2 --grep 'rmse|Error'",
        ],
    ),
    (
        "metrics",
        &[
            "linden metrics @last --chart",
            "linden metrics -f usage-3fa91c02-2 --name validation:rmse",
            "linden metrics @last --json",
        ],
    ),
    (
        "wait",
        &[
            "linden wait usage-3fa91c02-2 --timeout 50m --gate 'validation:rmse<=12.5'",
            "linden wait usage-3fa91c02-1 usage-3fa91c02-2 --any",
        ],
    ),
    (
        "stop",
        &[
            "linden stop usage-3fa91c02-2",
            "linden stop usage-3fa91c02-2 --no-wait",
        ],
    ),
    ("rm", &["linden rm usage-3fa91c02-1"]),
    (
        "clone",
        &[
            "linden clone usage-3fa91c02-2 > again.toml",
            "linden clone @last --local",
        ],
    ),
    (
        "rerun",
        &[
            "linden rerun usage-3fa91c02-2 --set hyperparameters.num_round=50",
            "linden rerun @last --local",
        ],
    ),
    (
        "compare",
        &[
            "linden compare usage-3fa91c02-1 usage-3fa91c02-2",
            "linden compare usage-3fa91c02-1 @last --json",
        ],
    ),
    (
        "artifacts",
        &[
            "linden artifacts get @last",
            "linden artifacts verify @last",
        ],
    ),
    ("artifacts ls", &["linden artifacts ls @last"]),
    (
        "artifacts get",
        &[
            "linden artifacts get @last",
            "linden artifacts get usage-3fa91c02-2 --to model",
        ],
    ),
    (
        "artifacts verify",
        &[
            "linden artifacts verify usage-3fa91c02-2",
            "linden artifacts verify @last --json",
        ],
    ),
    (
        "promote",
        &[
            "linden promote usage-3fa91c02-2 --to s3://linden-123456789012-eu-west-1/approved/usage/",
            "linden promote @last --to s3://linden-123456789012-eu-west-1/approved/usage/ --if-better validation:rmse",
        ],
    ),
    ("model", &["linden model inspect runs/usage-3fa91c02-2"]),
    (
        "model inspect",
        &[
            "linden model inspect runs/usage-3fa91c02-2",
            "linden model inspect model.tar.gz --tree 0",
        ],
    ),
    (
        "model predict",
        &[
            "linden model predict runs/usage-3fa91c02-2 rows.csv",
            "linden model predict model.tar.gz rows.csv --margin -o out.csv",
        ],
    ),
    (
        "model explain",
        &[
            "linden model explain runs/usage-3fa91c02-2 rows.csv --contributions",
            "linden model explain model.tar.gz --importance gain",
        ],
    ),
    (
        "model export",
        &["linden model export runs/usage-3fa91c02-2 --format onnx -o model.onnx"],
    ),
    (
        "image",
        &[
            "linden image push image.tar 123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0",
        ],
    ),
    (
        "image build",
        &[
            "linden image build",
            "linden image build ~/linden --tag linden-trainer:test -o image.tar",
        ],
    ),
    (
        "image push",
        &[
            "linden image push image.tar 123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0",
        ],
    ),
    (
        "image inspect",
        &[
            "linden image inspect image.tar",
            "linden image inspect 123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0 --json",
        ],
    ),
    (
        "image verify",
        &["linden image verify 123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0"],
    ),
    ("prices", &["linden prices refresh --region eu-west-1"]),
    (
        "prices refresh",
        &[
            "linden prices refresh --region eu-west-1",
            "linden prices refresh --region eu-west-1 -o prices.json",
        ],
    ),
    (
        "prices show",
        &[
            "linden prices show --region us-east-1",
            "linden prices show ml.m5 --json",
        ],
    ),
    ("infra", &["linden infra render -o linden.yaml"]),
    (
        "infra render",
        &[
            "linden infra render -o linden.yaml",
            "linden infra render --to json --set DaysWithoutSuccess=35 --set AlarmEmail=planning@example.com",
        ],
    ),
    (
        "infra check",
        &[
            "linden infra check",
            "linden infra check --deployed deployed.json",
        ],
    ),
    ("local", &["linden local up --port 4600"]),
    (
        "local up",
        &[
            "linden local up --port 4600",
            "linden local up --port 0 --state state",
            "linden local up --interrupt-after 30s",
            "linden local up --scenario configs/local/faults.toml",
            "linden local up --engine docker",
        ],
    ),
    (
        "completion",
        &[
            "linden completion bash > ~/.local/share/bash-completion/completions/linden",
            "linden completion zsh > ~/.zfunc/_linden",
            "linden completion fish > ~/.config/fish/completions/linden.fish",
        ],
    ),
    ("man", &["linden man ~/.local/share/man/man1"]),
    (
        "help",
        &[
            "linden help run",
            "linden help exit-codes",
            "linden help E0301",
        ],
    ),
];

/// The whole command line, with examples.
pub fn command_line() -> Command {
    with_examples(Cli::command(), "")
}

fn with_examples(command: Command, path: &str) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|it| it.get_name().to_owned())
        .collect();
    let command = names.into_iter().fold(command, |command, name| {
        let path = format!("{path} {name}").trim_start().to_owned();
        command.mut_subcommand(name, |it| with_examples(it, &path))
    });
    let Some((_, examples)) = EXAMPLES.iter().find(|it| it.0 == path) else {
        return command;
    };
    let mut text = match command.get_after_help() {
        Some(before) => format!("{before}\n\n"),
        None => String::new(),
    };
    text.push_str("Examples:");
    for it in *examples {
        text.push_str("\n  ");
        text.push_str(it);
    }
    command.after_help(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(command: &Command, path: &str, found: &mut Vec<(String, String)>) {
        for it in command.get_subcommands().filter(|it| !it.is_hide_set()) {
            let path = format!("{path} {}", it.get_name()).trim_start().to_owned();
            let help = it.get_after_help().map(ToString::to_string);
            found.push((path.clone(), help.unwrap_or_default()));
            commands(it, &path, found);
        }
    }

    #[test]
    fn every_command_has_examples() {
        let mut found = vec![];
        commands(&command_line(), "", &mut found);
        let without: Vec<&String> = found
            .iter()
            .filter(|it| !it.1.contains("Examples:\n  linden "))
            .map(|it| &it.0)
            .collect();
        assert!(without.is_empty(), "no examples: {without:?}");
        let unknown: Vec<&str> = EXAMPLES
            .iter()
            .map(|it| it.0)
            .filter(|path| found.iter().all(|it| it.0 != *path))
            .collect();
        assert!(unknown.is_empty(), "examples of no command: {unknown:?}");
    }

    /// The words of an example as a shell makes them, up to where its output goes.
    fn words(example: &str) -> Vec<String> {
        let mut words = vec![];
        let mut rest = example.split(" > ").next().unwrap().trim();
        while !rest.is_empty() {
            let (word, after) = match rest.strip_prefix('\'') {
                Some(quoted) => quoted.split_once('\'').unwrap(),
                None => rest.split_once(' ').unwrap_or((rest, "")),
            };
            words.push(word.to_owned());
            rest = after.trim_start();
        }
        words
    }

    #[test]
    fn every_example_parses_as_a_use_of_its_command() {
        for (path, examples) in EXAMPLES {
            for example in *examples {
                let parsed = command_line().try_get_matches_from(words(example));
                let mut matches = &parsed.unwrap_or_else(|err| panic!("{example}: {err}"));
                let mut used = vec![];
                while let Some((name, of)) = matches.subcommand() {
                    used.push(name.to_owned());
                    matches = of;
                }
                assert!(used.join(" ").starts_with(path), "{example} shows {used:?}");
            }
        }
    }
}
