//! The interval that holds at every look: the normal mixture.
//!
//! A difference θ is estimated again and again, by d with variance v. As items come, I = 1/v grows, and d·I moves
//! like θ·I plus a Brownian motion at time I (the canonical form of sequential estimates; Jennison and Turnbull,
//! *Group Sequential Methods*, 2000, ch. 3 and 11). Mixing the likelihood ratio of θ over a normal distribution of
//! variance 1/η gives a martingale that starts at 1, and by Ville's inequality it ever reaches 1/α with a chance of
//! at most α (H. Robbins, *Annals of Mathematical Statistics* 41, 1970). Solved for θ, with a chance of at least 1 −
//! α at all I together:
//!
//! ```text
//! |d − θ| < √((I + η) · ln((I + η) / (η α²))) / I
//! ```
//!
//! It is formula (14) of Howard, Ramdas, McAuliffe and Sekhon (*Annals of Statistics* 49, 2021), the mixture SPRT of
//! Johari, Koomen, Pekelis and Walsh (*Operations Research* 70, 2022), and with an estimated variance the asymptotic
//! confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (*Annals of Statistics* 52, 2024).
//! Asymptotic means: exact for normal estimates, and for counts once there are enough, which
//! [`super::difference::LEAST_ITEMS`] sees to and the simulations measure.
//!
//! η is free. It is 1/δ² with δ the difference that is looked for, the one that is tolerated: the interval is then
//! tightest about where it can tell it from none.

/// Half the width of the interval around an estimate of this `variance`, with the chance `alpha` to ever err, tightest
/// where differences of the size `looked_for` are told from none.
#[must_use]
pub fn radius(variance: f64, alpha: f64, looked_for: f64) -> f64 {
    if variance <= 0.0 {
        return 0.0;
    }
    let (information, eta) = (1.0 / variance, 1.0 / (looked_for * looked_for));
    let sum = information + eta;
    (sum * (sum / (eta * alpha * alpha)).ln()).sqrt() / information
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn agrees_with_the_formula_by_hand() {
        // I = 100, η = 10, α = 0.05: √(110 · ln 4400) / 100.
        let found = radius(0.01, 0.05, 0.1_f64.sqrt());
        assert!((found - 0.303_785).abs() < 1e-5, "{found}");
        // At one look 1.96 · 0.1 would do: holding always costs half as much again.
        assert!(found > 0.196);
    }

    proptest! {
        #[test]
        fn more_information_is_never_less_sure(v in 1e-7f64..0.2, less in 0.1f64..1.0, alpha in 0.001f64..0.2, of in 0.005f64..0.2) {
            prop_assert!(radius(v * less, alpha, of) <= radius(v, alpha, of));
            prop_assert!(radius(v, alpha / 2.0, of) > radius(v, alpha, of));
            // Never narrower than the interval for one look.
            prop_assert!(radius(v, 0.05, of) > 1.96 * v.sqrt());
        }
    }
}
