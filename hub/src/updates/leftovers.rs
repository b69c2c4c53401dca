//! Files among the targets that nothing names any more: they stay for a day, as a bin may be in the midst of loading them. Pure.
//!
//! How long they have been so is kept in memory: a hub that was started again waits anew, which costs room for a day.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long they stay.
const KEPT: Duration = Duration::from_hours(24);

/// Since when which file is named by nothing.
#[derive(Debug, Default)]
pub(super) struct Leftovers(BTreeMap<PathBuf, Instant>);

impl Leftovers {
    /// Those of the files that nothing names which may go now.
    pub(super) fn due(&mut self, unnamed: Vec<PathBuf>, now: Instant) -> Vec<PathBuf> {
        let known = std::mem::take(&mut self.0);
        self.0 = unnamed
            .into_iter()
            .map(|path| {
                let since = known.get(&path).copied().unwrap_or(now);
                (path, since)
            })
            .collect();
        self.0.iter().filter(|(_, since)| now.duration_since(**since) >= KEPT).map(|(path, _)| path.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_a_day_after_it_was_last_named() {
        let (old, other) = (PathBuf::from("old"), PathBuf::from("other"));
        let (begin, hour) = (Instant::now(), Duration::from_hours(1));
        let mut leftovers = Leftovers::default();
        assert!(leftovers.due(vec![old.clone()], begin).is_empty());
        assert!(leftovers.due(vec![old.clone(), other.clone()], begin + 23 * hour).is_empty());
        assert_eq!(leftovers.due(vec![old.clone(), other.clone()], begin + 24 * hour), vec![old.clone()]);
        assert!(leftovers.due(vec![other.clone()], begin + 25 * hour).is_empty(), "named again");
        assert!(leftovers.due(vec![old.clone(), other.clone()], begin + 26 * hour).is_empty(), "its day begins anew");
        assert_eq!(leftovers.due(vec![old, other.clone()], begin + 47 * hour), [other]);
    }
}
