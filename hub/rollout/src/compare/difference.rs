//! The difference between two versions, over bins that differ.
//!
//! Bins stand at different places, so that a group of them can be unsure more often than the others whatever the
//! version is; and the items of a bin hang together (its light, its people, its week). Counting all items as if they
//! were drawn from one urn would find differences between versions where there are differences between bins. Three
//! things are done:
//!
//! 1. **Each bin against itself.** From the mean of a bin's items is taken what it was before the rollout, under the
//!    version in service: `r = mean − b`. With few items before, b is drawn towards the mean of all bins, as if
//!    [`PRIOR_ITEMS`] items of that mean had come before; a new bin is compared with the mean. The bins of both
//!    sides are treated so, so that what changed for all at once (a holiday, the first cold week) cancels out. This
//!    is a difference in differences, with a covariate from before the experiment (Deng, Xu, Kohavi and Walker, WSDM
//!    2013).
//! 2. **Bins as clusters.** How far the r of bins on one side stray beyond the chance of their items is τ², by the
//!    method of moments of DerSimonian and Laird (*Controlled Clinical Trials* 7, 1986), pooled over both sides, as
//!    a few bins of the new version alone would not tell it. An estimate from few bins can be too small by chance:
//!    one standard deviation is added. A side's mean weighs each bin by 1/(vᵢ + τ²): where bins stray more than
//!    their items, a busy one counts no more than others.
//! 3. **Rare things.** A share is taken as if one more item had been so and one more had not, for its variance alone
//!    (Agresti and Caffo, *American Statistician* 54, 2000): 0 of 30 is not surely 0.

/// With fewer items on either side, nothing is said.
pub const LEAST_ITEMS: u64 = 30;

/// How many more bins than two, the bins of both sides added up, there are to be: from fewer nobody learns how bins stray.
pub const LEAST_FREEDOM: u64 = 3;

/// As many items at the mean of all bins are put before the ones that a bin had.
const PRIOR_ITEMS: f64 = 20.0;

/// Numbers from 0 to 1, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    /// How many.
    pub items: u64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub squares: f64,
}

impl Tally {
    /// Items of which so many are so: ones among zeros.
    #[must_use]
    pub fn of_count(items: u64, so: u64) -> Self {
        Self { items, sum: so as f64, squares: so as f64 }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { items: self.items + other.items, sum: self.sum + other.sum, squares: self.squares + other.squares }
    }

    /// The mean; `None` of nothing.
    #[must_use]
    pub fn mean(self) -> Option<f64> {
        (self.items > 0).then(|| self.sum / self.items as f64)
    }

    /// The variance of one item, with a 0 and a 1 added.
    fn variance(self) -> f64 {
        let items = self.items as f64 + 2.0;
        let mean = (self.sum + 1.0) / items;
        ((self.squares + 1.0) / items - mean * mean).max(0.0)
    }
}

/// One measure of a bin's items.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bin {
    /// Under the version in service, before the rollout.
    pub before: Tally,
    /// Under the version in service, since then.
    pub others: Tally,
    /// Under the new version.
    pub new: Tally,
}

/// By how much the new version differs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// New less others, each bin against itself before.
    pub value: f64,
    /// The variance of `value`.
    pub variance: f64,
}

/// A bin on one side: what it gained against itself, and the variance of that by the chance of its items.
#[derive(Debug, Clone, Copy)]
struct Residual {
    gain: f64,
    variance: f64,
}

/// The difference; `None` with too few items or bins.
#[must_use]
pub fn difference(bins: &[Bin]) -> Option<Difference> {
    let total = |of: fn(&Bin) -> Tally| bins.iter().map(of).fold(Tally::default(), Tally::plus);
    let (before, others, new) = (total(|bin| bin.before), total(|bin| bin.others), total(|bin| bin.new));
    if others.items < LEAST_ITEMS || new.items < LEAST_ITEMS {
        return None;
    }
    let usual = before.mean().or(others.mean())?;
    let residuals = |of: fn(&Bin) -> Tally, item: f64| -> Vec<Residual> {
        let residual = |bin: &Bin| {
            let since = of(bin);
            let (n, n_before) = (since.items as f64, bin.before.items as f64);
            let known = n_before + PRIOR_ITEMS;
            let own = (bin.before.sum + PRIOR_ITEMS * usual) / known;
            let variance = item / n + before.variance() * n_before / (known * known);
            Some(Residual { gain: since.mean()? - own, variance })
        };
        bins.iter().filter_map(residual).collect()
    };
    let others = residuals(|bin| bin.others, others.variance());
    let new = residuals(|bin| bin.new, new.variance());
    let strayed = strayed(&others, &new)?;
    let (of_others, of_new) = (mean(&others, strayed), mean(&new, strayed));
    Some(Difference { value: of_new.gain - of_others.gain, variance: of_new.variance + of_others.variance })
}

/// τ²: the variance between bins of one side beyond the chance of their items, and a standard deviation of that more.
fn strayed(others: &[Residual], new: &[Residual]) -> Option<f64> {
    let freedom = (others.len() + new.len()).checked_sub(2).filter(|freedom| *freedom as u64 >= LEAST_FREEDOM)? as f64;
    let (mut found, mut scale) = (0.0, 0.0);
    for side in [others, new] {
        let middle = mean(side, 0.0).gain;
        found += side.iter().map(|bin| (bin.gain - middle).powi(2) / bin.variance).sum::<f64>();
        let weights = side.iter().map(|bin| 1.0 / bin.variance);
        let (sum, squares) =
            weights.fold((0.0, 0.0), |(sum, squares), weight| (sum + weight, squares + weight * weight));
        scale += sum - squares / sum;
    }
    // The spread of `found` around `freedom` is that of χ², which grows with τ² itself.
    let spread = (2.0 / freedom).sqrt() * found.max(freedom);
    Some(((found - freedom + spread) / scale).max(0.0))
}

/// The mean over bins, each weighed by how sure it is.
fn mean(side: &[Residual], strayed: f64) -> Residual {
    let weight = |bin: &Residual| 1.0 / (bin.variance + strayed);
    let all: f64 = side.iter().map(weight).sum();
    Residual { gain: side.iter().map(|bin| weight(bin) * bin.gain).sum::<f64>() / all, variance: 1.0 / all }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(before: [u64; 2], others: [u64; 2], new: [u64; 2]) -> Bin {
        let [before, others, new] = [before, others, new].map(|[items, so]| Tally::of_count(items, so));
        Bin { before, others, new }
    }

    #[test]
    fn bins_that_differ_and_stay_as_they_were_show_no_difference() {
        // The group's bins are unsure of 40 %, all others of 5 %: before and since.
        let group = (0..5).map(|_| bin([2000, 800], [0, 0], [1000, 400]));
        let bins: Vec<Bin> = group.chain((0..15).map(|_| bin([2000, 100], [1000, 50], [0, 0]))).collect();
        let found = difference(&bins).expect("enough");
        assert!(found.value.abs() < 0.01, "{found:?}");
        // Without a look at what was before, 35 points.
        let blind: Vec<Bin> = bins.iter().map(|each| Bin { before: Tally::default(), ..*each }).collect();
        assert!((difference(&blind).expect("enough").value - 0.35).abs() < 0.01);
    }

    #[test]
    fn what_changes_for_all_cancels_out() {
        let group = (0..5).map(|_| bin([2000, 200], [0, 0], [1000, 300]));
        let bins: Vec<Bin> = group.chain((0..15).map(|_| bin([2000, 200], [1000, 200], [0, 0]))).collect();
        let found = difference(&bins).expect("enough");
        assert!((found.value - 0.1).abs() < 1e-9, "30 % against 20 %, both from 10 %: {found:?}");
    }

    #[test]
    fn bins_that_stray_make_it_less_sure() {
        let calm: Vec<Bin> = (0..20)
            .map(|i| bin([1000, 100], [500 * (i % 2), 50 * (i % 2)], [500 * (1 - i % 2), 50 * (1 - i % 2)]))
            .collect();
        let mut wild = calm.clone();
        for (i, each) in wild.iter_mut().enumerate() {
            let more = if i % 4 < 2 { 25.0 } else { -25.0 };
            let side = if i % 2 == 1 { &mut each.others } else { &mut each.new };
            side.sum += more;
            side.squares += more;
        }
        let (calm, wild) = (difference(&calm).expect("enough"), difference(&wild).expect("enough"));
        assert!(wild.variance > 5.0 * calm.variance, "{calm:?} {wild:?}");
    }

    #[test]
    fn a_bin_of_both_sides_is_on_both() {
        let bins = [bin([500, 50], [100, 10], [400, 40]); 4];
        let found = difference(&bins).expect("eight, from four bins");
        assert!(found.value.abs() < 1e-12 && found.variance > 0.0);
    }

    #[test]
    fn too_little_says_nothing() {
        let enough = bin([0, 0], [30, 3], [30, 3]);
        assert_eq!(difference(&[]), None);
        assert_eq!(difference(&[enough; 2]), None, "two bins on each side");
        assert!(difference(&[enough; 3]).is_some());
        assert_eq!(difference(&[bin([900, 9], [9, 1], [100, 9]); 3]), None, "27 items");
        assert_eq!(difference(&[bin([900, 9], [100, 9], [0, 0]); 9]), None);
    }

    #[test]
    fn nothing_of_many_is_not_surely_nothing() {
        let bins = [bin([0, 0], [10, 0], [10, 0]); 4];
        assert!(difference(&bins).expect("enough").variance > 0.0005);
    }
}
