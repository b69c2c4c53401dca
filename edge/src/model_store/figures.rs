//! How a model did with its last items: what the next one is compared with. Pure; kept in `models/figures.json`.

use std::collections::VecDeque;
use std::time::Duration;

use pilah_models::name::ContentId;
use serde::{Deserialize, Serialize};

/// How many items are remembered; the oldest goes. 200 answer within five points of the truth, and light and dirt of a
/// month ago say nothing of today.
pub const WINDOW: usize = 200;

/// An item, as far as it counts here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Whether the model was unsure.
    pub unsure: bool,
    /// From the moment it lay still to the answer.
    pub milliseconds: u32,
}

impl Seen {
    /// An item that took so long.
    #[must_use]
    pub fn new(unsure: bool, latency: Duration) -> Self {
        Self { unsure, milliseconds: u32::try_from(latency.as_millis()).unwrap_or(u32::MAX) }
    }
}

/// The last items of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// SHA-256 of its manifest.
    pub manifest: ContentId,
    last: VecDeque<Seen>,
}

impl Figures {
    /// Of a model that has not seen anything.
    #[must_use]
    pub fn new(manifest: ContentId) -> Self {
        Self { manifest, last: VecDeque::new() }
    }

    /// It has classified an item.
    pub fn handle_item(&mut self, seen: Seen) {
        // What is read from a disk may hold more.
        while self.last.len() >= WINDOW {
            self.last.pop_front();
        }
        self.last.push_back(seen);
    }

    /// How many items are remembered.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.last.len() as u64
    }

    /// How many of them it was unsure of.
    #[must_use]
    pub fn unsure(&self) -> u64 {
        self.last.iter().filter(|seen| seen.unsure).count() as u64
    }

    /// The median time to an answer, in milliseconds, if there was one: the upper one of two. Never 0.
    #[must_use]
    pub fn median_ms(&self) -> Option<u32> {
        let mut times: Vec<u32> = self.last.iter().map(|seen| seen.milliseconds).collect();
        times.sort_unstable();
        times.get(times.len() / 2).map(|median| (*median).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_items_count() {
        let mut figures = Figures::new(ContentId::of(b"m1"));
        assert_eq!((figures.items(), figures.median_ms()), (0, None));
        for n in 0..WINDOW as u32 {
            figures.handle_item(Seen { unsure: true, milliseconds: 5000 + n });
        }
        for n in 0..150 {
            figures.handle_item(Seen::new(n % 3 == 0, Duration::from_millis(n)));
        }
        assert_eq!((figures.items(), figures.unsure()), (200, 100), "fifty of the old ones, and a third of the new");
        assert_eq!(figures.median_ms(), Some(100));
        let kept = serde_json::to_string(&figures).expect("plain");
        assert_eq!(serde_json::from_str::<Figures>(&kept).expect("reads"), figures);
        let mut at_once = Figures::new(ContentId::of(b"m2"));
        at_once.handle_item(Seen::new(false, Duration::ZERO));
        assert_eq!(at_once.median_ms(), Some(1), "0 means that nothing is known");
    }
}
