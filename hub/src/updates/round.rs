//! One comparison of what is signed with what should be.
//!
//! Networks are copied from the registry's files only if the repository has not got them; a thorough round reads
//! every byte that is signed, and takes away what is not as it was signed, so that it is copied again. A version whose
//! files are lost in both places is withdrawn, and said: a name without a file would be asked for in vain.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pilah_models::bundle::Manifest;
use pilah_models::name::{ContentId, ModelVersion, TargetName};
use pilah_repository::audit::Loss;
use pilah_repository::policy::Policy;
use pilah_repository::publish::{Content, Offer};
use pilah_repository::renew::Renewed;
use pilah_repository::status::InForce;
use pilah_repository::{Repository, RepositoryError};

use super::leftovers::Leftovers;
use super::packages::{self, Package, PackageError};
use super::{Place, Publications, Updates, UpdatesView, target};
use crate::error::Chain;
use crate::registry::Registry;

/// When it is looked again without a nudge.
const PERIOD: Duration = Duration::from_hours(1);
/// When it is tried again after something went wrong.
const AGAIN: Duration = Duration::from_mins(1);
/// How soon it is looked again at the earliest.
const LEAST: Duration = Duration::from_secs(1);

/// What rounds remember of each other.
#[derive(Debug, Default)]
pub(super) struct Memory {
    leftovers: Leftovers,
    faults: Vec<String>,
}

/// What a round has found wrong, and what is signed next.
#[derive(Debug, Default)]
struct Found {
    faults: Vec<String>,
    due: Option<Timestamp>,
}

impl Found {
    fn fault(&mut self, words: impl std::fmt::Display) {
        self.faults.push(words.to_string());
    }

    fn renewed(&mut self, renewed: Renewed) {
        for fault in &renewed.found {
            tracing::warn!(%fault, "the update repository was mended");
        }
        if !renewed.signed.is_empty() {
            tracing::info!(roles = ?renewed.signed, "update metadata signed anew");
        }
        for lacking in renewed.lacking {
            let until =
                lacking.expires.map_or_else(String::new, |expires| format!(" (what is signed ends at {expires})"));
            self.fault(format!("{} cannot be signed anew{until}: {}", lacking.role, lacking.why));
        }
        self.due = renewed.due;
    }
}

/// What may be copied into the repository of one version.
struct Parts {
    manifest: ContentId,
    offers: Vec<Offer>,
}

impl Updates {
    /// Makes what is signed what should be, as far as keys, disk and clock go; says when to look again. With
    /// `thorough`, every byte that is signed is read.
    pub(super) async fn round(&self, registry: &Registry, memory: &mut Memory, thorough: bool) -> Duration {
        let now = Timestamp::now();
        let mut found = Found::default();
        let in_force = match self.blocking(move |updates| updates.prepare(thorough, now)).await {
            Ok(in_force) => in_force,
            Err(error) => {
                found.fault(Chain(&error));
                BTreeMap::new()
            }
        };
        let versions = match registry.baseline().await {
            Ok(baseline) => baseline.into_iter().chain(self.0.wanted.borrow().iter().cloned()).collect(),
            Err(error) => {
                tracing::error!(error = %Chain(&error), "it is not known which models should be published; tried again");
                return AGAIN;
            }
        };
        let (parts, faults) = self.gather(registry, versions, &in_force).await;
        found.faults.extend(faults);
        let mut offers: BTreeMap<TargetName, Offer> = BTreeMap::new();
        for offer in parts.values().flatten().flat_map(|parts| &parts.offers) {
            offers.entry(offer.name.clone()).or_insert_with(|| offer.clone());
        }
        let (packages, wanted) = match self.blocking(|updates| programs(&updates.0.place)).await {
            Ok(programs) => programs,
            Err(error) => {
                found.fault(format!("which packages of the program there are is not known: {}", Chain(&error)));
                return self.with_faults(found, memory);
            }
        };
        let of_package = packages.clone();
        let offers: Vec<Offer> = offers.into_values().collect();
        let leftovers = std::mem::take(&mut memory.leftovers);
        let (found, leftovers, in_force, view) =
            self.blocking(move |updates| updates.sign(offers, &of_package, found, leftovers, now)).await;
        memory.leftovers = leftovers;
        let name = |(version, parts): (ModelVersion, Option<Parts>)| {
            let name = name_in_force(&version, parts, &in_force);
            (version, name)
        };
        let program = packages::desired(&packages, wanted.as_deref(), &in_force);
        let publications = Publications { models: parts.into_iter().map(name).collect(), program };
        self.0.view.send_replace(view);
        let pause = self.with_faults(found, memory);
        // Last: who waits for a version finds said what is wrong with it.
        self.0.publications.send_if_modified(|known| std::mem::replace(known, publications.clone()) != publications);
        pause
    }

    /// Says what is wrong, once, and when to look again.
    fn with_faults(&self, found: Found, memory: &mut Memory) -> Duration {
        for fault in found.faults.iter().filter(|fault| !memory.faults.contains(fault)) {
            tracing::error!(
                fault,
                "updates are not as they should be; bins keep what they have, and it is tried again"
            );
        }
        let pause = pause(&found, Timestamp::now());
        let words = found.faults.iter().map(|fault| self.0.place.without_path(fault)).collect();
        self.0.view.send_modify(|view| view.faults = words);
        memory.faults = found.faults;
        pause
    }

    /// Runs what reads and writes files, alone.
    pub(super) async fn blocking<T: Send + 'static>(&self, act: impl FnOnce(&Self) -> T + Send + 'static) -> T {
        let updates = self.clone();
        let run = move || act(&updates);
        tokio::task::spawn_blocking(run).await.expect("the repository does not panic and is not aborted")
    }

    fn repository(&self) -> Repository {
        self.0.place.repository(Policy::default())
    }

    /// The repository, made if there never was one, and what is in force there and whole.
    fn prepare(&self, thorough: bool, now: Timestamp) -> Result<BTreeMap<TargetName, InForce>, RepositoryError> {
        let (place, repository) = (&self.0.place, self.repository());
        let prepared = place.alone(|| {
            if !repository.exists() {
                let made = repository.init(&place.keys, now)?;
                tracing::info!(made = made.made, "update repository begun");
                if made.found > 0 {
                    tracing::warn!(
                        keys = made.found,
                        "the update repository is new, its keys are not: bins that know an earlier one will refuse this. If \
                         there was one, stop the hub, and bring its folder back from a copy"
                    );
                }
                if let Some(warning) = made.warning {
                    tracing::warn!(warning);
                }
            }
            if thorough {
                for lost in repository.lost(true)? {
                    tracing::error!(%lost, "a target is not as it was signed");
                    if lost.what == Loss::Changed {
                        let removed = fs::remove_file(&lost.path);
                        removed.map_err(|source| RepositoryError::Io { act: "remove", path: lost.path, source })?;
                    }
                }
            }
            repository.in_force()
        });
        match prepared {
            Ok(Err(RepositoryError::NoTargets(_))) => Ok(BTreeMap::new()),
            Ok(prepared) => prepared,
            Err(source) => Err(RepositoryError::Io { act: "lock", path: place.folder(), source }),
        }
    }

    /// What there is of each version, and what is wrong with those of which something is lacking.
    async fn gather(
        &self,
        registry: &Registry,
        versions: Vec<ModelVersion>,
        in_force: &BTreeMap<TargetName, InForce>,
    ) -> (BTreeMap<ModelVersion, Option<Parts>>, Vec<String>) {
        let (mut all, mut faults) = (BTreeMap::new(), Vec::new());
        for version in versions {
            let parts = match self.parts(registry, &version, in_force).await {
                Ok(parts) => Some(parts),
                Err(why) => {
                    faults.push(format!("model {version} is not published: {why}"));
                    None
                }
            };
            all.insert(version, parts);
        }
        (all, faults)
    }

    async fn parts(
        &self,
        registry: &Registry,
        version: &ModelVersion,
        in_force: &BTreeMap<TargetName, InForce>,
    ) -> Result<Parts, String> {
        let words = |error: &dyn std::error::Error| Chain(error).to_string();
        let name = target::of_version(version).ok_or("its name cannot be that of a target")?;
        let id = registry.manifest_id(version).await.map_err(|error| words(&error))?;
        let bytes = match registry.file(&id).await {
            Ok(bytes) => bytes,
            Err(error) => self.stored(&name, &id).await.ok_or_else(|| words(&error))?,
        };
        let manifest = Manifest::parse(&bytes).map_err(|error| words(&error))?;
        let mut offers = vec![Offer { name, content: Content::Bytes(bytes), custom: target::signed_of(&manifest) }];
        for (name, file) in target::networks(&manifest) {
            let there = in_force.get(&name).is_some_and(|there| there.sha256 == file.sha256);
            let content = if there && self.length(&name, &file.sha256).await == Some(file.bytes) {
                Content::Stored { sha256: file.sha256.clone(), length: file.bytes }
            } else {
                Content::Bytes(registry.file(&file.sha256).await.map_err(|error| words(&error))?)
            };
            offers.push(Offer { name, content, custom: target::signed_of_network() });
        }
        Ok(Parts { manifest: id, offers })
    }

    /// How long the file of a target is.
    async fn length(&self, name: &TargetName, sha256: &ContentId) -> Option<u64> {
        let path = self.repository().targets_folder().join(format!("{sha256}.{name}"));
        tokio::fs::metadata(path).await.ok().map(|metadata| metadata.len())
    }

    /// The content of a target, if it is whole.
    async fn stored(&self, name: &TargetName, sha256: &ContentId) -> Option<Vec<u8>> {
        let path = self.repository().targets_folder().join(format!("{sha256}.{name}"));
        tokio::fs::read(path).await.ok().filter(|bytes| ContentId::of(bytes) == *sha256)
    }

    /// Signs what is to be in force; what is due is signed anew even if that fails.
    fn sign(
        &self,
        mut offers: Vec<Offer>,
        packages: &[Package],
        mut found: Found,
        mut leftovers: Leftovers,
        now: Timestamp,
    ) -> (Found, Leftovers, BTreeMap<TargetName, InForce>, UpdatesView) {
        let (place, repository) = (&self.0.place, self.repository());
        let mut view = UpdatesView { public: self.0.public, warning: place.keys.warning(), ..UpdatesView::default() };
        let mut in_force = BTreeMap::new();
        let done = place.alone(|| {
            let before = repository.in_force().unwrap_or_default();
            offers.extend(packages.iter().map(|package| place.offer(package, &before)));
            match repository.publish(&place.keys, offers, now) {
                Ok(published) => {
                    if published.new {
                        tracing::info!(list = published.version, withdrawn = ?published.withdrawn, "updates published");
                    }
                    if published.files > 0 {
                        tracing::info!(files = published.files, "targets written");
                    }
                    found.renewed(published.renewed);
                }
                Err(error) => {
                    found.fault(format!("what is new is not published: {}", Chain(&error)));
                    match repository.renew(&place.keys, now) {
                        Ok(renewed) => found.renewed(renewed),
                        Err(again) if again.to_string() == error.to_string() => {}
                        Err(error) => found.fault(Chain(&error)),
                    }
                }
            }
            let read = (|| {
                for lost in repository.lost(false)? {
                    found.fault(lost);
                }
                in_force = repository.in_force()?;
                for path in leftovers.due(repository.unnamed()?, Instant::now()) {
                    fs::remove_file(&path).map_err(|source| RepositoryError::Io {
                        act: "remove",
                        path: path.clone(),
                        source,
                    })?;
                    tracing::info!(file = %path.display(), "target deleted that nothing names any more");
                }
                let standing = repository.standing(&place.keys)?;
                view.root = Some(standing.root);
                view.list = standing.list;
                view.targets = standing.targets;
                view.until = standing.until();
                Ok::<_, RepositoryError>(())
            })();
            if let Err(error) = read {
                let words = Chain(&error).to_string();
                if !found.faults.iter().any(|fault| fault.contains(&words)) {
                    found.fault(words);
                }
            }
        });
        if let Err(error) = done {
            found.fault(format!("the update repository cannot be locked: {error}"));
        }

        view.warning = view.warning.map(|warning| place.without_path(&warning));
        (found, leftovers, in_force, view)
    }
}

/// The packages that were added, and the version of them that is wanted.
fn programs(place: &Place) -> Result<(Vec<Package>, Option<String>), PackageError> {
    Ok((place.packages()?, place.wanted_program()?))
}

/// The target of a version, if that very manifest is in force.
fn name_in_force(
    version: &ModelVersion,
    parts: Option<Parts>,
    in_force: &BTreeMap<TargetName, InForce>,
) -> Option<TargetName> {
    let (name, parts) = (target::of_version(version)?, parts?);
    in_force.get(&name).filter(|there| there.sha256 == parts.manifest).map(|there| there.name.clone())
}

/// How long to wait for the next round.
fn pause(found: &Found, now: Timestamp) -> Duration {
    if !found.faults.is_empty() {
        return AGAIN;
    }
    let until_due = found.due.and_then(|due| Duration::try_from(due.duration_since(now)).ok());
    until_due.map_or(PERIOD, |until_due| until_due.clamp(LEAST, PERIOD))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn it_looks_again_hourly_sooner_if_something_is_due_and_soon_if_something_is_wrong() {
        let now: Timestamp = "2026-12-01T00:00:00Z".parse().expect("a time");
        let due = |seconds| Some(now + SignedDuration::from_secs(seconds));
        for (faults, due, expected) in [
            (vec![], None, PERIOD),
            (vec![], due(7 * 86_400), PERIOD),
            (vec![], due(600), Duration::from_mins(10)),
            (vec![], due(0), LEAST),
            (vec!["no keys".to_owned()], due(600), AGAIN),
        ] {
            let found = Found { faults, due };
            assert_eq!(pause(&found, now), expected, "{found:?}");
        }
    }
}
