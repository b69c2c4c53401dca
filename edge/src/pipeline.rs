//! From frames to items: trigger → preprocess → infer → vote → decide, in a thread of its own,
//! because inference takes a core.

/// What it sees and how well.
mod sight;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use image::RgbImage;
use pilah_models::infer::Classifier;
use pilah_models::name::ModelVersion;
use pilah_models::wire::Truth;

pub use self::sight::{Sight, View};
use crate::camera::feed::{Arrived, Feed};
use crate::decide::{Decision, decide};
use crate::model_store::answer::{Unanswered, answer};
use crate::region::Region;
use crate::telemetry::Counters;
use crate::trigger::memory::Memory;
use crate::trigger::{Look, Scene, Thumbnail, Trigger, TriggerRules};
use crate::vote::Vote;

/// How often the empty chamber is kept at most: a card wears with every write.
const KEEP_EVERY: Duration = Duration::from_secs(600);

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
    /// Inference failed, or the model panicked: the frame did not vote.
    pub fn handle_frame(
        &mut self,
        arrived: &Arrived,
        model: impl FnOnce() -> Classifier,
    ) -> Result<Option<Item>, Unanswered> {
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
        let prediction = answer(|| settled.model.classify(&image))?;
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
    /// As [`Pipeline::handle_frame`].
    pub fn capture(&self, arrived: &Arrived, model: &Classifier) -> Result<Item, Unanswered> {
        let Arrived { frame, at } = arrived;
        let image = self.region.crop(&frame.rgb);
        let prediction = answer(|| model.classify(&image))?;
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
                    Err(error) => tracing::warn!(error = crate::words::in_words(&error), "inference"),
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
                Err(error) => {
                    counters.unanswered.add(1);
                    tracing::warn!(error = crate::words::in_words(&error), "inference");
                }
            }
        }
        feed.close();
        self.poll_memory(last, true).iter().for_each(&mut keep);
    }
}

#[cfg(test)]
mod tests;
