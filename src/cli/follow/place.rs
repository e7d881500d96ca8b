//! How far a stream was read: by CloudWatch's token, and by time where the token is lost.
//!
//! A token lives for a day. A stream that says nothing for so long is found again from its beginning, and what was told
//! before is passed over: events of a stream come in the order of their times. Source: CloudWatch Logs API,
//! `GetLogEvents`.

/// How far a stream was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Where the next page begins; `None` is the stream's beginning.
    pub(super) token: Option<String>,
    /// The last event's time, and how many events had that time.
    last: Option<(i64, u64)>,
    /// Whether the stream's end of then was seen, so that a look at it is one page.
    pub(super) is_caught_up: bool,
    /// Looks in a row that brought something and left the next page for later.
    pub(super) n_moved: u32,
    /// What is to be passed over after a lost token, and how many events of its time were seen again.
    told: Option<(i64, u64)>,
}

impl Place {
    /// Forgets the token: the next page is the first one, without what was told.
    pub(super) fn lose_token(&mut self) {
        self.token = None;
        self.is_caught_up = false;
        self.told = self.told.max(self.last.take());
    }

    /// The time of the last event that was read.
    pub(super) fn read_to(&self) -> Option<i64> {
        self.last.map(|it| it.0)
    }

    /// Takes note of an event of that time, and says whether it is new.
    pub(super) fn is_new(&mut self, timestamp_ms: i64) -> bool {
        self.last = match self.last {
            Some((last, n)) if last == timestamp_ms => Some((last, n + 1)),
            _ => Some((timestamp_ms, 1)),
        };
        match (self.told, self.last) {
            (Some((told, _)), _) if timestamp_ms < told => false,
            (Some((told, n)), Some((_, seen))) if timestamp_ms == told => n < seen,
            _ => {
                self.told = None;
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_before_a_lost_token_is_passed_over_and_nothing_else() {
        let mut place = Place::default();
        let told = [10, 20, 20];
        assert!(told.iter().all(|it| place.is_new(*it)));
        place.lose_token();
        let again: Vec<bool> = [10, 20, 20, 20, 20, 30]
            .iter()
            .map(|it| place.is_new(*it))
            .collect();
        assert_eq!(again, [false, false, false, true, true, true]);
        // The clock of a host may go back; after that nothing is lost.
        assert!(place.is_new(5));
    }
}
