//! What a person may do.
//!
//! | role       | may                                                                                  |
//! |------------|--------------------------------------------------------------------------------------|
//! | `viewer`   | see everything but the accounts and the audit log, and classify images               |
//! | `reviewer` | also label, review, upload, mark items as wrong, freeze and export dataset versions  |
//! | `admin`    | everything: bins, trainings, models, rollouts, forecasts, deletions, accounts        |
//!
//! A role holds what the ones before it hold.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a person may do; each role may do what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees everything but the accounts and the audit log, and classifies images.
    Viewer,
    /// Also labels, reviews, uploads, marks items as wrong, and freezes and exports versions of the dataset.
    Reviewer,
    /// Everything.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Reviewer, Self::Admin];

    /// As it is stored and sent.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Reviewer => "reviewer",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A role that there is not.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no role: there are viewer, reviewer and admin")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_refused() {
        for role in Role::ALL {
            assert_eq!(role.name().parse::<Role>().expect("a role"), role);
            assert_eq!(serde_json::to_value(role).expect("serialises"), role.name());
        }
        assert!(Role::Viewer < Role::Reviewer && Role::Reviewer < Role::Admin);
        let error = "Admin".parse::<Role>().expect_err("is none").to_string();
        assert!(error.contains("viewer, reviewer and admin"), "{error}");
    }
}
