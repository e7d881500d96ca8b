//! Subnets, security groups and keys: their form and region are checked, and what AWS alone knows of them is said to be
//! unknown. EC2 and KMS are not asked; the role's part is in the `role:` checks.

use contract::exit;
use contract::job::file::JobFile;

use super::Check;

/// Hexadecimal digits of an id: 8 in old accounts, 17 in new ones.
const ID_DIGITS: [usize; 2] = [8, 17];

pub(super) fn checks(job: &JobFile, region: &str) -> Vec<Check> {
    let mut checks = vec![];
    let network = &job.network;
    if !network.subnets.is_empty() {
        let wrong = network
            .subnets
            .iter()
            .filter(|it| !is_id(it, "subnet-"))
            .chain(
                network
                    .security_groups
                    .iter()
                    .filter(|it| !is_id(it, "sg-")),
            );
        let wrong: Vec<&str> = wrong.map(String::as_str).collect();
        checks.push(if wrong.is_empty() {
            Check::unknown(
                "network",
                "the ids have the right form; whether they are there and reach S3: EC2 is not asked",
            )
            .with_fix("a gateway endpoint for S3, or a NAT; without one the job hangs in Downloading")
        } else {
            Check::fail(
                "network",
                exit::USAGE,
                format!("{} is no id of a subnet or security group", wrong.join(", ")),
            )
            .with_fix("ids are `subnet-` and `sg-` with 8 or 17 hexadecimal digits")
        });
    }
    let keys = [
        ("output.kms_key", &job.output.kms_key),
        ("compute.volume_kms_key", &job.compute.volume_kms_key),
    ];
    for (path, key) in keys {
        checks.extend(key.as_ref().map(|it| of_key(path, it, region)));
    }
    checks
}

fn of_key(path: &str, key: &str, region: &str) -> Check {
    if let Some(rest) = key.strip_prefix("arn:") {
        let parts: Vec<&str> = rest.split(':').collect();
        let is_key = parts.get(1) == Some(&"kms") && parts.len() == 5;
        if !is_key {
            return Check::fail(
                "kms",
                exit::USAGE,
                format!("{path}: {key} is no ARN of a key"),
            )
            .with_fix("`arn:aws:kms:<region>:<account>:key/<id>`, or alias/<name>");
        }
        if parts[2] != region {
            let detail = format!(
                "{path}: {key} is in {}, and the job would run in {region}",
                parts[2]
            );
            return Check::fail("kms", exit::USAGE, detail).with_fix(format!("a key of {region}"));
        }
    }
    Check::unknown(
        "kms",
        format!("{path}: whether {key} is there and its policy names the role: KMS is not asked"),
    )
    .with_fix("the key's policy must name the role, or let this account's IAM decide")
}

fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|digits| {
        ID_DIGITS.contains(&digits.len())
            && digits.chars().all(|it| matches!(it, '0'..='9' | 'a'..='f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Verdict;

    #[test]
    fn ids_have_8_or_17_digits() {
        assert!(is_id("subnet-0a1b2c3d", "subnet-"));
        assert!(is_id("sg-0123456789abcdef0", "sg-"));
        assert!(!is_id("sg-0123", "sg-"));
        assert!(!is_id("subnet-0A1B2C3D", "subnet-"));
        assert!(!is_id("0a1b2c3d", "subnet-"));
    }

    #[test]
    fn a_key_of_another_region_fails_and_one_of_this_is_unknown() {
        let of = |key: &str| of_key("output.kms_key", key, "eu-west-1");
        let arn = |region: &str| format!("arn:aws:kms:{region}:123456789012:key/1234abcd");
        assert_eq!(of(&arn("eu-west-1")).verdict, Verdict::Unknown);
        assert_eq!(of(&arn("us-east-1")).verdict, Verdict::Fail);
        assert_eq!(of("alias/ml").verdict, Verdict::Unknown);
        assert_eq!(of("arn:aws:s3:::bucket").verdict, Verdict::Fail);
    }
}
