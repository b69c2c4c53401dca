//! What people asked for: a version, groups in order, rules.
//!
//! A bin is of the first group that it fits. A share of the fleet is drawn by a hash of the rollout and the bin, so that
//! it grows from group to group, is the same whoever computes it, and another one in the next rollout. After the groups
//! that were asked for come all other bins, whether they were named or not: a rollout ends with the whole fleet.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use pilah_models::name::BinId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::fleet::{Bin, Fleet, Model};
use crate::window::Window;

/// The most groups that a rollout has, and the most windows.
pub const MOST: usize = 20;

/// The longest name of a group, in characters.
pub const LONGEST_NAME: usize = 80;

/// A rollout as it was asked for. It does not change while it is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The rollout, which draws its shares of the fleet by this number.
    pub id: i64,
    /// What it brings.
    pub new: Model,
    /// What was in service when it began, and what bins go back to.
    pub before: Model,
    /// Whom it comes to, in order; the last is everybody.
    pub groups: Vec<Group>,
    /// When it goes on, and when it stops.
    pub rules: Rules,
}

/// Some bins, which get the new version at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RolloutGroup)]
pub struct Group {
    /// What people call it: at most 80 characters. Left out: what it is.
    #[serde(default)]
    #[schema(max_length = 80)]
    pub name: String,
    /// Which bins.
    pub who: Who,
    /// Whether a person has to agree before it begins.
    #[serde(default)]
    pub approval: bool,
}

/// Which bins are of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = GroupMembers)]
pub enum Who {
    /// A share of the fleet, drawn; that of a later group contains that of an earlier one.
    Share {
        /// Of the fleet, 1 to 100.
        #[schema(minimum = 1, maximum = 100)]
        percent: u8,
    },
    /// Bins of a group of the page of bins.
    Tag {
        /// Its name.
        tag: String,
    },
    /// These.
    Bins {
        /// Their ids.
        #[schema(value_type = Vec<String>)]
        bins: BTreeSet<BinId>,
    },
}

/// When a rollout goes on, and when it stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = RolloutRules)]
pub struct Rules {
    /// The next group begins once so many percent of this one, of those that count, have the new version for good.
    #[schema(minimum = 1, maximum = 100)]
    pub success_percent: u8,
    /// It stops once more than so many percent refused it or took it back.
    #[schema(minimum = 0, maximum = 100)]
    pub error_percent: u8,
    /// It stops once more than so many percent have gone silent.
    #[schema(minimum = 0, maximum = 100)]
    pub silent_percent: u8,
    /// A bin has gone silent when nothing was heard of it for so many seconds.
    #[schema(minimum = 60, maximum = 2_592_000)]
    pub silent_after_s: u32,
    /// So many percent of a group have to be there for it to be judged.
    #[schema(minimum = 0, maximum = 100)]
    pub present_percent: u8,
    /// How long a group is watched once it has the new version, in seconds.
    #[schema(minimum = 0, maximum = 2_592_000)]
    pub soak_s: u32,
    /// What the comparison in the field may do.
    pub field: FieldRule,
    /// When bins may be told; none: at any time.
    pub windows: Vec<Window>,
    /// The time zone of bins that name none, by its IANA name.
    pub time_zone: String,
}

/// What the comparison in the field may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RolloutFieldRule)]
pub enum FieldRule {
    /// Nothing: it is shown.
    Ignore,
    /// While the new version is surely worse, no further group begins.
    HoldIfWorse,
    /// No further group begins before the new version is surely no worse.
    HoldUntilNoWorse,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            success_percent: 90,
            error_percent: 10,
            silent_percent: 30,
            silent_after_s: 3600,
            present_percent: 50,
            soak_s: 3600,
            field: FieldRule::HoldIfWorse,
            windows: Vec::new(),
            time_zone: "UTC".to_owned(),
        }
    }
}

/// A plan that cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// There is nothing to do.
    #[error("{0} is in service already: every bin is told to have it")]
    InService(String),
    /// There is nobody to do it for.
    #[error("no bin is enrolled: put the version into service at once instead")]
    NoBins,
    /// A group that nobody is of.
    #[error("group {number} ({name}) is empty: {why}")]
    Empty {
        /// Which, counted from 1.
        number: usize,
        /// What people call it.
        name: String,
        /// Why, and how to mend it.
        why: String,
    },
    /// A value that makes no sense.
    #[error("{field} is {value}; it must be {rule}")]
    Value {
        /// Where.
        field: String,
        /// What was given.
        value: String,
        /// What is possible.
        rule: String,
    },
}

fn value(field: impl Into<String>, value: impl ToString, rule: impl Into<String>) -> PlanError {
    PlanError::Value { field: field.into(), value: value.to_string(), rule: rule.into() }
}

impl Plan {
    /// A plan for this fleet. Without groups, it goes to 5, then 25 percent, then all, without those shares that would
    /// be empty.
    ///
    /// # Errors
    /// [`PlanError`]: the first thing that is wrong.
    pub fn new(
        id: i64,
        new: Model,
        before: Model,
        groups: Vec<Group>,
        rules: Rules,
        fleet: &Fleet,
    ) -> Result<Self, PlanError> {
        if new == before {
            return Err(PlanError::InService(new.version.to_string()));
        }
        if fleet.bins.is_empty() {
            return Err(PlanError::NoBins);
        }
        rules.check()?;
        let is_default = groups.is_empty();
        let shares = |percents: &[u8]| percents.iter().map(|percent| Group::share(*percent)).collect();
        let groups = if is_default { shares(&[5, 25]) } else { groups };
        let mut plan = Self { id, new, before, groups, rules };
        plan.check_groups()?;
        if is_default {
            let sizes = plan.sizes(fleet);
            let mut sizes = sizes.iter();
            plan.groups.retain(|_| sizes.next().is_some_and(|size| *size > 0));
        } else {
            plan.check_sizes(fleet)?;
        }
        if !plan.groups.last().is_some_and(|group| group.who == Who::Share { percent: 100 }) {
            plan.groups.push(Group::share(100));
        }
        for group in &mut plan.groups {
            if group.name.is_empty() {
                group.name = group.who.words();
            }
        }
        Ok(plan)
    }

    /// Which group a bin is of: the first that it fits, and the last if none does.
    #[must_use]
    pub fn group_of(&self, bin: &Bin) -> usize {
        let drawn = drawn(self.id, &bin.id);
        self.groups.iter().position(|group| group.who.has(bin, drawn)).unwrap_or(self.groups.len().saturating_sub(1))
    }

    fn sizes(&self, fleet: &Fleet) -> Vec<usize> {
        let mut sizes = vec![0; self.groups.len()];
        for bin in &fleet.bins {
            let drawn = drawn(self.id, &bin.id);
            if let Some(group) = self.groups.iter().position(|group| group.who.has(bin, drawn)) {
                sizes[group] += 1;
            }
        }
        sizes
    }

    fn check_groups(&self) -> Result<(), PlanError> {
        if self.groups.len() > MOST {
            return Err(value("groups", format!("{} of them", self.groups.len()), format!("at most {MOST}")));
        }
        let mut share = 0;
        for (index, group) in self.groups.iter().enumerate() {
            let at = format!("groups[{index}]");
            if group.name.chars().count() > LONGEST_NAME || group.name.chars().any(char::is_control) {
                let rule = format!("at most {LONGEST_NAME} characters, none of them a control character");
                return Err(value(format!("{at}.name"), format!("{:?}", group.name), rule));
            }
            if let Who::Share { percent } = group.who {
                if !(1..=100).contains(&percent) || percent <= share {
                    let rule = format!("{} to 100, of the whole fleet, more than the share before it", share + 1);
                    return Err(value(format!("{at}.percent"), percent, rule));
                }
                share = percent;
            }
            if share == 100 && index + 1 < self.groups.len() {
                return Err(value(
                    format!("{at}.percent"),
                    100,
                    "in the last group: nobody is left for those after it",
                ));
            }
        }
        Ok(())
    }

    fn check_sizes(&self, fleet: &Fleet) -> Result<(), PlanError> {
        for (index, (group, size)) in self.groups.iter().zip(self.sizes(fleet)).enumerate() {
            if let Who::Bins { bins } = &group.who {
                let known = |id: &&BinId| fleet.bins.iter().any(|bin| bin.id == **id);
                let unknown: Vec<&str> = bins.iter().filter(|id| !known(id)).map(BinId::as_str).collect();
                if !unknown.is_empty() {
                    let rule = "ids of bins that are enrolled";
                    return Err(value(format!("groups[{index}].bins"), unknown.join(", "), rule));
                }
            }
            if size > 0 || group.who == (Who::Share { percent: 100 }) {
                continue;
            }
            let name = if group.name.is_empty() { group.who.words() } else { group.name.clone() };
            return Err(PlanError::Empty { number: index + 1, name, why: self.why_empty(&group.who, fleet) });
        }
        Ok(())
    }

    fn why_empty(&self, who: &Who, fleet: &Fleet) -> String {
        let fits = |bin: &&Bin| who.has(bin, drawn(self.id, &bin.id));
        if fleet.bins.iter().any(|bin| fits(&bin)) {
            return "each of its bins is of a group before it".to_owned();
        }
        match who {
            Who::Share { .. } => {
                let least = fleet.bins.iter().map(|bin| drawn(self.id, &bin.id) / 100 + 1).min().unwrap_or(100);
                let bins = fleet.bins.len();
                format!("the fleet has {bins} bins, and the first of them is drawn at {least} percent. Ask for more")
            }
            Who::Tag { .. } => {
                let tags: BTreeSet<&str> = fleet.bins.iter().filter_map(|bin| bin.tag.as_deref()).collect();
                match tags.is_empty() {
                    true => "no bin was put into a group on the page of bins".to_owned(),
                    false => {
                        let tags: Vec<&str> = tags.into_iter().take(MOST).collect();
                        format!("no bin was put into it on the page of bins. There are: {}", tags.join(", "))
                    }
                }
            }
            Who::Bins { .. } => "it names no bin".to_owned(),
        }
    }
}

impl Group {
    fn share(percent: u8) -> Self {
        Self { name: String::new(), who: Who::Share { percent }, approval: false }
    }
}

impl Who {
    fn has(&self, bin: &Bin, drawn: u32) -> bool {
        match self {
            Self::Share { percent } => drawn < u32::from(*percent) * 100,
            Self::Tag { tag } => bin.tag.as_ref() == Some(tag),
            Self::Bins { bins } => bins.contains(&bin.id),
        }
    }

    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Share { percent: 100 } => "all".to_owned(),
            Self::Share { percent } => format!("{percent} %"),
            Self::Tag { tag } => tag.clone(),
            Self::Bins { bins } if bins.len() == 1 => "1 bin".to_owned(),
            Self::Bins { bins } => format!("{} bins", bins.len()),
        }
    }
}

/// Where a bin is drawn in a rollout: 0 to 9,999.
fn drawn(rollout: i64, bin: &BinId) -> u32 {
    let digest = Sha256::digest(format!("{rollout}/{bin}"));
    let first = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    // 2³² is no multiple of 10,000; the first places are likelier than the last by 2 in a million.
    first % 10_000
}

impl Rules {
    fn check(&self) -> Result<(), PlanError> {
        let percents = [
            ("success_percent", self.success_percent, 1),
            ("error_percent", self.error_percent, 0),
            ("silent_percent", self.silent_percent, 0),
            ("present_percent", self.present_percent, 0),
        ];
        for (field, percent, least) in percents {
            if !(least..=100).contains(&percent) {
                return Err(value(format!("rules.{field}"), percent, format!("{least} to 100")));
            }
        }
        for (field, seconds, least) in [("silent_after_s", self.silent_after_s, 60), ("soak_s", self.soak_s, 0)] {
            if !(least..=2_592_000).contains(&seconds) {
                return Err(value(format!("rules.{field}"), seconds, format!("{least} to 2592000 seconds, 30 days")));
            }
        }
        if self.windows.len() > MOST {
            return Err(value("rules.windows", format!("{} of them", self.windows.len()), format!("at most {MOST}")));
        }
        if TimeZone::get(&self.time_zone).is_err() {
            let rule = "a name of the IANA database that this machine knows, such as Asia/Jakarta";
            return Err(value("rules.time_zone", format!("{:?}", self.time_zone), rule));
        }
        Ok(())
    }
}
