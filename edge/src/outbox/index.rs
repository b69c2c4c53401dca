//! What waits in the outbox, in which order it is sent, and what is dropped when it is full. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Key, Kind};

/// An entry that waits for the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting<P> {
    pub(super) key: Key,
    pub(super) kind: Kind,
    /// How much it is worth when there is no room, from 0. Of samples only.
    pub(super) worth: u8,
    pub(super) bytes: u32,
    /// Whether it may have left this bin: only then can it be acknowledged.
    pub(super) sent: bool,
    /// Where its body is.
    pub(super) place: P,
}

/// All entries that wait, by age.
#[derive(Debug)]
pub(super) struct Index<P> {
    entries: BTreeMap<u64, Waiting<P>>,
    by_key: HashMap<Key, u64>,
    events: BTreeSet<u64>,
    /// By worth, then by age: the first is the first to go.
    samples: BTreeSet<(u8, u64)>,
    next_age: u64,
    bytes: u64,
}

impl<P> Default for Index<P> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            by_key: HashMap::new(),
            events: BTreeSet::new(),
            samples: BTreeSet::new(),
            next_age: 0,
            bytes: 0,
        }
    }
}

impl<P> Index<P> {
    /// Adds an entry as the newest. One with the same key is replaced and returned.
    pub(super) fn insert(&mut self, entry: Waiting<P>) -> Option<Waiting<P>> {
        let replaced = self.remove(entry.key);
        let age = self.next_age;
        self.next_age += 1;
        match entry.kind {
            Kind::Event => self.events.insert(age),
            Kind::Sample => self.samples.insert((entry.worth, age)),
        };
        self.bytes += u64::from(entry.bytes);
        self.by_key.insert(entry.key, age);
        self.entries.insert(age, entry);
        replaced
    }

    /// Takes an entry out.
    pub(super) fn remove(&mut self, key: Key) -> Option<Waiting<P>> {
        let age = self.by_key.remove(&key)?;
        let entry = self.entries.remove(&age)?;
        match entry.kind {
            Kind::Event => self.events.remove(&age),
            Kind::Sample => self.samples.remove(&(entry.worth, age)),
        };
        self.bytes -= u64::from(entry.bytes);
        Some(entry)
    }

    pub(super) fn get(&self, key: Key) -> Option<&Waiting<P>> {
        self.entries.get(self.by_key.get(&key)?)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Waiting<P>> {
        self.entries.get_mut(self.by_key.get(&key)?)
    }

    /// What must go first: of the samples that of the least worth, of those the oldest; of the
    /// events, once there is no sample, the oldest.
    pub(super) fn victim(&self) -> Option<Key> {
        self.victims().next().map(|entry| entry.key)
    }

    /// All entries in the order in which they would go.
    pub(super) fn victims(&self) -> impl Iterator<Item = &Waiting<P>> {
        let ages = self.samples.iter().map(|(_, age)| age).chain(&self.events);
        ages.filter_map(|age| self.entries.get(age))
    }

    /// Everything in the order in which it is sent: events before samples, each from the oldest.
    pub(super) fn in_order(&self) -> impl Iterator<Item = &Waiting<P>> {
        let of = |kind| self.entries.values().filter(move |entry| entry.kind == kind);
        let events = self.events.iter().filter_map(|age| self.entries.get(age));
        events.chain(of(Kind::Sample))
    }

    /// Everything from the oldest.
    pub(super) fn by_age(&self) -> impl Iterator<Item = &Waiting<P>> {
        self.entries.values()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The bytes of all entries together.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64, kind: Kind, worth: u8) -> Waiting<()> {
        Waiting { key: Key { epoch: 1, seq }, kind, worth, bytes: 10, sent: true, place: () }
    }

    #[test]
    fn samples_go_before_events_the_least_worth_and_oldest_first() {
        let mut index = Index::default();
        for (seq, kind, worth) in [
            (1, Kind::Event, 0),
            (2, Kind::Sample, 8),
            (3, Kind::Sample, 2),
            (4, Kind::Event, 0),
            (5, Kind::Sample, 2),
            (6, Kind::Sample, 0),
        ] {
            index.insert(entry(seq, kind, worth));
        }
        assert_eq!(index.in_order().map(|e| e.key.seq).collect::<Vec<_>>(), [1, 4, 2, 3, 5, 6]);
        let mut dropped = Vec::new();
        while let Some(victim) = index.victim() {
            index.remove(victim).expect("it was there");
            dropped.push(victim.seq);
        }
        assert_eq!(dropped, [6, 3, 5, 2, 1, 4]);
        assert_eq!((index.len(), index.bytes()), (0, 0));
    }

    #[test]
    fn a_key_is_there_once() {
        let mut index = Index::default();
        index.insert(entry(1, Kind::Sample, 3));
        assert!(index.insert(entry(1, Kind::Event, 0)).is_some());
        assert_eq!((index.len(), index.bytes()), (1, 10));
        assert_eq!(index.get(Key { epoch: 1, seq: 1 }).map(|e| e.kind), Some(Kind::Event));
    }
}
