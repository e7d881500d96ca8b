//! The program of a processing job as a process on this machine.
//!
//! An image of the trainer's has the trainer and a few commands, which this machine has too; those are run, and nothing else. A
//! process has no `/opt/ml` of its own, so where a word or a variable of the request begins a path with it, the path becomes one
//! in the host's tree. A script that has `/opt/ml` in itself needs a container.

use crate::job::Host;
use contract::environment::SAGEMAKER_BASE_DIR;
use contract::paths::DEFAULT_ROOT;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The commands of an image of the trainer's, which lie in `/bin`.
const COMMANDS: [&str; 8] = ["sh", "cat", "chmod", "env", "ls", "mkdir", "sleep", "true"];
/// The trainer's own names, which lie in `/usr/local/bin`.
const TRAINER: &str = "linden-trainer";
const LINKS: [&str; 2] = ["train", "serve"];

/// What a host runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    program: PathBuf,
    arguments: Vec<String>,
}

/// A program that is not there without a container.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the program is `{program}`, and without a container engine there are those of an image of the trainer's ({known}): `--engine docker` runs any image with any program",
    known = [&[TRAINER][..], &LINKS, &COMMANDS].concat().join(", ")
)]
pub(super) struct NoProgram {
    program: String,
}

impl Program {
    /// What `words`, the entrypoint and its arguments, are with `trainer`; without any the image's own command, which trains.
    pub(super) fn of(words: &[String], trainer: &Path) -> Result<Self, NoProgram> {
        let (first, rest) = match words.split_first() {
            Some((first, rest)) => (first.as_str(), rest),
            None => (LINKS[0], words),
        };
        let local = first.strip_prefix("/usr/local/bin/").unwrap_or(first);
        let command = first.strip_prefix("/bin/").unwrap_or(first);
        let (program, link) = if local == TRAINER {
            (trainer.to_owned(), None)
        } else if LINKS.contains(&local) {
            (trainer.to_owned(), Some(local.to_owned()))
        } else if COMMANDS.contains(&command) {
            (command.into(), None)
        } else {
            return Err(NoProgram {
                program: first.to_owned(),
            });
        };
        let arguments = link.into_iter().chain(rest.iter().cloned());
        Ok(Self {
            program,
            arguments: arguments.collect(),
        })
    }

    /// The command of a host, with nothing in its environment but `environment` and its own tree.
    pub(super) fn command(&self, host: &Host, environment: &BTreeMap<String, String>) -> Command {
        let root = host.root.path();
        let mut command = Command::new(&self.program);
        command
            .args(self.arguments.iter().map(|it| moved(it, root)))
            .env_clear()
            .envs(environment.iter().map(|(name, it)| (name, moved(it, root))))
            .current_dir(root)
            .env(SAGEMAKER_BASE_DIR.name, root);
        command
    }
}

/// A text with the tree at `root` for that of a container.
fn moved(text: &str, root: &Path) -> String {
    let mut moved = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(DEFAULT_ROOT) {
        let (before, found) = rest.split_at(at);
        let (name, after) = found.split_at(DEFAULT_ROOT.len());
        moved.push_str(before);
        // `/srv/opt/ml` and `/opt/mlflow` are other paths.
        let is_inside = before.ends_with(is_of_a_path) || after.starts_with(is_of_a_name);
        if is_inside {
            moved.push_str(name);
        } else {
            moved.push_str(&root.to_string_lossy());
        }
        rest = after;
    }
    moved + rest
}

fn is_of_a_name(it: char) -> bool {
    it.is_alphanumeric() || "._-".contains(it)
}

fn is_of_a_path(it: char) -> bool {
    it == '/' || is_of_a_name(it)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&it| it.to_owned()).collect()
    }

    #[test]
    fn the_programs_of_the_trainers_image_are_there_and_no_others() {
        let of = |it: &[&str]| {
            let program = Program::of(&words(it), Path::new("/here/linden-trainer"))?;
            let name = program.program.display().to_string();
            Ok::<_, NoProgram>([&[name][..], &program.arguments].concat().join(" "))
        };
        for (given, expected) in [
            (&[][..], "/here/linden-trainer train"),
            (&["train", "x"], "/here/linden-trainer train x"),
            (&["linden-trainer", "serve"], "/here/linden-trainer serve"),
            (&["/usr/local/bin/serve"], "/here/linden-trainer serve"),
            (&["/bin/sh", "-c", "true"], "sh -c true"),
        ] {
            assert_eq!(of(given).unwrap(), expected, "{given:?}");
        }
        for refused in ["python3", "/usr/bin/sh", "bash", "./run.sh"] {
            let said = of(&[refused]).unwrap_err().to_string();
            assert!(said.contains(&format!("`{refused}`")), "{said}");
            assert!(said.contains("--engine docker"), "{said}");
        }
    }

    #[test]
    fn paths_of_a_container_become_paths_of_the_tree() {
        let root = Path::new("/w/algo-1");
        for (text, expected) in [
            ("/opt/ml/processing/in", "/w/algo-1/processing/in"),
            ("cat </opt/ml/a >/opt/ml", "cat </w/algo-1/a >/w/algo-1"),
            ("--in=/opt/ml/a:/opt/ml/b", "--in=/w/algo-1/a:/w/algo-1/b"),
            ("/opt/mlflow", "/opt/mlflow"),
            ("/srv/opt/ml/a", "/srv/opt/ml/a"),
            ("plain", "plain"),
        ] {
            assert_eq!(moved(text, root), expected);
        }
    }
}
