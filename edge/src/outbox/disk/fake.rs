//! A folder in memory that does to its files what power cuts, full disks and bad cards do.
//!
//! What the program sees and what would survive are kept apart. A power cut keeps what was synced, of the
//! names the first few that were not, and of each file a part of what was not: cut anywhere, with zeros
//! or rubbish behind it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Disk, Growing};

/// A folder in memory. Clones are the same folder.
#[derive(Debug, Clone, Default)]
pub(crate) struct FakeDisk(Arc<Mutex<State>>);

/// What is wrong with the disk, from now on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trouble {
    /// So many operations that change something work; then the power is cut. Of a write, as many bytes
    /// as `partly` come through.
    pub(crate) power_lasts: Option<u64>,
    /// How many bytes of the write come through in which the power goes or the disk is full.
    pub(crate) partly: usize,
    /// Nothing can be written any more; reading works.
    pub(crate) is_full: bool,
    /// As when a file system was remounted after an error.
    pub(crate) is_read_only: bool,
    /// So many syncs fail; what they were to save is lost with the next power cut.
    pub(crate) syncs_fail: u32,
    /// So many syncs claim to have worked and did nothing.
    pub(crate) syncs_lie: u32,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<u64, File>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    pending: Vec<(String, Option<u64>)>,
    next_file: u64,
    trouble: Trouble,
    is_dead: bool,
    has_lied: bool,
    operations: u64,
}

#[derive(Debug, Clone, Default)]
struct File {
    content: Vec<u8>,
    durable: Vec<u8>,
    /// Bytes that a failed sync has given up.
    doomed: Option<(usize, usize)>,
}

/// Random numbers, the same for the same seed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    /// A number from 0 to `most`.
    pub(crate) fn up_to(&mut self, most: usize) -> usize {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % (most as u64 + 1)) as usize
    }
}

impl FakeDisk {
    pub(crate) fn trouble(&self, change: impl FnOnce(&mut Trouble)) {
        change(&mut self.state().trouble);
    }

    /// Whether the power is cut.
    pub(crate) fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    /// Whether a sync has claimed what was not so.
    pub(crate) fn has_lied(&self) -> bool {
        self.state().has_lied
    }

    /// How many operations have changed something.
    pub(crate) fn operations(&self) -> u64 {
        self.state().operations
    }

    /// How many bytes of all files are not synced.
    pub(crate) fn unsynced(&self) -> usize {
        let state = self.state();
        state.files.values().map(|file| file.content.len().saturating_sub(file.durable.len())).sum()
    }

    /// The bytes of all files.
    pub(crate) fn bytes(&self) -> usize {
        let state = self.state();
        state.names.values().map(|id| state.files[id].content.len()).sum()
    }

    /// What is found when the power is back. Of what was not synced, `draws` says what is there.
    pub(crate) fn after_power_cut(&self, mut draws: Draws) -> Self {
        let tail = |draws: &mut Draws, tail: &[u8]| {
            let mut kept = tail[..draws.up_to(tail.len())].to_vec();
            match draws.up_to(3) {
                0 => kept.resize(tail.len(), 0),
                1 => kept.extend((kept.len()..tail.len()).map(|_| draws.up_to(255) as u8)),
                _ => {}
            }
            kept
        };
        let names = draws.up_to(self.state().pending.len());
        self.survivors(names, &mut draws, tail)
    }

    /// As [`FakeDisk::after_power_cut`], with all names, and of each file's tail the first `bytes`.
    pub(crate) fn cut_at(&self, bytes: usize) -> Self {
        let names = self.state().pending.len();
        self.survivors(names, &mut Draws(0), |_, tail| tail[..bytes.min(tail.len())].to_vec())
    }

    fn survivors(&self, names: usize, draws: &mut Draws, tail: impl Fn(&mut Draws, &[u8]) -> Vec<u8>) -> Self {
        let before = self.state();
        let mut durable_names = before.durable_names.clone();
        for (name, file) in before.pending.iter().take(names) {
            set(&mut durable_names, name, *file);
        }
        let mut files = BTreeMap::new();
        for id in durable_names.values() {
            let File { content, durable, doomed } = &before.files[id];
            let mut found = durable.clone();
            if let Some(unsynced) = content.strip_prefix(durable.as_slice()) {
                found.extend(tail(draws, unsynced));
            }
            if let Some((from, to)) = doomed {
                let to = (*to).min(found.len());
                found[(*from).min(to)..to].fill(0);
            }
            files.insert(*id, File { content: found.clone(), durable: found, doomed: None });
        }
        let next_file = before.next_file;
        let state = State { files, names: durable_names.clone(), durable_names, next_file, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Flips a bit of a file, wherever it is kept. Tells in which.
    pub(crate) fn flip(&self, draws: &mut Draws) -> Option<String> {
        let mut state = self.state();
        let (name, id) = {
            let all: Vec<_> = state.names.iter().filter(|(_, id)| !state.files[*id].content.is_empty()).collect();
            let (name, id) = *all.get(draws.up_to(all.len().checked_sub(1)?))?;
            (name.clone(), *id)
        };
        let file = state.files.get_mut(&id)?;
        let (byte, bit) = (draws.up_to(file.content.len() - 1), draws.up_to(7));
        for content in [&mut file.content, &mut file.durable] {
            if let Some(byte) = content.get_mut(byte) {
                *byte ^= 1 << bit;
            }
        }
        Some(name)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("not poisoned")
    }
}

fn set(names: &mut BTreeMap<String, u64>, name: &str, file: Option<u64>) {
    match file {
        Some(file) => names.insert(name.to_owned(), file),
        None => names.remove(name),
    };
}

fn error(kind: io::ErrorKind) -> io::Error {
    io::Error::from(kind)
}

impl State {
    /// An operation that changes something begins. The error is why it does not; the number, how many
    /// bytes of a write come through all the same.
    fn begin(&mut self) -> Result<(), (io::Error, usize)> {
        if self.is_dead {
            return Err((error(io::ErrorKind::NotConnected), 0));
        }
        self.operations += 1;
        match &mut self.trouble.power_lasts {
            Some(0) => {
                self.is_dead = true;
                return Err((error(io::ErrorKind::NotConnected), self.trouble.partly));
            }
            Some(left) => *left -= 1,
            None => {}
        }
        if self.trouble.is_read_only {
            return Err((error(io::ErrorKind::ReadOnlyFilesystem), 0));
        }
        Ok(())
    }

    /// As `begin`, of an operation that needs room.
    fn begin_larger(&mut self) -> Result<(), (io::Error, usize)> {
        self.begin()?;
        if self.trouble.is_full {
            return Err((error(io::ErrorKind::StorageFull), self.trouble.partly));
        }
        Ok(())
    }

    fn file(&self, name: &str) -> io::Result<&File> {
        if self.is_dead {
            return Err(error(io::ErrorKind::NotConnected));
        }
        self.names.get(name).map(|id| &self.files[id]).ok_or_else(|| error(io::ErrorKind::NotFound))
    }

    fn rename(&mut self, name: &str, file: Option<u64>) {
        set(&mut self.names, name, file);
        self.pending.push((name.to_owned(), file));
    }

    fn new_file(&mut self, name: &str) -> u64 {
        let id = self.next_file;
        self.next_file += 1;
        self.files.insert(id, File::default());
        self.rename(name, Some(id));
        id
    }

    fn append(&mut self, id: u64, bytes: &[u8]) -> io::Result<()> {
        let (written, result) = match self.begin_larger() {
            Ok(()) => (bytes.len(), Ok(())),
            Err((error, partly)) => (partly.min(bytes.len()), Err(error)),
        };
        if let Some(file) = self.files.get_mut(&id) {
            file.content.extend(&bytes[..written]);
        }
        result
    }

    /// Whether this sync is to do nothing and claim that it did.
    fn lies(&mut self) -> bool {
        let lies = self.trouble.syncs_lie > 0;
        self.trouble.syncs_lie = self.trouble.syncs_lie.saturating_sub(1);
        self.has_lied |= lies;
        lies
    }
}

impl Disk for FakeDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        Ok(self.state().file(name)?.content.clone())
    }

    fn read_at(&self, name: &str, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
        let state = self.state();
        let part = state.file(name)?.content.get(offset as usize..offset as usize + bytes);
        part.map(<[u8]>::to_vec).ok_or_else(|| error(io::ErrorKind::UnexpectedEof))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Growing>> {
        let mut state = self.state();
        state.begin_larger().map_err(|(error, _)| error)?;
        if state.names.contains_key(name) {
            return Err(error(io::ErrorKind::AlreadyExists));
        }
        let id = state.new_file(name);
        Ok(Box::new(FakeFile { disk: self.clone(), id }))
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let id = *self.state().names.get(name).ok_or_else(|| error(io::ErrorKind::NotFound))?;
        FakeFile { disk: self.clone(), id }.sync()
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        if state.is_dead {
            return Err(error(io::ErrorKind::NotConnected));
        }
        let id = match state.names.get(name) {
            Some(id) => *id,
            None => state.new_file(name),
        };
        state.append(id, bytes)
    }

    fn cut(&self, name: &str, bytes: u64) -> io::Result<()> {
        let mut state = self.state();
        state.begin().map_err(|(error, _)| error)?;
        let id = *state.names.get(name).ok_or_else(|| error(io::ErrorKind::NotFound))?;
        if let Some(file) = state.files.get_mut(&id) {
            file.content.truncate(bytes as usize);
        }
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.begin().map_err(|(error, _)| error)?;
        if state.names.contains_key(name) {
            state.rename(name, None);
        }
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.state();
        state.begin().map_err(|(error, _)| error)?;
        if !state.lies() {
            state.durable_names = state.names.clone();
            state.pending.clear();
        }
        Ok(())
    }

    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let begun = state.begin_larger().map_err(|(error, _)| error);
        if begun.is_err() && !state.is_dead {
            return begun;
        }
        let durable = content.to_vec();
        let (id, before) = (state.next_file, state.names.get(name).copied());
        state.next_file += 1;
        state.files.insert(id, File { content: durable.clone(), durable, doomed: None });
        state.rename(name, Some(id));
        if begun.is_err() {
            // The rename may be on disk or not; the program never knows.
            set(&mut state.names, name, before);
        } else if !state.lies() {
            // The folder is synced, and with it every other name.
            state.durable_names = state.names.clone();
            state.pending.clear();
        }
        begun
    }
}

#[derive(Debug)]
struct FakeFile {
    disk: FakeDisk,
    id: u64,
}

impl Growing for FakeFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.state().append(self.id, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.begin().map_err(|(error, _)| error)?;
        if state.trouble.syncs_fail > 0 {
            state.trouble.syncs_fail -= 1;
            if let Some(file) = state.files.get_mut(&self.id) {
                let from = file.doomed.map_or(file.durable.len(), |(from, _)| from);
                file.doomed = Some((from, file.content.len()));
            }
            return Err(error(io::ErrorKind::Other));
        }
        if !state.lies()
            && let Some(file) = state.files.get_mut(&self.id)
        {
            file.durable = file.content.clone();
        }
        Ok(())
    }
}
