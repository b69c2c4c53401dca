//! Who is in, who is silent, and who makes way. Pure: it knows numbers, no sockets.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// In all.
    pub in_all: usize,
    /// From one address, or for IPv6 from one network of 64 bits, of which a single household has one.
    pub by_address: usize,
}

/// A connection, by the order of entering.
pub(super) type Id = u64;

/// Whose connections are counted together: an address, or the first 64 bits of one of IPv6.
pub(crate) fn party_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

/// There is no room, and nobody who is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// For this address.
    Address,
    /// For anybody.
    All,
}

/// A connection that was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entered {
    pub(super) id: Id,
    /// The connection that is out now, for its sake.
    pub(super) makes_way: Option<Id>,
}

/// All connections of a door.
#[derive(Debug)]
pub(super) struct Crowd {
    capacity: Capacity,
    guests: HashMap<Id, Place>,
    parties: HashMap<IpAddr, Party>,
    /// Who is silent, the longest first: since which moment, and who.
    silent: BTreeMap<Moment, Id>,
    moment: Moment,
}

/// Counts what happens: order is all that matters.
type Moment = u64;

#[derive(Debug)]
struct Place {
    party: Option<IpAddr>,
    silent_since: Option<Moment>,
}

#[derive(Debug, Default)]
struct Party {
    count: usize,
    silent: BTreeSet<Moment>,
}

impl Crowd {
    pub(super) fn new(capacity: Capacity) -> Self {
        let (guests, parties) = (HashMap::new(), HashMap::new());
        Self { capacity, guests, parties, silent: BTreeMap::new(), moment: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.guests.len()
    }

    /// Lets one in, silent at first; without a party, only the limit in all counts.
    pub(super) fn enter(&mut self, party: Option<IpAddr>) -> Result<Entered, Full> {
        let own = party.and_then(|party| self.parties.get(&party));
        let makes_way = if let Some(own) = own.filter(|own| own.count >= self.capacity.by_address) {
            let longest = own.silent.first().ok_or(Full::Address)?;
            self.silent.get(longest).copied()
        } else if self.guests.len() >= self.capacity.in_all {
            Some(*self.silent.values().next().ok_or(Full::All)?)
        } else {
            None
        };
        if let Some(id) = makes_way {
            self.leaves(id);
        }
        let id = self.next_moment();
        self.guests.insert(id, Place { party, silent_since: None });
        if let Some(party) = party {
            self.parties.entry(party).or_default().count += 1;
        }
        self.falls_silent(id);
        Ok(Entered { id, makes_way })
    }

    /// From now on it keeps its place.
    pub(super) fn speaks(&mut self, id: Id) {
        let Some(place) = self.guests.get_mut(&id) else { return };
        let Some(since) = place.silent_since.take() else { return };
        self.silent.remove(&since);
        if let Some(party) = place.party.and_then(|party| self.parties.get_mut(&party)) {
            party.silent.remove(&since);
        }
    }

    /// From now on it may have to make way.
    pub(super) fn falls_silent(&mut self, id: Id) {
        let since = self.next_moment();
        let Some(place) = self.guests.get_mut(&id).filter(|place| place.silent_since.is_none()) else { return };
        place.silent_since = Some(since);
        self.silent.insert(since, id);
        if let Some(party) = place.party.and_then(|party| self.parties.get_mut(&party)) {
            party.silent.insert(since);
        }
    }

    /// It is out; twice is as good as once.
    pub(super) fn leaves(&mut self, id: Id) {
        self.speaks(id);
        let Some(place) = self.guests.remove(&id) else { return };
        let Some(address) = place.party else { return };
        if let Some(party) = self.parties.get_mut(&address) {
            party.count -= 1;
            if party.count == 0 {
                self.parties.remove(&address);
            }
        }
    }

    fn next_moment(&mut self) -> Moment {
        self.moment += 1;
        self.moment
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(n: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, n]))
    }

    #[test]
    fn the_longest_silent_one_makes_way() {
        let mut crowd = Crowd::new(Capacity { in_all: 4, by_address: 3 });
        let [a, b, c] = [1, 1, 1].map(|n| crowd.enter(address(n)).expect("there is room").id);
        crowd.speaks(a);
        let next = crowd.enter(address(1)).expect("b makes way");
        assert_eq!(next.makes_way, Some(b));
        crowd.falls_silent(a);
        assert_eq!(crowd.enter(address(1)).expect("c has been silent for longer than a").makes_way, Some(c));
        let other = crowd.enter(address(2)).expect("there is room for another address");
        assert_eq!(other.makes_way, None);
        assert_eq!(crowd.enter(address(3)).expect("the limit in all").makes_way, Some(next.id));
        assert_eq!(crowd.len(), 4);
    }

    #[test]
    fn who_is_at_work_stays() {
        let mut crowd = Crowd::new(Capacity { in_all: 2, by_address: 1 });
        let first = crowd.enter(address(1)).expect("there is room").id;
        crowd.speaks(first);
        assert_eq!(crowd.enter(address(1)), Err(Full::Address));
        let second = crowd.enter(address(2)).expect("there is room").id;
        crowd.speaks(second);
        assert_eq!(crowd.enter(address(3)), Err(Full::All));
        assert_eq!(crowd.enter(None), Err(Full::All));
        crowd.leaves(first);
        crowd.leaves(first);
        assert!(crowd.enter(address(1)).is_ok());
    }

    #[test]
    fn a_household_is_one_party() {
        let cases = [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::1", "::"),
        ];
        for (address, party) in cases {
            assert_eq!(party_of(address.parse().expect("one")), party.parse::<IpAddr>().expect("one"), "{address}");
        }
    }

    proptest! {
        /// Whatever happens, no limit is passed, nobody who speaks is sent away, and the counts are right.
        #[test]
        fn limits_hold(steps in prop::collection::vec((0_u8..4, 0_u8..5, any::<prop::sample::Index>()), 0..200)) {
            let capacity = Capacity { in_all: 7, by_address: 3 };
            let mut crowd = Crowd::new(capacity);
            let mut inside: Vec<(Id, Option<IpAddr>, bool)> = Vec::new();
            for (step, from, which) in steps {
                if step == 0 {
                    let party = address(from).filter(|_| from > 0);
                    if let Ok(entered) = crowd.enter(party) {
                        if let Some(gone) = entered.makes_way {
                            let at = inside.iter().position(|(id, ..)| *id == gone).expect("it was inside");
                            prop_assert!(!inside.remove(at).2, "it spoke");
                        }
                        inside.push((entered.id, party, false));
                    } else {
                        let of_party = |party| inside.iter().filter(|(_, other, _)| *other == party).count();
                        let at_work = |all: bool| inside.iter().filter(|(_, other, _)| all || *other == party).all(|(.., speaks)| *speaks);
                        let own = party.is_some() && of_party(party) == capacity.by_address;
                        prop_assert!(own && at_work(false) || inside.len() == capacity.in_all && at_work(true));
                    }
                } else if !inside.is_empty() {
                    let at = which.index(inside.len());
                    match step {
                        1 => { crowd.speaks(inside[at].0); inside[at].2 = true; }
                        2 => { crowd.falls_silent(inside[at].0); inside[at].2 = false; }
                        _ => crowd.leaves(inside.remove(at).0),
                    }
                }
                prop_assert_eq!(crowd.len(), inside.len());
                prop_assert!(crowd.len() <= capacity.in_all);
                prop_assert_eq!(crowd.silent.len(), inside.iter().filter(|(.., speaks)| !speaks).count());
                for (address, party) in &crowd.parties {
                    prop_assert!(party.count <= capacity.by_address);
                    prop_assert_eq!(party.count, inside.iter().filter(|(_, other, _)| *other == Some(*address)).count());
                }
            }
        }
    }
}
