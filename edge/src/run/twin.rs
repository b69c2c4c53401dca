//! Another program that speaks under this bin's id: a second bin on a copied card, or one that was forgotten
//! in a drawer. Each pushes the other off the broker as it connects.
//!
//! A bin hears its own presence, and knows the epochs that it speaks under, now and at its starts before. A
//! presence of any other epoch is a stranger's. One alone is what a restored card finds: its own last words,
//! which it has forgotten. Strangers that come again and again, each time over another connection, are a twin;
//! so is a start of before that goes on: the card was copied while it ran.
//! What was found is left in a file for the doctor, who is another program.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use pilah_models::durable;
use pilah_models::wire::Status;
use serde::{Deserialize, Serialize};
use tracing::{debug, error, warn};

/// The file in the data folder.
const FILE: &str = "twin.json";

/// So many connections of strangers are a twin's.
const TWIN: u32 = 3;

/// What is known of strangers under this bin's id since the program started.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    last: Option<(u32, Option<u32>)>,
    /// The last of a start before this one: the first that is heard is what the broker kept.
    former: Option<(u32, Option<u32>)>,
    connections: u32,
}

/// What a presence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing that is new.
    Nothing,
    /// The first stranger: as a rule the bin's own last words, which its card has forgotten.
    Forgotten,
    /// A twin, told at its third connection and then each time that there are twice as many.
    Twin {
        /// Connections of strangers so far.
        connections: u32,
    },
}

impl Strangers {
    /// Takes in a presence that the broker has of this bin. `own` is the bin's epoch, `former` are those before.
    pub(super) fn handle_status(&mut self, said: &Status, own: u32, former: &[u32]) -> Found {
        let heard = (said.header.epoch, said.connection);
        let is_news = match heard.0 {
            epoch if epoch == own => false,
            epoch if former.contains(&epoch) => self.former.replace(heard).is_some_and(|before| before != heard),
            _ => self.last.replace(heard) != Some(heard),
        };
        if !is_news {
            return Found::Nothing;
        }
        self.connections = self.connections.saturating_add(1);
        match self.connections {
            1 => Found::Forgotten,
            connections if connections == TWIN || (connections > TWIN && connections.is_power_of_two()) => {
                Found::Twin { connections }
            }
            _ => Found::Nothing,
        }
    }
}

/// Tells a person what was found, and leaves a note of a twin for the doctor.
pub(super) fn tell(found: Found, said: &Status, data_dir: &Path, at: Timestamp) {
    let bin = &said.header.bin;
    match found {
        Found::Nothing => {}
        Found::Forgotten => warn!(
            %bin,
            epoch = said.header.epoch,
            "the broker knows a start of this bin that its card does not: the card was restored or copied"
        ),
        Found::Twin { connections } => {
            error!(
                %bin,
                connections,
                "another program speaks under this bin's id, and each pushes the other off the broker: give one of \
                 the two an id and a secret of its own"
            );
            if let Err(e) = (Note { connections, at }).write(data_dir) {
                debug!(error = %e, "no note is left for the doctor");
            }
        }
    }
}

/// What is left for the doctor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// Connections of strangers since the program started.
    pub(crate) connections: u32,
    /// When the last was noticed, by the bin's clock.
    pub(crate) at: Timestamp,
}

impl Note {
    /// What the last run of the program left, if it found a twin.
    pub(crate) fn read(data_dir: &Path) -> Option<Self> {
        let bytes = std::fs::read(data_dir.join(FILE)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    pub(super) fn write(&self, data_dir: &Path) -> io::Result<()> {
        durable::write(&data_dir.join(FILE), &serde_json::to_vec(self).map_err(io::Error::other)?)
    }

    /// A start of the program looks anew.
    pub(super) fn remove(data_dir: &Path) {
        // It is missing as a rule; one that stays is dated.
        std::fs::remove_file(data_dir.join(FILE)).ok();
    }
}

#[cfg(test)]
mod tests {
    use pilah_models::name::{BinId, ModelVersion};
    use pilah_models::wire::{CameraState, Header};

    use super::*;

    fn status(epoch: u32, connection: u32) -> Status {
        let bin = BinId::new("b1").expect("valid");
        Status {
            header: Header { v: 1, bin, epoch, seq: 1, at: Timestamp::UNIX_EPOCH, clock_synced: false },
            online: true,
            software: "0".into(),
            model: ModelVersion::new("m1").expect("valid"),
            camera: CameraState::Streaming,
            connection: Some(connection),
            former: Vec::new(),
            camera_is: None,
            time_zone: None,
        }
    }

    #[test]
    fn a_restored_card_finds_its_forgotten_words_and_a_twin_comes_again_and_again() {
        let mut strangers = Strangers::default();
        let mut find = |epoch, connection| strangers.handle_status(&status(epoch, connection), 9, &[8, 7]);
        for (epoch, connection) in [(9, 1), (8, 30), (9, 2), (8, 30)] {
            assert_eq!(find(epoch, connection), Found::Nothing, "it is the bin's own");
        }
        assert_eq!((find(55, 4), find(55, 4), find(9, 1)), (Found::Forgotten, Found::Nothing, Found::Nothing));
        let found: Vec<Found> = (5..20).map(|connection| find(55, connection)).collect();
        let told = [(1, 3), (2, 4), (6, 8), (14, 16)];
        for (at, found) in found.iter().enumerate() {
            let expected = told.iter().find(|(told, _)| *told == at);
            let expected =
                expected.map_or(Found::Nothing, |(_, connections)| Found::Twin { connections: *connections });
            assert_eq!(*found, expected, "{at}");
        }
    }

    #[test]
    fn a_former_start_that_goes_on_is_a_twin() {
        let mut strangers = Strangers::default();
        let found: Vec<Found> =
            (4..8).map(|connection| strangers.handle_status(&status(8, connection), 9, &[8, 7])).collect();
        assert_eq!(found, [Found::Nothing, Found::Forgotten, Found::Nothing, Found::Twin { connections: 3 }]);
    }

    #[test]
    fn a_note_is_read_back_until_the_next_start() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let note = Note { connections: 8, at: "2026-11-22T10:15:30Z".parse().expect("valid") };
        assert_eq!(Note::read(folder.path()), None);
        note.write(folder.path()).expect("writes");
        assert_eq!(Note::read(folder.path()), Some(note));
        Note::remove(folder.path());
        assert_eq!(Note::read(folder.path()), None);
    }
}
