//! How many keys a role has, how many of them must sign, and for how long what they sign holds.
//!
//! The times are a choice between two evils. The shorter timestamp holds, the sooner a bin notices that somebody keeps
//! news from it; but a hub that is off for longer than that can give bins nothing new until it is back (they keep what
//! they have). Root holds two years, since renewing it needs the keys that are locked away.

use std::num::NonZeroU64;

use jiff::SignedDuration;
use tough::schema::RoleType;

/// The four roles, in the order in which a bin reads them.
pub const ROLES: [RoleType; 4] = [RoleType::Root, RoleType::Timestamp, RoleType::Snapshot, RoleType::Targets];

/// What holds for one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RolePolicy {
    /// How many keys are made for it.
    pub keys: u64,
    /// How many of them must sign.
    pub threshold: u64,
    /// How long a signature holds.
    pub lasts: SignedDuration,
    /// How long before that it is made anew.
    pub ahead: SignedDuration,
}

/// What holds for each role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Names the keys of all roles.
    pub root: RolePolicy,
    /// Says which snapshot is in force.
    pub timestamp: RolePolicy,
    /// Says which list of targets is in force.
    pub snapshot: RolePolicy,
    /// Lists the targets.
    pub targets: RolePolicy,
}

/// A role that could never be signed, or would be signed for ever.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// More signatures than keys, or none.
    #[error(
        "{role}: {threshold} of {keys} keys cannot sign; the threshold is at least 1 and at most the number of keys"
    )]
    Threshold {
        /// Which role.
        role: RoleType,
        /// How many keys there are to be.
        keys: u64,
        /// How many are to sign.
        threshold: u64,
    },
    /// Renewed before it is signed.
    #[error("{role}: renewed {ahead:#} before the end of {lasts:#}; it must last longer than that")]
    Ahead {
        /// Which role.
        role: RoleType,
        /// How long it lasts.
        lasts: SignedDuration,
        /// How long before its end it is renewed.
        ahead: SignedDuration,
    },
}

impl Default for Policy {
    fn default() -> Self {
        let role = |days: i64, ahead: i64| RolePolicy {
            keys: 1,
            threshold: 1,
            lasts: SignedDuration::from_hours(24 * days),
            ahead: SignedDuration::from_hours(24 * ahead),
        };
        Self { root: role(730, 60), timestamp: role(7, 5), snapshot: role(60, 20), targets: role(180, 60) }
    }
}

impl Policy {
    /// What holds for `role`.
    #[must_use]
    pub fn of(&self, role: RoleType) -> RolePolicy {
        match role {
            RoleType::Root => self.root,
            RoleType::Timestamp => self.timestamp,
            RoleType::Snapshot => self.snapshot,
            RoleType::Targets | RoleType::DelegatedTargets => self.targets,
        }
    }

    /// The same, to be changed; none for a role that has none of its own.
    pub fn of_mut(&mut self, role: RoleType) -> Option<&mut RolePolicy> {
        match role {
            RoleType::Root => Some(&mut self.root),
            RoleType::Timestamp => Some(&mut self.timestamp),
            RoleType::Snapshot => Some(&mut self.snapshot),
            RoleType::Targets => Some(&mut self.targets),
            RoleType::DelegatedTargets => None,
        }
    }

    /// Refuses what could never be signed.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn check(&self) -> Result<(), PolicyError> {
        for role in ROLES {
            let RolePolicy { keys, threshold, lasts, ahead } = self.of(role);
            if threshold == 0 || threshold > keys {
                return Err(PolicyError::Threshold { role, keys, threshold });
            }
            if ahead.is_negative() || ahead >= lasts {
                return Err(PolicyError::Ahead { role, lasts, ahead });
            }
        }
        Ok(())
    }
}

impl RolePolicy {
    pub(crate) fn threshold(self) -> NonZeroU64 {
        NonZeroU64::new(self.threshold).unwrap_or(NonZeroU64::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_holds_and_what_cannot_be_signed_is_refused() {
        Policy::default().check().expect("the default");
        let with = |keys, threshold| Policy {
            targets: RolePolicy { keys, threshold, ..Policy::default().targets },
            ..Policy::default()
        };
        with(3, 2).check().expect("2 of 3");
        for (keys, threshold) in [(0, 0), (1, 0), (1, 2), (0, 1)] {
            let error = with(keys, threshold).check().expect_err("cannot sign");
            assert_eq!(error, PolicyError::Threshold { role: RoleType::Targets, keys, threshold });
        }
        let mut hasty = Policy::default();
        hasty.timestamp.ahead = hasty.timestamp.lasts;
        assert!(matches!(hasty.check(), Err(PolicyError::Ahead { role: RoleType::Timestamp, .. })));
    }
}
