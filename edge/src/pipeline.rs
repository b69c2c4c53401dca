//! From frames to items: trigger → preprocess → infer → vote → decide, in a thread of its own,
//! because inference takes a core.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use image::RgbImage;
use pilah_models::infer::{Classifier, InferError};
use pilah_models::name::ModelVersion;
use pilah_models::wire::{ChamberState, Truth};
use tokio::sync::watch;

use crate::camera::feed::{Arrived, Feed};
use crate::decide::{Decision, decide};
use crate::region::Region;
use crate::telemetry::Counters;
use crate::trigger::memory::Memory;
use crate::trigger::{Gaps, Look, Scene, Thumbnail, Trigger, TriggerRules};
use crate::vote::Vote;

/// How often the empty chamber is kept at most: a card wears with every write.
const KEEP_EVERY: Duration = Duration::from_secs(600);

/// A bin that does not know its chamber after so long needs somebody to look.
const ACQUAINTED: Duration = Duration::from_secs(60);

/// Why something was classified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// An item has settled.
    Settled,
    /// Somebody asked for a picture, item or not.
    Asked,
}

/// An item that was classified.
#[derive(Debug, Clone)]
pub struct Item {
    /// Why it was.
    pub cause: Cause,
    /// What it was taken for.
    pub decision: Decision,
    /// Whether the bin knew what its empty chamber looks like: if not, the item may be a gap, and no flap opens for it.
    pub chamber_known: bool,
    /// Whether the frames of the vote agreed.
    pub agreed: bool,
    /// How many frames voted.
    pub frames: u8,
    /// From the moment it lay still to the decision.
    pub latency: Duration,
    /// The model that classified it.
    pub model: ModelVersion,
    /// What it truly was, if the camera knows.
    pub truth: Option<Truth>,
    /// The picture of the last vote.
    pub image: Arc<RgbImage>,
}

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

/// The pipeline's state between frames.
#[derive(Debug)]
pub struct Pipeline {
    rules: TriggerRules,
    region: Region,
    trigger: Trigger,
    vote: Vote,
    votes: u8,
    settled: Option<Settled>,
    /// The empty chamber as it was kept last, and the frame's time then.
    memory: Option<Memory>,
    kept: Option<Duration>,
}

#[derive(Debug)]
struct Settled {
    at: Instant,
    /// A vote is by one model, whatever is swapped in meanwhile.
    model: Classifier,
}

impl Pipeline {
    /// A pipeline that takes its first frame for the empty chamber until it knows better; `votes` frames make an answer.
    #[must_use]
    pub fn new(rules: TriggerRules, votes: u8) -> Self {
        Self::remembering(rules, votes, None)
    }

    /// A pipeline that knows what the empty chamber looked like when the bin ran last.
    #[must_use]
    pub fn remembering(rules: TriggerRules, votes: u8, memory: Option<Memory>) -> Self {
        let mut pipeline = Self {
            rules,
            region: Region::WHOLE,
            trigger: Trigger::new(rules),
            vote: Vote::default(),
            votes,
            settled: None,
            memory,
            kept: None,
        };
        pipeline.look_at(Region::WHOLE);
        pipeline
    }

    /// Looks at another part of the picture from now on. Its next frame is compared with what is remembered of it, or
    /// else taken for empty until more is known.
    pub fn look_at(&mut self, region: Region) {
        let chamber = self.memory.as_ref().filter(|memory| memory.region == region).map(|memory| &memory.chamber);
        self.trigger = Trigger::remembering(self.rules, chamber);
        self.region = region;
        self.vote.clear();
        self.settled = None;
    }

    /// The empty chamber, if it is due to be kept: when it is known for the first time, and now and then, since light and
    /// dirt change it. `last`: there is no further chance.
    pub fn poll_memory(&mut self, at: Duration, last: bool) -> Option<Memory> {
        let due = last || self.kept.is_none_or(|kept| at.saturating_sub(kept) >= KEEP_EVERY);
        if !due || !last && self.trigger.scene() != Scene::Empty {
            return None;
        }
        let memory = Memory { region: self.region, chamber: self.trigger.chamber()? };
        self.kept = Some(at);
        (self.memory.replace(memory) != Some(memory)).then_some(memory)
    }

    /// Looks at a frame; `model` is asked for the one in force when a vote begins. Returns an item when
    /// its vote is over.
    ///
    /// # Errors
    /// Inference failed: the frame did not vote.
    pub fn handle_frame(
        &mut self,
        arrived: &Arrived,
        model: impl FnOnce() -> Classifier,
    ) -> Result<Option<Item>, InferError> {
        let Arrived { frame, at } = arrived;
        match self.trigger.handle_frame(&Thumbnail::within(&frame.rgb, self.region), frame.at) {
            Look::Away => return Ok(None),
            Look::Void => {
                self.vote.clear();
                self.settled = None;
                return Ok(None);
            }
            Look::First => {
                self.vote.clear();
                self.settled = Some(Settled { at: *at, model: model() });
            }
            Look::Again => {}
        }
        let Some(settled) = &self.settled else { return Ok(None) };
        let image = self.region.crop(&frame.rgb);
        let prediction = settled.model.classify(&image)?;
        self.vote.add(&prediction.probabilities);
        if self.vote.frames() < self.votes {
            return Ok(None);
        }
        let Some(verdict) = self.vote.verdict() else { return Ok(None) };
        let manifest = settled.model.manifest();
        let decision = decide(&verdict.probabilities, manifest);
        // No flap is right for two things at once, and nobody is sure of what may be a gap.
        let chamber_known = self.trigger.knows_the_chamber();
        let is_open = self.trigger.sees_several() || !chamber_known;
        let decision = if is_open { decision.unsure() } else { decision };
        let item = Item {
            cause: Cause::Settled,
            decision,
            chamber_known,
            agreed: verdict.agreed,
            frames: verdict.frames,
            latency: settled.at.elapsed(),
            model: manifest.version.clone(),
            truth: frame.truth.clone(),
            image,
        };
        self.trigger.handle_classified(frame.at);
        self.vote.clear();
        self.settled = None;
        Ok(Some(item))
    }

    /// Classifies the region of a frame for its own sake. The trigger and the vote know nothing of it.
    ///
    /// # Errors
    /// Inference failed.
    pub fn capture(&self, arrived: &Arrived, model: &Classifier) -> Result<Item, InferError> {
        let Arrived { frame, at } = arrived;
        let image = self.region.crop(&frame.rgb);
        let prediction = model.classify(&image)?;
        let manifest = model.manifest();
        Ok(Item {
            cause: Cause::Asked,
            decision: decide(&prediction.probabilities, manifest),
            chamber_known: self.trigger.knows_the_chamber(),
            agreed: true,
            frames: 1,
            latency: at.elapsed(),
            model: manifest.version.clone(),
            truth: frame.truth.clone(),
            image,
        })
    }

    /// Takes frames from the feed until it is closed and empty, or `give` says that nobody wants items
    /// any more. When `wanted` is set, the next frame is classified for its own sake. `keep` is told of the empty chamber
    /// as it should be remembered.
    #[expect(clippy::too_many_arguments, reason = "what is shared with the camera, the loop and the preview")]
    pub fn run(
        mut self,
        feed: &Feed,
        counters: &Counters,
        sight: &Sight,
        wanted: &AtomicBool,
        model: impl Fn() -> Classifier,
        mut give: impl FnMut(Item) -> Result<(), ()>,
        mut keep: impl FnMut(&Memory),
    ) {
        let mut last = Duration::ZERO;
        while let Some(arrived) = feed.take() {
            last = arrived.frame.at;
            counters.frames.add(1);
            counters.frames_skipped.raise_to(feed.skipped());
            let region = *sight.region.borrow();
            if region != self.region {
                self.look_at(region);
            }
            if wanted.swap(false, Ordering::Relaxed) {
                let captured = counters.pulse.during(Instant::now(), || self.capture(&arrived, &model()));
                match captured.map(&mut give) {
                    Ok(Err(())) => break,
                    Ok(Ok(())) => {}
                    Err(error) => tracing::warn!(error = crate::in_words(&error), "inference"),
                }
            }
            let looked = counters.pulse.during(Instant::now(), || self.handle_frame(&arrived, &model));
            let scene = self.trigger.scene();
            sight.scene.send_if_modified(|shown| std::mem::replace(shown, scene) != scene);
            let view = View { chamber_known: self.trigger.knows_the_chamber(), gaps: self.trigger.gaps() };
            sight.view.send_if_modified(|shown| std::mem::replace(shown, view) != view);
            self.poll_memory(last, false).iter().for_each(&mut keep);
            match looked {
                Ok(Some(item)) => {
                    counters.items.add(1);
                    if give(item).is_err() {
                        break;
                    }
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(error = crate::in_words(&error), "inference"),
            }
        }
        feed.close();
        self.poll_memory(last, true).iter().for_each(&mut keep);
    }
}

#[cfg(test)]
mod tests {
    use pilah_models::bundle::{Bundle, Manifest, uniform_thresholds};
    use pilah_models::wire::Outcome;

    use super::*;
    use crate::camera::chamber::Chamber;
    use crate::camera::chamber::trouble::Trouble;
    use crate::camera::replay::{Replay, ReplayConfig, Showing};
    use crate::camera::{Camera, CameraError, Frame};
    use crate::testing;
    use crate::trigger::confusion;

    #[test]
    fn each_replayed_photo_becomes_one_item_with_its_truth() {
        let photos = testing::photos(7);
        let config: ReplayConfig = toml::from_str(&format!("folder = {:?}", photos.path())).expect("valid");
        let rules = TriggerRules::default();
        let mut camera =
            Replay::open(&config, Showing::for_pipeline(&config, rules.settle, rules.clear, 3)).expect("opens");
        let model = testing::classifier("m1", 1);
        let mut pipeline = Pipeline::new(rules, 3);
        let mut items = Vec::new();
        loop {
            let frame = match camera.next_frame() {
                Ok(frame) => frame,
                Err(CameraError::Ended) => break,
                Err(error) => panic!("{error}"),
            };
            let arrived = Arrived { frame, at: Instant::now() };
            items.extend(pipeline.handle_frame(&arrived, || model.clone()).expect("inference works"));
        }
        assert_eq!(items.len(), 7);
        for item in items {
            assert!(item.truth.is_some() && item.frames == 3 && item.agreed, "{:?}", item.decision);
            assert_eq!(item.model.as_str(), "m1");
            assert_eq!(item.image.dimensions(), (64, 48));
            let highest = item.decision.probabilities.values().copied().fold(0.0, f32::max);
            assert_eq!(highest, item.decision.confidence);
            assert!(matches!(item.decision.outcome, Outcome::Label { .. } | Outcome::Unsure { .. }));
        }
    }

    #[test]
    fn what_is_outside_of_the_region_neither_triggers_nor_is_classified() {
        let frames = |moved: bool| {
            // An item at the left, and, if it moved, another one at the right.
            let picture = move |there: bool| {
                let light = move |x: u32| there && (x < 20 || moved && x >= 44);
                Arc::new(RgbImage::from_fn(64, 48, |x, _| image::Rgb([if light(x) { 200 } else { 20 }; 3])))
            };
            (0..30_u64).map(move |n| {
                let frame = Frame { rgb: picture(n >= 5), at: Duration::from_millis(n * 100), truth: None };
                Arrived { frame, at: Instant::now() }
            })
        };
        let model = testing::classifier("m1", 1);
        let region = |shares| Region::try_from(shares).expect("valid");
        let items = |region: Region, moved: bool| -> Vec<Item> {
            let mut pipeline = Pipeline::new(TriggerRules::default(), 3);
            pipeline.look_at(region);
            frames(moved)
                .filter_map(|a| pipeline.handle_frame(&a, || model.clone()).expect("inference works"))
                .collect()
        };
        assert_eq!(items(Region::WHOLE, false).len(), 1);
        let (left, right) = (region([0.0, 0.0, 0.5, 1.0]), region([0.5, 0.0, 0.5, 1.0]));
        assert!(items(right, false).is_empty(), "what is at the left is none of its business");
        let seen = [items(left, false), items(left, true)].concat();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].image.dimensions(), (32, 48));
        assert_eq!(seen[0].decision, seen[1].decision, "what is at the right changes nothing");
    }

    /// A pipeline that has seen this empty chamber before.
    fn acquainted(chamber: &RgbImage) -> Pipeline {
        let memory = Memory { region: Region::WHOLE, chamber: Thumbnail::of(chamber) };
        Pipeline::remembering(TriggerRules::default(), 3, Some(memory))
    }

    /// A model that is sure of whatever it sees.
    fn sure_of_everything() -> Classifier {
        let bundle = testing::bundle("m1", 1);
        let thresholds = uniform_thresholds(&bundle.manifest().labels, 0.01);
        let manifest = Manifest { thresholds, ..bundle.manifest().clone() };
        let bundle = Bundle::seal(manifest, bundle.backbone().to_vec(), bundle.head().to_vec()).expect("consistent");
        Classifier::load(&bundle).expect("it loads")
    }

    #[test]
    fn two_things_that_lie_apart_are_unsure_however_sure_the_model_is() {
        let model = sure_of_everything();
        let picture = |second: bool| {
            Arc::new(RgbImage::from_fn(64, 48, move |x, y| {
                let there = (18..36).contains(&y) && ((6..20).contains(&x) || second && (40..56).contains(&x));
                image::Rgb([if there { 200 } else { 20 }; 3])
            }))
        };
        let empty = Arc::new(RgbImage::from_pixel(64, 48, image::Rgb([20; 3])));
        for second in [false, true] {
            let mut pipeline = acquainted(&empty);
            let items: Vec<Item> = (0..30_u64)
                .filter_map(|n| {
                    let rgb = if n < 5 { Arc::clone(&empty) } else { picture(second) };
                    let frame = Frame { rgb, at: Duration::from_millis(n * 100), truth: None };
                    let arrived = Arrived { frame, at: Instant::now() };
                    pipeline.handle_frame(&arrived, || model.clone()).expect("inference works")
                })
                .collect();
            assert_eq!(items.len(), 1, "one answer for both: {items:?}");
            assert_eq!(items[0].decision.is_sure(), !second, "{:?}", items[0].decision);
        }
    }

    /// In drawn bins, where half of the pairs touch or hide each other.
    #[test]
    fn of_drawn_pairs_those_that_are_told_apart_are_unsure() {
        let model = sure_of_everything();
        let (mut apart, mut together) = (0, 0);
        for look in [4, 9] {
            let trouble = [(Trouble::Pair, 1.0)].into();
            let mut camera = Chamber::new(confusion::bin(look, 500 + look, trouble)).expect("valid");
            let first = camera.next_frame().expect("a drawn camera does not fail");
            let mut pipeline = acquainted(&first.rgb);
            for _ in 0..250 {
                let frame = camera.next_frame().expect("a drawn camera does not fail");
                let arrived = Arrived { frame, at: Instant::now() };
                let Some(item) = pipeline.handle_frame(&arrived, || model.clone()).expect("inference works") else {
                    continue;
                };
                assert_eq!(item.decision.is_sure(), !pipeline.trigger.sees_several(), "{:?}", item.decision);
                *(if item.decision.is_sure() { &mut together } else { &mut apart }) += 1;
            }
        }
        assert!(apart >= 5, "{apart} pairs were told apart, {together} were not");
    }

    /// A picture of the chamber, with or without an item in it.
    fn picture(item: bool) -> Arc<RgbImage> {
        Arc::new(RgbImage::from_fn(64, 48, move |x, y| {
            let there = item && (16..36).contains(&x) && (18..36).contains(&y);
            image::Rgb([if there { 200 } else { 20 + (x / 8 + y / 8) as u8 % 2 * 20 }; 3])
        }))
    }

    /// The items of a pipeline that sees this, one letter a frame: `i`, an item; `.`, none. And what is kept of it.
    fn seen(pipeline: &mut Pipeline, frames: &str) -> (Vec<Item>, Vec<Memory>) {
        let model = sure_of_everything();
        let (mut items, mut kept) = (Vec::new(), Vec::new());
        for (number, letter) in (0..).zip(frames.chars()) {
            let at = Duration::from_millis(number * 100);
            let frame = Frame { rgb: picture(letter == 'i'), at, truth: None };
            let arrived = Arrived { frame, at: Instant::now() };
            items.extend(pipeline.handle_frame(&arrived, || model.clone()).expect("inference works"));
            kept.extend(pipeline.poll_memory(at, false));
        }
        (items, kept)
    }

    #[test]
    fn nothing_is_sure_before_the_empty_chamber_is_known_and_it_is_kept_then() {
        let visit = ["i".repeat(15), ".".repeat(8)].concat();
        let mut fresh = Pipeline::new(TriggerRules::default(), 3);
        let (items, kept) = seen(&mut fresh, &[".....", visit.as_str(), &visit].concat());
        let sure: Vec<_> = items.iter().map(|item| (item.chamber_known, item.decision.is_sure())).collect();
        assert_eq!(sure, [(false, false), (true, true)], "the first item might have been a gap");
        let empty = Memory { region: Region::WHOLE, chamber: Thumbnail::of(&picture(false)) };
        assert_eq!(kept, [empty], "known when the first item had gone, and not written again at once");
        assert_eq!(fresh.poll_memory(Duration::from_secs(5), true), None, "it is as it was kept");

        let again = || Pipeline::remembering(TriggerRules::default(), 3, Some(empty));
        for frames in [&["..", visit.as_str()].concat(), &visit] {
            let (items, kept) = seen(&mut again(), frames);
            let sure: Vec<_> = items.iter().map(|item| (item.chamber_known, item.decision.is_sure())).collect();
            assert_eq!((sure, kept), (vec![(true, true)], vec![]), "in view at the start or not: {frames}");
        }
        let mut elsewhere = again();
        elsewhere.look_at(Region::try_from([0.0, 0.0, 0.5, 1.0]).expect("valid"));
        let (items, _) = seen(&mut elsewhere, &["..", visit.as_str()].concat());
        assert!(!items[0].chamber_known, "of another part of the picture nothing is remembered");
    }

    #[test]
    fn an_item_in_view_at_the_first_start_of_all_makes_no_item_of_the_gap() {
        let mut fresh = Pipeline::new(TriggerRules::default(), 3);
        let (item, gap) = ("i".repeat(20), ".".repeat(40));
        let (items, _) = seen(&mut fresh, &[item.as_str(), &gap, &item, &gap, &item, &gap].concat());
        let sure: Vec<_> = items.iter().map(|item| item.decision.is_sure()).collect();
        assert_eq!(sure, [false, true], "the first item was there before anybody looked, and its gap is none");
    }
}
