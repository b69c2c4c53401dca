//! What a training leaves: all models in one file, with what is known of their making.
//!
//! ```text
//! "PILAH-FORECAST 1\n"    what it is, and the version of what follows
//! CBOR                    the artefact
//! CRC-32                  of all before it, four bytes, most significant first
//! ```
//!
//! Numbers are stored as they are, so a model that was loaded forecasts exactly as before it was saved.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ensemble::{Ensemble, Settings};

/// The first bytes of the file.
const MAGIC: &[u8] = b"PILAH-FORECAST 1\n";

/// What is common to all versions of [`MAGIC`].
const KIND: &[u8] = b"PILAH-FORECAST ";

/// What is known of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ForecastMetadata)]
pub struct Metadata {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub trained_at: Timestamp,
    /// What names the data that it saw, for whoever keeps data; empty for a file.
    pub data: String,
    /// How many rows it saw.
    pub rows: usize,
    /// The first date, in seconds since 1970-01-01.
    pub first: i64,
    /// The last date.
    pub last: i64,
    /// How many series there are besides the total.
    pub products: usize,
    /// Of all that was random.
    pub seed: u64,
    /// Products that could not be fitted, with the reason.
    pub skipped: BTreeMap<String, String>,
}

/// All models of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Artefact {
    /// How it was made.
    pub metadata: Metadata,
    /// What the total was fitted with; an artefact of an earlier program does not say.
    #[serde(default)]
    pub settings: Option<Settings>,
    /// The model of the sum of all products.
    pub total: Ensemble,
    /// A model per product.
    pub products: BTreeMap<String, Ensemble>,
}

/// Bytes that are no artefact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArtefactError {
    /// Something else.
    #[error("this is no trained forecast: it does not start as one")]
    Kind,
    /// Of a version that this program does not know.
    #[error("this forecast was trained by another version of this program: train it again")]
    Version,
    /// Cut off or changed.
    #[error("the trained forecast is damaged: train it again")]
    Damaged,
}

impl Artefact {
    /// As a file.
    ///
    /// # Panics
    /// Never: everything in an artefact has a form in CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        ciborium::into_writer(self, &mut bytes).expect("memory takes all that is written");
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }

    /// From a file.
    ///
    /// # Errors
    /// If the bytes are of another kind or version, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtefactError> {
        if !bytes.starts_with(MAGIC) {
            return Err(if bytes.starts_with(KIND) { ArtefactError::Version } else { ArtefactError::Kind });
        }
        let (content, sum) = bytes.split_at_checked(bytes.len() - 4).ok_or(ArtefactError::Damaged)?;
        if crc32fast::hash(content).to_be_bytes() != sum {
            return Err(ArtefactError::Damaged);
        }
        ciborium::from_reader(&content[MAGIC.len()..]).map_err(|_| ArtefactError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::lstm;
    use crate::series::{Series, Step};

    fn artefact() -> Artefact {
        let values = (0..120).map(|day| if day == 50 { f64::NAN } else { f64::from(day % 7 * 3 + day / 9) }).collect();
        let series = Series { start: 86_400, step: Step::DAY, values };
        let network = lstm::Options { window: 7, cells: 3, epochs: 2, ..lstm::Options::default() };
        let settings = Settings { lstm: Some(network), ..Settings::default() };
        let total = Ensemble::fit(&series, &settings, |_| ControlFlow::Continue(())).expect("a fit");
        let metadata = Metadata {
            trained_at: "2026-01-02T03:04:05Z".parse().expect("a time"),
            data: "7".into(),
            rows: 119,
            first: 86_400,
            last: 120 * 86_400,
            products: 1,
            seed: 0,
            skipped: BTreeMap::new(),
        };
        Artefact { metadata, settings: Some(settings), products: BTreeMap::from([("a".into(), total.clone())]), total }
    }

    #[test]
    fn what_is_loaded_forecasts_exactly_as_what_was_saved() {
        let saved = artefact();
        let loaded = Artefact::from_bytes(&saved.to_bytes()).expect("an artefact");
        assert_eq!(loaded.total.forecast(40, 0.8), saved.total.forecast(40, 0.8));
        assert_eq!(loaded.products["a"].weights, saved.products["a"].weights);
        assert_eq!(loaded.metadata, saved.metadata);
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let bytes = artefact().to_bytes();
        let refused = |bytes: &[u8]| Artefact::from_bytes(bytes).err();
        for at in [MAGIC.len() + 1, bytes.len() / 2, bytes.len() - 1] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert_eq!(refused(&bytes), Some(ArtefactError::Damaged), "{at}");
        }
        for length in [MAGIC.len(), bytes.len() / 2, bytes.len() - 1] {
            assert_eq!(refused(&bytes[..length]), Some(ArtefactError::Damaged), "{length}");
        }
        assert_eq!(refused(b"PILAH-FORECAST 9\nx"), Some(ArtefactError::Version));
        assert_eq!(refused(b"date,quantity"), Some(ArtefactError::Kind));
        assert_eq!(refused(b""), Some(ArtefactError::Kind));
    }
}
