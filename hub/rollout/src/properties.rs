//! What holds whatever happens.

use pilah_models::wire::UpdateState;
use proptest::prelude::*;

use crate::compare::Verdict;
use crate::fleet::{Bin, Fleet, Says};
use crate::plan::{Group, Plan, Rules, Who};
use crate::progress::{Phase, Progress};
use crate::standing::{survey, wanted};
use crate::step::{Ask, ask, step};
use crate::tests::{START_MS, bin, failed, fleet, model, says, tag};

/// Something that happens to a fleet.
#[derive(Debug, Clone)]
enum Event {
    Pass(i64),
    Heard(usize),
    Fetches(usize),
    Tries(usize),
    Commits(usize),
    Refuses(usize),
    TakesBack(usize),
    Joins(u8),
    Leaves(usize),
    Moves(usize, u8),
    Says(Verdict),
    Asks(Ask),
}

fn event() -> impl Strategy<Value = Event> {
    let asks = [Ask::Pause, Ask::Resume, Ask::Approve, Ask::Cancel, Ask::Retry];
    let verdicts = [Verdict::NotYet, Verdict::Better, Verdict::NoWorse, Verdict::Worse { words: "x".into() }];
    prop_oneof![
        4 => (0..8000_i64).prop_map(Event::Pass),
        4 => (0..12_usize).prop_map(Event::Heard),
        1 => (0..12_usize).prop_map(Event::Fetches),
        2 => (0..12_usize).prop_map(Event::Tries),
        6 => (0..12_usize).prop_map(Event::Commits),
        1 => (0..12_usize).prop_map(Event::Refuses),
        1 => (0..12_usize).prop_map(Event::TakesBack),
        1 => any::<u8>().prop_map(Event::Joins),
        1 => (0..12_usize).prop_map(Event::Leaves),
        1 => ((0..12_usize), any::<u8>()).prop_map(|(bin, tag)| Event::Moves(bin, tag)),
        1 => prop::sample::select(verdicts.to_vec()).prop_map(Event::Says),
        2 => prop::sample::select(asks.to_vec()).prop_map(Event::Asks),
    ]
}

const TAGS: [&str; 3] = ["school", "park", ""];

struct World {
    plan: Plan,
    fleet: Fleet,
    progress: Progress,
    now_ms: i64,
    joined: usize,
    /// Whether the last step was asked for to begin anew.
    is_retried: bool,
}

impl World {
    fn new() -> Self {
        let bins: Vec<Bin> = (0..9).map(|n| bin(&format!("b{n}"), TAGS[n % 3])).collect();
        let fleet = fleet(bins);
        let half = Group { name: String::new(), who: Who::Share { percent: 60 }, approval: true };
        let window = serde_json::from_str(r#"{"from":"08:00","to":"20:00"}"#).expect("reads");
        let rules =
            Rules { soak_s: 900, error_percent: 25, silent_percent: 50, windows: vec![window], ..Rules::default() };
        let groups = vec![tag("school"), half];
        let plan = Plan::new(3, model("m2"), model("m1"), groups, rules, &fleet).expect("is possible");
        let progress = Progress::begin(&plan.new, &fleet);
        Self { plan, fleet, progress, now_ms: START_MS, joined: 0, is_retried: false }
    }

    fn happens(&mut self, event: &Event) {
        let (now_ms, count) = (self.now_ms, self.fleet.bins.len());
        let new = self.plan.new.version.clone();
        let mut say = |index: usize, needs_it: bool, change: &dyn Fn(&mut Says)| {
            if count == 0 {
                return;
            }
            let bin = &mut self.fleet.bins[index % count];
            let said = bin.says.get_or_insert_with(|| says("m1", UpdateState::Idle));
            if !needs_it || bin.told.as_ref() == Some(&new) {
                said.number.1 += 1;
                change(said);
            }
            bin.last_seen_ms = Some(now_ms);
        };
        match event {
            Event::Pass(seconds) => self.now_ms += seconds * 1000,
            Event::Heard(index) => say(*index, false, &|_| {}),
            Event::Fetches(index) => {
                say(*index, true, &|says| says.update = UpdateState::Fetching { target: model("m2").version });
            }
            Event::Tries(index) => say(*index, true, &|says| {
                (says.model, says.on_probation, says.update) = (model("m2"), true, UpdateState::Idle);
            }),
            Event::Commits(index) => say(*index, true, &|says| {
                (says.model, says.on_probation, says.update) = (model("m2"), false, UpdateState::Idle);
            }),
            Event::Refuses(index) => say(*index, true, &|says| says.update = failed()),
            Event::TakesBack(index) => say(*index, true, &|says| {
                says.model = model("m1");
                says.taken_back = vec![(model("m2").manifest, "worse".into())];
            }),
            Event::Joins(tag) => {
                self.joined += 1;
                let new = bin(&format!("n{}", self.joined), TAGS[usize::from(*tag) % 3]);
                self.fleet.bins.push(Bin { last_seen_ms: None, told: None, says: None, ..new });
            }
            Event::Leaves(index) if count > 0 => drop(self.fleet.bins.remove(index % count)),
            Event::Moves(index, tag) if count > 0 => {
                self.fleet.bins[index % count].tag = Some(TAGS[usize::from(*tag) % 3].to_owned());
            }
            Event::Leaves(_) | Event::Moves(..) => {}
            Event::Says(verdict) => self.fleet.verdict = verdict.clone(),
            Event::Asks(asked) => {
                if let Ok((progress, _)) = ask(&self.plan, &self.progress, &self.fleet, *asked, "ada") {
                    self.is_retried = *asked == Ask::Retry;
                    self.progress = progress;
                }
            }
        }
    }

    /// A step, after which what must hold is looked at, and all bins are told.
    fn step(&mut self) -> Result<(), TestCaseError> {
        let (next, _) = step(&self.plan, &self.progress, &self.fleet, self.now_ms);
        let (again, happened) = step(&self.plan, &next, &self.fleet, self.now_ms);
        prop_assert_eq!(&again, &next, "planning twice is planning once");
        prop_assert_eq!(happened, vec![], "planning twice is planning once");
        let mut turned = self.fleet.clone();
        turned.bins.reverse();
        let (turned, _) = step(&self.plan, &self.progress, &turned, self.now_ms);
        prop_assert_eq!(&turned, &next, "the order of bins decides nothing");

        let reached = next.reached_ms.len();
        prop_assert!(self.is_retried || reached >= self.progress.reached_ms.len(), "groups are not left");
        let seen = survey(&self.plan, &next, &self.fleet, self.now_ms);
        let mut told = Vec::new();
        for placed in &seen.bins {
            let wanted = wanted(&self.plan, placed);
            let is_new = *wanted == self.plan.new;
            prop_assert!(!is_new || placed.group < reached, "nobody before his group: {placed:?}");
            let is_over = matches!(next.phase, Phase::Stopped { .. } | Phase::Cancelled);
            prop_assert!(!is_new || !is_over, "after a stop everybody goes back: {placed:?}");
            let kept = placed.bin.says.as_ref().is_none_or(|says| says.took_back(&self.plan.new).is_none());
            prop_assert!(!is_new || kept, "what a bin took back is not asked of it: {placed:?}");
            let was_told = placed.bin.told.as_ref() == Some(&self.plan.new.version);
            let more = is_new && !was_told && placed.bin.says.as_ref().is_none_or(|s| s.model != self.plan.new);
            prop_assert!(!more || next.phase != Phase::Paused, "nobody more in a pause: {placed:?}");
            let stays = was_told && placed.group < reached && kept && !is_over;
            prop_assert!(!stays || is_new, "who was told stays told: {placed:?}");
            told.push(wanted.version.clone());
        }
        prop_assert_eq!(seen.counts.iter().map(|count| count.bins).sum::<usize>(), self.fleet.bins.len());
        for (bin, told) in self.fleet.bins.iter_mut().zip(told) {
            bin.told = Some(told);
        }
        self.progress = next;
        self.is_retried = false;
        Ok(())
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_rules_hold(events in prop::collection::vec(event(), 0..120)) {
        let mut world = World::new();
        world.step()?;
        for event in &events {
            world.happens(event);
            world.step()?;
        }
    }

    #[test]
    fn shares_grow_and_never_reshuffle(id in 0..1000_i64, ids in prop::collection::btree_set("[a-z][a-z0-9]{0,9}", 1..60)) {
        let bins: Vec<Bin> = ids.iter().map(|id| bin(id, "")).collect();
        let fleet = fleet(bins);
        let groups = |percents: &[u8]| {
            let share = |percent: &u8| Group { name: String::new(), who: Who::Share { percent: *percent }, approval: false };
            let groups = percents.iter().map(share).collect();
            Plan { id, new: model("m2"), before: model("m1"), groups, rules: Rules::default() }
        };
        let (few, many) = (groups(&[20, 100]), groups(&[50, 100]));
        for bin in &fleet.bins {
            prop_assert!(few.group_of(bin) != 0 || many.group_of(bin) == 0, "who is of the 20 % is of the 50 %");
        }
    }
}
