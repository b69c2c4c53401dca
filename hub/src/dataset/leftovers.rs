//! What a killed hub left in the object storage: images that it was writing, and images whose rows it had
//! not committed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use super::DatasetError;
use crate::store::Store;
use crate::store::entity::sample;

/// What is younger may be on its way: being written, or waiting for its batch.
const ON_ITS_WAY: Duration = Duration::from_hours(1);

/// More than killed hubs leave: an upload, some batches, and what waited for its own.
const MOST: u64 = 1000;

/// How many images are looked up at once.
const BATCH: usize = 500;

/// How a JPEG begins. Networks and manifests lie in the same storage and are left alone.
const JPEG: [u8; 3] = [0xff, 0xd8, 0xff];

/// Takes away half-written files, `…#1`, which never got their name. Tells how many.
///
/// # Errors
/// The operating system's.
pub(super) fn sweep_half_written(objects: &Path, now: SystemTime) -> io::Result<u64> {
    let mut swept = 0;
    for folder in folders(objects)? {
        for (path, name) in old_files(&folder, now)? {
            if name.contains('#') {
                fs::remove_file(path)?;
                swept += 1;
            }
        }
    }
    Ok(swept)
}

/// Images that a round found without a sample: they go if the next round finds them so, too.
pub(super) type Suspects = BTreeSet<String>;

/// What a round did with images that no sample shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swept {
    /// So many were found without a sample a second time, and are gone; so many for the first time.
    Gone { taken: u64, waiting: u64 },
    /// So many have no sample, but the database knows no image at all: it is another one's, or an empty one.
    NothingKnown { unshown: u64 },
    /// So many have no sample, more than killed hubs leave: the database is an old one, as a rule.
    TooMany { unshown: u64 },
}

/// Takes away images that no sample shows, and that the round before found so already. It is not for the hour
/// after a start: a bin then sends again what was not acknowledged, and its image is found to be there already.
///
/// # Errors
/// The operating system's, or the database's.
pub(super) async fn sweep_unshown(
    store: &Store,
    objects: &Path,
    now: SystemTime,
    suspects: &mut Suspects,
) -> Result<Swept, DatasetError> {
    let mut unshown = BTreeMap::new();
    for folder in folders(objects)? {
        let list = move || {
            let prefix = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let files = old_files(&folder, now)?;
            Ok(files.into_iter().map(|(path, name)| (format!("{prefix}{name}"), path)).collect::<Vec<_>>())
        };
        let files: io::Result<_> = tokio::task::spawn_blocking(list).await.expect("listing does not panic");
        for batch in files?.chunks(BATCH) {
            let shown = shown(store, batch.iter().map(|(content, _)| content.as_str())).await?;
            for (content, path) in batch.iter().filter(|(content, _)| !shown.contains(content.as_str())) {
                if is_jpeg(path)? {
                    unshown.insert(content.clone(), path.clone());
                }
            }
        }
    }
    let is_any_known = sample::Entity::find().select_only().column(sample::Column::Id).into_tuple::<String>();
    let is_any_known = is_any_known.one(store.db()).await?.is_some();
    let swept = judge(&unshown, suspects, is_any_known);
    if let Swept::Gone { .. } = swept {
        let before = std::mem::replace(suspects, unshown.keys().cloned().collect());
        let going: Vec<&String> = unshown.keys().filter(|content| before.contains(*content)).collect();
        for batch in going.chunks(BATCH) {
            // Looked up once more: a sample of the same image may have come since.
            let shown = shown(store, batch.iter().map(|content| content.as_str())).await?;
            for content in batch.iter().filter(|content| !shown.contains(content.as_str())) {
                fs::remove_file(&unshown[*content])?;
                suspects.remove(*content);
            }
        }
    }
    Ok(swept)
}

/// What may go. A sweep that is mistaken is worse than one that leaves something behind.
fn judge(unshown: &BTreeMap<String, PathBuf>, suspects: &Suspects, is_any_known: bool) -> Swept {
    let count = unshown.len() as u64;
    if count > 0 && !is_any_known {
        return Swept::NothingKnown { unshown: count };
    }
    if count > MOST {
        return Swept::TooMany { unshown: count };
    }
    let taken = unshown.keys().filter(|content| suspects.contains(*content)).count() as u64;
    Swept::Gone { taken, waiting: count - taken }
}

async fn shown(store: &Store, contents: impl Iterator<Item = &str>) -> Result<HashSet<String>, DatasetError> {
    let shown: Vec<String> = sample::Entity::find()
        .select_only()
        .column(sample::Column::ContentSha256)
        .filter(sample::Column::ContentSha256.is_in(contents))
        .into_tuple()
        .all(store.db())
        .await?;
    Ok(shown.into_iter().collect())
}

fn folders(objects: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(objects)?.map(|entry| entry.map(|entry| entry.path()));
    let mut folders = entries.collect::<io::Result<Vec<_>>>()?;
    folders.retain(|path| path.is_dir());
    Ok(folders)
}

/// The files of a folder that are not on their way, with their names.
fn old_files(folder: &Path, now: SystemTime) -> io::Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let age = now.duration_since(entry.metadata()?.modified()?).unwrap_or_default();
        if age > ON_ITS_WAY {
            files.push((entry.path(), entry.file_name().to_string_lossy().into_owned()));
        }
    }
    Ok(files)
}

fn is_jpeg(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(JPEG.len() as u64).read_to_end(&mut start)?;
    Ok(start == JPEG)
}

#[cfg(test)]
mod tests {
    use pilah_models::preprocess;
    use sea_orm::ActiveValue::Set;
    use sea_orm::{ActiveModelTrait as _, PaginatorTrait as _};

    use super::*;
    use crate::registry::fixture::{Hub, picture, write_class};

    #[test]
    fn half_written_images_go_once_nobody_can_be_writing_them() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let inner = folder.path().join("ab");
        fs::create_dir_all(&inner).expect("makes folders");
        for name in ["cdef", "cdef#1"] {
            fs::write(inner.join(name), b"x").expect("writes");
        }
        let now = SystemTime::now();
        assert_eq!(sweep_half_written(folder.path(), now).expect("looks"), 0, "it may be written just now");
        assert_eq!(sweep_half_written(folder.path(), now + 2 * ON_ITS_WAY).expect("looks"), 1);
        assert!(inner.join("cdef").exists() && !inner.join("cdef#1").exists());
    }

    #[tokio::test]
    async fn images_without_a_sample_go_and_all_else_stays() {
        let hub = Hub::open(None).await;
        let (store, blobs) = (&hub.parts.store, &hub.parts.blobs);
        write_class(&hub.path().join("photos"), "glass", 0, 0..3);
        let photos = hub.path().join("photos");
        super::super::import::import(store, blobs, &photos, "ada", |_, _| {}).await.expect("imports");
        let jpeg = preprocess::encode_jpeg(&picture(1, 1), 100_000).expect("encodes");
        let orphan = blobs.put(jpeg).await.expect("stores");
        let network = blobs.put(b"a network".to_vec()).await.expect("stores");
        let objects = hub.path().join("data/objects");
        let (now, later) = (SystemTime::now(), SystemTime::now() + 2 * ON_ITS_WAY);
        let mut suspects = Suspects::new();
        let mut sweep = async |at| sweep_unshown(store, &objects, at, &mut suspects).await.expect("looks");
        assert_eq!(sweep(now).await, gone(0, 0), "it may be on its way");
        assert_eq!(sweep(later).await, gone(0, 1), "it may be a mistake");
        assert!(blobs.exists(&orphan).await.expect("looks"));
        assert_eq!(sweep(later).await, gone(1, 0));
        assert!(!blobs.exists(&orphan).await.expect("looks") && blobs.exists(&network).await.expect("looks"));
        for row in sample::Entity::find().all(store.db()).await.expect("reads") {
            assert!(blobs.exists(&row.content_sha256.parse().expect("an id")).await.expect("looks"));
            let unlabelled = sample::ActiveModel { id: Set(row.id), label: Set(None), ..Default::default() };
            unlabelled.update(store.db()).await.expect("takes the label back");
        }
        for _ in 0..2 {
            assert_eq!(sweep(later).await, gone(0, 0), "a sample needs no label");
        }

        // The rows are lost, and the images are not.
        let images = sample::Entity::find().count(store.db()).await.expect("counts");
        sample::Entity::delete_many().exec(store.db()).await.expect("loses all rows");
        for _ in 0..3 {
            assert_eq!(sweep(later).await, Swept::NothingKnown { unshown: images });
        }
    }

    fn gone(taken: u64, waiting: u64) -> Swept {
        Swept::Gone { taken, waiting }
    }

    #[test]
    fn what_is_found_twice_goes_unless_it_is_a_lot() {
        let found = |count: u64| (0..count).map(|n| (n.to_string(), PathBuf::new())).collect::<BTreeMap<_, _>>();
        let all = |count: u64| found(count).into_keys().collect::<Suspects>();
        assert_eq!(judge(&found(3), &Suspects::new(), true), gone(0, 3));
        assert_eq!(judge(&found(3), &all(2), true), gone(2, 1));
        assert_eq!(judge(&found(0), &all(2), false), gone(0, 0));
        assert_eq!(judge(&found(3), &all(3), false), Swept::NothingKnown { unshown: 3 });
        assert_eq!(judge(&found(MOST), &all(MOST), true), gone(MOST, 0));
        assert_eq!(judge(&found(MOST + 1), &all(MOST + 1), true), Swept::TooMany { unshown: MOST + 1 });
    }
}
