//! Names with a form: what SageMaker takes passes, what it refuses does not, and their parts come out right.

use contract::job::{
    ImageUri, InstanceType, JobName, RoleArn, S3Uri, SecondaryStatus, TrainingJobStatus,
};

#[test]
fn a_path_in_the_channel_is_what_follows_the_prefix() {
    for (prefix, key, expected) in [
        ("s3://acme-ml/data/train/", "data/train/a/b.csv", "a/b.csv"),
        ("s3://acme-ml/data/train", "data/train/b.csv", "b.csv"),
        ("s3://acme-ml/data/train.csv", "data/train.csv", "train.csv"),
        ("s3://acme-ml/data/tr", "data/train/b.csv", "train/b.csv"),
        ("s3://acme-ml", "b.csv", "b.csv"),
    ] {
        let uri: S3Uri = prefix.parse().unwrap();
        assert_eq!(uri.below(key), expected, "{prefix}");
    }
}

#[test]
fn job_names() {
    for good in ["a", "A-1", "a--b", &"x".repeat(63)] {
        assert!(good.parse::<JobName>().is_ok(), "{good}");
    }
    for bad in ["", "-a", "a-", "a_b", "a b", "ä", &"x".repeat(64)] {
        assert!(bad.parse::<JobName>().is_err(), "{bad}");
    }
    assert_eq!(
        JobName::generate("usage", "3fa91c02", 1).unwrap().as_str(),
        "usage-3fa91c02-1"
    );
    let message = "a_b".parse::<JobName>().unwrap_err().to_string();
    assert_eq!(
        message,
        "job name is `a_b`, allowed is 1 to 63 letters, digits and hyphens, with no hyphen at either end"
    );
}

#[test]
fn roles() {
    let role: RoleArn = "arn:aws-cn:iam::123456789012:role/service-role/linden"
        .parse()
        .unwrap();
    assert_eq!(role.account(), "123456789012");
    for bad in [
        "linden",
        "arn:aws:iam::12345678901:role/linden",
        "arn:aws:iam::123456789012:user/linden",
        "arn:aws:iam:eu-west-1:123456789012:role/linden",
        "arn:aws:iam::123456789012:role/",
    ] {
        assert!(bad.parse::<RoleArn>().is_err(), "{bad}");
    }
}

#[test]
fn images_come_apart() {
    for (uri, repository, tag, digest) in [
        ("linden-trainer", "linden-trainer", None, None),
        (
            "linden-trainer:0.1.0",
            "linden-trainer",
            Some("0.1.0"),
            None,
        ),
        (
            "host:5000/team/linden-trainer",
            "linden-trainer",
            None,
            None,
        ),
        (
            "host:5000/linden-trainer:a@sha256:12",
            "linden-trainer",
            Some("a"),
            Some("sha256:12"),
        ),
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/trees@sha256:12",
            "trees",
            None,
            Some("sha256:12"),
        ),
    ] {
        let uri: ImageUri = uri.parse().unwrap();
        assert_eq!(
            (uri.repository_name(), uri.tag(), uri.digest()),
            (repository, tag, digest),
            "{uri}"
        );
    }
    for bad in ["", "a b", "https://host/image", "host/", &"x".repeat(256)] {
        assert!(bad.parse::<ImageUri>().is_err(), "{bad}");
    }
}

#[test]
fn s3_addresses_come_apart_and_together() {
    let uri: S3Uri = "s3://acme-ml/usage/train/".parse().unwrap();
    assert_eq!((uri.bucket(), uri.key()), ("acme-ml", "usage/train/"));
    assert_eq!(
        uri.join("/a.csv").as_str(),
        "s3://acme-ml/usage/train/a.csv"
    );
    let bucket: S3Uri = "s3://acme-ml".parse().unwrap();
    assert_eq!((bucket.bucket(), bucket.key()), ("acme-ml", ""));
    assert_eq!(bucket.join("a").as_str(), "s3://acme-ml/a");
    assert_eq!(
        S3Uri::new("acme-ml", "a/b").unwrap().as_str(),
        "s3://acme-ml/a/b"
    );
    for bad in [
        "",
        "acme-ml/a",
        "s3://",
        "s3://ab/x",
        "s3://Acme/x",
        "s3://a..b/x",
        "s3://acme-ml-/x",
        "http://acme-ml/x",
    ] {
        assert!(bad.parse::<S3Uri>().is_err(), "{bad}");
    }
}

#[test]
fn instance_types_have_a_form_and_no_list() {
    for good in [
        "ml.m5.xlarge",
        "ml.p4d.24xlarge",
        "ml.trn1n.32xlarge",
        "ml.m99z.2xlarge",
        "ml.u-6tb1.metal-48xl",
    ] {
        assert!(good.parse::<InstanceType>().is_ok(), "{good}");
    }
    for bad in ["m5.xlarge", "ml.m5", "ml.M5.xlarge", "ml..xlarge", "local"] {
        assert!(bad.parse::<InstanceType>().is_err(), "{bad}");
    }
}

#[test]
fn statuses_that_aws_adds_are_shown_as_they_came() {
    let status: SecondaryStatus = serde_json::from_str("\"DownloadingTrainingData\"").unwrap();
    assert_eq!(status.to_string(), "DownloadingTrainingData");
    assert!(!status.is_terminal());
    assert_eq!(
        serde_json::to_string(&status).unwrap(),
        "\"DownloadingTrainingData\""
    );
    assert!(!TrainingJobStatus::from("Pondering").is_terminal());
}

#[test]
fn every_known_secondary_status_belongs_to_a_primary_one() {
    for status in SecondaryStatus::KNOWN {
        let primary = status.primary().unwrap();
        assert_eq!(status.is_terminal(), primary.is_terminal(), "{status}");
        assert_eq!(SecondaryStatus::from(status.as_str()), *status);
    }
    assert_eq!(
        SecondaryStatus::MaxRuntimeExceeded.primary(),
        Some(TrainingJobStatus::Stopped)
    );
    assert_eq!(
        SecondaryStatus::Interrupted.primary(),
        Some(TrainingJobStatus::InProgress)
    );
}

proptest::proptest! {
    #[test]
    fn no_text_makes_a_name_panic(text in "\\PC{0,80}") {
        let _ = (text.parse::<JobName>(), text.parse::<RoleArn>(), text.parse::<InstanceType>());
        if let Ok(uri) = text.parse::<ImageUri>() {
            let _ = (uri.repository_name(), uri.tag(), uri.digest());
        }
        if let Ok(uri) = format!("s3://{text}").parse::<S3Uri>() {
            let _ = (uri.bucket(), uri.key());
        }
    }
}
