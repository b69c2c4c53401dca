//! Who may come in: the limits that stand before HTTP and before MQTT, ahead of all work.
//!
//! A connection costs a descriptor and memory before it has said a word, so that whoever opens a thousand and
//! says nothing takes them from all others. Therefore:
//!
//! - Whoever says nothing is sent away: no HTTP request within 10 seconds, no MQTT CONNECT within 15. An HTTP
//!   connection that is kept for later goes after 75, and one that stalls in the middle of a request or of its
//!   answer after 60.
//! - The connections are counted, in all and by address ([`Capacity`]). Where there is no room, the one that has been
//!   silent for the longest makes way for the newest, so that a client that speaks is served however many do not.
//!   Only if all are at work is the newest refused.
//! - There are as many places as the system has descriptors for: its soft limit is raised at the start
//!   ([`raise_descriptors`]), and the places are divided so that files and the database keep theirs.
//!
//! Who is closed, makes way or is refused is counted ([`DoorStatus`]), and the log says it, once a minute at most.
//! How often somebody may fail to log in is another matter, of `auth`.

/// Who is in, who is silent, and who makes way: pure.
mod crowd;

/// How many descriptors there are.
mod descriptors;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use utoipa::ToSchema;

use crate::address::Networks;
pub use crowd::Capacity;
pub(crate) use crowd::party_of;
use crowd::{Crowd, Full, Id};
pub(crate) use descriptors::raise as raise_descriptors;

/// The log tells of refused connections at most this often.
const TOLD: Duration = Duration::from_secs(60);

/// How long a connection may say nothing, and how many there may be.
#[derive(Debug, Clone)]
pub struct DoorConfig {
    /// From the connection to the end of the first request's head.
    pub http_first: Duration,
    /// From one answer to the end of the next request's head: longer than proxies keep a connection (60 s).
    pub http_next: Duration,
    /// Without one byte more, of a request's body on its way in or of an answer on its way out.
    pub http_stalled: Duration,
    /// From the connection to the end of CONNECT.
    pub mqtt_connect: Duration,
    /// Places for HTTP; `None` takes as many as there are descriptors for.
    pub http: Option<Capacity>,
    /// Places for MQTT.
    pub mqtt: Option<Capacity>,
}

impl Default for DoorConfig {
    fn default() -> Self {
        Self {
            http_first: Duration::from_secs(10),
            http_next: Duration::from_secs(75),
            http_stalled: Duration::from_secs(60),
            mqtt_connect: Duration::from_secs(15),
            http: None,
            mqtt: None,
        }
    }
}

/// One of the hub's doors. Clones are the same door.
#[derive(Debug, Clone)]
pub struct Door(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    protocol: &'static str,
    /// Their connections are many people's: only the limit in all counts for them.
    proxies: Networks,
    room: Mutex<Room>,
    silent_closed: AtomicU64,
    made_way: AtomicU64,
    refused: AtomicU64,
}

#[derive(Debug)]
struct Room {
    crowd: Crowd,
    exits: HashMap<Id, CancellationToken>,
    told: Option<Instant>,
}

/// Connections at a door since the hub started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct DoorStatus {
    /// Connections that are open now.
    pub open: u64,
    /// Closed because they said nothing for too long.
    pub silent_closed: u64,
    /// Closed, silent, to make room for another.
    pub made_way: u64,
    /// Refused, because all places were taken by connections at work.
    pub refused: u64,
}

/// Both doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct DoorsStatus {
    /// The door of pages and interface.
    pub http: DoorStatus,
    /// The door of the embedded broker; it stays at nought with an external one.
    pub mqtt: DoorStatus,
}

/// Both doors of the hub. Clones are the same doors.
#[derive(Debug, Clone)]
pub struct Doors {
    /// Of pages and interface.
    pub http: Door,
    /// Of the embedded broker.
    pub mqtt: Door,
}

impl Doors {
    /// The counters now.
    #[must_use]
    pub fn read(&self) -> DoorsStatus {
        DoorsStatus { http: self.http.read(), mqtt: self.mqtt.read() }
    }
}

impl Door {
    /// A door with so many places. `proxies` are counted in all, and not by address.
    #[must_use]
    pub(crate) fn new(protocol: &'static str, capacity: Capacity, proxies: Networks) -> Self {
        let room = Room { crowd: Crowd::new(capacity), exits: HashMap::new(), told: None };
        let zero = || AtomicU64::new(0);
        let (silent_closed, made_way, refused) = (zero(), zero(), zero());
        Self(Arc::new(Inner { protocol, proxies, room: Mutex::new(room), silent_closed, made_way, refused }))
    }

    /// Lets a connection in, which is silent until [`Guest::speaks`]; `None` if there is no room.
    pub(crate) fn enter(&self, from: IpAddr) -> Option<Guest> {
        let from = from.to_canonical();
        let party = (!self.0.proxies.contain(from)).then(|| party_of(from));
        let exit = CancellationToken::new();
        let mut room = self.room();
        match room.crowd.enter(party) {
            Ok(entered) => {
                room.exits.insert(entered.id, exit.clone());
                if let Some(gone) = entered.makes_way.and_then(|id| room.exits.remove(&id)) {
                    self.0.made_way.fetch_add(1, Ordering::Relaxed);
                    gone.cancel();
                }
                Some(Guest { door: self.clone(), id: entered.id, exit })
            }
            Err(full) => {
                self.0.refused.fetch_add(1, Ordering::Relaxed);
                self.tell(&mut room, from, full);
                None
            }
        }
    }

    /// The counters now.
    #[must_use]
    pub fn read(&self) -> DoorStatus {
        let open = u64::try_from(self.room().crowd.len()).unwrap_or(u64::MAX);
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (silent_closed, made_way) = (read(&self.0.silent_closed), read(&self.0.made_way));
        DoorStatus { open, silent_closed, made_way, refused: read(&self.0.refused) }
    }

    fn tell(&self, room: &mut Room, from: IpAddr, full: Full) {
        if room.told.is_some_and(|told| told.elapsed() < TOLD) {
            return;
        }
        room.told = Some(Instant::now());
        let (protocol, refused) = (self.0.protocol, self.0.refused.load(Ordering::Relaxed));
        let advice = match full {
            Full::Address => "this address has all the connections it may have; name a proxy with --trusted-proxy",
            Full::All => "there are as many connections as there may be; raise the hard limit of open files",
        };
        tracing::warn!(protocol, address = %from, refused, advice, "connections refused");
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.0.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that was let in; it leaves when this is dropped.
#[derive(Debug)]
pub(crate) struct Guest {
    door: Door,
    id: Id,
    exit: CancellationToken,
}

impl Guest {
    /// It has asked for something, and keeps its place until it [falls silent](Self::falls_silent).
    pub(crate) fn speaks(&self) {
        self.door.room().crowd.speaks(self.id);
    }

    /// It was answered.
    pub(crate) fn falls_silent(&self) {
        self.door.room().crowd.falls_silent(self.id);
    }

    /// Counts that it is closed because it said nothing.
    pub(crate) fn was_silent(&self) {
        self.door.0.silent_closed.fetch_add(1, Ordering::Relaxed);
    }

    /// Completes when it has to make way.
    pub(crate) fn makes_way(&self) -> WaitForCancellationFuture<'_> {
        self.exit.cancelled()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut room = self.door.room();
        room.crowd.leaves(self.id);
        room.exits.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn who_makes_way_hears_of_it_and_is_counted() {
        let door = Door::new("HTTP", Capacity { in_all: 3, by_address: 2 }, Networks::default());
        let here = IpAddr::from(Ipv4Addr::LOCALHOST);
        let oldest = door.enter(here).expect("there is room");
        let second = door.enter(here).expect("there is room");
        let third = door.enter(here).expect("the oldest makes way");
        oldest.makes_way().await;
        drop(oldest);
        assert_eq!(door.read(), DoorStatus { open: 2, silent_closed: 0, made_way: 1, refused: 0 });
        second.speaks();
        third.speaks();
        assert!(door.enter(here).is_none(), "both are at work");
        second.falls_silent();
        let fourth = door.enter(here).expect("the silent one makes way");
        second.makes_way().await;
        assert!(!third.exit.is_cancelled() && !fourth.exit.is_cancelled());
        assert_eq!(door.read(), DoorStatus { open: 2, silent_closed: 0, made_way: 2, refused: 1 });
        drop((second, third, fourth));
        assert_eq!(door.read().open, 0);
    }

    #[test]
    fn a_proxy_is_not_one_client() {
        let proxies = Networks::from(vec!["10.0.0.0/8".parse().expect("a network")]);
        let door = Door::new("HTTP", Capacity { in_all: 5, by_address: 1 }, proxies);
        let enter = |address: &str| {
            let guest = door.enter(address.parse().expect("an address"));
            guest.inspect(Guest::speaks)
        };
        let _guests =
            ["10.1.2.3", "10.1.2.3", "::ffff:10.1.2.3", "192.0.2.1"].map(|from| enter(from).expect("is let in"));
        assert!(enter("192.0.2.1").is_none(), "one connection is all that an address may have here");
    }
}
