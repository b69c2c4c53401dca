//! What the pipeline sees and how well, shared with whoever shows it.

use std::time::Duration;

use pilah_models::wire::ChamberState;
use tokio::sync::watch;

use crate::region::Region;
use crate::trigger::{Gaps, Scene};

/// A bin that does not know its chamber after so long needs somebody to look.
const ACQUAINTED: Duration = Duration::from_secs(60);

/// What the pipeline shares with whoever shows it.
#[derive(Debug)]
pub struct Sight {
    /// The part of the picture that is looked at; it may be changed at any time.
    pub region: watch::Sender<Region>,
    /// What the trigger takes the scene for.
    pub scene: watch::Sender<Scene>,
    /// How well the trigger sees.
    pub view: watch::Sender<View>,
}

/// How well the trigger sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct View {
    /// Whether it knows what the empty chamber looks like.
    pub chamber_known: bool,
    /// How it told items from each other.
    pub gaps: Gaps,
}

impl View {
    /// As it is told by a program that has run for so long, with what is wrong in words.
    #[must_use]
    pub fn state(&self, uptime: Duration) -> ChamberState {
        let unknown = "the empty chamber is not known yet: until it is, nothing is sure and no flap opens; leave the \
                       chamber empty for a while";
        let unseen = |count| {
            format!(
                "before {count} of the last {} items the chamber was not seen empty, so others may have been missed: give \
                 the camera more frames per second, or let the items come one by one",
                Gaps::RECENT
            )
        };
        let fault = if self.chamber_known {
            self.gaps.are_not_seen().map(unseen)
        } else {
            (uptime >= ACQUAINTED).then(|| unknown.to_owned())
        };
        let Gaps { unseen: without_gap, unclear, .. } = self.gaps;
        ChamberState {
            known: self.chamber_known,
            without_gap: u64::from(without_gap),
            unclear: u64::from(unclear),
            fault,
        }
    }
}

impl Sight {
    /// A sight of this region.
    #[must_use]
    pub fn new(region: Region) -> Self {
        Self {
            region: watch::Sender::new(region),
            scene: watch::Sender::new(Scene::Empty),
            view: watch::Sender::new(View::default()),
        }
    }
}
