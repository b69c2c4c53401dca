//! An entry takes another body under its number: a picture that was made smaller.
//!
//! As everywhere, what is new is on disk before what is old is done with. If the power goes between the two, both are
//! found, and the later one counts.

use super::index::Waiting;
use super::segment;
use super::{Key, Outbox, Place};

impl Outbox {
    /// Gives an entry another body. It keeps the one it has, and `false` is returned, if the disk does not take the
    /// other, or if there is no such entry.
    pub fn exchange(&mut self, key: Key, body: Vec<u8>) -> bool {
        let Some(earlier) = self.index.get(key).cloned() else { return false };
        let Waiting { kind, worth, sent, .. } = earlier;
        let bytes = segment::record_bytes(&body);
        let place = if self.folder.is_some() {
            let taken_back = self.taken_back;
            match self.write(&segment::record(key, kind, worth, &body)) {
                Ok(place) => {
                    self.sync_head();
                    if self.taken_back != taken_back {
                        return false;
                    }
                    Some(place)
                }
                Err(problem) => {
                    self.note(problem);
                    return false;
                }
            }
        } else {
            None
        };
        self.take(key);
        self.delete_done_segments();
        self.index.insert(Waiting { key, kind, worth, bytes, sent, place: Place::Memory(Vec::new()) });
        match place {
            Some(place) => self.place(key, place),
            None => self.keep_in_memory(key, body),
        }
        self.compact();
        true
    }

    /// The bytes of an entry's body, if it waits.
    #[must_use]
    pub fn body_bytes(&self, key: Key) -> Option<usize> {
        self.index.get(key).map(|entry| (entry.bytes - segment::record_bytes(&[])) as usize)
    }
}

#[cfg(test)]
mod tests {
    use crate::outbox::{Acknowledged, Kind, OutboxRules};

    use super::*;

    const RULES: OutboxRules = OutboxRules { max_bytes: 1 << 20, segment_bytes: 2000 };

    #[test]
    fn the_smaller_body_is_found_again_under_the_same_number_and_the_larger_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for opened_between in [false, true] {
            let mut outbox = Outbox::open(folder.path(), RULES).expect("opens");
            let keys: Vec<_> = (0..10).map(|_| outbox.next_key()).collect();
            for key in &keys {
                outbox.append(*key, Kind::Sample, 3, vec![1; 900]);
            }
            outbox.sync().expect("synced");
            let before = outbox.state();
            assert!(outbox.exchange(keys[4], vec![2; 100]));
            assert_eq!(outbox.body_bytes(keys[4]), Some(100));
            let after = outbox.state();
            assert_eq!((after.entries, after.bytes), (before.entries, before.bytes - 800));
            if opened_between {
                drop(outbox);
                outbox = Outbox::open(folder.path(), RULES).expect("opens again");
            }
            assert_eq!(outbox.body(keys[4]), Some(vec![2; 100]));
            assert_eq!(outbox.body(keys[5]), Some(vec![1; 900]));
            for key in keys {
                outbox.handle_sent(key);
                assert_eq!(outbox.acknowledge(key), Acknowledged::Taken);
            }
            assert!(outbox.is_empty() && !outbox.exchange(key_of_nobody(), vec![3; 10]));
            outbox.close().expect("closes");
        }
    }

    #[test]
    fn without_a_disk_it_is_replaced_in_memory() {
        let mut outbox = Outbox::in_memory(RULES);
        let key = outbox.next_key();
        outbox.append(key, Kind::Sample, 3, vec![1; 900]);
        assert!(outbox.exchange(key, vec![2; 100]));
        assert_eq!((outbox.body(key), outbox.state().entries), (Some(vec![2; 100]), 1));
    }

    fn key_of_nobody() -> Key {
        Key { epoch: 9, seq: 9 }
    }
}
