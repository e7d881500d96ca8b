//! After Ctrl-C: on AWS the job runs on; a job in this process cannot, so it is stopped.

use contract::job::JobName;

use crate::error::CliError;
use crate::follow::{self, Ended, Wish};
use crate::output::Printer;
use crate::session::Session;
use crate::signals::Signals;
use crate::style::{COMMAND, paint};

/// Says the way back to a job that runs on, or stops one that cannot; a second signal ends the waiting.
///
/// # Errors
/// If the job cannot be stopped or looked at.
pub async fn let_go(
    name: &JobName,
    session: &Session,
    printer: &mut Printer,
    signals: &mut Signals,
) -> Result<(), CliError> {
    let flag = session.flag();
    if !session.owns_server() {
        printer.say("Detached. The job keeps running.");
        printer.say(&format!(
            "  come back  {}",
            paint(COMMAND, format_args!("linden logs -f {name}{flag}"))
        ));
        printer.say(&format!(
            "  stop it    {}",
            paint(COMMAND, format_args!("linden stop {name}{flag}"))
        ));
        return Ok(());
    }
    printer.say(
        "Stopping the job, since its SageMaker lives in this command. Once more ends it at once.",
    );
    session.jobs().stop(name).await?;
    let wish = Wish::default();
    let mut quiet = |_| {};
    tokio::select! {
        ended = follow::until_ended(session.follow(), name, &session.pace, &wish, &mut quiet) => {
            let (Ended::Terminal(job) | Ended::TimedOut(job)) = ended?;
            printer.say(&format!("{name} {}", crate::style::status(&job.training_job_status.to_string())));
        }
        _ = signals.next() => {}
    }
    Ok(())
}
