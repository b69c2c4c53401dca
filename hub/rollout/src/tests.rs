//! The rules, one by one, and the fleet that they are tried on.

use std::collections::BTreeMap;

use pilah_models::name::{BinId, ContentId, ModelVersion};
use pilah_models::wire::UpdateState;

use crate::compare::Verdict;
use crate::fleet::{Bin, Fleet, Model, Says};
use crate::plan::{FieldRule, Group, Plan, PlanError, Rules, Who};
use crate::progress::{Happening, Phase, Progress};
use crate::standing::{Standing, survey, wanted};
use crate::step::{Ask, ask, hold, step};

pub(crate) const START_MS: i64 = 1_790_000_000_000;

pub(crate) fn model(name: &str) -> Model {
    Model { version: ModelVersion::new(name).expect("valid"), manifest: ContentId::of(name.as_bytes()) }
}

pub(crate) fn bin(id: &str, tag: &str) -> Bin {
    let says = says("m1", UpdateState::Idle);
    let tag = (!tag.is_empty()).then(|| tag.to_owned());
    let id = BinId::new(id).expect("valid");
    Bin { id, tag, time_zone: None, last_seen_ms: Some(START_MS), told: Some(model("m1").version), says: Some(says) }
}

pub(crate) fn says(version: &str, update: UpdateState) -> Says {
    Says { number: (1, 1), model: model(version), on_probation: false, update, taken_back: Vec::new() }
}

pub(crate) fn failed() -> UpdateState {
    UpdateState::Failed { target: model("m2").version, error: "wrong hash".into() }
}

pub(crate) fn fleet(bins: Vec<Bin>) -> Fleet {
    let known: BTreeMap<_, _> = ["m1", "m2"].map(|name| (model(name).version, model(name).manifest)).into();
    Fleet { bins, listening_since_ms: START_MS - 86_400_000, known, verdict: Verdict::NotYet }
}

pub(crate) fn tag(tag: &str) -> Group {
    Group { name: String::new(), who: Who::Tag { tag: tag.into() }, approval: false }
}

fn share(percent: u8) -> Group {
    Group { name: String::new(), who: Who::Share { percent }, approval: false }
}

/// Two bins at the school, two in the park, one elsewhere.
fn five() -> Fleet {
    let places = [("b1", "school"), ("b2", "school"), ("b3", "park"), ("b4", "park"), ("b5", "")];
    fleet(places.map(|(id, tag)| bin(id, tag)).to_vec())
}

fn rules() -> Rules {
    Rules { soak_s: 600, error_percent: 40, silent_percent: 40, ..Rules::default() }
}

fn plan(groups: Vec<Group>, rules: Rules, fleet: &Fleet) -> Plan {
    Plan::new(7, model("m2"), model("m1"), groups, rules, fleet).expect("is possible")
}

/// A rollout on the way, and all that happened.
struct Way {
    plan: Plan,
    fleet: Fleet,
    progress: Progress,
    now_ms: i64,
    happened: Vec<Happening>,
}

impl Way {
    fn begin(groups: Vec<Group>, rules: Rules, fleet: Fleet) -> Self {
        let plan = plan(groups, rules, &fleet);
        let progress = Progress::begin(&plan.new, &fleet);
        let mut way = Self { plan, fleet, progress, now_ms: START_MS, happened: Vec::new() };
        way.step();
        way
    }

    /// A step, and all bins are told.
    fn step(&mut self) {
        let (progress, happened) = step(&self.plan, &self.progress, &self.fleet, self.now_ms);
        self.progress = progress;
        self.happened.extend(happened);
        let survey = survey(&self.plan, &self.progress, &self.fleet, self.now_ms);
        let told: Vec<_> = survey.bins.iter().map(|placed| wanted(&self.plan, placed).version.clone()).collect();
        for (bin, told) in self.fleet.bins.iter_mut().zip(told) {
            bin.told = Some(told);
        }
    }

    /// After so many seconds, in which all bins but those that are `off` were heard of.
    fn after(&mut self, seconds: i64) {
        self.now_ms += seconds * 1000;
        let now_ms = self.now_ms;
        self.fleet.bins.iter_mut().for_each(|bin| bin.last_seen_ms = bin.last_seen_ms.map(|_| now_ms));
        self.step();
    }

    fn bin(&mut self, id: &str) -> &mut Bin {
        self.fleet.bins.iter_mut().find(|bin| bin.id.as_str() == id).expect("is there")
    }

    fn commits(&mut self, ids: &[&str]) {
        for id in ids {
            self.bin(id).says = Some(says("m2", UpdateState::Idle));
            let now_ms = self.now_ms;
            self.bin(id).last_seen_ms = Some(now_ms);
        }
    }

    fn takes_back(&mut self, id: &str) {
        let mut said = says("m1", UpdateState::Idle);
        said.taken_back = vec![(model("m2").manifest, "unsure of everything".into())];
        self.bin(id).says = Some(said);
    }

    fn ask(&mut self, asked: Ask) -> Result<(), String> {
        let (progress, happening) =
            ask(&self.plan, &self.progress, &self.fleet, asked, "ada").map_err(|error| error.to_string())?;
        self.progress = progress;
        self.happened.push(happening);
        self.step();
        Ok(())
    }

    /// The bins that are told to have the new version.
    fn told_new(&self) -> Vec<&str> {
        let new = self.fleet.bins.iter().filter(|bin| bin.told.as_ref() == Some(&self.plan.new.version));
        new.map(|bin| bin.id.as_str()).collect()
    }

    fn standing(&self, id: &str) -> Standing {
        let survey = survey(&self.plan, &self.progress, &self.fleet, self.now_ms);
        survey.bins.into_iter().find(|placed| placed.bin.id.as_str() == id).expect("is there").standing
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.happened.iter().map(Happening::name).collect()
    }
}

#[test]
fn it_goes_from_group_to_group_and_ends_with_everybody() {
    let mut way = Way::begin(vec![tag("school"), tag("park")], rules(), five());
    assert_eq!(way.told_new(), ["b1", "b2"]);
    way.bin("b1").says = Some(Says { on_probation: true, ..says("m2", UpdateState::Idle) });
    way.commits(&["b2"]);
    way.after(3000);
    assert_eq!((way.standing("b1"), way.standing("b2")), (Standing::Trial, Standing::Committed));
    assert_eq!(way.told_new(), ["b1", "b2"], "one is still on trial");
    way.commits(&["b1"]);
    way.after(1);
    way.after(599);
    assert_eq!(way.told_new(), ["b1", "b2"], "they are watched");
    way.after(1);
    assert_eq!(way.told_new(), ["b1", "b2", "b3", "b4"]);
    way.commits(&["b3", "b4"]);
    way.after(1);
    way.after(600);
    way.commits(&["b5"]);
    way.after(1);
    way.after(600);
    assert_eq!(way.progress.phase, Phase::Completed);
    let kinds = ["reached", "ready", "reached", "ready", "reached", "ready", "completed"];
    assert_eq!(way.kinds(), kinds);
    assert!(way.happened.iter().all(|happening| !happening.words().is_empty()));
}

#[test]
fn errors_bring_the_group_back() {
    for take_back in [true, false] {
        let mut way = Way::begin(vec![tag("school"), tag("park")], rules(), five());
        way.commits(&["b1"]);
        match take_back {
            true => way.takes_back("b2"),
            false => way.bin("b2").says = Some(says("m1", failed())),
        }
        way.after(60);
        let words = "in group school, 1 of 2 bins refused it or took it back, more than 40 %".to_owned();
        assert_eq!(way.progress.phase, Phase::Stopped { words });
        assert!(way.told_new().is_empty());
        assert_eq!((way.standing("b1"), way.standing("b3")), (Standing::GoingBack, Standing::Later));
        let failure = if take_back { "took_back" } else { "refused" };
        assert_eq!(way.kinds(), ["reached", failure, "stopped"]);
        way.after(60);
        assert_eq!(way.kinds().len(), 3, "it stays so");
    }
}

#[test]
fn a_group_that_falls_silent_is_brought_back_and_a_deaf_hub_does_not_count() {
    let mut way = Way::begin(vec![tag("school")], rules(), five());
    way.now_ms += 3_600_000;
    way.step();
    assert_eq!(way.progress.phase, Phase::Rolling, "just as long as it may be");
    way.fleet.listening_since_ms = way.now_ms + 1;
    way.now_ms += 3_000_000;
    way.step();
    assert_eq!(way.progress.phase, Phase::Rolling, "the hub has listened for less than an hour");
    way.now_ms += 700_000;
    way.step();
    let words = "in group school, of 2 of 2 bins nothing is heard any more, more than 40 %".to_owned();
    assert_eq!(way.progress.phase, Phase::Stopped { words });
}

#[test]
fn who_is_away_joins_later_and_counts_from_then_on() {
    let mut start = five();
    start.bins[0].last_seen_ms = None;
    start.bins[2].last_seen_ms = Some(START_MS - 3_600_001);
    start.bins[3].last_seen_ms = Some(START_MS - 3_600_000);
    let mut way = Way::begin(vec![share(100)], rules(), start);
    assert_eq!(way.told_new().len(), 5, "it is retained for who is away");
    let standings = ["b1", "b2", "b3", "b4"].map(|id| way.standing(id));
    assert_eq!(standings, [Standing::Away, Standing::Told, Standing::Away, Standing::Told]);
    way.commits(&["b2", "b4", "b5"]);
    way.now_ms += 1000;
    way.step();
    assert_eq!(way.happened.last(), Some(&Happening::Ready { group: "all".into(), committed: 3, counted: 3 }));
    way.bin("b1").last_seen_ms = Some(START_MS + 2000);
    way.now_ms += 2000;
    way.step();
    assert_eq!((way.standing("b1"), way.kinds().last()), (Standing::Told, Some(&"unready")));
    let mut alone = Way::begin(vec![tag("school")], rules(), {
        let mut fleet = five();
        fleet.bins[0].last_seen_ms = None;
        fleet.bins[1].last_seen_ms = None;
        fleet
    });
    alone.now_ms += 86_400_000;
    alone.step();
    assert_eq!((alone.progress.phase.clone(), alone.kinds().len()), (Phase::Rolling, 1), "nobody is there to judge by");
}

#[test]
fn new_bins_get_the_right_version() {
    let mut way = Way::begin(vec![tag("school"), tag("park")], rules(), five());
    way.fleet.bins.extend([bin("n1", "school"), bin("n2", "park"), bin("n3", "")]);
    way.after(1);
    assert_eq!(way.told_new(), ["b1", "b2", "n1"]);
    way.bin("n2").tag = Some("school".into());
    way.after(1);
    assert_eq!(way.told_new(), ["b1", "b2", "n1", "n2"], "a bin goes with the group that it is of now");
}

#[test]
fn a_person_agrees_pauses_resumes_cancels_and_retries() {
    let mut way = Way::begin(vec![tag("school"), Group { approval: true, ..tag("park") }], rules(), five());
    assert!(way.ask(Ask::Approve).is_err() && way.ask(Ask::Resume).is_err() && way.ask(Ask::Retry).is_err());
    way.commits(&["b1", "b2"]);
    way.after(1);
    way.after(600);
    assert_eq!((way.progress.phase.clone(), way.told_new()), (Phase::Waiting, vec!["b1", "b2"]));
    way.ask(Ask::Approve).expect("it waits");
    assert_eq!(way.told_new(), ["b1", "b2", "b3", "b4"]);
    way.ask(Ask::Pause).expect("is under way");
    assert_eq!(way.ask(Ask::Pause), Err("the rollout is paused: it is so already".into()));
    way.fleet.bins.push(bin("n1", "school"));
    way.commits(&["b3", "b4"]);
    way.after(5000);
    assert_eq!(way.told_new(), ["b1", "b2", "b3", "b4"], "nobody more while it is paused");
    way.ask(Ask::Resume).expect("is paused");
    assert!(way.told_new().contains(&"n1"));
    way.ask(Ask::Cancel).expect("is under way");
    assert_eq!((way.progress.phase.clone(), way.told_new().len()), (Phase::Cancelled, 0));
    assert_eq!(way.ask(Ask::Pause), Err("the rollout is cancelled: it is over; it can be tried again".into()));
    way.ask(Ask::Retry).expect("is cancelled");
    assert_eq!(way.told_new(), ["b1", "b2", "n1"], "from the first group");
}

#[test]
fn a_pause_does_not_keep_it_from_stopping() {
    let mut way = Way::begin(vec![tag("school")], rules(), five());
    way.ask(Ask::Pause).expect("is under way");
    way.takes_back("b1");
    way.after(1);
    assert!(matches!(way.progress.phase, Phase::Stopped { .. }));
}

#[test]
fn what_was_taken_back_before_does_not_count_again() {
    let mut way = Way::begin(vec![tag("school"), tag("park")], rules(), five());
    way.takes_back("b1");
    way.bin("b2").says = Some(says("m1", failed()));
    way.after(1);
    way.ask(Ask::Retry).expect("stopped");
    assert_eq!(way.progress.phase, Phase::Rolling);
    assert_eq!(way.told_new(), ["b2"], "b1 keeps it from itself");
    assert_eq!(way.standing("b1"), Standing::Blocked { reason: "unsure of everything".into() });
    assert_eq!(way.standing("b2"), Standing::Told, "what it said before is no answer");
    way.bin("b2").says = Some(Says { number: (1, 2), ..says("m1", failed()) });
    way.after(1);
    assert!(matches!(way.progress.phase, Phase::Stopped { .. }), "it said so again");
    let mut all = five();
    for bin in &mut all.bins[..2] {
        let taken_back = vec![(model("m2").manifest, "too slow".to_owned())];
        bin.says = Some(Says { taken_back, ..says("m1", UpdateState::Idle) });
    }
    let way = Way::begin(vec![tag("school"), tag("park")], rules(), all);
    assert_eq!((way.kinds(), way.told_new()), (vec!["skipped", "reached"], vec!["b3", "b4"]));
}

#[test]
fn a_group_that_became_empty_is_passed_over_and_said() {
    let mut way = Way::begin(vec![tag("school"), tag("park")], rules(), five());
    way.commits(&["b1", "b2"]);
    way.fleet.bins.retain(|bin| bin.tag.as_deref() != Some("park"));
    way.after(1);
    way.after(600);
    assert_eq!(way.kinds(), ["reached", "ready", "skipped", "reached"]);
    assert_eq!(way.told_new(), ["b1", "b2", "b5"]);
}

#[test]
fn a_bin_is_told_in_its_window_and_stays_told() {
    let window = serde_json::from_str(r#"{"from":"22:00","to":"04:00"}"#).expect("reads");
    let at_night = Rules { windows: vec![window], ..rules() };
    let mut start = five();
    start.bins[0].time_zone = Some("Asia/Jakarta".into());
    start.bins[1].time_zone = Some("Mars/Olympus".into());
    start.bins[4].last_seen_ms = None;
    // 2026-09-21T14:13:20Z: 21:13 in Jakarta.
    let mut way = Way::begin(vec![share(100)], at_night, start);
    assert!(way.told_new().is_empty());
    assert_eq!((way.standing("b1"), way.standing("b5")), (Standing::Window, Standing::Away));
    way.after(3600);
    assert_eq!(way.told_new(), ["b1"], "the others go by UTC");
    way.after(7 * 3600);
    assert_eq!(way.told_new(), ["b1", "b2", "b3", "b4"], "the window of the first is over, and it stays told");
    assert_eq!(way.standing("b5"), Standing::Away, "what is retained would reach it outside of its window");
    way.takes_back("b1");
    way.takes_back("b2");
    way.after(12 * 3600);
    assert!(matches!(way.progress.phase, Phase::Stopped { .. }) && way.told_new().is_empty(), "back at any time");
}

#[test]
fn the_field_can_hold_it_and_a_person_let_it_go_on() {
    let worse = || Verdict::Worse { words: "unsure 9 % more often".into() };
    let cases = [
        (FieldRule::Ignore, worse(), false),
        (FieldRule::HoldIfWorse, worse(), true),
        (FieldRule::HoldIfWorse, Verdict::NotYet, false),
        (FieldRule::HoldUntilNoWorse, Verdict::NotYet, true),
        (FieldRule::HoldUntilNoWorse, Verdict::NoWorse, false),
        (FieldRule::HoldUntilNoWorse, Verdict::Better, false),
    ];
    for (field, verdict, held) in cases {
        let mut way = Way::begin(vec![tag("school"), tag("park")], Rules { field, ..rules() }, five());
        way.fleet.verdict = verdict.clone();
        way.commits(&["b1", "b2"]);
        way.after(1);
        way.after(600);
        assert_eq!(matches!(way.progress.phase, Phase::Held { .. }), held, "{field:?} {verdict:?}");
        assert_eq!(way.told_new().len(), if held { 2 } else { 4 }, "{field:?} {verdict:?}");
        if held {
            way.ask(Ask::Approve).expect("it is held");
            assert_eq!(way.told_new().len(), 4, "a person knows better");
        }
    }
    let mut way = Way::begin(vec![tag("school")], rules(), five());
    way.fleet.verdict = worse();
    way.commits(&["b1", "b2"]);
    way.after(1);
    way.after(600);
    way.fleet.verdict = Verdict::NoWorse;
    way.after(1);
    assert_eq!(way.kinds(), ["reached", "ready", "held", "released", "reached"]);
}

#[test]
fn what_holds_it_from_outside_is_said_once_and_tried_again() {
    let mut way = Way::begin(vec![share(100)], Rules { soak_s: 0, ..rules() }, five());
    let (held, said) = hold(&way.progress, "its file is damaged".into());
    assert!(said.is_some() && hold(&held, "its file is damaged".into()).1.is_none());
    way.progress = held;
    way.commits(&["b1", "b2", "b3", "b4", "b5"]);
    way.after(1);
    assert_eq!(way.progress.phase, Phase::Completed);
}

#[test]
fn a_model_that_nobody_published_is_named_once() {
    let mut start = five();
    start.bins[2].says = Some(says("m9", UpdateState::Idle));
    let mut impostor = says("m1", UpdateState::Idle);
    impostor.model.manifest = ContentId::of(b"another of that name");
    start.bins[3].says = Some(impostor);
    let mut way = Way::begin(vec![tag("school")], rules(), start);
    way.after(60);
    let named: Vec<_> = way.happened.iter().filter(|happening| happening.name() == "stranger").collect();
    assert_eq!(named.len(), 2);
    assert!(named[0].words().starts_with("b3 has a model that this hub never had: it calls it m9"), "{named:?}");
    assert_eq!(way.progress.phase, Phase::Rolling, "that alone stops nothing");
}

#[test]
fn a_plan_that_cannot_be_carried_out_is_refused_with_the_reason() {
    let fleet_of_five = five();
    let named = |ids: &[&str]| Group {
        who: Who::Bins { bins: ids.iter().map(|id| BinId::new(*id).expect("valid")).collect() },
        ..share(1)
    };
    let bad_rules = |change: fn(&mut Rules)| {
        let mut rules = rules();
        change(&mut rules);
        rules
    };
    let cases = [
        (
            vec![tag("beach")],
            rules(),
            "group 1 (beach) is empty: no bin was put into it on the page of bins. There are: park, school",
        ),
        (vec![named(&[])], rules(), "group 1 (0 bins) is empty: it names no bin"),
        (vec![named(&["b1", "b2"]), tag("school")], rules(), "each of its bins is of a group before it"),
        (vec![share(1)], rules(), "percent. Ask for more"),
        (vec![named(&["b1", "x9"])], rules(), "groups[0].bins is x9; it must be ids of bins that are enrolled"),
        (vec![share(0)], rules(), "groups[0].percent is 0; it must be 1 to 100"),
        (vec![share(60), share(50)], rules(), "groups[1].percent is 50; it must be 61 to 100"),
        (vec![share(100), tag("park")], rules(), "in the last group"),
        (vec![tag("park"); 21], rules(), "groups is 21 of them"),
        (vec![Group { name: "x".repeat(81), ..tag("park") }], rules(), "groups[0].name is"),
        (vec![], bad_rules(|rules| rules.success_percent = 0), "rules.success_percent is 0; it must be 1 to 100"),
        (vec![], bad_rules(|rules| rules.silent_after_s = 59), "rules.silent_after_s is 59"),
        (vec![], bad_rules(|rules| rules.time_zone = "Mars/Olympus".into()), "rules.time_zone is \"Mars/Olympus\""),
    ];
    for (groups, rules, words) in cases {
        let refused = Plan::new(7, model("m2"), model("m1"), groups.clone(), rules, &fleet_of_five);
        let error = refused.expect_err(words).to_string();
        assert!(error.contains(words), "{groups:?}: {error}");
    }
    let none = Plan::new(7, model("m2"), model("m1"), vec![], rules(), &fleet(vec![]));
    assert_eq!(none, Err(PlanError::NoBins));
    let same = Plan::new(7, model("m1"), model("m1"), vec![], rules(), &fleet_of_five);
    assert_eq!(same, Err(PlanError::InService("m1".into())));
}

#[test]
fn without_groups_a_small_fleet_has_no_empty_ones() {
    let one = plan(vec![], rules(), &fleet(vec![bin("b1", "")]));
    assert_eq!(one.groups.last().map(|group| group.name.as_str()), Some("all"));
    let many: Vec<_> = (0..400).map(|number| bin(&format!("b{number}"), "")).collect();
    let fleet_of_400 = fleet(many);
    let plan = plan(vec![], rules(), &fleet_of_400);
    assert_eq!(plan.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["5 %", "25 %", "all"]);
    let mut sizes = [0; 3];
    fleet_of_400.bins.iter().for_each(|bin| sizes[plan.group_of(bin)] += 1);
    // Drawn binomially: 20 ± 4.4, 80 ± 8, 300 ± 8.7; within three standard deviations.
    let expected = [7..=33, 56..=104, 274..=326];
    assert!(sizes.iter().zip(expected).all(|(size, range)| range.contains(size)), "{sizes:?}");
}

#[test]
fn what_is_kept_reads_back() {
    let mut way = Way::begin(vec![tag("school"), share(50)], rules(), five());
    way.takes_back("b1");
    way.after(1);
    way.ask(Ask::Retry).expect("stopped");
    let (plan, progress) = (serde_json::to_string(&way.plan), serde_json::to_string(&way.progress));
    assert_eq!(serde_json::from_str::<Plan>(&plan.expect("writes")).expect("reads"), way.plan);
    assert_eq!(serde_json::from_str::<Progress>(&progress.expect("writes")).expect("reads"), way.progress);
    for happening in &way.happened {
        let json = serde_json::to_string(happening).expect("writes");
        assert_eq!(&serde_json::from_str::<Happening>(&json).expect("reads"), happening);
    }
}
