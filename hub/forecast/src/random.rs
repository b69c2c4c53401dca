//! Draws from distributions, and quantiles. All draws come from a generator with a seed.

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

/// The quantile of the standard normal distribution, by Wichura's algorithm AS 241 (1988), to 1e-6.
pub(super) fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        let numerator = ((59.109_374_720 * r + 159.291_132_02) * r + 50.434_271_938) * r + 3.387_132_717_9;
        let denominator = ((67.187_563_6 * r + 78.757_757_664) * r + 17.895_169_469) * r + 1.0;
        return q * numerator / denominator;
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = (-tail.ln()).sqrt();
    let value = if r <= 5.0 {
        let r = r - 1.6;
        (((0.170_238_211_03 * r + 1.306_728_481_6) * r + 2.756_815_39) * r + 1.423_437_277_7)
            / ((0.120_211_329_75 * r + 0.737_001_642_5) * r + 1.0)
    } else {
        let r = r - 5.0;
        (((0.017_337_203_997 * r + 0.428_682_943_37) * r + 3.081_226_386) * r + 6.657_905_115)
            / ((0.012_258_202_635 * r + 0.241_978_942_25) * r + 1.0)
    };
    if q < 0.0 { -value } else { value }
}

/// A draw from the standard normal distribution, for tests.
#[cfg(test)]
pub(super) fn normal(rng: &mut SmallRng) -> f64 {
    normal_quantile(rng.random::<f64>().clamp(1e-12, 1.0 - 1e-12))
}

/// A draw from the Poisson distribution with a small mean, by Knuth's method.
pub(super) fn poisson(rng: &mut SmallRng, mean: f64) -> usize {
    let limit = (-mean).exp();
    let (mut product, mut count) = (rng.random::<f64>(), 0);
    while product > limit && count < 10_000 {
        product *= rng.random::<f64>();
        count += 1;
    }
    count
}

/// A draw from the Laplace distribution around 0.
pub(super) fn laplace(rng: &mut SmallRng, scale: f64) -> f64 {
    let u = rng.random::<f64>() - 0.5;
    -scale * u.signum() * (1.0 - 2.0 * u.abs()).max(1e-300).ln()
}

/// The generator of a seed.
pub(super) fn generator(seed: u64) -> SmallRng {
    SmallRng::seed_from_u64(seed)
}

/// The `share` quantile of `values`, which are put in another order; linear between neighbours. 0 if empty.
pub(super) fn quantile(values: &mut [f64], share: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let position = share.clamp(0.0, 1.0) * (values.len() - 1) as f64;
    let index = position.floor() as usize;
    let (_, &mut low, above) = values.select_nth_unstable_by(index, f64::total_cmp);
    let high = above.iter().copied().fold(f64::INFINITY, f64::min);
    if high.is_finite() { low + (position - index as f64) * (high - low) } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_the_normal_distribution_are_those_of_the_tables() {
        for (p, expected) in [
            (0.5, 0.0),
            (0.9, 1.281_551_565_5),
            (0.975, 1.959_963_984_5),
            (0.1, -1.281_551_565_5),
            (0.001, -3.090_232_306_2),
            (1e-12, -7.034_483_825_3),
        ] {
            assert!((normal_quantile(p) - expected).abs() < 1e-5, "{p}: {}", normal_quantile(p));
        }
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 0.5), 2.5);
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 1.0), 4.0);
        assert_eq!(quantile(&mut [7.0], 0.3), 7.0);
        assert_eq!(quantile(&mut [], 0.3), 0.0);
    }

    #[test]
    fn draws_have_the_moments_of_their_distributions() {
        let mut rng = generator(3);
        let n = 40_000;
        let mean = |draws: &[f64]| draws.iter().sum::<f64>() / draws.len() as f64;
        let normals: Vec<f64> = (0..n).map(|_| normal(&mut rng)).collect();
        assert!(mean(&normals).abs() < 0.02);
        assert!((mean(&normals.iter().map(|x| x * x).collect::<Vec<_>>()) - 1.0).abs() < 0.03);
        let laplaces: Vec<f64> = (0..n).map(|_| laplace(&mut rng, 2.0).abs()).collect();
        assert!((mean(&laplaces) - 2.0).abs() < 0.05);
        let counts: Vec<f64> = (0..n).map(|_| poisson(&mut rng, 3.5) as f64).collect();
        assert!((mean(&counts) - 3.5).abs() < 0.05);
    }
}
