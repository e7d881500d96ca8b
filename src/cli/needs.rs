//! What the program itself asks AWS for, action by action: `linden help iam`.
//!
//! Invariant: nothing here is needed for more than its line says, and a check whose line is not granted says `unknown`.
//! What the job's role needs is infra/template.yaml's to say.

use std::fmt;

use serde::Serialize;

use crate::style::{FAINT, STRONG, paint};
use crate::table::Table;

/// Actions that belong together.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Grant {
    /// The commands, and what for.
    pub purpose: &'static str,
    /// The actions.
    pub actions: &'static [&'static str],
    /// On what.
    pub resource: &'static str,
}

/// Every action that the program calls.
pub const GRANTS: &[Grant] = &[
    Grant {
        purpose: "run: submit",
        actions: &["sagemaker:CreateTrainingJob", "sagemaker:AddTags"],
        resource: "training-job/<name>-*",
    },
    Grant {
        purpose: "run: pass the role",
        actions: &["iam:PassRole"],
        resource: "the job's role, iam:PassedToService sagemaker.amazonaws.com",
    },
    Grant {
        purpose: "run, wait, show, logs, metrics, stop, rm",
        actions: &[
            "sagemaker:DescribeTrainingJob",
            "sagemaker:StopTrainingJob",
            "sagemaker:DeleteTrainingJob",
            "sagemaker:ListTags",
        ],
        resource: "training-job/<name>-*",
    },
    Grant {
        purpose: "run, ls, doctor, plan --online",
        actions: &["sagemaker:ListTrainingJobs"],
        resource: "*",
    },
    Grant {
        purpose: "run, logs, metrics, wait",
        actions: &["logs:DescribeLogStreams", "logs:GetLogEvents"],
        resource: "log-group:/aws/sagemaker/TrainingJobs*",
    },
    Grant {
        purpose: "data and artifacts",
        actions: &["s3:ListBucket", "s3:GetObject", "s3:PutObject"],
        resource: "the buckets of the job file",
    },
    Grant {
        purpose: "doctor, plan --online: role",
        actions: &["iam:GetRole", "iam:SimulatePrincipalPolicy"],
        resource: "the job's role, and the caller's own role or user",
    },
    Grant {
        purpose: "doctor, plan --online: quotas",
        actions: &[
            "servicequotas:ListServiceQuotas",
            "servicequotas:ListAWSDefaultServiceQuotas",
        ],
        resource: "*",
    },
    Grant {
        purpose: "doctor, plan --online, --pin, image push | inspect | verify",
        actions: &["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        resource: "the image's repository",
    },
    Grant {
        purpose: "image push",
        actions: &[
            "ecr:BatchCheckLayerAvailability",
            "ecr:InitiateLayerUpload",
            "ecr:UploadLayerPart",
            "ecr:CompleteLayerUpload",
            "ecr:PutImage",
        ],
        resource: "the image's repository",
    },
    Grant {
        purpose: "image push | inspect | verify",
        actions: &["ecr:GetAuthorizationToken"],
        resource: "*",
    },
    Grant {
        purpose: "prices refresh",
        actions: &["pricing:GetProducts"],
        resource: "*",
    },
];

/// The whole of it.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(transparent)]
pub struct Grants(pub &'static [Grant]);

impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "What linden asks AWS for. Who asks needs no permission (sts:GetCallerIdentity). What the job's role needs is in \
             infra/template.yaml, and `linden doctor JOBFILE` looks whether it has that.\n"
        )?;
        let mut table = Table::new(2, &[]);
        for grant in self.0 {
            let lines = grant.actions.iter().enumerate();
            for (idx, action) in lines {
                let (purpose, resource) = if idx == 0 {
                    (paint(STRONG, grant.purpose), paint(FAINT, grant.resource))
                } else {
                    (String::new(), String::new())
                };
                table.row([purpose, (*action).to_owned(), resource]);
            }
        }
        table.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_stands_once_and_is_an_action() {
        let mut all: Vec<&str> = GRANTS.iter().flat_map(|it| it.actions).copied().collect();
        let n = all.len();
        assert!(
            all.iter()
                .all(|it| it.split(':').count() == 2 && !it.contains('*')),
            "{all:?}"
        );
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), n);
    }
}
