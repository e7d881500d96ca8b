//! The command line as types. Nothing here reads a file or opens a connection, so `--help` costs nothing.

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use crate::command;

/// Train tree models as SageMaker training jobs, on AWS or on this machine.
#[derive(Debug, Parser)]
#[command(
    name = "linden",
    version,
    disable_help_subcommand = true,
    propagate_version = false,
    max_term_width = 110
)]
#[command(
    after_help = "Start with: linden plan JOBFILE, then linden run JOBFILE --local. \
                        Exit codes: linden help exit-codes; errors: linden help E0301."
)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command understands.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// AWS profile to take credentials and region from
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "local")]
    pub profile: Option<String>,
    /// AWS region
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Address to send every request to, in place of AWS
    #[arg(long, global = true, value_name = "URL", conflicts_with = "local")]
    pub endpoint_url: Option<String>,
    /// Use the SageMaker inside this program: no AWS, no credentials, state under `$LINDEN_HOME/local`
    #[arg(long, global = true, env = "LINDEN_LOCAL", hide_env = true, action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    pub local: bool,
    /// Print JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing but results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: every metric line, request ids, retries
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// When to colour text: auto, always or never
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_possible_values = true
    )]
    pub color: ColorWhen,
}

/// When text is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What `linden` can do, in the order in which people need it.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a job file with comments, to start from
    Init(command::init::Init),
    /// Show what `run` would do, without doing it
    Plan(command::plan::Plan),
    /// Look for what would go wrong: credentials, role, quotas, image, data, cost
    Doctor(command::doctor::Doctor),
    /// Submit a training job, follow it, fetch its model
    Run(command::run::Run),
    /// List training jobs, newest first
    Ls(command::ls::Ls),
    /// Show one job: status, transitions, metrics, artifacts
    Show(command::show::Show),
    /// Print a job's log
    Logs(command::logs::Logs),
    /// Show a job's metrics round by round
    Metrics(command::metrics::Metrics),
    /// Wait until jobs have ended
    Wait(command::wait::Wait),
    /// Stop a job
    Stop(command::stop::Stop),
    /// Delete the records of jobs that have ended
    Rm(command::rm::Rm),
    /// Print the job file of a job
    Clone(command::clone::CloneJob),
    /// Run again what a job was asked to do
    Rerun(command::rerun::Rerun),
    /// Show in what jobs differ: parameters, data, metrics, time and cost
    Compare(command::compare::Compare),
    /// List, fetch or verify what a job has written
    #[command(subcommand)]
    Artifacts(command::artifacts::Artifacts),
    /// Make a job's model the approved one, if it is better than that
    Promote(command::promote::Promote),
    /// Look into a model, predict with it, explain it, convert it
    #[command(subcommand)]
    Model(command::model::Model),
    /// Build the training image, push it, look into it
    #[command(subcommand)]
    Image(command::image::Image),
    /// Show the prices that costs are made of, or fetch them from AWS
    #[command(subcommand)]
    Prices(command::prices::PricesCommand),
    /// The stack that jobs need on AWS: render its template, check it
    #[command(subcommand)]
    Infra(command::infra::Infra),
    /// The SageMaker on this machine
    #[command(subcommand)]
    Local(command::local::Local),
    /// Show every value that holds for a job, and where it came from
    #[command(subcommand)]
    Config(command::config::Config),
    /// Print the JSON Schema of job files
    Schema(command::schema::Schema),
    /// Print a shell's completion script
    Completion(command::completion::Completion),
    /// Print the names of jobs that this machine knows
    #[command(hide = true)]
    JobNames(command::completion::JobNames),
    /// Write a manual page for each command
    Man(command::man::Man),
    /// Explain a command, a topic (exit-codes, environment, errors, iam) or an error code
    Help(command::help::Help),
}
