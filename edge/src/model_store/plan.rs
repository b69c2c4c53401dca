//! When to fetch what, and what of it is put in force. Pure: it is told what the hub wants and how an attempt
//! ended, and says what to do next and what to report.
//!
//! An attempt fetches and verifies; only when it has ended is it asked whether what it brings is still wanted
//! ([`Plan::is_wanted`]). So a hub that goes back to the model in force while another is being fetched, because
//! that one turned out to be bad, gets what it wants: nothing is ever put in force that was not wanted at that
//! moment, and nothing that was wanted last is forgotten.
//!
//! What failed on its way is tried again, with growing pauses. What came and was wrong is not, until
//! the hub says anew what it wants. What was in force here and was taken back is blocked ([`super::trial`]): the hub may
//! say as often as it likes that it wants it; it is refused until somebody unblocks it at the bin, or another model
//! is wanted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pilah_models::name::ContentId;
use pilah_models::wire::{Desired, DesiredModel, TakenBack, UpdateState};

use crate::backoff::Backoff;

/// The shortest and the longest pause before an attempt is repeated.
pub const RETRY: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(600)];

/// How the bin gets to the model that is wanted.
#[derive(Debug)]
pub struct Plan {
    in_force: ContentId,
    /// What is wanted and not in force.
    wanted: Option<Wanted>,
    /// What the hub named last, in force or not.
    named: Option<DesiredModel>,
    /// Why models are not put in force again, by their manifests.
    blocked: BTreeMap<ContentId, String>,
    /// The last message about it, in epoch and number.
    heard: Option<(u32, u64)>,
    /// The target of the attempt that is being made, wanted or not.
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
        Self {
            in_force,
            wanted: None,
            named: None,
            blocked: BTreeMap::new(),
            heard: None,
            running: None,
            backoff: Backoff::new(retry),
        }
    }

    /// The same, with models that were taken back, each with the reason.
    #[must_use]
    pub fn refusing<'a>(mut self, taken_back: impl IntoIterator<Item = &'a TakenBack>) -> Self {
        let refused = taken_back.into_iter().map(|one| (one.manifest.clone(), refusal(&one.reason)));
        self.blocked.extend(refused);
        self
    }

    /// The hub says what it wants. The broker repeats its last word at each connection, which is no news; a word that
    /// the hub said before the last one, and that comes late, is none either.
    pub fn handle_desired(&mut self, desired: Desired, now: Instant) {
        let said = (desired.header.epoch, desired.header.seq);
        if self.heard.is_some_and(|(epoch, seq)| epoch == said.0 && said.1 < seq) {
            return;
        }
        self.heard = Some(said);
        self.named.clone_from(&desired.model);
        let Some(model) = desired.model.filter(|model| model.manifest != self.in_force) else {
            self.wanted = None;
            return;
        };
        match &self.wanted {
            Some(wanted) if wanted.model == model && (wanted.said == said || wanted.step != Step::Refused) => {}
            _ => {
                self.backoff.reset();
                self.want(model, said, now);
            }
        }
    }

    fn want(&mut self, model: DesiredModel, said: (u32, u64), now: Instant) {
        let error = self.blocked.get(&model.manifest).cloned();
        let step = if error.is_some() {
            Step::Refused
        } else if self.running.as_ref() == Some(&model) {
            Step::Running
        } else {
            Step::Due(now)
        };
        self.wanted = Some(Wanted { model, said, step, error });
    }

    /// The model in force was taken back for a reason, and another is in force again.
    pub fn handle_taken_back(&mut self, in_force: ContentId, reason: &str, now: Instant) {
        self.blocked.insert(std::mem::replace(&mut self.in_force, in_force), refusal(reason));
        match &self.wanted {
            // The hub has gone back by itself meanwhile.
            Some(wanted) if wanted.model.manifest == self.in_force => self.wanted = None,
            Some(_) => {}
            None => {
                if let (Some(model), Some(said)) = (self.named.clone(), self.heard)
                    && model.manifest != self.in_force
                {
                    self.want(model, said, now);
                }
            }
        }
    }

    /// The model to fetch now. It counts as being fetched until it is said how that ended.
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

    /// Whether what the attempt fetches is wanted: if not, it may as well end, and is not put in force.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.running.is_some() && self.running.as_ref() == self.wanted.as_ref().map(|wanted| &wanted.model)
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

    /// The attempt ended, and nothing came of it, because it was not wanted any more.
    pub fn handle_given_up(&mut self, now: Instant) {
        self.running = None;
        if let Some(wanted) = &mut self.wanted
            && wanted.step == Step::Running
        {
            wanted.step = Step::Due(now);
        }
    }

    /// The attempt ended: the model is refused, or, if it `may_pass`, is tried again after a pause that
    /// `draw` (0 up to 1) varies.
    pub fn handle_failure(&mut self, error: String, may_pass: bool, draw: f32, now: Instant) {
        if !self.is_wanted() {
            return self.handle_given_up(now);
        }
        self.running = None;
        let Some(wanted) = self.wanted.as_mut() else { return };
        wanted.step = if may_pass { Step::Due(now + self.backoff.next(draw)) } else { Step::Refused };
        wanted.error = Some(error);
    }

    /// The attempt ended before anything was asked for, since the clock is waited for: the next is made at `then`. That is
    /// no failure, and no reason for longer pauses.
    pub fn handle_waiting(&mut self, then: Instant, now: Instant) {
        let wanted = self.is_wanted();
        self.handle_given_up(now);
        if let Some(wanted) = self.wanted.as_mut().filter(|_| wanted) {
            wanted.step = Step::Due(then);
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

fn refusal(reason: &str) -> String {
    format!("taken back by this bin, and not installed again until `pilah-edge unblock` lets it: {reason}")
}

#[cfg(test)]
mod tests {
    use pilah_models::name::{BinId, ModelVersion};
    use pilah_models::wire::Header;
    use proptest::prelude::*;

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
        Desired {
            header,
            model: model.map(|m| DesiredModel { version: version(m), manifest: id(m), target: None }),
            program: None,
        }
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
    fn a_clock_is_waited_for_in_even_steps_and_that_is_no_failure() {
        let (mut plan, mut now) = plan();
        plan.handle_desired(desired(1, Some("m2")), now);
        for _ in 0..5 {
            assert_eq!(polled(&mut plan, now).as_deref(), Some("m2"));
            plan.handle_waiting(now + 30 * SECOND, now);
            assert_eq!((polled(&mut plan, now), plan.poll_timeout()), (None, Some(now + 30 * SECOND)));
            assert!(matches!(plan.state(), UpdateState::Fetching { .. }), "{:?}", plan.state());
            now += 30 * SECOND;
        }
        assert_eq!(polled(&mut plan, now).as_deref(), Some("m2"));
        plan.handle_desired(desired(2, Some("m3")), now);
        plan.handle_waiting(now + 30 * SECOND, now);
        assert_eq!(polled(&mut plan, now).as_deref(), Some("m3"), "another that is wanted is not put off");
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

    /// Ends the attempt as the bin does: what has come is put in force only if it is still wanted.
    fn end(plan: &mut Plan, came: &DesiredModel, now: Instant) -> bool {
        let wanted = plan.is_wanted();
        if wanted {
            plan.handle_success(came.manifest.clone(), now);
        } else {
            plan.handle_given_up(now);
        }
        wanted
    }

    #[test]
    fn a_change_of_mind_while_fetching_is_followed_when_the_attempt_ends() {
        for succeeds in [true, false] {
            let (mut plan, now) = plan();
            plan.handle_desired(desired(1, Some("m2")), now);
            let fetched = plan.poll_action(now).expect("it is wanted");
            plan.handle_desired(desired(2, Some("m3")), now);
            assert_eq!(polled(&mut plan, now), None, "one attempt at a time");
            if succeeds {
                assert!(!end(&mut plan, &fetched, now), "nobody wants m2 any more");
            } else {
                plan.handle_failure("wrong hash".into(), false, 1.0, now);
            }
            assert_eq!(polled(&mut plan, now).as_deref(), Some("m3"));
            assert!(matches!(plan.state(), UpdateState::Fetching { .. }));
        }
    }

    #[test]
    fn who_goes_back_to_what_is_in_force_while_another_is_fetched_keeps_it() {
        for (back, came_late) in [(Some("m1"), false), (None, false), (Some("m1"), true)] {
            let (mut plan, now) = plan();
            plan.handle_desired(desired(1, Some("m2")), now);
            let fetched = plan.poll_action(now).expect("it is wanted");
            plan.handle_desired(desired(2, back), now);
            if came_late {
                plan.handle_desired(desired(1, Some("m2")), now);
            }
            assert_eq!(plan.state(), UpdateState::Idle);
            assert!(!plan.is_wanted(), "the attempt may end");
            assert!(!end(&mut plan, &fetched, now));
            assert_eq!((polled(&mut plan, now), plan.state()), (None, UpdateState::Idle));
        }
    }

    #[test]
    fn who_comes_back_to_what_is_still_being_fetched_need_not_fetch_it_again() {
        let (mut plan, now) = plan();
        plan.handle_desired(desired(1, Some("m2")), now);
        let fetched = plan.poll_action(now).expect("it is wanted");
        for (seq, model) in [(2, Some("m3")), (3, None), (4, Some("m2"))] {
            plan.handle_desired(desired(seq, model), now);
        }
        assert!(end(&mut plan, &fetched, now));
        assert_eq!((polled(&mut plan, now), plan.state()), (None, UpdateState::Idle));
    }

    #[test]
    fn what_was_taken_back_is_refused_however_often_it_is_wanted_and_another_model_is_not() {
        let (mut plan, now) = plan();
        plan.handle_desired(desired(1, Some("m2")), now);
        polled(&mut plan, now);
        plan.handle_success(id("m2"), now);
        plan.handle_taken_back(id("m1"), "unsure of everything", now);
        let refused = |plan: &mut Plan| {
            assert_eq!((polled(plan, now + 1000 * SECOND), plan.poll_timeout()), (None, None));
            matches!(plan.state(), UpdateState::Failed { target, error }
                if target.as_str() == "m2" && error.ends_with("`pilah-edge unblock` lets it: unsure of everything"))
        };
        assert!(refused(&mut plan), "the hub still wants it");
        for (seq, model) in [(1, "m2"), (2, "m2"), (3, "m1"), (4, "m2")] {
            plan.handle_desired(desired(seq, Some(model)), now);
            assert_eq!(refused(&mut plan), model == "m2", "{seq}");
        }
        plan.handle_desired(desired(5, Some("m3")), now);
        assert_eq!(polled(&mut plan, now).as_deref(), Some("m3"));

        let version = ModelVersion::new("m2").expect("valid");
        let taken_back = TakenBack { version, manifest: id("m2"), reason: "unsure of everything".into() };
        let mut plan = Plan::new(id("m1"), [SECOND, SECOND]).refusing([&taken_back]);
        plan.handle_desired(desired(9, Some("m2")), now);
        assert!(refused(&mut plan), "after a restart as well");
    }

    /// What can happen to a bin that is to change its model.
    #[derive(Debug, Clone, Copy)]
    enum Happens {
        /// The hub wants one of some models, or leaves the bin its own.
        Wish(Option<u8>),
        /// The broker repeats what the hub said last.
        Repeated,
        /// Something that the hub said earlier comes late.
        Late(u8),
        /// Time passes, and what is due begins.
        Passes(u8),
        /// The attempt has brought the model.
        Came,
        /// The attempt has failed, for now or for good.
        Failed { may_pass: bool },
        /// The model in force is taken back.
        TakenBack,
        /// The program ends, and starts with what is in force on disk.
        Restart,
    }

    fn happens() -> impl Strategy<Value = Happens> {
        prop_oneof![
            4 => prop::option::weighted(0.8, 1..=4_u8).prop_map(Happens::Wish),
            1 => Just(Happens::Repeated),
            1 => any::<u8>().prop_map(Happens::Late),
            4 => any::<u8>().prop_map(Happens::Passes),
            3 => Just(Happens::Came),
            2 => any::<bool>().prop_map(|may_pass| Happens::Failed { may_pass }),
            1 => Just(Happens::TakenBack),
            1 => Just(Happens::Restart),
        ]
    }

    /// A bin as simple as can be: what is in force, and all that the hub ever said.
    struct Model {
        in_force: ContentId,
        said: Vec<Desired>,
        heard: bool,
        taken_back: Vec<TakenBack>,
    }

    impl Model {
        fn wants(&self) -> Option<ContentId> {
            let last = self.heard.then(|| self.said.last()).flatten()?;
            last.model.as_ref().map(|model| model.manifest.clone())
        }

        fn refuses(&self, manifest: &ContentId) -> bool {
            self.taken_back.iter().any(|one| one.manifest == *manifest)
        }
    }

    proptest! {
        /// Whatever was wanted, came and failed in whatever order: nothing is put in force that is not wanted at that
        /// moment; and when all is quiet, what is in force is what was wanted last, unless that failed for good, which
        /// is said. Idle is said of nothing else. What was taken back is never put in force again.
        #[test]
        fn in_the_end_what_is_in_force_is_what_was_wanted_last(all in prop::collection::vec(happens(), 0..40)) {
            let (mut plan, mut now) = (Plan::new(id("m0"), [SECOND, 8 * SECOND]), Instant::now());
            let mut model = Model { in_force: id("m0"), said: Vec::new(), heard: false, taken_back: Vec::new() };
            let mut running: Option<DesiredModel> = None;
            // At the end the broker repeats the last word, every attempt brings what it was for, and time passes.
            let quiet = [Happens::Repeated, Happens::Passes(255), Happens::Came, Happens::Passes(255), Happens::Came];
            for happens in all.into_iter().chain(quiet) {
                match happens {
                    Happens::Wish(wish) => {
                        let seq = model.said.len() as u64 + 1;
                        let wish = desired(seq, wish.map(|n| format!("m{n}")).as_deref());
                        plan.handle_desired(wish.clone(), now);
                        model.said.push(wish);
                        model.heard = true;
                    }
                    Happens::Repeated => {
                        if let Some(last) = model.said.last() {
                            plan.handle_desired(last.clone(), now);
                            model.heard = true;
                        }
                    }
                    // A bin that has just started has nothing to compare with.
                    Happens::Late(which) if model.heard => {
                        let which = usize::from(which) % model.said.len();
                        plan.handle_desired(model.said[which].clone(), now);
                    }
                    Happens::Late(_) => {}
                    Happens::Passes(seconds) => {
                        now += u32::from(seconds) * SECOND;
                        if let Some(target) = plan.poll_action(now) {
                            prop_assert!(running.is_none(), "one attempt at a time");
                            prop_assert_eq!(Some(target.manifest.clone()), model.wants());
                            running = Some(target);
                        }
                    }
                    Happens::Came => {
                        if let Some(came) = running.take() {
                            let wanted = model.wants().as_ref() == Some(&came.manifest);
                            prop_assert_eq!(end(&mut plan, &came, now), wanted);
                            if wanted {
                                prop_assert!(!model.refuses(&came.manifest));
                                model.in_force = came.manifest;
                            }
                        }
                    }
                    Happens::Failed { may_pass } => {
                        if running.take().is_some() {
                            plan.handle_failure("it failed".into(), may_pass, 1.0, now);
                        }
                    }
                    // The shipped one is never taken back, and always there.
                    Happens::TakenBack if model.in_force == id("m0") => {}
                    Happens::TakenBack => {
                        plan.handle_taken_back(id("m0"), "bad", now);
                        let manifest = std::mem::replace(&mut model.in_force, id("m0"));
                        let version = ModelVersion::new("bad").expect("valid");
                        model.taken_back.push(TakenBack { version, manifest, reason: "bad".into() });
                    }
                    Happens::Restart => {
                        plan = Plan::new(model.in_force.clone(), [SECOND, 8 * SECOND]).refusing(&model.taken_back);
                        (running, model.heard) = (None, false);
                    }
                }
                let at_rest = model.wants().is_none_or(|wanted| wanted == model.in_force);
                prop_assert_eq!(plan.state() == UpdateState::Idle, at_rest, "{:?}", plan.state());
            }
            match (model.wants(), plan.state()) {
                (None, state) => prop_assert_eq!(state, UpdateState::Idle),
                (Some(wanted), UpdateState::Idle) => prop_assert_eq!(wanted, model.in_force),
                (Some(wanted), UpdateState::Failed { target, error }) => {
                    prop_assert_eq!(&wanted, &id(target.as_str()));
                    prop_assert_eq!(error.contains("unblock"), model.refuses(&wanted));
                }
                (Some(_), state) => prop_assert!(false, "it has come to rest with {state:?}"),
            }
            prop_assert_eq!(plan.poll_timeout(), None, "nothing is left to do");
        }
    }
}
