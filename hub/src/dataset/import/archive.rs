//! The files of a zip, whose words are not believed.
//!
//! Nothing is unpacked to the disk: an entry's name only says which class it is of, and its bytes are read
//! into memory, no more of them than an image may have. Before that, the zip as a whole is judged by
//! [`ZipLimits`], with what it declares; while it is read, each entry is held to what it declared.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::Path;

use flate2::read::DeflateDecoder;
use pilah_models::picture::Limits;
use zip::CompressionMethod;
use zip::read::ZipArchive;

use super::layout::{self, Says};
use super::{At, Entry, Found, ImportError, Options, Origin, Skipped};
use crate::dataset::export::SAMPLES;
use crate::dataset::version::Frozen;

/// An opened zip.
pub(super) type Archive = ZipArchive<BufReader<File>>;

/// Bytes that an entry may grow to whatever it was packed from: small files may be packed well.
const HARMLESS: u64 = 1_000_000;

/// No list of an export's samples is larger: 1,000,000 samples.
const LARGEST_SAMPLES: u64 = 300_000_000;

/// What a zip may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZipLimits {
    /// The most entries.
    pub entries: usize,
    /// The most bytes of all of them unpacked.
    pub unpacked: u64,
    /// How many times larger an entry may be than it is packed. Images hardly shrink; deflate reaches 1,032.
    pub ratio: u64,
}

impl Default for ZipLimits {
    /// 200,000 entries, 100 GB, 100 times.
    fn default() -> Self {
        Self { entries: 200_000, unpacked: 100_000_000_000, ratio: 100 }
    }
}

/// Opens a zip and looks what there is.
pub(super) fn scan(path: &Path, name: &str, options: &Options) -> Result<(Found, Archive), ImportError> {
    let refused = |problem: String| ImportError::Zip { file: name.to_owned(), problem };
    let unreadable = |source| ImportError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let mut archive = ZipArchive::new(BufReader::new(file))
        .map_err(|error| refused(format!("it is no zip, or a damaged one ({error}): pack it again")))?;
    let limits = &options.limits;
    if archive.len() > limits.entries {
        let problem = format!("it has {} entries, the limit is {}: send several", archive.len(), limits.entries);
        return Err(refused(problem));
    }
    // Entries that share bytes make a small file unpack to a huge one (D. Fifield, "A better zip bomb", 2019).
    match archive.has_overlapping_files() {
        Ok(false) => {}
        Ok(true) => return Err(refused("entries of it share bytes, as in a zip bomb: pack it again".into())),
        Err(error) => return Err(refused(format!("it is damaged ({error}): pack it again"))),
    }
    let (mut found, unpacked) = entries(&mut archive, options);
    if unpacked > limits.unpacked {
        let problem =
            format!("its {size} bytes would unpack to {unpacked}, the limit is {}: send several", limits.unpacked);
        return Err(refused(problem));
    }
    if let Err(problem) = read_origins(&mut archive, &mut found.entries) {
        found.skipped.push(Skipped { file: SAMPLES.into(), reason: problem });
    }
    if found.entries.is_empty() && found.skipped.is_empty() {
        return Err(ImportError::NoClasses(name.to_owned()));
    }
    Ok((found, archive))
}

/// What there is, and how many bytes all of it says that it has.
fn entries(archive: &mut Archive, options: &Options) -> (Found, u64) {
    let mut found = Found::default();
    let mut unpacked = 0u64;
    let mut images: Vec<(usize, String, Vec<String>)> = Vec::new();
    for number in 0..archive.len() {
        let entry = match archive.by_index_raw(number) {
            Ok(entry) => entry,
            Err(error) => {
                found
                    .skipped
                    .push(Skipped { file: format!("entry {number}"), reason: format!("cannot be read: {error}") });
                continue;
            }
        };
        unpacked = unpacked.saturating_add(entry.size());
        let name = match entry.name() {
            Ok(name) => name.into_owned(),
            Err(_) => String::from_utf8_lossy(entry.name_raw()).into_owned(),
        };
        let shown: String = name.chars().filter(|c| !c.is_control()).take(300).collect();
        let folders = match plain_path(&name) {
            Ok(folders) => folders,
            Err(reason) => {
                found.skipped.push(Skipped { file: shown, reason: reason.into() });
                continue;
            }
        };
        if entry.is_dir() {
            continue;
        }
        if entry.is_symlink() {
            found.skipped.push(Skipped { file: shown, reason: "it is a symbolic link, not a file".into() });
            continue;
        }
        images.push((number, shown, folders));
    }
    if has_wrapper(&images) {
        for (.., folders) in images.iter_mut().filter(|(.., folders)| !is_of_a_mac(folders)) {
            folders.remove(0);
        }
    }
    images.sort_by_cached_key(|(_, name, _)| layout::order(name));
    for (number, name, folders) in images {
        let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
        let is_hidden = name.rsplit('/').next().unwrap_or_default().starts_with('.');
        match layout::read(&folders) {
            _ if is_hidden => {}
            Says::Nothing => {}
            Says::TooDeep => {
                found.skipped.push(Skipped { file: name, reason: "it lies in a folder of a class folder".into() })
            }
            Says::Class(folder, fixed) => found.take(name, folder, fixed, At::Zip(number), options),
        }
    }
    (found, unpacked)
}

/// Reads what the hub that exported the zip knew of its images, if it is such a zip.
fn read_origins(archive: &mut Archive, entries: &mut [Entry]) -> Result<(), String> {
    let Some(number) = archive.index_for_name(SAMPLES) else { return Ok(()) };
    let entry = archive.by_index_raw(number).map_err(|error| error.to_string())?;
    if entry.size() > LARGEST_SAMPLES || entry.compression() != CompressionMethod::Stored {
        return Err(format!("it is not as a hub writes it: not packed, at most {LARGEST_SAMPLES} bytes"));
    }
    let mut origins = HashMap::new();
    let size = entry.size();
    for sample in serde_json::Deserializer::from_reader(BufReader::new(entry.take(size))).into_iter::<Frozen>() {
        let sample = sample.map_err(|error| format!("it is not as a hub writes it: {error}"))?;
        let looks = sample.looks.and_then(|looks| u64::from_str_radix(&looks, 16).ok());
        origins.insert(sample.id, Origin { cluster: sample.cluster, looks, excluded: sample.split.is_none() });
    }
    for entry in entries {
        let id = entry.file_name().split('_').next().unwrap_or_default();
        entry.origin = origins.get(id).cloned();
    }
    Ok(())
}

/// The folders of an entry, or why its name is not taken.
fn plain_path(name: &str) -> Result<Vec<String>, &'static str> {
    // Old packers of Windows write backslashes.
    let name = name.replace('\\', "/");
    if name.starts_with('/') || name.as_bytes().get(1) == Some(&b':') {
        return Err("its name is an absolute path; names start at the zip's own folder");
    }
    let mut parts: Vec<&str> = name.split('/').collect();
    if parts.contains(&"..") {
        return Err("its name leads out of the zip with ..; names start at the zip's own folder");
    }
    if name.contains('\0') {
        return Err("its name has a zero byte");
    }
    parts.pop();
    Ok(parts.into_iter().filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect())
}

/// Whether one folder lies around all, which is none of those that say something.
/// READMEs may lie beside the class folders in it; images may not, or it is a class itself.
fn has_wrapper(images: &[(usize, String, Vec<String>)]) -> bool {
    let mut own = images.iter().filter(|(.., folders)| !is_of_a_mac(folders)).peekable();
    let Some(first) = own.peek().and_then(|(.., folders)| folders.first()).cloned() else { return false };
    let is_image = |name: &str| [".jpg", ".jpeg", ".png"].iter().any(|end| name.to_ascii_lowercase().ends_with(end));
    let around =
        own.all(|(_, name, folders)| folders.first() == Some(&first) && (folders.len() > 1 || !is_image(name)));
    around && matches!(layout::read(&[&first]), Says::Class(_, None))
}

fn is_of_a_mac(folders: &[String]) -> bool {
    folders.first().is_some_and(|first| first == "__MACOSX")
}

/// The bytes of an entry, or why they are not taken.
pub(super) fn read(archive: &mut Archive, number: usize, zip: &ZipLimits, limits: &Limits) -> Result<Vec<u8>, String> {
    let unreadable = |error: &dyn std::fmt::Display| format!("cannot be read from the zip: {error}");
    let mut entry = archive.by_index_raw(number).map_err(|error| unreadable(&error))?;
    let (size, packed, sum) = (entry.size(), entry.compressed_size(), entry.crc32());
    if entry.encrypted() {
        return Err("it is encrypted; pack it without a password".into());
    }
    if size > limits.bytes as u64 {
        return Err(format!("the file has {size} bytes, the limit is {}", limits.bytes));
    }
    if size > HARMLESS && size / packed.max(1) > zip.ratio {
        return Err(format!(
            "it is packed {} times smaller, which no image is: it may be a zip bomb",
            size / packed.max(1)
        ));
    }
    let method = entry.compression();
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(packed.saturating_mul(4))).unwrap_or(0));
    // One byte more than was declared shows that the declaration is false.
    let result = if method == CompressionMethod::Stored {
        entry.by_ref().take(size + 1).read_to_end(&mut bytes)
    } else if method == CompressionMethod::DEFLATE {
        DeflateDecoder::new(entry.by_ref()).take(size + 1).read_to_end(&mut bytes)
    } else {
        return Err(format!("it is packed by {method}, which is not known here; pack it with deflate"));
    };
    result.map_err(|error: io::Error| unreadable(&error))?;
    if bytes.len() as u64 != size {
        return Err(format!("it declares {size} bytes and has {} or more: it may be a zip bomb", bytes.len()));
    }
    if crc32fast::hash(&bytes) != sum {
        return Err("it is damaged: its check sum is another".into());
    }
    Ok(bytes)
}
