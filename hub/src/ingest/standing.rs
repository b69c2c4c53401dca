//! Which of a bin's words about itself is its last: by number, not by arrival. Pure.
//!
//! Brokers deliver the old after the new: our own redelivers backwards after a reconnect, others after half a
//! minute, and a last will comes when its connection has long been followed by another. So each start of a bin (an
//! epoch) has a place here, the latest first.
//!
//! - Within a start, what was said over a later connection is newer; over one connection, what has the higher
//!   number, except that a last will, numbered before the connection was there, is its last word.
//! - A start that another names among those before it is older, whether or not it was heard of. Only if it is
//!   heard of over one new connection after another, it lives on: the card was copied while it ran.
//! - Of two starts that know nothing of each other, the one that came later is taken for the newer: a card was
//!   replaced or restored. When the other then says something new, two programs are alive under one id, and push
//!   each other off the broker: a take-over.
//! - Programs that do not count their connections are ordered by number within a start, but for `offline`: their
//!   last will has a lower number than what it ends, and is taken as it comes.

use serde::{Deserialize, Serialize};

use pilah_models::wire::{FORMER_EPOCHS, Header, Reported, Status, Telemetry};

/// Starts that are kept: the last ones of a bin and of its twins.
const STARTS: usize = 6;

/// A former start that was heard of over so many new connections since it was followed lives on. Fewer can be what
/// a broker kept.
const LIVES_ON: u8 = 3;

/// What is known of a bin's starts, the latest first. As JSON in the database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing(Vec<Start>);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Start {
    epoch: u32,
    #[serde(default)]
    former: Vec<u32>,
    /// Over how many new connections it was heard of since another start named it as former.
    #[serde(default)]
    returns: u8,
    /// The place of the last word of each kind.
    #[serde(default)]
    status: Place,
    #[serde(default)]
    reported: Place,
    #[serde(default)]
    telemetry: Place,
}

/// The place of a word within its start: connection, whether the connection has ended, number.
type Place = (u32, bool, u64);

/// What a bin says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum Said<'a> {
    Status(&'a Status),
    Reported(&'a Reported),
    Telemetry(&'a Telemetry),
}

/// What to do with a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the last one.
    Last,
    /// It is older than what is known.
    Older,
    /// It is the last one, of a start that knows nothing of the one before: the card was replaced or restored.
    Restored,
    /// It is the last one, of a start that another had followed: two programs live under one id.
    TakenOver,
}

impl Said<'_> {
    pub(super) fn header(&self) -> &Header {
        match self {
            Self::Status(status) => &status.header,
            Self::Reported(reported) => &reported.header,
            Self::Telemetry(telemetry) => &telemetry.header,
        }
    }

    fn connection(&self) -> Option<u32> {
        match self {
            Self::Status(status) => status.connection,
            Self::Reported(reported) => reported.connection,
            Self::Telemetry(telemetry) => telemetry.connection,
        }
    }

    fn is_offline(&self) -> bool {
        matches!(self, Self::Status(Status { online: false, .. }))
    }

    fn former(&self) -> &[u32] {
        match self {
            Self::Status(status) => &status.former,
            Self::Reported(_) | Self::Telemetry(_) => &[],
        }
    }
}

impl Standing {
    /// Where a word stands. One that is the last is remembered.
    pub(super) fn handle(&mut self, said: Said<'_>) -> Verdict {
        let epoch = said.header().epoch;
        let known = self.0.iter().position(|start| start.epoch == epoch);
        let mut start = known.map_or_else(|| Start { epoch, ..Start::default() }, |at| self.0[at].clone());
        let connection_before = start.status.0;
        let is_first_status = start.status == Place::default() && matches!(said, Said::Status(_));
        let is_newer = start.takes(said);
        let is_former = self.0.iter().any(|other| other.former.contains(&epoch));
        if is_former && known.is_some() && start.status.0 > connection_before && !said.is_offline() {
            start.returns = start.returns.saturating_add(1);
        }
        let is_over = is_former && start.returns < LIVES_ON;
        // That a start has gone which another has followed changes nothing, but it is not to be heard of again.
        let is_past_end = said.is_offline() && known != Some(0) && !self.0.is_empty() && (is_former || known.is_some());
        if !is_newer || is_over || is_past_end {
            match known {
                Some(at) => self.0[at] = start,
                None => self.0.push(start),
            }
            self.0.truncate(STARTS);
            return Verdict::Older;
        }
        if let Some(at) = known {
            self.0.remove(at);
        }
        let before = self.0.first();
        let is_related = before.is_none_or(|before| start.former.contains(&before.epoch));
        let lived_on = before.is_some_and(|before| before.returns >= LIVES_ON);
        self.0.insert(0, start);
        self.0.truncate(STARTS);
        match known {
            Some(at) if at > 0 && (lived_on || !is_related) => Verdict::TakenOver,
            _ if is_first_status && said.connection().is_some() && !is_related => Verdict::Restored,
            _ => Verdict::Last,
        }
    }

    /// The numbers of this epoch were used twice: they say nothing about which word is the last.
    pub(super) fn forget(&mut self, epoch: u32) {
        self.0.retain(|start| start.epoch != epoch);
    }
}

impl Start {
    /// Whether a word is newer than what is known of this start, or the same again.
    fn takes(&mut self, said: Said<'_>) -> bool {
        if !said.former().is_empty() {
            // One that names itself would never be heard again.
            let before = said.former().iter().copied().filter(|epoch| *epoch != self.epoch);
            self.former = before.take(FORMER_EPOCHS).collect();
        }
        let (offline, seq) = (said.is_offline(), said.header().seq);
        let last = match said {
            Said::Status(_) => &mut self.status,
            Said::Reported(_) => &mut self.reported,
            Said::Telemetry(_) => &mut self.telemetry,
        };
        let place = match said.connection() {
            Some(connection) => (connection, offline, seq),
            None if offline => return true,
            None => (0, false, seq),
        };
        let is_newer = match said {
            // A reading counts once.
            Said::Telemetry(_) => place > *last,
            Said::Status(_) | Said::Reported(_) => place >= *last,
        };
        *last = place.max(*last);
        is_newer
    }
}

#[cfg(test)]
mod tests {
    use pilah_models::wire::CameraState;
    use proptest::prelude::*;

    use super::Verdict::{Last, Older, Restored, TakenOver};
    use super::*;
    use crate::testing::header;

    fn status(epoch: u32, connection: Option<u32>, seq: u64, online: bool, former: &[u32]) -> Status {
        Status {
            header: Header { epoch, ..header("b1", seq) },
            online,
            software: "0".into(),
            model: "m1".parse().expect("valid"),
            camera: CameraState::Streaming,
            connection,
            former: former.to_vec(),
            camera_is: None,
            time_zone: None,
        }
    }

    /// A word of a bin as (epoch, connection, seq, online, former), with what is made of it.
    type Word<'a> = (u32, u32, u64, bool, &'a [u32], Verdict);

    /// Words of one bin, in the order in which they come.
    fn check(words: &[Word<'_>]) {
        let mut standing = Standing::default();
        for (at, (epoch, connection, seq, online, former, expected)) in words.iter().enumerate() {
            let said = status(*epoch, Some(*connection), *seq, *online, former);
            assert_eq!(standing.handle(Said::Status(&said)), *expected, "word {at} of {words:?}");
        }
    }

    #[test]
    fn what_a_broker_redelivers_backwards_changes_nothing() {
        check(&[
            (7, 1, 5, true, &[], Last),
            (7, 1, 4, true, &[], Older),
            (7, 1, 5, true, &[], Last),
            (7, 1, 3, true, &[], Older),
        ]);
    }

    #[test]
    fn a_will_ends_its_own_connection_and_no_later_one() {
        check(&[
            (7, 1, 2, true, &[], Last),
            (7, 1, 1, false, &[], Last),
            (7, 1, 2, true, &[], Older),
            (7, 2, 9, true, &[], Last),
            (7, 1, 1, false, &[], Older),
            (7, 2, 12, true, &[], Last),
            (7, 2, 8, false, &[], Last),
        ]);
        check(&[(7, 1, 2, true, &[7, 6], Last), (7, 1, 3, true, &[7, 6], Last), (6, 1, 2, true, &[], Older)]);
    }

    #[test]
    fn a_start_comes_after_those_that_it_names() {
        check(&[
            (7, 3, 50, true, &[], Last),
            (8, 1, 2, true, &[7], Last),
            (7, 3, 20, false, &[], Older),
            (7, 4, 60, true, &[], Older),
            (9, 1, 2, true, &[8, 7], Last),
            (8, 9, 90, true, &[7], Older),
        ]);
        // The old start, which was never heard of, comes after the new one.
        check(&[(9, 1, 2, true, &[8, 7], Last), (8, 1, 2, true, &[7], Older), (7, 1, 2, false, &[], Older)]);
    }

    #[test]
    fn a_restored_card_is_said_once_and_its_future_self_stays_gone() {
        check(&[
            (30, 1, 2, true, &[29, 28], Last),
            (6, 1, 2, true, &[5, 4], Restored),
            (30, 1, 1, false, &[29, 28], Older),
            (30, 1, 2, true, &[29, 28], Older),
            (6, 2, 8, true, &[5, 4], Last),
            (31, 1, 2, true, &[6, 5, 4], Last),
        ]);
    }

    #[test]
    fn two_programs_under_one_id_take_over_from_each_other() {
        check(&[
            (1, 1, 2, true, &[9], Last),
            (2, 1, 2, true, &[9], Restored),
            (1, 1, 1, false, &[9], Older),
            (1, 2, 8, true, &[9], TakenOver),
            (2, 1, 1, false, &[9], Older),
            (2, 1, 2, true, &[9], Older),
            (2, 2, 6, true, &[9], TakenOver),
            (2, 2, 7, true, &[9], Last),
            (2, 2, 5, false, &[9], Last),
        ]);
    }

    #[test]
    fn a_card_that_was_copied_while_it_ran_lives_on_under_its_old_epoch() {
        check(&[
            (7, 1, 2, true, &[], Last),
            (8, 1, 2, true, &[7], Last),
            (7, 2, 4, true, &[], Older),
            (8, 2, 6, true, &[7], Last),
            (7, 3, 6, true, &[], Older),
            (7, 4, 8, true, &[], TakenOver),
            (8, 3, 9, true, &[7], TakenOver),
            (7, 4, 7, false, &[], Older),
            (7, 5, 12, true, &[], TakenOver),
        ]);
    }

    #[test]
    fn programs_that_do_not_count_connections_go_by_number_and_end_as_it_comes() {
        let mut standing = Standing::default();
        let mut say = |epoch, seq, online| standing.handle(Said::Status(&status(epoch, None, seq, online, &[])));
        for (epoch, seq, online, expected) in
            [(7, 5, true, Last), (7, 4, true, Older), (7, 2, false, Last), (7, 6, true, Last), (3, 1, true, Last)]
        {
            assert_eq!(say(epoch, seq, online), expected, "{epoch}/{seq}");
        }
        standing.forget(3);
        assert_eq!(standing.handle(Said::Status(&status(3, None, 0, true, &[]))), Last);
    }

    proptest! {
        /// However the words of a bin that starts and connects again and again are mixed up and repeated, what is
        /// taken last is the last that was said.
        #[test]
        fn the_last_word_wins_in_any_order(
            lives in prop::collection::vec(prop::collection::vec(1..4_u64, 1..4), 1..5),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let mut words = Vec::new();
            let mut former: Vec<u32> = Vec::new();
            for (life, connections) in (1..).zip(&lives) {
                let mut seq = 0;
                for (connection, count) in (1..).zip(connections) {
                    let will = seq + 1;
                    for number in 1..=*count {
                        words.push(status(life * 10, Some(connection), will + number, true, &former));
                    }
                    words.push(status(life * 10, Some(connection), will, false, &former));
                    seq = will + count;
                }
                former.insert(0, life * 10);
            }
            let mut standing = Standing::default();
            let mut last = None;
            let mixed = order.iter().map(|index| index.get(&words));
            for word in mixed.chain(words.iter().rev()) {
                if standing.handle(Said::Status(word)) != Older {
                    last = Some(word);
                }
            }
            prop_assert_eq!(last, words.last());
        }
    }
}
