//! Backbones that were imported: checked at the door, then taken by the next training.
//!
//! A backbone waits until a version was made with it, whatever the gate said of that version; then trainings
//! go on with the backbone of the model in service. The newest that waits is taken first.

use std::time::Instant;

use pilah_models::bundle::{InputSpec, LARGEST_NETWORK};
use pilah_models::infer::{Backbone, golden};
use pilah_models::name::ContentId;
use pilah_models::onnx;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel as _, PaginatorTrait,
    QueryFilter, QueryOrder,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Registry, RegistryError};
use crate::audit;
use crate::store::entity::{backbone, model};
use crate::store::{StoreError, now_ms};

/// A manifest allows no longer embedding.
const LONGEST_EMBEDDING: usize = 65_536;

/// How many images are timed.
const RUNS: usize = 8;

/// A backbone that was imported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BackboneView {
    /// SHA-256 of its file.
    #[schema(value_type = String)]
    pub sha256: ContentId,
    /// The name of the file that it came as.
    pub name: String,
    /// How large it is.
    pub bytes: u64,
    /// Width of the images that it takes, in pixels.
    pub width: u32,
    /// Height of the images that it takes, in pixels.
    pub height: u32,
    /// How its pixels are scaled: `-1..1`, `0..1`, `0..255`, `imagenet`, or MEAN/DEVIATION.
    pub scaling: String,
    /// How many numbers it gives per image.
    pub embedding: u32,
    /// The median time for an image on this machine when it was imported, in milliseconds.
    pub median_ms: f64,
    /// When it was imported, in milliseconds since 1970.
    pub created_ms: i64,
    /// Who imported it.
    pub created_by: String,
    /// Whether the next training takes it, and embeds all images anew.
    pub next: bool,
}

/// What was found of a file that is to become a backbone.
pub(crate) struct Checked {
    pub(crate) input: InputSpec,
    pub(crate) embedding: usize,
    pub(crate) median_ms: f64,
}

/// Loads a backbone, looks at its shapes and times it. Takes up to a second or so, on the caller's thread.
pub(crate) fn check(onnx: &[u8], input: InputSpec, latency_ms: f64) -> Result<(Backbone, Checked), RegistryError> {
    let unusable = |problem: String| RegistryError::Import(problem);
    if onnx.len() as u64 > LARGEST_NETWORK {
        let bytes = onnx.len();
        return Err(unusable(format!("the network has {bytes} bytes; a bin loads at most {LARGEST_NETWORK}")));
    }
    let network = Backbone::load(onnx, &input)?;
    let embedding = network.embedding_len();
    if embedding > LONGEST_EMBEDDING {
        return Err(unusable(format!(
            "the backbone gives {embedding} numbers per image; at most {LONGEST_EMBEDDING} are accepted: cut it after \
             its pooling layer"
        )));
    }
    let images = golden::images(&input);
    let run = |image| network.embed(image).map_err(|error| unusable(error.to_string()));
    run(&images[0])?;
    let mut times = Vec::with_capacity(RUNS);
    for image in images.iter().cycle().take(RUNS) {
        let start = Instant::now();
        run(image)?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    let median_ms = times[RUNS / 2];
    if median_ms > latency_ms {
        return Err(unusable(format!(
            "the backbone takes {median_ms:.0} ms for an image on this machine; the gate allows {latency_ms} ms, so no model \
             with it could go into service: use a smaller one, or raise latency_ms in gate.toml"
        )));
    }
    Ok((network, Checked { input, embedding, median_ms }))
}

/// The size of the images that a network takes, as its file says, or else `side` by `side`.
pub(crate) fn input_size(onnx: &[u8], side: Option<u32>) -> Result<(u32, u32), RegistryError> {
    let interface = onnx::inspect(onnx)?;
    let (width, height) = match (interface.image_size(), side) {
        (Some(stated), _) => stated,
        (None, Some(side)) => (side, side),
        (None, None) => {
            let shape: Vec<String> =
                interface.input_shape.iter().map(|side| side.map_or("?".into(), |side| side.to_string())).collect();
            return Err(RegistryError::Import(format!(
                "the network takes [{}]; it must take images [1, 3, height, width], and say how large they are, or be \
                 imported with the side in pixels (--input-side, or ?input_side=)",
                shape.join(", ")
            )));
        }
    };
    let range = 8..=1024;
    if range.contains(&width) && range.contains(&height) {
        return Ok((width, height));
    }
    Err(RegistryError::Import(format!("the network takes images of {width} × {height} pixels; 8 to 1024 are accepted")))
}

impl Registry {
    /// Keeps a backbone that was checked for the next training. The same file again is one, and is then the newest.
    ///
    /// # Errors
    /// A version was made with it, or the storage failed.
    pub(crate) async fn keep_backbone(
        &self,
        onnx: Vec<u8>,
        checked: Checked,
        name: &str,
        who: &str,
    ) -> Result<BackboneView, RegistryError> {
        let bytes = onnx.len() as u64;
        let id = self.blobs.put(onnx).await?;
        let tx = self.store.begin().await?;
        if used(&tx, &id).await? {
            return Err(RegistryError::Import(format!(
                "a version was made with this backbone ({}) already: put that into service, or train from there",
                &id.as_str()[..12]
            )));
        }
        backbone::Entity::delete_by_id(id.as_str()).exec(&tx).await?;
        let row = backbone::Model {
            sha256: id.to_string(),
            name: name.chars().take(200).collect(),
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            input_json: serde_json::to_string(&checked.input).expect("an input has string keys"),
            embedding: i32::try_from(checked.embedding).unwrap_or(i32::MAX),
            median_ms: checked.median_ms,
            created_ms: now_ms(),
            created_by: who.to_owned(),
        };
        backbone::Entity::insert(row.clone().into_active_model().reset_all()).exec_without_returning(&tx).await?;
        audit::note(&tx, who, "backbone.import", &serde_json::json!({ "backbone": id, "name": row.name })).await?;
        tx.commit().await?;
        tracing::info!(backbone = %id, who, "backbone imported");
        view(&row, true)
    }

    /// The imported backbones, newest first.
    ///
    /// # Errors
    /// The database failed, or a row cannot be read.
    pub async fn backbones(&self) -> Result<Vec<BackboneView>, RegistryError> {
        let db = self.store.db();
        let rows = backbone::Entity::find().order_by_desc(backbone::Column::CreatedMs).all(db).await?;
        let (mut views, mut is_taken) = (Vec::with_capacity(rows.len()), false);
        for row in rows {
            let waits = !used(db, &id_of(&row)?).await?;
            views.push(view(&row, waits && !is_taken)?);
            is_taken |= waits;
        }
        Ok(views)
    }

    /// The backbone that the next training takes instead of that of the model in service, with what it
    /// takes; `None` if none was imported since.
    ///
    /// # Errors
    /// The storage failed.
    pub async fn next_backbone(&self) -> Result<Option<(Vec<u8>, InputSpec)>, RegistryError> {
        let Some(next) = self.backbones().await?.into_iter().find(|backbone| backbone.next) else { return Ok(None) };
        let row = backbone::Entity::find_by_id(next.sha256.as_str()).one(self.store.db()).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some((self.blobs.get(&next.sha256).await?, input_of(&row)?)))
    }

    /// Forgets an imported backbone that waits for a training. One that versions were made with stays.
    ///
    /// # Errors
    /// [`RegistryError::NoBackbone`], [`RegistryError::Referred`], or the storage failed.
    pub async fn delete_backbone(&self, id: &ContentId, who: &str) -> Result<(), RegistryError> {
        let tx = self.store.begin().await?;
        let row = backbone::Entity::find_by_id(id.as_str()).one(&tx).await?;
        row.ok_or_else(|| RegistryError::NoBackbone(id.clone()))?;
        let versions: Vec<String> = made_with(id).all(&tx).await?.into_iter().map(|row| row.version).collect();
        if !versions.is_empty() {
            let by = versions.iter().map(|version| format!("{version} was made with it")).collect();
            return Err(RegistryError::Referred { what: format!("backbone {}", &id.as_str()[..12]), by });
        }
        backbone::Entity::delete_by_id(id.as_str()).exec(&tx).await?;
        audit::note(&tx, who, "backbone.delete", &serde_json::json!({ "backbone": id })).await?;
        tx.commit().await?;
        Ok(self.blobs.remove(id).await?)
    }
}

/// Forgets a backbone whose last version was deleted, so that it does not wait for a training again.
/// `true` if nothing names it any more.
pub(super) async fn forget_unused(tx: &impl ConnectionTrait, id: &ContentId) -> Result<bool, StoreError> {
    if used(tx, id).await? {
        return Ok(false);
    }
    backbone::Entity::delete_by_id(id.as_str()).exec(tx).await?;
    Ok(true)
}

async fn used(db: &impl ConnectionTrait, id: &ContentId) -> Result<bool, StoreError> {
    Ok(made_with(id).count(db).await? > 0)
}

/// The versions that are there and have this backbone.
fn made_with(id: &ContentId) -> sea_orm::Select<model::Entity> {
    model::Entity::find()
        .filter(model::Column::BackboneSha256.eq(id.as_str()))
        .filter(model::Column::State.ne(super::State::Deleted.name()))
}

fn id_of(row: &backbone::Model) -> Result<ContentId, StoreError> {
    ContentId::new(row.sha256.as_str()).map_err(|error| corrupt(row, &error))
}

fn input_of(row: &backbone::Model) -> Result<InputSpec, StoreError> {
    serde_json::from_str(&row.input_json).map_err(|error| corrupt(row, &error))
}

fn view(row: &backbone::Model, next: bool) -> Result<BackboneView, RegistryError> {
    let input = input_of(row)?;
    Ok(BackboneView {
        sha256: id_of(row)?,
        name: row.name.clone(),
        bytes: u64::try_from(row.bytes).unwrap_or(0),
        width: input.width,
        height: input.height,
        scaling: input.scaling().to_string(),
        embedding: u32::try_from(row.embedding).unwrap_or(0),
        median_ms: row.median_ms,
        created_ms: row.created_ms,
        created_by: row.created_by.clone(),
        next,
    })
}

fn corrupt(row: &backbone::Model, error: &dyn std::error::Error) -> StoreError {
    StoreError::Corrupt { table: "backbones", row: row.sha256.clone(), problem: error.to_string() }
}
