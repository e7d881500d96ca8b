//! Values that look like secrets. Hyperparameters and environment variables of a job are shown to everybody who may
//! describe it, so such a job is refused before it is sent.
//!
//! Source: SageMaker API, `CreateTrainingJob`: "Do not include any security-sensitive information".

/// Words in a key that say that its value is secret.
const SECRET_WORDS: &[&str] = &[
    "PASSWORD",
    "PASSWD",
    "SECRET",
    "TOKEN",
    "API_KEY",
    "APIKEY",
    "PRIVATE_KEY",
    "CREDENTIAL",
];
/// What tokens of well-known services begin with, and how long they are at least.
const PREFIXES: &[(&str, usize, &str)] = &[
    ("ghp_", 30, "a GitHub token"),
    ("github_pat_", 30, "a GitHub token"),
    ("glpat-", 20, "a GitLab token"),
    ("xoxb-", 20, "a Slack token"),
    ("xoxp-", 20, "a Slack token"),
    ("sk-", 20, "an API key"),
    ("-----BEGIN", 10, "a private key"),
];
/// What identifiers of AWS access keys begin with; 16 more characters follow.
const ACCESS_KEYS: &[&str] = &["AKIA", "ASIA"];

/// What the value looks like, if it looks like a secret. An empty value, and a reference to a secret, are none.
pub(super) fn looks_secret(key: &str, value: &str) -> Option<&'static str> {
    let value = value.trim();
    let reference =
        value.is_empty() || value.starts_with("arn:") || value.starts_with("{{resolve:");
    if reference {
        return None;
    }
    if value
        .split(|it: char| !it.is_ascii_alphanumeric())
        .any(is_access_key)
    {
        return Some("an AWS access key");
    }
    let token = PREFIXES
        .iter()
        .find(|(prefix, len, _)| value.starts_with(prefix) && *len <= value.len());
    if let Some((_, _, what)) = token {
        return Some(what);
    }
    let key = key.to_ascii_uppercase().replace('-', "_");
    let names_secret = SECRET_WORDS
        .iter()
        .any(|it| key.split('_').any(|part| part == *it) || it.contains('_') && key.contains(it));
    names_secret.then_some("a secret")
}

fn is_access_key(word: &str) -> bool {
    let prefix = ACCESS_KEYS.iter().any(|it| word.starts_with(it));
    prefix
        && word.len() == 20
        && word
            .chars()
            .all(|it| it.is_ascii_uppercase() || it.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_looks_like_a_secret() {
        for (key, value) in [
            ("DB_PASSWORD", "hunter2"),
            ("token", "abc"),
            ("MY_API_KEY", "abc"),
            ("whatever", "AKIAIOSFODNN7EXAMPLE"),
            ("url", "https://ASIAIOSFODNN7EXAMPLE@host"),
            ("x", "ghp_0123456789012345678901234567890123456789"),
            ("pem", "-----BEGIN RSA PRIVATE KEY-----"),
        ] {
            assert!(looks_secret(key, value).is_some(), "{key}");
        }
    }

    #[test]
    fn leaves_plain_settings_alone() {
        for (key, value) in [
            ("eta", "0.1"),
            ("DB_PASSWORD", ""),
            (
                "DB_SECRET",
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db",
            ),
            ("tokenizer", "words"),
            ("feature_names", "hour,weekday"),
            ("note", "AKIA is a prefix"),
        ] {
            assert_eq!(looks_secret(key, value), None, "{key}");
        }
    }
}
