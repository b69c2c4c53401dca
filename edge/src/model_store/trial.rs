//! Whether a model that has just come is as good here as the one before it. Pure: it is told of each item and of
//! the time that passes, and says whether the trial goes on, is passed, or the model is to be taken back.
//!
//! What a gate saw on photos does not say how a model does before this camera, in this light, on this processor. So
//! the first items are a trial: the share of unsure answers and the time that an answer takes are compared with
//! those of the model before, of which a window of the last items is kept.
//!
//! # The rules
//!
//! *Unsure.* Newcombe's interval for the difference of two shares, by Wilson's score intervals of each (R. G. Newcombe,
//! "Interval estimation for the difference between independent proportions", Statistics in Medicine 17, 1998, method
//! 10). The model is taken back if the lower end of the difference lies above what is allowed
//! ([`ProbationRules::unsure`]): few items of the model before widen it, none leave nothing to compare with. Then, and
//! only then, the lower end of Wilson's interval of the share itself must not lie above [`UNSURE_ALONE`].
//!
//! *Slow.* The sign test (W. J. Dixon, A. M. Mood, "The statistical sign test", JASA 41, 1946). If the median stays
//! below the limit, each item is slower than that with a chance of a half at most; the model is taken back if as many
//! slow items as there were are too improbable by the exact binomial tail. The limit is a multiple
//! ([`ProbationRules::latency`]) of the median of the model before, and no less than that multiple of [`FAST`].
//!
//! *Looking often does not lie.* A trial is looked at after 10, 20, 40 … items and once before it is passed. The k-th look
//! may err with probability [`ALPHA`] / (k (k + 1)), and all looks together with ALPHA, because that sum telescopes. The
//! sign test keeps to that exactly. Newcombe's interval is an approximation; computed exactly for 100 items and the
//! default bound: a model that is worse by just what is allowed is taken back in 1.2 % of all cases at most (after one
//! that is never unsure), one that is as good as the one before in 0.014 % at most, and one that goes from 5 % unsure
//! to 50 % in 99 %.
//!
//! *Silent.* A model that cannot answer [`FAILURES`] pictures in a row is taken back without statistics.
//!
//! A trial is passed after so many items and so much time; a bin that sees few items passes it after the longest time.
//! Time counts only while pictures come through the pipeline.

use std::fmt;
use std::time::Duration;

use pilah_models::name::ModelVersion;
use pilah_models::wire;
use serde::{Deserialize, Serialize};

use super::figures::{Figures, Seen};

/// How often each of the two rules may take back a model that is no worse than allowed.
pub const ALPHA: f64 = 0.005;

/// The items after which a trial is looked at for the first time; the next look is after twice as many.
pub const FIRST_LOOK: u64 = 10;

/// One-sided normal quantiles of 1 − [`ALPHA`] / (k (k + 1)) for the looks k = 1, 2 …; after the last of them, which is
/// after 20,480 items, nothing is looked at any more. From Python's `statistics.NormalDist().inv_cdf`.
const Z: [f64; 12] = [2.807, 3.144, 3.3415, 3.4808, 3.5879, 3.6747, 3.7475, 3.8101, 3.865, 3.9137, 3.9574, 3.9972];

/// The most unsure answers, as a share, if nothing is known of the model before.
pub const UNSURE_ALONE: f64 = 0.8;

/// A model that answers within this is not slow, whatever the one before took: 0.3 s are the budget of a decision.
pub const FAST: Duration = Duration::from_millis(150);

/// Pictures in a row that a model may fail to answer.
pub const FAILURES: u64 = 10;

/// When a trial is passed, and by how much a model may be worse than the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProbationRules {
    /// Items that the model has to classify.
    pub items: u64,
    /// Time that it has to be in force.
    pub time: Duration,
    /// Time after which the trial is passed with fewer items, too.
    pub longest: Duration,
    /// By how much the share of unsure answers may be larger, 0 to 1; 1: it is not compared.
    pub unsure: f64,
    /// How many times as long the median answer may take; 0: it is not compared.
    pub latency: f64,
}

impl Default for ProbationRules {
    fn default() -> Self {
        Self {
            items: 100,
            time: Duration::from_secs(600),
            longest: Duration::from_secs(72 * 3600),
            unsure: 0.15,
            latency: 3.0,
        }
    }
}

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The trial goes on.
    GoOn,
    /// It is passed.
    Commit,
    /// The model is worse than the one before.
    TakeBack {
        /// By what, in words.
        reason: String,
    },
}

/// What is known of the model before, when a trial begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Its name.
    pub version: ModelVersion,
    /// Its last items.
    pub items: u64,
    /// How many of them it was unsure of.
    pub unsure: u64,
    /// The median time to its answers, in milliseconds; 0: there were none.
    pub median_ms: u32,
}

impl Before {
    /// The model of this name, with the figures of its last items.
    #[must_use]
    pub fn of(version: ModelVersion, figures: &Figures) -> Self {
        let median_ms = figures.median_ms().unwrap_or(0);
        Self { version, items: figures.items(), unsure: figures.unsure(), median_ms }
    }
}

/// A trial, as it is kept on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The model on trial.
    pub version: ModelVersion,
    /// The one to go back to.
    pub before: Before,
    /// Items so far.
    #[serde(default)]
    pub items: u64,
    /// How many of them the model was unsure of.
    #[serde(default)]
    pub unsure: u64,
    /// How many took longer than the limit.
    #[serde(default)]
    pub slow: u64,
    /// How long it was in force with pictures coming.
    #[serde(default)]
    pub milliseconds: u64,
    /// How often it was looked at.
    #[serde(default)]
    pub looks: u32,
    /// Pictures that could not be answered since the last item.
    #[serde(default)]
    pub failures: u64,
}

impl Trial {
    /// The trial of a model that comes after `before`.
    #[must_use]
    pub fn new(version: ModelVersion, before: Before) -> Self {
        Self { version, before, items: 0, unsure: 0, slow: 0, milliseconds: 0, looks: 0, failures: 0 }
    }

    /// It has classified an item.
    pub fn handle_item(&mut self, seen: Seen, rules: &ProbationRules) {
        self.items += 1;
        self.unsure += u64::from(seen.unsure);
        self.slow += u64::from(seen.milliseconds > self.slow_ms(rules));
        self.failures = 0;
    }

    /// It could not answer so many pictures.
    pub fn handle_failures(&mut self, pictures: u64) {
        self.failures = self.failures.saturating_add(pictures);
    }

    /// It was in force for so long, and pictures came.
    pub fn handle_time(&mut self, passed: Duration) {
        let passed = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        self.milliseconds = self.milliseconds.saturating_add(passed);
    }

    /// What there is to do now.
    pub fn poll_verdict(&mut self, rules: &ProbationRules) -> Verdict {
        if self.failures >= FAILURES {
            return Verdict::TakeBack { reason: format!("it could not answer {} pictures in a row", self.failures) };
        }
        let lasted = Duration::from_millis(self.milliseconds);
        let is_over = lasted >= rules.longest || (self.items >= rules.items && lasted >= rules.time);
        let is_due = FIRST_LOOK.checked_shl(self.looks).is_some_and(|items| self.items >= items);
        if (is_due || is_over)
            && let Some(z) = Z.get(self.looks as usize)
        {
            self.looks += 1;
            if let Some(reason) = self.unsure_of_more(*z, rules).or_else(|| self.takes_longer(rules)) {
                return Verdict::TakeBack { reason };
            }
        }
        if is_over { Verdict::Commit } else { Verdict::GoOn }
    }

    /// How far it is, for the hub.
    #[must_use]
    pub fn state(&self, rules: &ProbationRules) -> wire::Probation {
        wire::Probation {
            before: self.before.version.clone(),
            items: self.items,
            of_items: rules.items,
            seconds: self.milliseconds / 1000,
            of_seconds: rules.time.as_secs(),
        }
    }

    /// How far it is, in tenths: what is worth a message.
    #[must_use]
    pub fn tenths(&self, rules: &ProbationRules) -> (u64, u64) {
        let tenths = |part: u64, whole: u64| part.saturating_mul(10).checked_div(whole).unwrap_or(10).min(10);
        (tenths(self.items, rules.items), tenths(self.milliseconds / 1000, rules.time.as_secs()))
    }

    fn slow_ms(&self, rules: &ProbationRules) -> u32 {
        let fast = u32::try_from(FAST.as_millis()).unwrap_or(u32::MAX);
        // A cast to an integer saturates.
        (f64::from(self.before.median_ms.max(fast)) * rules.latency) as u32
    }

    fn unsure_of_more(&self, z: f64, rules: &ProbationRules) -> Option<String> {
        let Before { version, items, unsure, .. } = &self.before;
        if rules.unsure >= 1.0 || self.items == 0 {
            return None;
        }
        let (here, before) = (Share { of: self.unsure, all: self.items }, Share { of: *unsure, all: *items });
        if *items == 0 {
            let least = here.wilson(z).0;
            let words = || {
                let (least, allowed) = (percent(least), percent(UNSURE_ALONE));
                format!(
                    "it was unsure of {here}: of {least} at least of all that comes, and {allowed} are allowed; nothing is \
                     known of {version} before it"
                )
            };
            return (least > UNSURE_ALONE).then(words);
        }
        let more = here.exceeds(before, z);
        let words = || {
            let (more, allowed) = (points(more), points(rules.unsure));
            format!(
                "it was unsure of {here}, {version} before it of {before}: {more} at least, and {allowed} are allowed"
            )
        };
        (more > rules.unsure).then(words)
    }

    fn takes_longer(&self, rules: &ProbationRules) -> Option<String> {
        let Before { version, median_ms, .. } = &self.before;
        if rules.latency <= 0.0 || *median_ms == 0 {
            return None;
        }
        let k = f64::from(self.looks);
        let words = || {
            format!(
                "{} of {} items took longer than {} ms; half of those of {version} before it took no longer than {median_ms} \
                 ms",
                self.slow,
                self.items,
                self.slow_ms(rules)
            )
        };
        (at_least_by_chance(self.slow, self.items) < ALPHA / (k * (k + 1.0))).then(words)
    }
}

/// The chance of at least `of` heads in `all` throws of a fair coin.
fn at_least_by_chance(of: u64, all: u64) -> f64 {
    // From all heads downwards, each logarithm from the one before: C(n, i − 1) = C(n, i) · i / (n − i + 1).
    let mut term = -(all as f64) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    for heads in (of..=all).rev() {
        sum += term.exp();
        term += (heads as f64).ln() - ((all - heads + 1) as f64).ln();
    }
    f64::min(sum, 1.0)
}

/// A share of some items.
#[derive(Debug, Clone, Copy)]
struct Share {
    of: u64,
    all: u64,
}

impl Share {
    fn value(self) -> f64 {
        if self.all == 0 { 0.0 } else { self.of as f64 / self.all as f64 }
    }

    /// Wilson's score interval.
    fn wilson(self, z: f64) -> (f64, f64) {
        if self.all == 0 {
            return (0.0, 1.0);
        }
        let (p, n) = (self.value(), self.all as f64);
        let middle = p + z * z / (2.0 * n);
        let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        let whole = 1.0 + z * z / n;
        (((middle - half) / whole).max(0.0), ((middle + half) / whole).min(1.0))
    }

    /// The lower end of Newcombe's interval for how much larger this share is than the other.
    fn exceeds(self, other: Self, z: f64) -> f64 {
        let (p, q) = (self.value(), other.value());
        (p - q) - (p - self.wilson(z).0).hypot(other.wilson(z).1 - q)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} items ({})", self.of, self.all, percent(self.value()))
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn points(share: f64) -> String {
    format!("{:.0} points more", share * 100.0)
}

#[cfg(test)]
mod tests;
