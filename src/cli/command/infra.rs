//! `infra`: the stack's template with its parameters filled in, and what is wrong with it or with what is deployed.
//!
//! Invariant: neither command speaks to AWS or changes anything there. CloudFormation's own tools deploy; what is deployed
//! comes as the file that `aws cloudformation get-template` prints.

use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use contract::exit;
use serde::Serialize;
use serde_json::Value;

use crate::error::CliError;
use crate::infra::diff::{self, Difference};
use crate::infra::lint::{self, Finding};
use crate::infra::{TEMPLATE, document, parameters};
use crate::output::Printer;
use crate::style::{BAD, FAINT, GOOD, STRONG, paint};

/// A value this long is told by its beginning.
const MAX_SHOWN: usize = 60;

/// The infrastructure that jobs need.
#[derive(Debug, clap::Subcommand)]
pub enum Infra {
    /// Print the CloudFormation template, its parameters filled in
    #[command(
        after_help = "Deploy it with: aws cloudformation deploy --stack-name linden --template-file FILE --capabilities \
        CAPABILITY_NAMED_IAM. What the parameters mean: infra/README.md, and the Description of each."
    )]
    Render(Render),
    /// Look for what is more than least privilege in a template, or differs in what is deployed; exit code 9
    #[command(
        after_help = "Speaks to nobody. What is deployed: aws cloudformation get-template --stack-name linden \
        --template-stage Original --output json > deployed.json. What was changed by hand beside CloudFormation: aws \
        cloudformation detect-stack-drift --stack-name linden."
    )]
    Check(Check),
}

/// Print the template.
#[derive(Debug, clap::Args)]
pub struct Render {
    /// The form: `cloudformation` is YAML with its comments, `json` is the same for programs
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "FORM",
        hide_possible_values = true
    )]
    to: Form,
    /// Give a parameter another default, such as `LogRetentionDays=90`
    #[arg(long, value_name = "PARAM=VALUE", value_parser = parse_set)]
    set: Vec<(String, String)>,
    /// File to write, in place of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The form of a template.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Form {
    /// YAML.
    #[default]
    Cloudformation,
    /// JSON.
    Json,
}

/// Look for what is wrong.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// A template, YAML or JSON, in place of this program's own
    template: Option<PathBuf>,
    /// What is deployed: the output of `aws cloudformation get-template`, or `-` for stdin
    #[arg(long, value_name = "FILE")]
    deployed: Option<PathBuf>,
}

#[derive(Serialize)]
struct Checked {
    findings: Vec<Finding>,
    /// None where nothing deployed was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    differences: Option<Vec<Difference>>,
}

impl Infra {
    /// Renders or checks.
    ///
    /// # Errors
    /// If a file cannot be read, is no template, or a parameter does not fit.
    pub fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        match self {
            Self::Render(it) => it.run(printer),
            Self::Check(it) => it.run(printer),
        }
    }
}

impl Render {
    fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        let template = parse(TEMPLATE, Path::new("infra/template.yaml"))?;
        let values = parameters::values(&template, &self.set).map_err(|problems| {
            let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
            CliError::Usage {
                message: texts.join("\n  "),
                fix: "infra/README.md tells what each parameter means".to_owned(),
            }
        })?;
        let yaml = parameters::filled(TEMPLATE, &values);
        let text = match self.to {
            Form::Cloudformation => yaml,
            Form::Json => {
                let filled = parse(&yaml, Path::new("infra/template.yaml"))?;
                let json = serde_json::to_string_pretty(&filled);
                json.map_err(|err| CliError::Output(err.into()))? + "\n"
            }
        };
        match &self.output {
            None => printer.line(text.trim_end())?,
            Some(path) => {
                fs::write(path, text).map_err(|err| CliError::file("write", path, err))?;
                printer.say(&format!("{} {}", paint(GOOD, "written"), path.display()));
            }
        }
        Ok(exit::SUCCESS)
    }
}

impl Check {
    fn run(self, printer: &mut Printer) -> Result<u8, CliError> {
        let own = match &self.template {
            Some(path) => parse(&read(path)?, path)?,
            None => parse(TEMPLATE, Path::new("infra/template.yaml"))?,
        };
        let deployed = match &self.deployed {
            Some(path) => Some(template_of(&read(path)?, path)?),
            None => None,
        };
        let checked = Checked {
            findings: lint::lint(deployed.as_ref().unwrap_or(&own)),
            differences: deployed.map(|it| diff::differences(&own, &it)),
        };
        let is_clean =
            checked.findings.is_empty() && checked.differences.as_ref().is_none_or(Vec::is_empty);
        printer.print(&checked)?;
        Ok(if is_clean { exit::SUCCESS } else { exit::GATE })
    }
}

fn parse_set(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected PARAM=VALUE, such as `LogRetentionDays=90`".to_owned()),
    }
}

fn read(path: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    read.map_err(|err| CliError::file("read", path, err))
}

fn parse(text: &str, path: &Path) -> Result<Value, CliError> {
    let template = document::read(text).map_err(|err| not_a_template(path, &err.to_string()))?;
    if template["Resources"].is_object() {
        Ok(template)
    } else {
        Err(not_a_template(path, "it has no Resources"))
    }
}

/// The template in an answer of `GetTemplate`, whose `TemplateBody` is a text for YAML and an object for JSON; or a template.
fn template_of(text: &str, path: &Path) -> Result<Value, CliError> {
    let answer: Value = serde_json::from_str(text).unwrap_or_default();
    match &answer["TemplateBody"] {
        Value::String(yaml) => parse(yaml, path),
        Value::Object(_) => parse(&answer["TemplateBody"].to_string(), path),
        _ => parse(text, path),
    }
}

fn not_a_template(path: &Path, why: &str) -> CliError {
    CliError::Usage {
        message: format!(
            "`{}` is not a CloudFormation template: {why}",
            path.display()
        ),
        fix: "give a template, or what `aws cloudformation get-template --output json` prints"
            .to_owned(),
    }
}

/// A value as far as it fits on a line.
fn shown(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for it in &self.findings {
            let rule = paint(BAD, it.rule);
            writeln!(f, "{rule} {}: {}", paint(STRONG, &it.resource), it.message)?;
        }
        let differences = self.differences.as_deref().unwrap_or_default();
        for it in differences {
            writeln!(f, "{} {}", paint(BAD, "differs"), paint(STRONG, &it.path))?;
            writeln!(
                f,
                "  {} {}",
                paint(FAINT, "ours    "),
                shown(it.ours.as_ref())
            )?;
            writeln!(
                f,
                "  {} {}",
                paint(FAINT, "deployed"),
                shown(it.deployed.as_ref())
            )?;
        }
        if self.findings.is_empty() {
            writeln!(f, "{} least privilege", paint(GOOD, "ok"))?;
        }
        if self.differences.as_ref().is_some_and(Vec::is_empty) {
            writeln!(f, "{} deployed as rendered", paint(GOOD, "ok"))?;
        }
        Ok(())
    }
}
