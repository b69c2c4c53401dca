//! From frames to items: trigger → preprocess → infer → vote → decide, in a thread of its own,
//! because inference takes a core.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use image::RgbImage;
use pilah_models::infer::{Classifier, InferError};
use pilah_models::name::ModelVersion;
use pilah_models::wire::Truth;
use tokio::sync::watch;

use crate::camera::feed::{Arrived, Feed};
use crate::decide::{Decision, decide};
use crate::region::Region;
use crate::telemetry::Counters;
use crate::trigger::{Look, Scene, Thumbnail, Trigger, TriggerRules};
use crate::vote::Vote;

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
}

impl Sight {
    /// A sight of this region.
    #[must_use]
    pub fn new(region: Region) -> Self {
        Self { region: watch::Sender::new(region), scene: watch::Sender::new(Scene::Empty) }
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
}

#[derive(Debug)]
struct Settled {
    at: Instant,
    /// A vote is by one model, whatever is swapped in meanwhile.
    model: Classifier,
}

impl Pipeline {
    /// A pipeline that takes its first frame for the empty chamber; `votes` frames make an answer.
    #[must_use]
    pub fn new(rules: TriggerRules, votes: u8) -> Self {
        let region = Region::WHOLE;
        Self { rules, region, trigger: Trigger::new(rules), vote: Vote::default(), votes, settled: None }
    }

    /// Looks at another part of the picture from now on, whose next frame is taken for empty.
    pub fn look_at(&mut self, region: Region) {
        *self = Self { region, ..Self::new(self.rules, self.votes) };
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
        // No flap is right for two things at once.
        let decision = if self.trigger.sees_several() { decision.unsure() } else { decision };
        let item = Item {
            cause: Cause::Settled,
            decision,
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
            agreed: true,
            frames: 1,
            latency: at.elapsed(),
            model: manifest.version.clone(),
            truth: frame.truth.clone(),
            image,
        })
    }

    /// Takes frames from the feed until it is closed and empty, or `give` says that nobody wants items
    /// any more. When `wanted` is set, the next frame is classified for its own sake.
    pub fn run(
        mut self,
        feed: &Feed,
        counters: &Counters,
        sight: &Sight,
        wanted: &AtomicBool,
        model: impl Fn() -> Classifier,
        mut give: impl FnMut(Item) -> Result<(), ()>,
    ) {
        while let Some(arrived) = feed.take() {
            counters.frames.add(1);
            counters.frames_skipped.raise_to(feed.skipped());
            let region = *sight.region.borrow();
            if region != self.region {
                self.look_at(region);
            }
            if wanted.swap(false, Ordering::Relaxed) {
                let captured = counters.pulse.during(Instant::now(), || self.capture(&arrived, &model()));
                match captured.map(&mut give) {
                    Ok(Err(())) => return feed.close(),
                    Ok(Ok(())) => {}
                    Err(error) => tracing::warn!(error = crate::in_words(&error), "inference"),
                }
            }
            let looked = counters.pulse.during(Instant::now(), || self.handle_frame(&arrived, &model));
            let scene = self.trigger.scene();
            sight.scene.send_if_modified(|shown| std::mem::replace(shown, scene) != scene);
            match looked {
                Ok(Some(item)) => {
                    counters.items.add(1);
                    if give(item).is_err() {
                        return feed.close();
                    }
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(error = crate::in_words(&error), "inference"),
            }
        }
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
            let mut pipeline = Pipeline::new(TriggerRules::default(), 3);
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
            let mut pipeline = Pipeline::new(TriggerRules::default(), 3);
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
}
