//! A version as a zip that other programs read.
//!
//! ```text
//! processed/{train,validation,test}/{label}/{uuid}_{timestamp}.jpg   an image folder, as trainers take it
//! raw/{label}/{uuid}_{timestamp}.jpg                                 the same by label alone
//! coco-{train,validation,test}.json                                  the same as COCO's instances
//! index.parquet                                                      a row for each sample
//! samples.jsonl                                                      the same, for the hub that imports it
//! manifest.json                                                      what the version is
//! missing.txt                                                        images that were deleted since, if any
//! ```
//!
//! Importing such a zip gives the same labels, splits and clusters. It is written as it is read: in memory are one
//! shard of the version, one image, and the zip's own list of names, some 200 bytes for each. Images are
//! stored as they are, since JPEG does not shrink.

/// `index.parquet`.
mod index;

use std::collections::HashSet;
use std::io::{self, Write};
use std::str::FromStr;

use pilah_models::name::ContentId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::runtime::Handle;
use utoipa::ToSchema;
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

use super::version::{Frozen, Samples, Version};
use super::{DatasetError, Split};
use crate::store::{BlobError, Blobs};

/// Which views of the images an export has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// By split and label; what has no split by label alone.
    #[default]
    Processed,
    /// All by label alone.
    Raw,
    /// Both, so that most images are there twice.
    Both,
    /// None: the index alone.
    Index,
}

impl FromStr for Layout {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "processed" => Ok(Self::Processed),
            "raw" => Ok(Self::Raw),
            "both" => Ok(Self::Both),
            "index" => Ok(Self::Index),
            _ => Err(format!("{name:?} is no layout; the layouts are processed, raw, both, index")),
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Files of images.
    pub images: u64,
    /// Samples whose image was deleted since the version was frozen.
    pub missing: u64,
}

/// The samples, a line of JSON for each: [`Frozen`].
pub(super) const SAMPLES: &str = "samples.jsonl";

/// Where a sample's image lies in the export, if it is there once.
fn place(sample: &Frozen, layout: Layout) -> String {
    match sample.split.filter(|_| layout != Layout::Raw) {
        Some(split) => format!("processed/{split}/{}/{}", sample.label, file_name(sample)),
        None => raw(sample),
    }
}

fn raw(sample: &Frozen) -> String {
    format!("raw/{}/{}", sample.label, file_name(sample))
}

fn file_name(sample: &Frozen) -> String {
    let at = jiff::Timestamp::from_millisecond(sample.at_ms).unwrap_or_default();
    format!("{}_{}.jpg", sample.id, at.strftime("%Y%m%dT%H%M%SZ"))
}

/// Writes a version as a zip. It blocks: call it where that is allowed, within a Tokio runtime.
///
/// # Errors
/// The sink or the object storage failed; what was written by then is no zip.
pub fn write(
    blobs: &Blobs,
    version: &Version,
    layout: Layout,
    sink: impl Write + Send,
) -> Result<Exported, DatasetError> {
    let runtime = Handle::current();
    let samples = runtime.block_on(Samples::of(blobs, &version.id))?;
    let zip = ZipWriter::new_stream(io::BufWriter::with_capacity(1 << 16, sink));
    let mut export = Export { runtime, blobs, samples, layout, zip, missing: HashSet::new(), images: 0 };
    export.images()?;
    for split in Split::ALL {
        export.coco(version, split)?;
    }
    export.parquet()?;
    export.lines()?;
    export.start("manifest.json")?;
    let about = json!({
        "format": 1, "version": version.id, "frozen_ms": version.created_ms, "samples": version.samples,
        "counts": version.counts,
    });
    write!(export.zip, "{about:#}")?;
    export.note_missing()?;
    let exported = Exported { images: export.images, missing: export.missing.len() as u64 };
    export.zip.finish().map_err(io::Error::from)?.into_inner().flush()?;
    Ok(exported)
}

struct Export<'a, W: Write> {
    runtime: Handle,
    blobs: &'a Blobs,
    samples: Samples,
    layout: Layout,
    zip: ZipWriter<StreamWriter<W>>,
    missing: HashSet<ContentId>,
    images: u64,
}

impl<W: Write + Send> Export<'_, W> {
    fn start(&mut self, name: &str) -> io::Result<()> {
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        Ok(self.zip.start_file(name, stored)?)
    }

    fn images(&mut self) -> Result<(), DatasetError> {
        if self.layout == Layout::Index {
            return Ok(());
        }
        let mut samples = self.samples.again();
        while let Some(shard) = self.runtime.block_on(samples.next_shard())? {
            for sample in shard {
                let jpeg = match self.runtime.block_on(self.blobs.get(&sample.content)) {
                    Ok(jpeg) => jpeg,
                    Err(BlobError::Missing(content)) => {
                        self.missing.insert(content);
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                let twice = (self.layout == Layout::Both && sample.split.is_some()).then(|| raw(&sample));
                for name in std::iter::once(place(&sample, self.layout)).chain(twice) {
                    self.start(&name)?;
                    self.zip.write_all(&jpeg)?;
                    self.images += 1;
                }
            }
        }
        Ok(())
    }

    /// A split in COCO's format: each image with one annotation, whose box is the whole image.
    fn coco(&mut self, version: &Version, split: Split) -> Result<(), DatasetError> {
        let categories: Vec<serde_json::Value> = (1..)
            .zip(version.counts.keys())
            .map(|(id, name)| json!({ "id": id, "name": name, "supercategory": "waste" }))
            .collect();
        let category = |label: &str| version.counts.keys().position(|name| name == label).map_or(0, |at| at + 1);
        self.start(&format!("coco-{split}.json"))?;
        write!(self.zip, "{{\"info\":{},\"licenses\":[]", json!({ "description": "Pilah", "version": version.id }))?;
        write!(self.zip, ",\"categories\":{},\"images\":", json!(categories))?;
        self.list(split, |id, sample, layout| {
            let at = jiff::Timestamp::from_millisecond(sample.at_ms).unwrap_or_default();
            json!({
                "id": id, "file_name": place(sample, layout), "width": sample.width, "height": sample.height,
                "date_captured": at.to_string(),
            })
        })?;
        write!(self.zip, ",\"annotations\":")?;
        self.list(split, |id, sample, _| {
            json!({
                "id": id, "image_id": id, "category_id": category(sample.label.as_str()), "iscrowd": 0,
                "bbox": [0, 0, sample.width, sample.height], "area": i64::from(sample.width) * i64::from(sample.height),
            })
        })?;
        write!(self.zip, "}}")?;
        Ok(())
    }

    /// Writes a list with an element for each sample of a split, numbered from 1.
    fn list(
        &mut self,
        split: Split,
        element: impl Fn(u64, &Frozen, Layout) -> serde_json::Value,
    ) -> Result<(), DatasetError> {
        let (mut samples, mut id) = (self.samples.again(), 0);
        write!(self.zip, "[")?;
        while let Some(shard) = self.runtime.block_on(samples.next_shard())? {
            for sample in shard {
                if sample.split != Some(split) || self.missing.contains(&sample.content) {
                    continue;
                }
                id += 1;
                let comma = if id == 1 { "" } else { "," };
                write!(self.zip, "{comma}\n{}", element(id, &sample, self.layout))?;
            }
        }
        Ok(write!(self.zip, "]")?)
    }

    /// A row for each sample, a row group for each shard.
    fn parquet(&mut self) -> Result<(), DatasetError> {
        self.start("index.parquet")?;
        let mut samples = self.samples.again();
        let mut index = index::Index::new(&mut self.zip, self.layout)?;
        while let Some(mut shard) = self.runtime.block_on(samples.next_shard())? {
            shard.retain(|sample| !self.missing.contains(&sample.content));
            index.write(&shard)?;
        }
        Ok(index.finish()?)
    }

    /// What another hub needs to keep together what belongs together.
    fn lines(&mut self) -> Result<(), DatasetError> {
        self.start(SAMPLES)?;
        let mut samples = self.samples.again();
        while let Some(shard) = self.runtime.block_on(samples.next_shard())? {
            for sample in shard.iter().filter(|sample| !self.missing.contains(&sample.content)) {
                serde_json::to_writer(&mut self.zip, sample).map_err(io::Error::from)?;
                writeln!(self.zip)?;
            }
        }
        Ok(())
    }

    fn note_missing(&mut self) -> Result<(), DatasetError> {
        if self.missing.is_empty() {
            return Ok(());
        }
        self.start("missing.txt")?;
        writeln!(self.zip, "These images were deleted after the version was frozen:")?;
        let mut missing: Vec<&ContentId> = self.missing.iter().collect();
        missing.sort();
        for content in missing {
            writeln!(self.zip, "{content}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
