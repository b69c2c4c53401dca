//! Rounds, until the hub stops: on a period, before something expires, and when what should be in force changes.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Updates;
use super::round::Memory;
use crate::registry::Registry;

/// How often every byte that is signed is read.
const THOROUGH: Duration = Duration::from_hours(24);

/// How often it is looked whether a command has added a package: one listing of a folder.
const LOOK: Duration = Duration::from_secs(5);

impl Updates {
    /// Does the first round, so that bins are told of targets from the start, and has others follow until `shutdown`.
    pub async fn start(&self, registry: &Registry, tasks: &mut JoinSet<()>, shutdown: CancellationToken) {
        let (updates, registry) = (self.clone(), registry.clone());
        let mut changes = registry.changes();
        let mut wanted = self.0.wanted.subscribe();
        let mut memory = Memory::default();
        changes.mark_unchanged();
        let pause = updates.round(&registry, &mut memory, true).await;
        let mut read = Instant::now();
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stamp = None;
        tasks.spawn(async move {
            let mut next = tokio::time::Instant::now() + pause;
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep_until(next) => {}
                    _ = look.tick() => {
                        let now = updates.blocking(|updates| updates.0.place.stamp()).await;
                        let is_new = stamp.is_some() && stamp != now;
                        stamp = now;
                        if !is_new {
                            continue;
                        }
                    }
                    () = updates.0.nudge.notified() => {}
                    changed = changes.changed() => if changed.is_err() { return },
                    changed = wanted.changed() => if changed.is_err() { return },
                }
                changes.mark_unchanged();
                wanted.mark_unchanged();
                let thorough = read.elapsed() >= THOROUGH;
                if thorough {
                    read = Instant::now();
                }
                next = tokio::time::Instant::now() + updates.round(&registry, &mut memory, thorough).await;
            }
        });
    }
}
