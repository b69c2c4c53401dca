//! What a model answers on images of the dataset: embeddings from the database where they are known, then
//! the head.

use std::sync::Arc;

use pilah_models::bundle::Bundle;
use pilah_models::infer::{Backbone, Head};
use pilah_models::name::ContentId;
use tokio_util::sync::CancellationToken;

use super::error::EvaluateError;
use crate::embeddings::embed;
use crate::registry::Parts;

/// The probabilities of each image, in the order of the model's labels; `None` where an image cannot be read.
pub(crate) async fn answers(
    parts: &Parts,
    bundle: &Bundle,
    images: &[&ContentId],
) -> Result<Vec<Option<Vec<f32>>>, EvaluateError> {
    let manifest = bundle.manifest();
    let backbone = backbone(parts, bundle).await?;
    let head = Head::load(bundle.head(), manifest.embedding, manifest.labels.len())?;
    let never = CancellationToken::new();
    let id = &manifest.backbone.sha256;
    let found =
        embed::embed(&parts.store, &parts.blobs, &backbone, id, images.iter().copied(), &|_| {}, &never).await?;
    let vectors: Vec<Option<Vec<f32>>> = images.iter().map(|image| found.get(image).map(<[f32]>::to_vec)).collect();
    let compute = move || {
        let answer = |vector: Option<Vec<f32>>| vector.map(|vector| head.probabilities(&vector)).transpose();
        vectors.into_iter().map(answer).collect::<Result<_, _>>()
    };
    Ok(tokio::task::spawn_blocking(compute).await.expect("inference does not panic and is not aborted")?)
}

/// The backbone of a model: that of the model in service, if it is the same, or else its own, loaded.
async fn backbone(parts: &Parts, bundle: &Bundle) -> Result<Arc<Backbone>, EvaluateError> {
    let manifest = bundle.manifest();
    if let Some(service) = parts.registry.in_service()
        && service.manifest().backbone == manifest.backbone
        && service.manifest().input == manifest.input
    {
        return Ok(Arc::clone(service.backbone()));
    }
    let bundle = bundle.clone();
    let load = move || Backbone::load(bundle.backbone(), &bundle.manifest().input);
    Ok(Arc::new(tokio::task::spawn_blocking(load).await.expect("loading does not panic and is not aborted")?))
}
