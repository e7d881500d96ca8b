//! How the events of a followed job are told.

use contract::job::SecondaryStatusTransition;

use crate::style::{FAINT, STRONG, paint};
use crate::units;

/// `10:05:40 Training     Training in-progress`.
pub(crate) fn status_line(it: &SecondaryStatusTransition) -> String {
    let time = paint(FAINT, units::time_of_day(it.start_time));
    let message = it.status_message.as_deref().unwrap_or_default();
    let line = format!(
        "{time} {} {message}",
        paint(STRONG, format_args!("{:<12}", it.status.to_string()))
    );
    line.trim_end().to_owned()
}
