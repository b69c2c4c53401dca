//! The signed repository as this bin sees it: where it is, what the bin trusts at the beginning, what it has come to
//! believe, and when it looks again.
//!
//! The root of trust is read anew for each check: one that is missing or damaged keeps a bin from installing anything,
//! not from working, and is mended without a restart. A bin looks whenever the hub wants another model, and else once a
//! day, so that it follows roots while they are kept, and notices that news are kept from it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pilah_models::name::BinId;
use pilah_models::wire::{Trust, TrustBy};
use pilah_trust::clock::{Clock, GoBy};
use pilah_trust::source::Source;
use pilah_trust::{Checked, Client, Note, Outcome, TrustError, Trusted};

use super::UpdateError;
use super::fetch::{self, CertificateError};
use super::gate::Gate;
use super::source;
use crate::address::HubAddress;
use crate::secret::Secret;

/// How long a bin goes without looking, and without having reached the repository; both vary by a quarter.
const DAY: Duration = Duration::from_secs(24 * 3600);
const HOUR: Duration = Duration::from_secs(3600);
/// How often it is asked whether the clock has been set.
const MINUTE: Duration = Duration::from_secs(60);
/// How long one file may take, if the bandwidth is not limited: 64 MiB at 1 Mbit/s.
const WHOLE: Duration = Duration::from_secs(600);

/// Where signed updates come from, and who vouches for them.
#[derive(Debug, Clone)]
pub struct RepositoryConfig {
    /// The root of trust.
    pub root: PathBuf,
    /// The address of the repository: below it are `metadata` and `targets`.
    pub address: HubAddress,
    /// Whether that is the hub, which gets the bin's credentials; nobody else does.
    pub is_hub: bool,
    /// Certificates, in PEM, of those who may vouch for the server; `None`: the public ones.
    pub ca_file: Option<PathBuf>,
    /// How long the clock is waited for.
    pub clock_wait: Duration,
}

/// What a bin goes by for its updates.
#[derive(Debug, Clone, Default)]
pub struct UpdatesConfig {
    /// The signed repository; `None`: the bin has no root of trust, and goes by the hub's word.
    pub repository: Option<RepositoryConfig>,
    /// The most bytes per second that updates take.
    pub bandwidth: Option<u64>,
}

/// A signed repository. Clones are the same.
#[derive(Debug, Clone)]
pub struct Repository {
    root: PathBuf,
    folder: PathBuf,
    source: Source,
    patience: Duration,
    started: Instant,
    /// One check at a time: each writes what it has come to believe.
    turn: Arc<Mutex<()>>,
}

/// What is signed, as of a check.
#[derive(Debug, Clone)]
pub struct Signed {
    pub(super) client: Client,
    pub(super) trusted: Trusted,
}

impl Signed {
    /// What is believed.
    #[must_use]
    pub fn trusted(&self) -> &Trusted {
        &self.trusted
    }

    /// Fetches its targets.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Repository {
    /// A repository at `source`, of which the bin trusts the root in the file `root` at the beginning and keeps what it
    /// believes in `folder`. The clock is waited for from now on.
    #[must_use]
    pub fn new(root: PathBuf, folder: PathBuf, source: Source, patience: Duration) -> Self {
        Self { root, folder, source, patience, started: Instant::now(), turn: Arc::default() }
    }

    /// The one that is configured, over HTTP.
    ///
    /// # Errors
    /// The file with the certificates cannot be read or holds none.
    pub fn over_http(
        config: &UpdatesConfig,
        data_dir: &Path,
        bin: &BinId,
        password: &Secret,
    ) -> Result<Option<Self>, CertificateError> {
        let Some(of) = &config.repository else { return Ok(None) };
        let slow = config.bandwidth.map_or(0, |per_second| pilah_models::bundle::LARGEST_NETWORK / per_second.max(1));
        let agent = fetch::agent(source::CA_FILE, of.ca_file.as_deref(), WHOLE + Duration::from_secs(slow))?;
        let authorization = of.is_hub.then(|| fetch::basic(bin, password));
        let source = source::over_http(agent, of.address.clone(), authorization);
        Ok(Some(Self::new(of.root.clone(), data_dir.join("trust"), source, of.clock_wait)))
    }

    /// The same, by which the clock is waited for no longer than that.
    #[must_use]
    pub fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// What is believed, and what not, from disk alone.
    #[must_use]
    pub fn standing(&self) -> Trust {
        let client = self.client(self.source.clone());
        let fault = client.as_ref().err().map(|error| crate::words::in_words(error));
        standing(client.ok().as_ref(), TrustBy::Signatures, fault)
    }

    /// Looks at the repository, by a clock that says `now`, and whether it is right. Blocks. What came of it is told in
    /// any case.
    pub fn check(&self, now: Timestamp, synchronised: bool, gate: &Gate) -> (Trust, Result<Signed, UpdateError>) {
        // A panic while it was held leaves files that are whole.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let client = match self.client(gate.source(self.source.clone())) {
            Ok(client) => client,
            Err(error) => {
                let fault = Some(crate::words::in_words(&error));
                return (standing(None, TrustBy::Signatures, fault), Err(error.into()));
            }
        };
        let clock = Clock { now, synchronised, waited: self.started.elapsed() };
        match client.check(clock) {
            Ok(Outcome::Waiting(left)) => {
                (standing(Some(&client), TrustBy::WaitingForTime, None), Err(UpdateError::ClockAwaited(left)))
            }
            Ok(Outcome::Checked(Checked { trusted, by, notes, .. })) => {
                let by = match by {
                    GoBy::Versions(_) => TrustBy::SignaturesWithoutTime,
                    GoBy::Time(_) | GoBy::Wait(_) => TrustBy::Signatures,
                };
                let versions = trusted.versions;
                let trust =
                    Trust { by, root: Some(versions.root), targets: Some(versions.targets), fault: said(&notes) };
                (trust, Ok(Signed { client, trusted }))
            }
            Err(error) => {
                let fault = Some(crate::words::in_words(&error));
                (standing(Some(&client), TrustBy::Signatures, fault), Err(error.into()))
            }
        }
    }

    fn client(&self, source: Source) -> Result<Client, TrustError> {
        Client::new(&self.root, self.folder.clone(), source, self.patience)
    }
}

fn standing(client: Option<&Client>, by: TrustBy, fault: Option<String>) -> Trust {
    let root = client.and_then(|client| client.root().ok());
    let believed = client.and_then(|client| client.believed().ok().flatten());
    Trust { by, root, targets: believed.map(|believed| believed.versions.targets), fault }
}

fn said(notes: &[Note]) -> Option<String> {
    let words: Vec<String> = notes.iter().map(ToString::to_string).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// When to look again after a check that went as `trust` says, varied by `draw` (0 up to 1).
#[must_use]
pub fn pause_after(trust: &Trust, went_well: bool, draw: f32) -> Duration {
    let pause = match trust.by {
        TrustBy::WaitingForTime => return MINUTE,
        _ if went_well => DAY,
        _ => HOUR,
    };
    pause.mul_f32(0.75 + draw.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_looks_once_a_day_and_sooner_if_it_could_not() {
        let trust = |by| Trust { by, root: Some(1), targets: None, fault: None };
        for (by, went_well, draw, expected) in [
            (TrustBy::Signatures, true, 0.0, 18 * 3600),
            (TrustBy::SignaturesWithoutTime, true, 1.0, 30 * 3600),
            (TrustBy::Signatures, false, 0.5, 3600),
            (TrustBy::WaitingForTime, false, 0.9, 60),
        ] {
            assert_eq!(pause_after(&trust(by), went_well, draw), Duration::from_secs(expected), "{by:?}");
        }
    }
}
