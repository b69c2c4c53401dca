//! Private keys on disk: one folder a role, one file a key, PKCS#8 as `tough` and `tuftool` read it (Ed25519 and ECDSA
//! as DER, RSA as PEM). Those made here are Ed25519.
//!
//! A key that others can read is no key: it is refused, with the command that mends it. A key that the root does not
//! name is left alone, as it may be half of an exchange that was cut off; only too few of the right ones are an error.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::signature::Ed25519KeyPair;
use pilah_models::durable;
use tough::schema::key::Key;
use tough::schema::{RoleType, Root};
use tough::sign::{Sign, parse_keypair};

/// How the files of private keys end.
const SUFFIX: &str = "pk8";
/// Where keys go that no longer count.
const RETIRED: &str = "retired";

/// Where the keys of each role lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFolders {
    /// Of root: several, if several people hold some each.
    pub root: Vec<PathBuf>,
    /// Of timestamp.
    pub timestamp: PathBuf,
    /// Of snapshot.
    pub snapshot: PathBuf,
    /// Of targets.
    pub targets: PathBuf,
}

impl KeyFolders {
    /// All in one folder of this machine. It protects what is on its way, and what lies in a bucket; it does not
    /// protect against whoever takes over this machine, until `root` is moved away.
    #[must_use]
    pub fn one_machine(folder: &Path) -> Self {
        Self {
            root: vec![folder.join("root")],
            timestamp: folder.join("timestamp"),
            snapshot: folder.join("snapshot"),
            targets: folder.join("targets"),
        }
    }

    /// The folders of one role.
    #[must_use]
    pub fn of(&self, role: RoleType) -> &[PathBuf] {
        match role {
            RoleType::Root => &self.root,
            RoleType::Timestamp => std::slice::from_ref(&self.timestamp),
            RoleType::Snapshot => std::slice::from_ref(&self.snapshot),
            RoleType::Targets | RoleType::DelegatedTargets => std::slice::from_ref(&self.targets),
        }
    }

    /// A warning, if root keys lie where the others lie.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let beside = |folder: &&PathBuf| folder.parent() == self.timestamp.parent() && folder.exists();
        let root = self.root.iter().find(beside)?;
        Some(format!(
            "the root keys lie on this machine ({}): whoever takes it over can make the bins trust anything. Move this folder to \
             a disk that you unplug, keep a copy, and name it when a key is exchanged or root is renewed",
            root.display()
        ))
    }

    /// The keys of a role, as far as they lie there.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn read(&self, role: RoleType) -> Result<Keys, KeyError> {
        let mut keys = Keys { role, folders: self.of(role).to_vec(), keys: Vec::new() };
        for folder in self.of(role) {
            keys.keys.extend(read_folder(role, folder)?);
        }
        Ok(keys)
    }
}

/// Keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No folder.
    #[error("the key folder of {role} is missing: {}. {}", folder.display(), remedy(*role))]
    Missing {
        /// Whose keys.
        role: RoleType,
        /// Where they should be.
        folder: PathBuf,
    },
    /// A folder without a key.
    #[error("the key folder of {role} holds no key (a file *.{SUFFIX}): {}. {}", folder.display(), remedy(*role))]
    Empty {
        /// Whose keys.
        role: RoleType,
        /// Where they should be.
        folder: PathBuf,
    },
    /// Others can read it.
    #[error(
        "{} can be read by others (mode {mode:03o}): `chmod go-rwx {}`; if others have had access, exchange the keys of {role} (`pilah-hub keys rotate {role}`)",
        path.display(), path.display()
    )]
    Readable {
        /// Whose key.
        role: RoleType,
        /// The file or folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// No key.
    #[error("{} is no private key of {role} (PKCS#8: Ed25519 or ECDSA P-256 as DER, RSA as PEM): move it elsewhere, or bring the key from its copy", path.display())]
    NotAKey {
        /// Whose key it should be.
        role: RoleType,
        /// The file.
        path: PathBuf,
    },
    /// Keys, but not those that the root names.
    #[error(
        "{role} needs {threshold} of the keys {wanted}, and {} of them lie in {}, beside {} that root does not name: bring the right ones; if they are lost, name others with the root keys (`pilah-hub keys rotate {role}`)",
        if *found == 0 { "none".to_owned() } else { found.to_string() }, list(folders), others
    )]
    Wrong {
        /// Whose keys.
        role: RoleType,
        /// How many must sign.
        threshold: u64,
        /// The ids that root names, cut short.
        wanted: String,
        /// How many of them are there.
        found: usize,
        /// How many others are there.
        others: usize,
        /// Where.
        folders: Vec<PathBuf>,
    },
    /// The disk.
    #[error("cannot {act} the key {}", path.display())]
    Io {
        /// "read", "write".
        act: &'static str,
        /// What.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// No random numbers.
    #[error("the system gives no random numbers for a key")]
    Random,
}

fn remedy(role: RoleType) -> String {
    match role {
        RoleType::Root => {
            "Plug in the disk with the root keys and name its folder, or bring them from their copy".to_owned()
        }
        role => format!(
            "Bring it from a copy, or, if its keys are lost, name others with the root keys (`pilah-hub keys rotate {role}`)"
        ),
    }
}

fn list(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The keys of one role that lie on disk.
#[derive(Debug)]
pub struct Keys {
    pub(crate) role: RoleType,
    folders: Vec<PathBuf>,
    pub(crate) keys: Vec<PrivateKey>,
}

/// One of them.
#[derive(Clone)]
pub(crate) struct PrivateKey {
    /// SHA-256 of the public key, as metadata names it.
    pub id: Vec<u8>,
    pub public: Key,
    pub path: PathBuf,
    pub pair: Arc<dyn Sign>,
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrivateKey").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Keys {
    /// Those that `root` names.
    pub(crate) fn named_by<'a>(&'a self, root: &'a Root) -> impl Iterator<Item = &'a PrivateKey> {
        let named = root.roles.get(&self.role);
        self.keys.iter().filter(move |key| named.is_some_and(|role| role.keyids.iter().any(|id| **id == *key.id)))
    }

    /// Refuses too few of the right ones.
    pub(crate) fn enough_for(&self, root: &Root) -> Result<(), KeyError> {
        let found = self.named_by(root).count();
        let role = root.roles.get(&self.role);
        let threshold = role.map_or(1, |role| role.threshold.get());
        if found as u64 >= threshold {
            return Ok(());
        }
        let ids = role.map(|role| role.keyids.iter().map(|id| short(id)).collect::<Vec<_>>());
        Err(KeyError::Wrong {
            role: self.role,
            threshold,
            wanted: ids.unwrap_or_default().join(", "),
            found,
            others: self.keys.len() - found,
            folders: self.folders.clone(),
        })
    }
}

/// The first eight digits of a key's id.
pub(crate) fn short(id: &[u8]) -> String {
    hex(id).chars().take(8).collect()
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_folder(role: RoleType, folder: &Path) -> Result<Vec<PrivateKey>, KeyError> {
    let on = |path: &Path| {
        let path = path.to_owned();
        move |source| KeyError::Io { act: "read", path, source }
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(KeyError::Missing { role, folder: folder.to_owned() });
        }
        entries => entries.map_err(on(folder))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(on(folder))?.path();
        if path.extension().is_some_and(|extension| extension == SUFFIX) {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(KeyError::Empty { role, folder: folder.to_owned() });
    }
    paths.sort();
    kept_to_oneself(role, folder)?;
    let mut keys: Vec<PrivateKey> = Vec::new();
    for path in paths {
        kept_to_oneself(role, &path)?;
        let key = parse(role, &path, &fs::read(&path).map_err(on(&path))?)?;
        if !keys.iter().any(|other| other.id == key.id) {
            keys.push(key);
        }
    }
    Ok(keys)
}

fn parse(role: RoleType, path: &Path, bytes: &[u8]) -> Result<PrivateKey, KeyError> {
    let not_a_key = || KeyError::NotAKey { role, path: path.to_owned() };
    let pair = parse_keypair(bytes).map_err(|_| not_a_key())?;
    let public = pair.tuf_key();
    let id = public.key_id().map_err(|_| not_a_key())?.into_vec();
    Ok(PrivateKey { id, public, path: path.to_owned(), pair: Arc::new(pair) })
}

#[cfg(unix)]
fn kept_to_oneself(role: RoleType, path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(path).map_err(|source| KeyError::Io { act: "read", path: path.to_owned(), source })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::Readable { role, path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "only Unix has modes")]
fn kept_to_oneself(_role: RoleType, _path: &Path) -> Result<(), KeyError> {
    Ok(())
}

/// Makes a key that nobody else can read, on disk before it is used.
pub(crate) fn make(role: RoleType, folder: &Path) -> Result<PrivateKey, KeyError> {
    let document =
        Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).map_err(|_| KeyError::Random)?;
    let mut key = parse(role, folder, document.as_ref())?;
    key.path = folder.join(hex(&key.id)).with_extension(SUFFIX);
    write_private(folder, &key.path, document.as_ref()).map_err(|source| KeyError::Io {
        act: "write",
        path: key.path.clone(),
        source,
    })?;
    Ok(key)
}

fn write_private(folder: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        builder.mode(0o700);
        options.mode(0o600);
    }
    builder.create(folder)?;
    // Under another name first: a key that is cut short would be an error for ever.
    let mut partial = path.as_os_str().to_owned();
    partial.push(durable::TEMPORARY_SUFFIX);
    if Path::new(&partial).exists() {
        fs::remove_file(&partial)?;
    }
    let mut file = options.open(&partial)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    durable::sync_folder(folder)
}

/// Puts a key aside that no longer counts.
pub(crate) fn retire(key: &PrivateKey) -> Result<(), KeyError> {
    let on = |source| KeyError::Io { act: "put aside", path: key.path.clone(), source };
    let folder = key.path.parent().unwrap_or(Path::new("."));
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder.join(RETIRED)).map_err(on)?;
    let name = key.path.file_name().unwrap_or_default();
    fs::rename(&key.path, folder.join(RETIRED).join(name)).map_err(on)?;
    durable::sync_folder(folder).map_err(on)
}
