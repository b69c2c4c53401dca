//! How large a difference a comparison could have seen: what "no significant difference" is worth.

/// How likely a loss of the size that is named would have been noticed.
pub const POWER: f64 = 0.8;

/// z of a one-sided test at 5 %, and of a power of 80 %.
const Z_ALPHA: f64 = 1.644_853_626_951_472_7;
const Z_BETA: f64 = 0.841_621_233_572_914_3;

/// The smallest true loss of accuracy, 0 to 1, that McNemar's one-sided test at 5 % notices four times out
/// of five on so many images; `None` if not even a model that is always wrong would be noticed.
///
/// `differing` is the share of images on which exactly one of the two models is right: the more they
/// differ by chance, the harder a loss is to see. By the normal approximation (R. J. Connor, *Biometrics*
/// 43, 1987), which is rough below some 50 images, and good enough to say "about 8 points".
#[must_use]
pub fn smallest_loss(images: u64, differing: f64) -> Option<f64> {
    let images_for = |loss: f64| {
        let differing = differing.clamp(0.0, 1.0).max(loss);
        let spread = (differing - loss * loss).max(0.0).sqrt();
        ((Z_ALPHA * differing.sqrt() + Z_BETA * spread) / loss).powi(2)
    };
    if images == 0 || images_for(1.0) > images as f64 {
        return None;
    }
    // The number of images falls as the loss grows, so that halving finds where it is `images`.
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if images_for(middle) > images as f64 { low = middle } else { high = middle }
    }
    Some(high)
}

/// How many images a class must lose, without winning any, for the exact test to notice at a level:
/// the smallest m with 2^−m at most `level`.
#[must_use]
pub fn least_losses(level: f64) -> u64 {
    (1..64).find(|m| 0.5_f64.powi(*m) <= level).map_or(64, |m| m.unsigned_abs().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_images_see_smaller_losses() {
        let loss = |images| smallest_loss(images, 0.1).expect("enough images");
        assert!(loss(100) > loss(400) && loss(400) > loss(4000));
        // Connor's formula by hand: n = ((1.645·√0.1 + 0.842·√(0.1 − 0.05²)) / 0.05)² = 242.
        assert!((loss(242) - 0.05).abs() < 0.001, "{}", loss(242));
        assert!(smallest_loss(100, 0.3) > smallest_loss(100, 0.1), "models that differ more hide a loss better");
        assert_eq!(smallest_loss(2, 0.0), None);
        assert_eq!(smallest_loss(0, 0.1), None);
    }

    #[test]
    fn losses_that_an_exact_test_can_see() {
        // 2^-5 = 0.031; at 5 % divided by six classes, 2^-7 = 0.0078.
        assert_eq!((least_losses(0.05), least_losses(0.05 / 6.0)), (5, 7));
    }
}
