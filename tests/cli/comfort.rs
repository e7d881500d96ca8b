//! Help, error codes, completions and manual pages.

use std::fs;
use std::process::Command as Process;

use cli::aws::{AwsError, AwsErrorKind};
use cli::error::CliError;
use cli::error_page;

use crate::program::{linden, transcript};

fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn the_code_of_an_error_is_explained() {
    let home = home();
    let text = transcript(linden(home.path()).args(["help", "e0104"]));
    insta::assert_snapshot!(text, @r#"
    exit code: 0
    ----- stdout -----
    E0104  No region is given

    Neither --region nor AWS_REGION nor the profile names one, and no region is guessed: jobs of one region are not seen in another.

    Give --region, set AWS_REGION, or choose a --profile that has one; --local needs none.
    ----- stderr -----
    "#);
    let text = transcript(linden(home.path()).args(["help", "errors"]));
    assert!(text.starts_with("exit code: 0\n"), "{text}");
    for page in error_page::ALL {
        assert!(
            text.contains(page.code) && text.contains(page.title),
            "{}",
            page.code
        );
        let explained = transcript(linden(home.path()).args(["help", page.code]));
        assert!(explained.starts_with("exit code: 0\n"), "{explained}");
    }
}

#[test]
fn what_an_error_prints_is_a_code_with_a_page() {
    let home = home();
    let text = transcript(linden(home.path()).arg("ls"));
    assert!(text.contains("error[E0104]: no region is given"), "{text}");
    let kinds = [
        AwsErrorKind::Throttled,
        AwsErrorKind::Quota,
        AwsErrorKind::Capacity,
        AwsErrorKind::Denied,
        AwsErrorKind::Credentials,
        AwsErrorKind::NotFound,
        AwsErrorKind::NameTaken,
        AwsErrorKind::Invalid,
        AwsErrorKind::Service,
        AwsErrorKind::Network,
        AwsErrorKind::Unexpected,
    ];
    let mut codes = vec![];
    for kind in kinds {
        let err = CliError::from(AwsError::of(kind, "DescribeTrainingJob", "as scripted"));
        let page = err.page();
        assert!(error_page::ALL.contains(page), "{kind:?}");
        let head = format!("error[{}]:", page.code);
        assert!(err.report(0).contains(&head), "{}", err.report(0));
        codes.push(page.code);
    }
    codes.dedup();
    assert_eq!(codes.len(), kinds.len(), "each kind has its own code");
}

#[test]
fn a_manual_page_is_written_for_each_command() {
    let home = home();
    let text = transcript(linden(home.path()).args(["man", "pages"]));
    assert!(text.starts_with("exit code: 0\n"), "{text}");
    for name in ["linden.1", "linden-run.1", "linden-artifacts-verify.1"] {
        let page = fs::read_to_string(home.path().join("pages").join(name)).unwrap();
        assert!(page.contains(".TH"), "{name}");
        assert!(text.contains(&format!("pages/{name}")), "{text}");
    }
    let run = fs::read_to_string(home.path().join("pages/linden-run.1")).unwrap();
    assert!(run.contains("Examples"), "{run}");
}

/// bash itself completes: the script is not only printed.
#[test]
fn bash_completes_commands_options_and_job_names() {
    let home = home();
    let script = linden(home.path())
        .args(["completion", "bash"])
        .output()
        .unwrap();
    fs::write(home.path().join("linden.bash"), script.stdout).unwrap();
    let run =
        r#"{"schema":1,"name":"usage-3fa91c02-1","at":1.0,"region":"local","outcome":"Completed"}"#;
    fs::write(home.path().join("runs.jsonl"), format!("{run}\n")).unwrap();
    let complete = |words: &[&str]| {
        let program = assert_cmd::cargo::cargo_bin("linden");
        let last = words.len();
        let words: Vec<String> = words.iter().map(|it| format!("'{it}'")).collect();
        let script = format!(
            "source ./linden.bash; COMP_WORDS=('{}' {}); COMP_CWORD={last}; \
             _linden_and_jobs \"${{COMP_WORDS[0]}}\" \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            program.display(),
            words.join(" ")
        );
        let output = Process::new("bash")
            .args(["-c", &script])
            .env_clear()
            .env("LINDEN_HOME", home.path())
            .env("PATH", "/usr/bin:/bin")
            .current_dir(home.path())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(complete(&["sh"]).lines().any(|it| it == "show"));
    assert!(complete(&["wait", "--allow"]).contains("--allow-stopped"));
    for command in ["show", "logs", "wait", "compare"] {
        let found = complete(&[command, "usa"]);
        assert!(
            found.lines().any(|it| it == "usage-3fa91c02-1"),
            "{command}: {found}"
        );
    }
    assert!(complete(&["artifacts", "get", "usa"]).contains("usage-3fa91c02-1"));
    assert!(!complete(&["plan", "usa"]).contains("usage-3fa91c02-1"));
}

#[test]
fn other_shells_ask_for_job_names_too() {
    let home = home();
    for (shell, asks) in [
        ("zsh", ":_linden_job_names'"),
        ("fish", "(linden job-names 2>/dev/null)"),
    ] {
        let script = linden(home.path())
            .args(["completion", shell])
            .output()
            .unwrap();
        assert!(
            String::from_utf8_lossy(&script.stdout).contains(asks),
            "{shell}"
        );
    }
    let nothing = linden(home.path()).arg("job-names").output().unwrap();
    assert_eq!((nothing.status.code(), nothing.stdout.len()), (Some(0), 0));
}
