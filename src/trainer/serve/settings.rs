//! What the environment says about serving, as the built-in container's variables spell it.
//!
//! Invariant: text becomes types here, and all variables that are wrong are told together; nothing is looked up later.
//!
//! Source: sagemaker-xgboost-container `algorithm_mode/serve.py`, `serving_mms.py`; SageMaker developer guide, "Use Your Own
//! Inference Code".

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use contract::environment::{self, Variable};
use contract::paths::MlRoot;
use engine::simd::Simd;

use super::accept::Accept;
use super::side::SidePlan;

/// A mebibyte.
const MIB: usize = 1 << 20;
/// The largest request, where nobody says.
const DEFAULT_MAX_BODY: usize = 6 * MIB;
/// The largest request of a multi-model endpoint, whatever `MAX_CONTENT_LENGTH` says, as in the built-in container.
const MAX_BODY_OF_MANY: usize = 20 * MIB;
/// What a transform job may send where it has set no limit: as much as a model may have in memory besides.
const UNLIMITED_BODY: usize = 1 << 30;
/// The most workers: a machine has fewer processors.
const MAX_WORKERS: usize = 1024;
/// The most requests that may wait.
const MAX_QUEUE: usize = 100_000;
/// The longest patience, a day.
const MAX_TIMEOUT_SECS: usize = 86_400;

/// How many models there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hosting {
    /// That of the model folder.
    One,
    /// Those that are loaded by request.
    Many,
}

/// Which files of a model folder answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Members {
    /// All of them together.
    All,
    /// The first one.
    First,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// A client of an endpoint.
    Endpoint,
    /// A transform job, which puts lines together.
    Batch,
}

/// What is served, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) root: MlRoot,
    pub(super) address: IpAddr,
    pub(super) port: u16,
    pub(super) max_body: usize,
    pub(super) workers: usize,
    pub(super) queue: usize,
    pub(super) timeout: Duration,
    pub(super) default_accept: Accept,
    pub(super) hosting: Hosting,
    pub(super) members: Members,
    pub(super) caller: Caller,
    /// What is answered for a row, in lower case; `None` for the prediction alone.
    pub(super) selected: Option<Vec<String>>,
    pub(super) side: SidePlan,
    pub(super) simd: Option<Simd>,
    /// Whether `/metrics` is there.
    pub(super) metrics: bool,
}

/// Variables that are not what they may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct SettingsError(pub Vec<String>);

/// Reads variables and remembers what was wrong.
struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl Reader<'_> {
    /// A variable that is not empty.
    fn text(&self, variable: Variable) -> Option<String> {
        (self.variable)(variable.name).filter(|it| !it.is_empty())
    }

    fn is_set(&self, variable: Variable) -> bool {
        self.text(variable).is_some()
    }

    fn refuse(&mut self, variable: Variable, text: &str, allowed: &str) {
        let name = variable.name;
        self.problems
            .push(format!("{name} is `{text}`, allowed is {allowed}"));
    }

    fn address(&mut self) -> IpAddr {
        let every = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        let Some(text) = self.text(environment::LINDEN_BIND_ADDRESS) else {
            return every;
        };
        text.parse().unwrap_or_else(|_| {
            let allowed = "an address such as 127.0.0.1";
            self.refuse(environment::LINDEN_BIND_ADDRESS, &text, allowed);
            every
        })
    }

    fn number(&mut self, variable: Variable, range: (usize, usize)) -> Option<usize> {
        let text = self.text(variable)?;
        let (least, most) = range;
        let number = text.trim().parse().ok();
        let number = number.filter(|it: &usize| (least..=most).contains(it));
        if number.is_none() {
            let allowed = format!("a whole number from {least} to {most}");
            self.refuse(variable, &text, &allowed);
        }
        number
    }

    fn columns(&mut self, variable: Variable) -> Vec<usize> {
        let Some(text) = self.text(variable) else {
            return Vec::new();
        };
        let columns: Option<Vec<usize>> =
            text.split(',').map(|it| it.trim().parse().ok()).collect();
        columns.unwrap_or_else(|| {
            self.refuse(variable, &text, "a list of columns from 0, such as `0,1,2`");
            Vec::new()
        })
    }

    fn accept(&mut self) -> Option<Accept> {
        let variable = environment::SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT;
        let text = self.text(variable)?;
        let accept = Accept::from_str(&text).ok();
        if accept.is_none() {
            self.refuse(
                variable,
                &text,
                &format!("one of {}", Accept::NAMES.join(", ")),
            );
        }
        accept
    }

    fn simd(&mut self) -> Option<Simd> {
        let text = self.text(environment::LINDEN_SIMD)?;
        match text.parse() {
            Ok(simd) => Some(simd),
            Err(err) => {
                self.problems
                    .push(format!("{}: {err}", environment::LINDEN_SIMD.name));
                None
            }
        }
    }

    /// The largest request in bytes.
    fn max_body(&mut self, hosting: Hosting) -> usize {
        let bytes = self
            .number(environment::MAX_CONTENT_LENGTH, (1, UNLIMITED_BODY))
            .unwrap_or(DEFAULT_MAX_BODY);
        match hosting {
            Hosting::One => {
                let most_mib = UNLIMITED_BODY / MIB;
                let mib = self.number(environment::SAGEMAKER_MAX_PAYLOAD_IN_MB, (0, most_mib));
                match mib {
                    Some(0) => UNLIMITED_BODY,
                    Some(mib) => bytes.max(mib * MIB),
                    None => bytes,
                }
            }
            Hosting::Many => {
                let own = self.number(environment::SAGEMAKER_MAX_REQUEST_SIZE, (1, UNLIMITED_BODY));
                own.unwrap_or(bytes.min(MAX_BODY_OF_MANY))
            }
        }
    }

    fn side(&mut self) -> SidePlan {
        let exposure = self.number(environment::LINDEN_EXPOSURE_COLUMN, (0, u32::MAX as usize));
        let plan = SidePlan {
            exposure,
            base_margin: self.columns(environment::LINDEN_BASE_MARGIN_COLUMNS),
        };
        if let Some(column) = plan.repeated() {
            self.problems.push(format!(
                "column {column} is named twice by {} and {}",
                environment::LINDEN_EXPOSURE_COLUMN.name,
                environment::LINDEN_BASE_MARGIN_COLUMNS.name
            ));
        }
        plan
    }

    fn selected(&self) -> Option<Vec<String>> {
        let text = self.text(environment::SAGEMAKER_INFERENCE_OUTPUT)?;
        let text = text.replace(' ', "").to_lowercase();
        Some(text.split(',').map(str::to_owned).collect())
    }
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`SettingsError`] with every variable that is not what it may be.
    pub fn from_env(
        root: &MlRoot,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let mut read = Reader {
            variable,
            problems: Vec::new(),
        };
        let hosting = if read.is_set(environment::SAGEMAKER_MULTI_MODEL) {
            Hosting::Many
        } else {
            Hosting::One
        };
        let ensemble = read.text(environment::SAGEMAKER_INFERENCE_ENSEMBLE);
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let port = read.number(environment::SAGEMAKER_BIND_TO_PORT, (0, u16::MAX as usize));
        let timeout = read.number(
            environment::SAGEMAKER_MODEL_SERVER_TIMEOUT,
            (1, MAX_TIMEOUT_SECS),
        );
        let settings = Self {
            root: root.clone(),
            address: read.address(),
            port: port.map_or(8080, |it| it as u16),
            max_body: read.max_body(hosting),
            workers: read
                .number(
                    environment::SAGEMAKER_MODEL_SERVER_WORKERS,
                    (1, MAX_WORKERS),
                )
                .unwrap_or(processors),
            queue: read
                .number(environment::SAGEMAKER_MODEL_JOB_QUEUE_SIZE, (0, MAX_QUEUE))
                .unwrap_or(100),
            timeout: Duration::from_secs(timeout.unwrap_or(60) as u64),
            default_accept: read.accept().unwrap_or(match hosting {
                Hosting::One => Accept::Csv,
                Hosting::Many => Accept::Json,
            }),
            hosting,
            members: if ensemble.is_none_or(|it| it == "true") {
                Members::All
            } else {
                Members::First
            },
            caller: if read.is_set(environment::SAGEMAKER_BATCH) {
                Caller::Batch
            } else {
                Caller::Endpoint
            },
            selected: read.selected(),
            side: read.side(),
            simd: read.simd(),
            metrics: read.text(environment::LINDEN_METRICS).as_deref() == Some("1"),
        };
        if read.problems.is_empty() {
            Ok(settings)
        } else {
            Err(SettingsError(read.problems))
        }
    }

    /// The largest request in whole MiB, as `/execution-parameters` tells it.
    pub(super) fn max_body_mib(&self) -> usize {
        self.max_body / MIB
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::from_env(&MlRoot::at("/opt/ml"), &variable)
    }

    #[test]
    fn it_listens_everywhere_unless_it_is_told_where() {
        let address =
            |text| settings(&[("LINDEN_BIND_ADDRESS", text)]).map(|it| it.address.to_string());
        assert_eq!(settings(&[]).unwrap().address.to_string(), "0.0.0.0");
        assert_eq!(address("127.0.0.1").unwrap(), "127.0.0.1");
        let refused = address("localhost").unwrap_err().to_string();
        assert!(
            refused.contains("LINDEN_BIND_ADDRESS is `localhost`"),
            "{refused}"
        );
    }

    #[test]
    fn without_variables_it_is_the_built_in_containers_server() {
        let it = settings(&[]).unwrap();
        assert_eq!(
            (it.port, it.max_body, it.max_body_mib()),
            (8080, 6_291_456, 6)
        );
        assert_eq!((it.hosting, it.members), (Hosting::One, Members::All));
        assert_eq!(
            (it.caller, it.default_accept),
            (Caller::Endpoint, Accept::Csv)
        );
        assert_eq!((it.queue, it.timeout), (100, Duration::from_mins(1)));
        assert!(it.selected.is_none() && !it.metrics && it.workers > 0);
    }

    #[test]
    fn the_largest_request_is_what_the_caller_was_told() {
        for (variables, expected) in [
            (&[("MAX_CONTENT_LENGTH", "1024")][..], 1024),
            (&[("SAGEMAKER_MAX_PAYLOAD_IN_MB", "50")], 50 * MIB),
            (&[("SAGEMAKER_MAX_PAYLOAD_IN_MB", "1")], 6 * MIB),
            (&[("SAGEMAKER_MAX_PAYLOAD_IN_MB", "0")], UNLIMITED_BODY),
            (
                &[
                    ("SAGEMAKER_MULTI_MODEL", "true"),
                    ("MAX_CONTENT_LENGTH", "99999999"),
                ],
                20 * MIB,
            ),
            (
                &[
                    ("SAGEMAKER_MULTI_MODEL", "true"),
                    ("SAGEMAKER_MAX_REQUEST_SIZE", "99999999"),
                ],
                99_999_999,
            ),
        ] {
            assert_eq!(
                settings(variables).unwrap().max_body,
                expected,
                "{variables:?}"
            );
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let told = settings(&[
            ("SAGEMAKER_BIND_TO_PORT", "80800"),
            ("MAX_CONTENT_LENGTH", "6MB"),
            ("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/html"),
            ("LINDEN_BASE_MARGIN_COLUMNS", "1,x"),
            ("LINDEN_SIMD", "mmx"),
        ]);
        let told = told.unwrap_err().to_string();
        for part in [
            "SAGEMAKER_BIND_TO_PORT is `80800`, allowed is a whole number from 0 to 65535",
            "MAX_CONTENT_LENGTH is `6MB`, allowed is a whole number",
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT is `text/html`, allowed is one of application/json, ",
            "LINDEN_BASE_MARGIN_COLUMNS is `1,x`, allowed is a list of columns",
            "LINDEN_SIMD",
        ] {
            assert!(told.contains(part), "{told}");
        }
        let twice = settings(&[
            ("LINDEN_EXPOSURE_COLUMN", "1"),
            ("LINDEN_BASE_MARGIN_COLUMNS", "0,1"),
        ]);
        assert!(
            twice
                .unwrap_err()
                .to_string()
                .contains("column 1 is named twice")
        );
    }
}
