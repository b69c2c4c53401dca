//! How long it takes to plan for 10,000 bins: `cargo run --release -p pilah-rollout --example plan`.

use std::collections::BTreeMap;
use std::time::Instant;

use pilah_models::name::{BinId, ContentId, ModelVersion};
use pilah_models::wire::UpdateState;
use pilah_rollout::compare::Verdict;
use pilah_rollout::fleet::{Bin, Fleet, Model, Says};
use pilah_rollout::plan::{Plan, Rules};
use pilah_rollout::progress::Progress;
use pilah_rollout::standing::{survey, wanted};
use pilah_rollout::step::step;

const BINS: usize = 10_000;
const ZONES: [&str; 4] = ["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "Europe/Berlin"];

fn model(name: &str) -> Model {
    Model { version: ModelVersion::new(name).expect("valid"), manifest: ContentId::of(name.as_bytes()) }
}

fn main() {
    let now_ms = 1_790_000_000_000;
    let says =
        |model| Says { number: (1, 1), model, on_probation: false, update: UpdateState::Idle, taken_back: vec![] };
    let bin = |number: usize| Bin {
        id: BinId::new(format!("bin-{number:05}")).expect("valid"),
        tag: Some(format!("place {}", number % 100)),
        time_zone: Some(ZONES[number % ZONES.len()].to_owned()),
        last_seen_ms: Some(now_ms),
        told: None,
        says: Some(says(model("m1"))),
    };
    let known: BTreeMap<_, _> = ["m1", "m2"].map(|name| (model(name).version, model(name).manifest)).into();
    let bins = (0..BINS).map(bin).collect();
    let fleet = Fleet { bins, listening_since_ms: 0, known, verdict: Verdict::NotYet };
    let window = serde_json::from_str(r#"{"from":"22:00","to":"04:00"}"#).expect("a window");
    let rules = Rules { windows: vec![window], ..Rules::default() };
    let plan = Plan::new(1, model("m2"), model("m1"), Vec::new(), rules, &fleet).expect("is possible");

    let begun = Instant::now();
    let (progress, happened) = step(&plan, &Progress::begin(&plan.new, &fleet), &fleet, now_ms);
    let stepped = begun.elapsed();
    let seen = survey(&plan, &progress, &fleet, now_ms);
    let new = seen.bins.iter().filter(|placed| *wanted(&plan, placed) == plan.new).count();
    let all = begun.elapsed();
    for happening in &happened {
        println!("{}", happening.words());
    }
    println!("{BINS} bins: step {stepped:.1?}, with what each should have {all:.1?}; {new} are told now");
}
