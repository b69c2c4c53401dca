//! How many descriptors there are, and how they are divided.

use super::Capacity;

/// No more are asked for: some systems promise a thousand million, and make tables of that size.
#[cfg(unix)]
const ENOUGH: u64 = 65_536;

/// What a system has of which nothing is known: the usual soft limit.
const UNKNOWN: u64 = 1024;

/// For files, the database and what the hub itself connects to.
const KEPT: u64 = 256;

/// The most connections of pages and programs: each costs up to some 100 KB while it asks for something.
const MOST_HTTP: u64 = 4096;

/// The most connections of bins: each costs some 100 KB.
const MOST_MQTT: u64 = 10_000;

/// A connection to the embedded broker is one from the bin and one to the broker, with two ends.
const MQTT_DESCRIPTORS: u64 = 3;

/// Raises the soft limit of this process as far as it may be, and gives what it is then.
#[cfg(unix)]
pub(crate) fn raise() -> u64 {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return UNKNOWN };
    let wanted = hard.min(ENOUGH);
    if soft >= wanted {
        return soft;
    }
    match setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::warn!(%error, soft, hard, "the limit of open files cannot be raised");
            soft
        }
    }
}

/// There is no such limit to raise.
#[cfg(not(unix))]
pub(crate) fn raise() -> u64 {
    MOST_HTTP + MQTT_DESCRIPTORS * MOST_MQTT + KEPT + UNKNOWN
}

impl Capacity {
    /// Places for HTTP, of so many descriptors: a quarter of what is not kept. One address has a quarter of
    /// the places.
    pub(crate) fn http(descriptors: u64) -> Self {
        let in_all = places(descriptors.saturating_sub(KEPT) / 4, MOST_HTTP);
        Self { in_all, by_address: in_all.div_ceil(4) }
    }

    /// Places for MQTT: the other three quarters. One address has half of the places, because all bins of a site
    /// may be behind one.
    pub(crate) fn mqtt(descriptors: u64) -> Self {
        let in_all = places(descriptors.saturating_sub(KEPT) / 4 * 3 / MQTT_DESCRIPTORS, MOST_MQTT);
        Self { in_all, by_address: in_all.div_ceil(2) }
    }
}

/// However little there is, some are let in.
fn places(places: u64, most: u64) -> usize {
    usize::try_from(places.clamp(16, most)).expect("a few thousand")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_fit_into_the_descriptors() {
        for descriptors in [0, 256, 1024, 4096, 10_240, 65_536, u64::MAX] {
            let (http, mqtt) = (Capacity::http(descriptors), Capacity::mqtt(descriptors));
            let used = http.in_all as u64 + MQTT_DESCRIPTORS * mqtt.in_all as u64;
            assert!(used + KEPT <= descriptors.max(KEPT + 64), "{descriptors}: {http:?} {mqtt:?}");
        }
        assert_eq!(Capacity::http(1024), Capacity { in_all: 192, by_address: 48 });
        assert_eq!(Capacity::mqtt(1024), Capacity { in_all: 192, by_address: 96 });
        assert_eq!(Capacity::http(65_536), Capacity { in_all: 4096, by_address: 1024 });
        assert_eq!(Capacity::mqtt(65_536), Capacity { in_all: 10_000, by_address: 5000 });
    }

    #[cfg(unix)]
    #[test]
    fn the_soft_limit_is_the_hard_one_afterwards() {
        use nix::sys::resource::{Resource, getrlimit};
        let raised = raise();
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("there is one");
        assert_eq!(raised, soft);
        assert!(soft >= hard.min(ENOUGH), "{soft} of {hard}");
    }
}
