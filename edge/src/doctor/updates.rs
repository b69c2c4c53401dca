//! Whose word counts for updates: the root of trust, the repository, and until when what is signed there holds.
//!
//! It verifies from the root of trust on, in a folder of its own that it removes: what the bin believes stays as it is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use pilah_models::wire::{Trust, TrustBy};

use super::{Finding, fail, ok, warn};
use crate::config::Config;
use crate::health::machine::clock_synced;
use crate::model_store::UpdateError;
use crate::model_store::gate::Gate;
use crate::model_store::repository::{Repository, Signed};
use crate::secret::Secret;

const CHECK: &str = "updates";

/// The hub signs a timestamp well before the last one ends: one that ends so soon was not signed in time.
const SOON: SignedDuration = SignedDuration::from_hours(24);

/// Whether there is a root of trust, and what is signed. `made` is when the model in force was made.
pub(super) fn updates(config: &Config, password: Option<&Secret>, made: Option<Timestamp>) -> Finding {
    let Some(of) = &config.updates.repository else {
        return ok(CHECK, "without a root of trust: models are taken on the hub's word ([updates] root is not set)");
    };
    let nobody = Secret::from(String::new());
    let folder = match Trial::make() {
        Ok(folder) => folder,
        Err(error) => return fail(CHECK, error.to_string(), "Is there room for temporary files (df -h)?"),
    };
    let repository = Repository::over_http(&config.updates, &folder.0, &config.bin, password.unwrap_or(&nobody));
    let repository = match repository {
        Ok(Some(repository)) => repository,
        Ok(None) => return ok(CHECK, "none are configured"),
        Err(error) => {
            return fail(CHECK, crate::words::in_words(&error), "Name a readable file of certificates in PEM.");
        }
    };
    let now = Timestamp::now();
    let synchronised = clock_synced() && made.is_none_or(|made| made <= now);
    let repository = if synchronised { repository } else { repository.patient(Duration::ZERO) };
    let (trust, signed) = repository.check(now, synchronised, &Gate::open());
    judge(&of.address.to_string(), &of.root, &trust, signed, now)
}

fn judge(address: &str, root: &Path, trust: &Trust, signed: Result<Signed, UpdateError>, now: Timestamp) -> Finding {
    match signed {
        Err(error) if trust.root.is_none() => fail(
            CHECK,
            format!("{}: {}", root.display(), crate::words::in_words(&error)),
            "Write what `pilah-hub keys root` prints at the hub into this file. Until then the bin works with the model \
             it has, and installs nothing.",
        ),
        Err(error) => fail(
            CHECK,
            format!("{address}: {}", crate::words::in_words(&error)),
            "The bin works with the model it has, and tries again. If it stays so, the hub's log, and who is between, \
             are to be looked at.",
        ),
        Ok(signed) => {
            let (until, versions) = (signed.trusted().until, signed.trusted().versions);
            let words = format!(
                "{address}: root {}, list {} of {} targets, signed until {}",
                versions.root,
                versions.targets,
                signed.trusted().targets().count(),
                until.strftime("%Y-%m-%d %H:%M UTC")
            );
            if trust.by == TrustBy::SignaturesWithoutTime {
                let fault = trust.fault.as_deref().unwrap_or("the clock is not synchronised");
                return warn(CHECK, format!("{words}; {fault}"), "Set the clock: see above.");
            }
            if until.duration_since(now) < SOON {
                let advice = "The hub signs anew by itself while it runs: its log says why it does not.";
                return warn(CHECK, words, advice);
            }
            ok(CHECK, words)
        }
    }
}

/// A folder for a trial, gone afterwards.
struct Trial(PathBuf);

impl Trial {
    /// One that nobody else has made.
    fn make() -> std::io::Result<Self> {
        let folder =
            std::env::temp_dir().join(format!("pilah-doctor-{}-{:08x}", std::process::id(), rand::random::<u32>()));
        std::fs::create_dir(&folder).map(|()| Self(folder))
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        // What stays of it is in the folder for temporary files.
        std::fs::remove_dir_all(&self.0).ok();
    }
}

#[cfg(test)]
mod tests {
    use pilah_repository::Repository as Hub;
    use pilah_repository::keys::KeyFolders;
    use pilah_repository::policy::Policy;
    use pilah_trust::source::Source;

    use super::super::Verdict;
    use super::*;

    #[test]
    fn what_is_signed_is_told_with_until_when_and_what_is_not_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let signed_at: Timestamp = "2026-11-30T23:00:00Z".parse().expect("a time");
        let hub = Hub::new(folder.path().join("repository"), Policy::default());
        hub.init(&KeyFolders::one_machine(&folder.path().join("keys")), signed_at).expect("the first keys");
        let root = folder.path().join("root.json");
        let told = |name: &str, hours: i64, synchronised| {
            let source = Source::folder(folder.path().join("repository"));
            let repository = Repository::new(root.clone(), folder.path().join(name), source, Duration::ZERO);
            let now = signed_at + SignedDuration::from_hours(hours);
            let (trust, signed) = repository.check(now, synchronised, &Gate::open());
            judge("http://h/repo", &root, &trust, signed, now)
        };
        let lacking = told("1", 0, true);
        assert_eq!(lacking.verdict, Verdict::Fail, "{lacking}");
        assert!(lacking.words.contains("cannot read the root of trust"), "{lacking}");
        assert!(lacking.advice.as_deref().is_some_and(|advice| advice.contains("pilah-hub keys root")), "{lacking}");

        std::fs::write(&root, hub.root_of_trust().expect("a root")).expect("writes");
        let lasts = Policy::default().timestamp.lasts.as_hours();
        for (name, hours, synchronised, verdict, words) in [
            ("2", 0, true, Verdict::Ok, "root 1, list 1 of 0 targets, signed until 20"),
            ("3", lasts - 1, true, Verdict::Warn, "signed until 20"),
            ("4", lasts + 1, true, Verdict::Fail, "http://h/repo: timestamp held until"),
            ("5", 0, false, Verdict::Warn, "went by versions alone"),
        ] {
            let finding = told(name, hours, synchronised);
            assert_eq!(finding.verdict, verdict, "{finding}");
            assert!(finding.words.contains(words), "{finding}");
            assert_eq!(finding.advice.is_some(), verdict != Verdict::Ok, "{finding}");
        }
    }
}
