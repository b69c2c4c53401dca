//! The signals of each sample: computation without IO, for a thread of its own.

use std::collections::{BTreeMap, HashMap};

use pilah_models::infer::{Classifier, best};
use pilah_models::name::ContentId;
use pilah_models::vectors;

use super::State;
use super::noise::Suspect;
use super::store::Scored;
use super::value::{self, Signals};
use crate::embeddings::Vectors;

/// How many labelled images stand for all of them when novelty is computed: 100,000 samples are then
/// compared in some 5 s (26 thousand million products of 256 numbers each, in a release build).
const REFERENCES: usize = 1000;

/// Scores that differ by less are the same, and are not written.
const SAME: f64 = 1e-6;

/// What new samples are compared with.
#[derive(Debug, Clone, Default)]
pub(super) struct References {
    rows: Vec<f32>,
    inverse_norms: Vec<f32>,
    /// The median cosine distance from a reference to the nearest other.
    typical: f64,
}

impl References {
    /// Takes labelled images, as many of each class if there are enough: spread evenly over those there
    /// are, in the order of their ids, which is the order in which they came.
    pub(super) fn of(samples: &[Scored], vectors: &Vectors) -> Self {
        let mut classes: BTreeMap<&str, Vec<&Scored>> = BTreeMap::new();
        for sample in samples {
            if let Some(class) = sample.class() {
                classes.entry(class).or_default().push(sample);
            }
        }
        let share = REFERENCES / classes.len().max(1);
        let mut this = Self::default();
        for samples in classes.values() {
            let taken = share.min(samples.len());
            for place in 0..taken {
                let sample = samples[place * samples.len() / taken];
                if let Some(embedding) = embedding(sample, vectors) {
                    this.inverse_norms.push(vectors::inverse_norm(&embedding));
                    this.rows.extend(embedding);
                }
            }
        }
        this.typical = this.typical_distance();
        this
    }

    fn typical_distance(&self) -> f64 {
        if self.inverse_norms.is_empty() {
            return 0.0;
        }
        let length = self.rows.len() / self.inverse_norms.len();
        let nearest = |(place, row): (usize, &[f32])| {
            let mut cosines = vectors::cosines(row, &self.rows, &self.inverse_norms);
            cosines.swap_remove(place);
            cosines.into_iter().reduce(f32::max).map(|cosine| f64::from(1.0 - cosine))
        };
        // A tenth of them tells the median well enough.
        let mut distances: Vec<f64> = self.rows.chunks(length).enumerate().step_by(10).filter_map(nearest).collect();
        distances.sort_by(f64::total_cmp);
        distances.get(distances.len() / 2).copied().unwrap_or(0.0).max(1e-6)
    }

    fn novelty(&self, embedding: &[f32]) -> f64 {
        let fits = self.rows.len() == self.inverse_norms.len() * embedding.len();
        let highest = fits.then(|| vectors::highest_cosine(embedding, &self.rows, &self.inverse_norms)).flatten();
        // Where nothing is labelled, everything is new, and novelty tells nothing apart.
        highest.map_or(0.0, |cosine| value::novelty(cosine, self.typical))
    }
}

/// What the scores are computed with.
pub(super) struct Judge<'a> {
    pub(super) model: Option<&'a Classifier>,
    pub(super) vectors: &'a Vectors,
    pub(super) references: &'a References,
    /// By sample; `None` if labels were not judged this time, so that what was found before stays.
    pub(super) suspects: Option<&'a HashMap<String, (Suspect, String)>>,
}

impl Judge<'_> {
    /// Computes the scores of samples anew, whole groups of them. Gives those that changed, as they were
    /// and as they should be.
    pub(super) fn changes(&self, samples: &[Scored]) -> Vec<(Scored, Scored)> {
        let mut scored: Vec<Scored> = samples.iter().map(|sample| self.alone(sample)).collect();
        let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, sample) in scored.iter().enumerate() {
            groups.entry(sample.group_key.clone()).or_default().push(place);
        }
        for places in groups.values() {
            let guesses = || places.iter().filter_map(|place| scored[*place].guess.as_deref());
            let differ = if places.len() > 1 { value::disagreement(guesses()) } else { 0.0 };
            for &place in places {
                let sample = &mut scored[place];
                // The frames of the bin's vote disagreed, though only one was kept.
                let at_the_bin = if sample.bin_reason.as_deref() == Some("disagreement") { 0.5 } else { 0.0 };
                sample.disagreement = Some(differ.max(at_the_bin));
            }
        }
        scored.iter_mut().for_each(finish);
        let pairs = samples.iter().cloned().zip(scored);
        pairs.filter(|(before, after)| !is_same(before, after)).collect()
    }

    /// All but what depends on the rest of the group.
    fn alone(&self, sample: &Scored) -> Scored {
        let mut new = sample.clone();
        let embedding = embedding(sample, self.vectors);
        let by_head = self.model.zip(embedding.as_deref()).and_then(|(model, embedding)| {
            let row = model.classify_embedding(embedding).ok()?;
            Some((model.manifest(), row))
        });
        match by_head {
            Some((manifest, row)) => {
                new.unsure = value::unsure(row.iter().map(|p| f64::from(*p)));
                new.guess = Some(manifest.labels.as_slice()[best(&row).0].to_string());
                new.model = Some(manifest.version.to_string());
            }
            None => {
                let stored = sample.probabilities_json.as_deref();
                let stored = stored.and_then(|json| serde_json::from_str::<BTreeMap<String, f64>>(json).ok());
                new.unsure = stored.and_then(|row| value::unsure(row.into_values()));
                new.guess.clone_from(&sample.bin_guess);
                new.model = None;
            }
        }
        let novelty = embedding.as_deref().filter(|_| sample.label.is_none());
        new.novelty = novelty.map(|embedding| self.references.novelty(embedding));
        if let Some(suspects) = self.suspects {
            let found = suspects.get(&sample.sample_id);
            new.suspect = found.map(|(suspect, _)| suspect.score);
            new.suggested = found.map(|(_, label)| label.clone());
        }
        if sample.class().is_none() {
            (new.suspect, new.suggested) = (None, None);
        }
        new
    }
}

/// Value and state from the signals.
fn finish(sample: &mut Scored) {
    let signals = Signals {
        unsure: sample.unsure.unwrap_or_default(),
        disagreement: sample.disagreement.unwrap_or_default(),
        suspect: sample.suspect.unwrap_or_default(),
        novelty: sample.novelty.unwrap_or_default(),
        marked_wrong: sample.marked_wrong,
    };
    let is_labelled = sample.label.is_some();
    sample.value = if is_labelled { signals.value_of_second_look() } else { signals.value() };
    let state = State::of(&sample.state);
    if !is_labelled || !matches!(state, Some(State::Open | State::Done)) {
        return;
    }
    let is_wrong_by_bin = sample.marked_wrong && sample.label == sample.bin_guess;
    let wants_another_look = !sample.checked && (sample.suspect.is_some() || is_wrong_by_bin);
    sample.state = if wants_another_look { State::Open } else { State::Done }.name().to_owned();
}

fn embedding(sample: &Scored, vectors: &Vectors) -> Option<Vec<f32>> {
    vectors.get(&ContentId::new(sample.content_sha256.as_str()).ok()?)
}

fn is_same(a: &Scored, b: &Scored) -> bool {
    let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < SAME,
        (a, b) => a.is_none() && b.is_none(),
    };
    near(Some(a.value), Some(b.value))
        && near(a.unsure, b.unsure)
        && near(a.disagreement, b.disagreement)
        && near(a.suspect, b.suspect)
        && near(a.novelty, b.novelty)
        && (&a.state, &a.guess, &a.suggested, &a.model) == (&b.state, &b.guess, &b.suggested, &b.model)
}
