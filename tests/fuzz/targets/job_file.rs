//! A text as a job file; what follows a NUL are lines of `path=value` that are laid over it.

#![no_main]

use contract::job::JobFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (text, overrides) = text.split_once('\0').unwrap_or((text, ""));
    let overrides: Vec<(String, String)> = overrides
        .lines()
        .filter_map(|it| it.split_once('='))
        .map(|(path, value)| (path.to_owned(), value.to_owned()))
        .collect();
    match JobFile::parse(text, &overrides) {
        Ok(file) => {
            let name = file.job_name(1).expect("the name leaves room for an attempt");
            let request = file.request(&name);
            assert_eq!(request.validate(), [], "the service takes it");
        }
        Err(problems) => {
            assert!(!problems.0.is_empty());
            let n_lines = text.lines().count().max(1);
            for problem in &problems.0 {
                assert!(!problem.message.is_empty());
                assert!(problem.line.is_none_or(|it| (1..=n_lines + 1).contains(&it)));
            }
        }
    }
});
