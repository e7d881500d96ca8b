//! IAM, Service Quotas and ECR of a scripted account, for [`Service`](crate::service::Service): what they answer on the
//! wire, page by page.

use serde_json::{Value, json};

use crate::service::{Reply, ok, refused};

/// Lets SageMaker take the role on.
pub(crate) const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
    "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole",
    "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}}]}"#;

/// How many actions IAM answers about in a page.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Pages {
    /// All of them.
    #[default]
    One,
    /// One action a page, and all pages come.
    Each,
    /// One action a page, and the second page is throttled for ever.
    SecondIsThrottled,
    /// One action, marked as cut off, without a way to go on.
    CutOff,
}

/// What is scripted; nobody may look at an account without a script.
#[derive(Clone, Default)]
pub(crate) struct Account {
    /// The trust policy of the job's role; `None` is no such role.
    pub trust: Option<&'static str>,
    /// Actions that no policy allows.
    pub denied: Vec<&'static str>,
    /// Whether nobody may simulate.
    pub no_simulation: bool,
    pub pages: Pages,
    /// Limits of this account: name and value.
    pub quotas: Vec<(&'static str, f64)>,
    /// AWS's defaults.
    pub defaults: Vec<(&'static str, f64)>,
    /// The processor of the image; `None` is no such image.
    pub architecture: Option<&'static str>,
    /// Products of the price list, one a page.
    pub products: Vec<Value>,
}

impl Account {
    /// An account in which everything fits.
    pub(crate) fn fitting() -> Self {
        Self {
            trust: Some(TRUST),
            quotas: vec![("ml.m7i.large for training job usage", 4.0)],
            defaults: vec![("ml.m5.large for training job usage", 0.0)],
            architecture: Some("amd64"),
            ..Self::default()
        }
    }

    /// The image's configuration.
    pub(crate) fn config(&self) -> String {
        let architecture = self.architecture.unwrap_or_default();
        json!({ "os": "linux", "architecture": architecture }).to_string()
    }

    /// The answer to an operation in JSON, if it is one of these.
    pub(crate) fn json(&self, operation: &str, body: &Value, host: &str) -> Option<Reply> {
        let list = |of: &[(&str, f64)]| {
            let quotas: Vec<Value> = of
                .iter()
                .map(|(name, value)| {
                    json!({ "QuotaName": name, "Value": value, "QuotaCode": "L-1234", "ServiceCode": "sagemaker" })
                })
                .collect();
            // A page of quotas that nobody asked for comes first.
            if body["NextToken"].is_null() {
                let other = json!({ "QuotaName": "Maximum number of projects", "Value": 1.0 });
                return ok(&json!({ "Quotas": [other], "NextToken": "2" }));
            }
            ok(&json!({ "Quotas": quotas }))
        };
        match operation {
            "listservicequotas" => Some(list(&self.quotas)),
            "listawsdefaultservicequotas" => Some(list(&self.defaults)),
            "getproducts" => {
                let wanted = body["Filters"].as_array().unwrap();
                let region = wanted
                    .iter()
                    .find(|it| it["Field"] == "regionCode")
                    .unwrap();
                assert_eq!(
                    (&body["ServiceCode"], &region["Value"]),
                    (&json!("AmazonSageMaker"), &json!("eu-west-1"))
                );
                let at: usize = body["NextToken"]
                    .as_str()
                    .map_or(0, |it| it.parse().unwrap());
                let page: Vec<String> = self
                    .products
                    .get(at)
                    .iter()
                    .map(ToString::to_string)
                    .collect();
                let next = (at + 1 < self.products.len()).then(|| (at + 1).to_string());
                Some(ok(
                    &json!({ "FormatVersion": "aws_v1", "PriceList": page, "NextToken": next }),
                ))
            }
            "batchgetimage" => Some(self.image(body)),
            "getdownloadurlforlayer" => {
                let url = format!("http://{host}/config-blob");
                Some(ok(
                    &json!({ "downloadUrl": url, "layerDigest": body["layerDigest"] }),
                ))
            }
            _ => None,
        }
    }

    fn image(&self, body: &Value) -> Reply {
        if self.architecture.is_none() {
            let failure = json!({ "failureCode": "ImageNotFound", "failureReason": "Requested image not found" });
            return ok(&json!({ "images": [], "failures": [failure] }));
        }
        let config = self.config();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": cli::image::OCI_MANIFEST,
            "config": { "mediaType": "c", "digest": cli::image::digest(config.as_bytes()), "size": config.len() },
            "layers": [{ "mediaType": "l", "digest": "sha256:1", "size": 28_100_000 }],
        });
        let id = json!({ "imageDigest": DIGEST, "imageTag": body["imageIds"][0]["imageTag"] });
        ok(
            &json!({ "images": [{ "imageId": id, "imageManifest": manifest.to_string() }], "failures": [] }),
        )
    }

    /// The answer to a call of IAM's.
    pub(crate) fn iam(&self, body: &str) -> Reply {
        let members = form(body);
        let one = |key: &str| {
            members
                .iter()
                .find(|it| it.0 == key)
                .map(|it| it.1.as_str())
        };
        let name = one("RoleName").unwrap_or_default();
        match (one("Action"), self.trust) {
            (Some("GetRole"), Some(trust)) => iam_ok("GetRole", &role(name, trust)),
            (Some("GetRole"), None) => {
                let message = format!("The role with name {name} cannot be found.");
                iam_refused("404 Not Found", "NoSuchEntity", &message)
            }
            (Some("SimulatePrincipalPolicy"), _) if self.no_simulation => {
                denied("iam:SimulatePrincipalPolicy")
            }
            (Some("SimulatePrincipalPolicy"), _) => self.simulation(&members),
            _ => iam_refused("400 Bad Request", "InvalidAction", "not part of the script"),
        }
    }

    fn simulation(&self, members: &[(String, String)]) -> Reply {
        let all = |stem: &str| -> Vec<&str> {
            let of = |it: &&(String, String)| it.0.starts_with(stem);
            members.iter().filter(of).map(|it| it.1.as_str()).collect()
        };
        let (actions, resources) = (all("ActionNames.member."), all("ResourceArns.member."));
        let marker = members.iter().find(|it| it.0 == "Marker");
        let at: usize = marker.map_or(0, |it| it.1.parse().unwrap());
        if at > 0 && self.pages == Pages::SecondIsThrottled {
            return iam_refused("400 Bad Request", "Throttling", "Rate exceeded");
        }
        let n = if self.pages == Pages::One {
            actions.len()
        } else {
            1
        };
        let results: String = actions
            .iter()
            .skip(at)
            .take(n)
            .map(|it| self.result(it, &resources))
            .collect();
        let more = at + n < actions.len();
        let next = match self.pages {
            Pages::CutOff => "<IsTruncated>true</IsTruncated>".to_owned(),
            _ if more => format!("<IsTruncated>true</IsTruncated><Marker>{}</Marker>", at + n),
            _ => "<IsTruncated>false</IsTruncated>".to_owned(),
        };
        let results = format!("<EvaluationResults>{results}</EvaluationResults>{next}");
        iam_ok("SimulatePrincipalPolicy", &results)
    }

    /// One result an action, with one for each resource inside where there are several.
    fn result(&self, action: &str, resources: &[&str]) -> String {
        let decision = if self.denied.contains(&action) {
            "implicitDeny"
        } else {
            "allowed"
        };
        let each: Vec<String> = resources
            .iter()
            .map(|it| {
                format!("<member><EvalResourceName>{it}</EvalResourceName><EvalResourceDecision>{decision}</EvalResourceDecision></member>")
            })
            .collect();
        let (name, each) = match resources {
            [one] => (*one, String::new()),
            _ => (
                "*",
                format!(
                    "<ResourceSpecificResults>{}</ResourceSpecificResults>",
                    each.concat()
                ),
            ),
        };
        format!(
            "<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{name}</EvalResourceName>\
             <EvalDecision>{decision}</EvalDecision>{each}</member>"
        )
    }
}

/// The digest of the image.
pub(crate) const DIGEST: &str =
    "sha256:8888888888888888888888888888888888888888888888888888888888888888";

/// What IAM says to whoever may not ask.
pub(crate) fn denied(action: &str) -> Reply {
    let message = format!("User: planner is not authorized to perform: {action}");
    iam_refused("403 Forbidden", "AccessDenied", &message)
}

/// What the services in JSON say to whoever may not ask.
pub(crate) fn denied_json(operation: &str) -> Reply {
    let message = format!("User: planner is not authorized to perform: {operation}");
    refused("AccessDeniedException", &message)
}

fn role(name: &str, trust: &str) -> String {
    let trust: Vec<String> = trust.bytes().map(|it| format!("%{it:02X}")).collect();
    let trust = trust.concat();
    format!(
        "<Role><Path>/</Path><RoleName>{name}</RoleName><RoleId>AROA</RoleId><CreateDate>2026-01-01T00:00:00Z</CreateDate>\
         <Arn>arn:aws:iam::123456789012:role/{name}</Arn><AssumeRolePolicyDocument>{trust}</AssumeRolePolicyDocument></Role>"
    )
}

fn iam_ok(operation: &str, result: &str) -> Reply {
    let body = format!(
        "<{operation}Response><{operation}Result>{result}</{operation}Result></{operation}Response>"
    );
    ("200 OK", "Content-Type: text/xml\r\n".to_owned(), body)
}

fn iam_refused(status: &'static str, code: &str, message: &str) -> Reply {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>id-1</RequestId></ErrorResponse>"
    );
    (status, "Content-Type: text/xml\r\n".to_owned(), body)
}

/// The members of a form.
fn form(body: &str) -> Vec<(String, String)> {
    let plain = |it: &str| {
        let spaced = it.replace('+', " ");
        let mut bytes = vec![];
        let mut rest = spaced.as_bytes();
        while let [first, tail @ ..] = rest {
            if *first == b'%' {
                let digits = std::str::from_utf8(&tail[..2]).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &tail[2..];
            } else {
                bytes.push(*first);
                rest = tail;
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    body.split('&')
        .filter_map(|it| it.split_once('='))
        .map(|(key, value)| (plain(key), plain(value)))
        .collect()
}
