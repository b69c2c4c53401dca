//! Which of the hub's words is its last: by number, since a broker may deliver the old after the new.

use crate::outbox::Key;

/// Starts of the hub that are remembered.
const STARTS: usize = 8;

/// The last word of the hub that was heard, of one kind.
#[derive(Debug, Default)]
pub(super) struct Heard {
    last: Option<Key>,
    /// Epochs of the hub before that of `last`.
    before: Vec<u32>,
}

impl Heard {
    /// Whether this word is the hub's last so far, or that again. Each start of the hub is an epoch of its own: one
    /// that was not heard before comes after those that were.
    pub(super) fn is_last(&mut self, said: Key) -> bool {
        match self.last {
            Some(last) if said.epoch == last.epoch && said.seq < last.seq => return false,
            Some(last) if said.epoch != last.epoch => {
                if self.before.contains(&said.epoch) {
                    return false;
                }
                self.before.insert(0, last.epoch);
                self.before.truncate(STARTS);
            }
            _ => {}
        }
        self.last = Some(said);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_word_is_not_the_last_however_late_it_comes() {
        let mut heard = Heard::default();
        let words = [(7, 5), (7, 5), (7, 3), (7, 6), (4, 1), (7, 9), (4, 2), (4, 1), (9, 1), (4, 3), (7, 10)];
        let last: Vec<bool> = words.map(|(epoch, seq)| heard.is_last(Key { epoch, seq })).into();
        assert_eq!(last, [true, true, false, true, true, false, true, false, true, false, false]);
    }
}
