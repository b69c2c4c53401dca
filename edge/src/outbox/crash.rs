//! The outbox on a disk that fails in every way.

use proptest::prelude::*;

use super::disk::fake::{Draws, FakeDisk};
use super::*;

/// Segments of a few records, so that they are sealed, deleted and copied all the time.
const RULES: OutboxRules = OutboxRules { max_bytes: 1 << 20, segment_bytes: 600 };

fn body(key: Key, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (key.seq as usize * 31 + key.epoch as usize + i) as u8).collect()
}

/// What a user of the outbox knows, and what the outbox owes them.
#[derive(Default)]
struct Ledger {
    /// Everything that was ever added.
    added: BTreeMap<Key, Vec<Vec<u8>>>,
    /// What a sync returned for, and nobody has acknowledged.
    promised: BTreeSet<Key>,
    /// Bits that were flipped.
    flips: usize,
    /// Promised entries that were not found again. One whose mark of being done was flipped away may be
    /// found, and lost later.
    lost: usize,
    /// Whether a disk ever claimed what was not so: then numbers may be given out again.
    lied: bool,
}

struct Site {
    disk: FakeDisk,
    outbox: Outbox,
    ledger: Ledger,
}

impl Site {
    fn new() -> Self {
        let disk = FakeDisk::default();
        Self { outbox: open(&disk), disk, ledger: Ledger::default() }
    }

    fn waiting(&self) -> BTreeSet<Key> {
        self.outbox.in_order().map(|(key, _)| key).collect()
    }

    fn add(&mut self, kind: Kind, bytes: usize) {
        let key = self.outbox.next_key();
        let body = body(key, bytes);
        let bodies = self.ledger.added.entry(key).or_default();
        bodies.push(body.clone());
        self.ledger.lied |= self.disk.has_lied();
        assert!(bodies.len() == 1 || self.ledger.lied, "{key:?} was given out twice");
        self.outbox.append(key, kind, (bytes % 4) as u8, body);
        let synced = self.outbox.sync();
        self.outbox.handle_sent(key);
        if synced.is_ok() && !self.disk.is_dead() {
            self.ledger.promised = self.waiting();
        }
    }

    fn acknowledge(&mut self, which: usize) {
        let waiting = self.waiting();
        if let Some(key) = waiting.iter().nth(which % waiting.len().max(1)) {
            assert_eq!(self.outbox.acknowledge(*key), Acknowledged::Taken);
            self.ledger.promised.remove(key);
        }
    }

    /// Opens what is left, and compares it with what is owed.
    fn recover(&mut self, left: FakeDisk) {
        let lied = self.disk.has_lied();
        self.ledger.lied |= lied;
        self.outbox = open(&left);
        if left.is_dead() {
            return self.recover(left.after_power_cut(Draws(0)));
        }
        self.disk = left;
        let waiting = self.waiting();
        let mut there = BTreeSet::new();
        for key in waiting {
            if let Some(found) = self.outbox.body(key) {
                let added = self.ledger.added.get(&key);
                assert!(added.is_some_and(|bodies| bodies.contains(&found)), "{key:?} is not what it was");
                there.insert(key);
            }
        }
        if !lied {
            self.ledger.lost += self.ledger.promised.difference(&there).count();
        }
        let Ledger { lost, flips, .. } = self.ledger;
        assert!(lost <= flips, "{lost} lost, {flips} bits flipped");
        self.ledger.promised.retain(|key| there.contains(key));
    }
}

fn open(disk: &FakeDisk) -> Outbox {
    Outbox::on(Arc::new(disk.clone()), RULES).expect("recovery needs no hand")
}

/// Everything that an outbox does: fills segments, seals, deletes and copies them, and is opened again.
fn a_life(site: &mut Site) {
    for round in 0..20 {
        site.add(if round % 3 == 0 { Kind::Sample } else { Kind::Event }, 60 + round * 7);
        if round % 2 == 1 {
            site.acknowledge(round * 5);
        }
        if round == 6 && !site.disk.is_dead() {
            // A clean stop, and a start.
            let outbox = std::mem::replace(&mut site.outbox, Outbox::in_memory(RULES));
            outbox.close().ok();
            if !site.disk.is_dead() {
                site.outbox = open(&site.disk);
            }
        }
        if site.disk.is_dead() {
            return;
        }
    }
}

#[test]
fn the_power_goes_at_every_operation_and_every_byte() {
    let mut whole = Site::new();
    a_life(&mut whole);
    let operations = whole.disk.operations();
    assert!(operations > 70, "{operations} operations");
    let mut cuts = 0;
    for lasts in 0..operations {
        // How much of the write comes through in which it goes, and then of all that was not synced.
        let mut partly = 0;
        loop {
            let mut site = Site::new();
            site.disk.trouble(|trouble| (trouble.power_lasts, trouble.partly) = (Some(lasts), partly));
            a_life(&mut site);
            assert!(site.disk.is_dead());
            let left = site.disk.cut_at(partly);
            let unsynced = site.disk.unsynced();
            site.recover(left);
            site.add(Kind::Event, 50);
            site.recover(site.disk.cut_at(0));
            cuts += 1;
            if partly >= unsynced {
                break;
            }
            partly += 1;
        }
    }
    assert!(cuts > 1000, "{cuts} cuts");
}

#[derive(Debug, Clone)]
enum Step {
    Add {
        sample: bool,
        bytes: usize,
    },
    Acknowledge(usize),
    /// A clean stop, and a start.
    Restart,
    /// The program is killed, and started again.
    Kill,
    /// The power goes, and comes back.
    PowerCut(u64),
    /// The power goes in one of the next operations.
    PowerCutSoon {
        lasts: u64,
        partly: usize,
    },
    Full(bool, usize),
    ReadOnly(bool),
    SyncsFail(u32),
    SyncsLie(u32),
    Flip(u64),
}

fn step(lies: bool) -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (any::<bool>(), 1_usize..200).prop_map(|(sample, bytes)| Step::Add { sample, bytes }),
        9 => any::<usize>().prop_map(Step::Acknowledge),
        1 => Just(Step::Restart),
        1 => Just(Step::Kill),
        2 => any::<u64>().prop_map(Step::PowerCut),
        2 => (0_u64..12, 0_usize..250).prop_map(|(lasts, partly)| Step::PowerCutSoon { lasts, partly }),
        1 => (any::<bool>(), 0_usize..250).prop_map(|(full, partly)| Step::Full(full, partly)),
        1 => any::<bool>().prop_map(Step::ReadOnly),
        1 => (1_u32..4).prop_map(Step::SyncsFail),
        1 => (if lies { 1_u32..4 } else { 0..1 }).prop_map(Step::SyncsLie),
        1 => any::<u64>().prop_map(Step::Flip),
    ]
}

fn live_through(steps: Vec<Step>, seed: u64) {
    let mut site = Site::new();
    for step in steps {
        match step {
            Step::Add { sample, bytes } => site.add(if sample { Kind::Sample } else { Kind::Event }, bytes),
            Step::Acknowledge(which) => site.acknowledge(which),
            Step::Restart => {
                let outbox = std::mem::replace(&mut site.outbox, Outbox::in_memory(RULES));
                if outbox.close().is_err() {
                    // What was in memory alone is gone, as the error said.
                }
                if !site.disk.is_dead() {
                    site.recover(site.disk.clone());
                }
            }
            Step::Kill => site.recover(site.disk.clone()),
            Step::PowerCut(seed) => site.recover(site.disk.after_power_cut(Draws(seed))),
            Step::PowerCutSoon { lasts, partly } => {
                site.disk.trouble(|t| (t.power_lasts, t.partly) = (Some(lasts), partly));
            }
            Step::Full(is_full, partly) => site.disk.trouble(|t| (t.is_full, t.partly) = (is_full, partly)),
            Step::ReadOnly(is_so) => site.disk.trouble(|t| t.is_read_only = is_so),
            Step::SyncsFail(times) => site.disk.trouble(|t| t.syncs_fail = times),
            Step::SyncsLie(times) => site.disk.trouble(|t| t.syncs_lie = times),
            Step::Flip(seed) => {
                site.disk.flip(&mut Draws(seed));
                site.ledger.flips += 1;
            }
        }
        if site.disk.is_dead() {
            site.recover(site.disk.after_power_cut(Draws(seed)));
        }
    }
    site.disk.trouble(|trouble| *trouble = Default::default());
    site.add(Kind::Event, 50);
    site.add(Kind::Event, 50);
    let last = *site.waiting().last().expect("two");
    assert!(site.ledger.promised.contains(&last), "a disk that works again is used again");
    site.recover(site.disk.after_power_cut(Draws(seed)));
    while !site.outbox.is_empty() {
        site.acknowledge(0);
    }
    assert!(site.disk.bytes() < 1024, "{} bytes of what is done with stay", site.disk.bytes());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Nothing that was promised is lost, nothing is found as something else, no number is given out
    /// twice, and no damage costs more than the entry that it hits.
    #[test]
    fn a_disk_that_fails_in_every_way_loses_nothing(
        steps in prop::collection::vec(step(false), 1..120), seed: u64,
    ) {
        live_through(steps, seed);
    }

    /// A disk that lies may lose what it claimed to have. It stops nothing.
    #[test]
    fn a_disk_that_lies_stops_nothing(steps in prop::collection::vec(step(true), 1..120), seed: u64) {
        live_through(steps, seed);
    }
}
