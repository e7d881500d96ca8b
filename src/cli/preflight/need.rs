//! What a job's role and whoever submits it must be allowed, as questions to IAM on the job's own resources.
//!
//! Without resources IAM answers for `*`, and what a policy allows on one bucket alone would look refused. Invariant: no
//! placeholder of the job file is left in a resource.

use contract::job::S3Uri;
use contract::job::file::JobFile;

use crate::aws::{EcrPlace, Fact, FactValue, LOG_GROUP, Question};

/// What must be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// What for: `read the data`.
    pub(super) what: &'static str,
    pub(super) question: Question,
    /// What a refusal means.
    pub(super) weight: Weight,
}

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// The job fails.
    Required,
    /// The job runs, and something is missing.
    Optional,
    /// The resource's own policy may allow it too.
    SharedWithResource,
}

impl Need {
    pub(super) fn new(what: &'static str, actions: &[&str], resources: Vec<String>) -> Self {
        Self {
            what,
            question: Question {
                actions: actions.iter().map(ToString::to_string).collect(),
                resources,
                context: vec![],
            },
            weight: Weight::Required,
        }
    }

    fn with(mut self, key: &'static str, value: FactValue) -> Self {
        self.question.context.push(Fact { key, value });
        self
    }

    pub(super) fn weighing(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }

    /// What the role needs to run the job.
    pub(super) fn of_role(job: &JobFile, region: &str) -> Vec<Self> {
        let partition = partition(job);
        let account = job.role.account();
        let mut needs = of_data(job, partition);
        if let Some(place) = EcrPlace::of(job.image.as_str()) {
            let pull = [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ];
            let token = ["ecr:GetAuthorizationToken"];
            needs.push(Self::new(
                "pull the image",
                &pull,
                vec![place.arn(partition)],
            ));
            needs.push(Self::new("log in to ECR", &token, vec!["*".to_owned()]));
        }
        let group = format!("arn:{partition}:logs:{region}:{account}:log-group:{LOG_GROUP}");
        let log = ["logs:CreateLogStream", "logs:PutLogEvents"];
        let stream = format!("{group}:log-stream:{}/algo-1-1", job.name);
        needs.push(Self::new("log", &log, vec![stream]).weighing(Weight::Optional));
        let metrics = ["cloudwatch:PutMetricData"];
        needs.push(
            Self::new("put metrics", &metrics, vec!["*".to_owned()])
                .with(
                    "cloudwatch:namespace",
                    FactValue::Text(LOG_GROUP.to_owned()),
                )
                .weighing(Weight::Optional),
        );
        needs.extend(of_keys(job));
        if !job.network.subnets.is_empty() {
            needs.push(of_network(job, partition, region));
        }
        needs
    }

    /// What whoever submits the job needs.
    pub(super) fn of_submitter(job: &JobFile, region: &str) -> Vec<Self> {
        let (partition, account) = (partition(job), job.role.account());
        let name = job
            .job_name(1)
            .map_or_else(|_| job.name.clone(), |it| it.to_string());
        let arn = format!("arn:{partition}:sagemaker:{region}:{account}:training-job/{name}");
        let types = &job.compute.instance_types;
        let mut create = Self::new(
            "submit",
            &["sagemaker:CreateTrainingJob"],
            vec![arn.clone()],
        )
        .with(
            "sagemaker:InstanceTypes",
            FactValue::Texts(types.iter().take(1).map(ToString::to_string).collect()),
        )
        .with(
            "sagemaker:MaxRuntimeInSeconds",
            FactValue::Number(job.compute.max_runtime_secs),
        );
        if job.compute.keep_alive_secs > 0 {
            let secs = FactValue::Number(job.compute.keep_alive_secs);
            create = create.with("sagemaker:KeepAlivePeriod", secs);
        }
        let follow = ["sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"];
        let service = FactValue::Text("sagemaker.amazonaws.com".to_owned());
        vec![
            create,
            Self::new(
                "pass the role",
                &["iam:PassRole"],
                vec![job.role.to_string()],
            )
            .with("iam:PassedToService", service),
            Self::new("follow and stop", &follow, vec![arn]).weighing(Weight::Optional),
        ]
    }
}

/// `aws` of `arn:aws:iam::…`.
fn partition(job: &JobFile) -> &str {
    job.role.as_str().split(':').nth(1).unwrap_or("aws")
}

/// Reading channels, going on from checkpoints, writing both and the model.
fn of_data(job: &JobFile, partition: &str) -> Vec<Need> {
    let bucket = |it: &S3Uri| format!("arn:{partition}:s3:::{}", it.bucket());
    let key = |it: &S3Uri, name: &str| format!("{}/{}", bucket(it), it.join(name).key());
    let filled = job.job_name(1).ok().map(|name| job.request(&name));
    let filled = filled.as_ref();
    let output = filled
        .and_then(|it| it.output_data_config.as_ref()?.s3_output_path.parse().ok())
        .unwrap_or_else(|| job.output.s3.clone());
    let checkpoint: Option<S3Uri> = filled
        .and_then(|it| it.checkpoint_config.as_ref()?.s3_uri.parse().ok())
        .or_else(|| job.checkpoint.as_ref().map(|it| it.s3.clone()));
    let read = job.channels.iter().map(|it| &it.s3).chain(&checkpoint);
    let mut lists: Vec<Need> = vec![];
    let mut objects: Vec<String> = vec![];
    for it in read {
        let list = Need::new("list the data", &["s3:ListBucket"], vec![bucket(it)])
            .with("s3:prefix", FactValue::Text(it.key().to_owned()));
        if !lists.contains(&list) {
            lists.push(list);
        }
        objects.push(key(it, "object"));
    }
    objects.sort_unstable();
    objects.dedup();
    let mut written = vec![key(&output, &format!("{}/output/model.tar.gz", job.name))];
    written.extend(checkpoint.iter().map(|it| key(it, "object")));
    let mut needs = lists;
    needs.push(Need::new("read the data", &["s3:GetObject"], objects));
    needs.push(Need::new("write", &["s3:PutObject"], written));
    needs
}

fn of_keys(job: &JobFile) -> Vec<Need> {
    let is_arn = |it: &&String| it.starts_with("arn:") && it.contains(":key/");
    let output = job.output.kms_key.as_ref().filter(is_arn);
    let volume = job.compute.volume_kms_key.as_ref().filter(is_arn);
    let mut needs = vec![];
    if let Some(key) = output {
        let actions = ["kms:Decrypt", "kms:GenerateDataKey"];
        needs.push(Need::new(
            "use the output's key",
            &actions,
            vec![key.clone()],
        ));
    }
    if let Some(key) = volume {
        let grant = Need::new(
            "use the volume's key",
            &["kms:CreateGrant"],
            vec![key.clone()],
        );
        needs.push(grant.with(
            "kms:GrantIsForAWSResource",
            FactValue::Text("true".to_owned()),
        ));
    }
    needs
        .into_iter()
        .map(|it| it.weighing(Weight::SharedWithResource))
        .collect()
}

fn of_network(job: &JobFile, partition: &str, region: &str) -> Need {
    let account = job.role.account();
    let arn = |kind: &str, id: &str| format!("arn:{partition}:ec2:{region}:{account}:{kind}/{id}");
    let subnets = job.network.subnets.iter().map(|it| arn("subnet", it));
    Need::new(
        "join the subnets",
        &["ec2:CreateNetworkInterface"],
        subnets.collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_name_the_jobs_own_resources() {
        let text = include_str!("../../../configs/usage-forecast/job.toml");
        let job = JobFile::parse(text, &[]).unwrap();
        let needs = Need::of_role(&job, "eu-west-1");
        let resources: Vec<&String> = needs.iter().flat_map(|it| &it.question.resources).collect();
        assert!(
            resources.iter().all(|it| !it.contains('{')),
            "{resources:?}"
        );
        let allowed_alone = ["log in to ECR", "put metrics"];
        for it in needs.iter().filter(|it| !allowed_alone.contains(&it.what)) {
            assert!(
                it.question
                    .resources
                    .iter()
                    .all(|it| it.starts_with("arn:aws:")),
                "{it:?}"
            );
        }
        let whats: Vec<&str> = needs.iter().map(|it| it.what).collect();
        assert!(
            whats.contains(&"write") && whats.contains(&"pull the image"),
            "{whats:?}"
        );
    }
}
