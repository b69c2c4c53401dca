//! When to fetch what. Pure: it is told what the hub wants and how an attempt ended, and says what to
//! do next and what to report.
//!
//! What failed on its way is tried again, with growing pauses. What came and was wrong is not, until
//! the hub says anew what it wants.

use std::time::{Duration, Instant};

use pilah_models::name::ContentId;
use pilah_models::wire::{Desired, DesiredModel, UpdateState};

use crate::link::backoff::Backoff;

/// The shortest and the longest pause before an attempt is repeated.
pub const RETRY: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(600)];

/// How the bin gets to the model that is wanted.
#[derive(Debug)]
pub struct Plan {
    in_force: ContentId,
    wanted: Option<Wanted>,
    /// The target of the attempt that is being made.
    running: Option<DesiredModel>,
    backoff: Backoff,
}

#[derive(Debug)]
struct Wanted {
    model: DesiredModel,
    /// Which message said so.
    said: (u32, u64),
    step: Step,
    error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Due(Instant),
    Running,
    Refused,
}

impl Plan {
    /// Nothing is wanted but what is in force.
    #[must_use]
    pub fn new(in_force: ContentId, retry: [Duration; 2]) -> Self {
        Self { in_force, wanted: None, running: None, backoff: Backoff::new(retry) }
    }

    /// The hub says what it wants. The broker repeats its last word at each connection, which is no news.
    pub fn handle_desired(&mut self, desired: Desired, now: Instant) {
        let said = (desired.header.epoch, desired.header.seq);
        let Some(model) = desired.model.filter(|model| model.manifest != self.in_force) else {
            self.wanted = None;
            return;
        };
        match &self.wanted {
            Some(wanted) if wanted.model == model && (wanted.said == said || wanted.step != Step::Refused) => {}
            _ => {
                self.backoff.reset();
                self.wanted = Some(Wanted { model, said, step: Step::Due(now), error: None });
            }
        }
    }

    /// The model to fetch now. It counts as being fetched until [`Plan::handle_result`].
    pub fn poll_action(&mut self, now: Instant) -> Option<DesiredModel> {
        let wanted = self.wanted.as_mut()?;
        match wanted.step {
            Step::Due(at) if at <= now && self.running.is_none() => {
                wanted.step = Step::Running;
                self.running = Some(wanted.model.clone());
                self.running.clone()
            }
            _ => None,
        }
    }

    /// When [`Plan::poll_action`] will have something to say.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.wanted.as_ref()?.step {
            Step::Due(at) if self.running.is_none() => Some(at),
            _ => None,
        }
    }

    /// The attempt ended: the model is in force.
    pub fn handle_success(&mut self, in_force: ContentId, now: Instant) {
        self.running = None;
        self.backoff.reset();
        self.in_force = in_force;
        match &mut self.wanted {
            Some(wanted) if wanted.model.manifest == self.in_force => self.wanted = None,
            Some(wanted) => wanted.step = Step::Due(now),
            None => {}
        }
    }

    /// The attempt ended: the model is refused, or, if it `may_pass`, is tried again after a pause that
    /// `draw` (0 up to 1) varies.
    pub fn handle_failure(&mut self, error: String, may_pass: bool, draw: f32, now: Instant) {
        let Some(target) = self.running.take() else { return };
        let Some(wanted) = self.wanted.as_mut() else { return };
        if wanted.model != target {
            wanted.step = Step::Due(now);
        } else {
            wanted.step = if may_pass { Step::Due(now + self.backoff.next(draw)) } else { Step::Refused };
            wanted.error = Some(error);
        }
    }

    /// What to report.
    #[must_use]
    pub fn state(&self) -> UpdateState {
        match &self.wanted {
            None => UpdateState::Idle,
            Some(Wanted { model, error: None, .. }) => UpdateState::Fetching { target: model.version.clone() },
            Some(Wanted { model, error: Some(error), .. }) => {
                UpdateState::Failed { target: model.version.clone(), error: error.clone() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use pilah_models::name::{BinId, ModelVersion};
    use pilah_models::wire::Header;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn id(model: &str) -> ContentId {
        ContentId::of(model.as_bytes())
    }

    fn desired(seq: u64, model: Option<&str>) -> Desired {
        let header = Header {
            v: 1,
            bin: BinId::new("b1").expect("valid"),
            epoch: 1,
            seq,
            at: "2026-01-02T03:04:05Z".parse().expect("valid"),
            clock_synced: true,
        };
        let version = |m| ModelVersion::new(m).expect("valid");
        Desired { header, model: model.map(|m| DesiredModel { version: version(m), manifest: id(m) }) }
    }

    fn plan() -> (Plan, Instant) {
        (Plan::new(id("m1"), [SECOND, 8 * SECOND]), Instant::now())
    }

    fn polled(plan: &mut Plan, now: Instant) -> Option<String> {
        plan.poll_action(now).map(|model| model.version.to_string())
    }

    #[test]
    fn what_is_in_force_is_not_fetched_and_what_is_wanted_is_once() {
        let (mut plan, now) = plan();
        for nothing in [None, Some("m1")] {
            plan.handle_desired(desired(1, nothing), now);
            assert_eq!((polled(&mut plan, now), plan.state()), (None, UpdateState::Idle));
        }
        plan.handle_desired(desired(2, Some("m2")), now);
        assert_eq!(polled(&mut plan, now).as_deref(), Some("m2"));
        plan.handle_desired(desired(2, Some("m2")), now);
        assert_eq!(polled(&mut plan, now), None, "it is being fetched");
        assert!(matches!(plan.state(), UpdateState::Fetching { .. }));
        plan.handle_success(id("m2"), now);
        plan.handle_desired(desired(2, Some("m2")), now);
        assert_eq!((polled(&mut plan, now), plan.state()), (None, UpdateState::Idle));
    }

    #[test]
    fn what_failed_on_its_way_is_tried_again_and_stays_reported() {
        let (mut plan, mut now) = plan();
        plan.handle_desired(desired(1, Some("m2")), now);
        for pause in [1, 2, 4, 8, 8] {
            assert_eq!(polled(&mut plan, now).as_deref(), Some("m2"));
            plan.handle_failure("no route".into(), true, 1.0, now);
            assert_eq!(polled(&mut plan, now), None);
            assert!(matches!(plan.state(), UpdateState::Failed { error, .. } if error == "no route"));
            assert_eq!(plan.poll_timeout(), Some(now + pause * SECOND));
            now += pause * SECOND;
        }
    }

    #[test]
    fn what_was_wrong_is_tried_again_only_when_the_hub_says_it_anew() {
        let (mut plan, now) = plan();
        plan.handle_desired(desired(1, Some("m2")), now);
        polled(&mut plan, now);
        plan.handle_failure("wrong hash".into(), false, 1.0, now);
        plan.handle_desired(desired(1, Some("m2")), now + SECOND);
        assert_eq!(polled(&mut plan, now + 1000 * SECOND), None, "the broker repeats itself");
        assert_eq!(plan.poll_timeout(), None);
        plan.handle_desired(desired(2, Some("m2")), now + SECOND);
        assert_eq!(polled(&mut plan, now + SECOND).as_deref(), Some("m2"));
        plan.handle_failure("wrong hash".into(), false, 1.0, now);
        plan.handle_desired(desired(3, Some("m1")), now + SECOND);
        assert_eq!(plan.state(), UpdateState::Idle, "the hub has gone back to what is in force");
    }

    #[test]
    fn a_change_of_mind_while_fetching_is_followed_when_the_attempt_ends() {
        for succeeds in [true, false] {
            let (mut plan, now) = plan();
            plan.handle_desired(desired(1, Some("m2")), now);
            polled(&mut plan, now);
            plan.handle_desired(desired(2, Some("m3")), now);
            assert_eq!(polled(&mut plan, now), None, "one attempt at a time");
            if succeeds {
                plan.handle_success(id("m2"), now);
            } else {
                plan.handle_failure("wrong hash".into(), false, 1.0, now);
            }
            assert_eq!(polled(&mut plan, now).as_deref(), Some("m3"));
            assert!(matches!(plan.state(), UpdateState::Fetching { .. }));
        }
    }
}
