//! What is on a disk when the power goes: worked out from what was done to files, step by step.
//!
//! What the program sees and what would survive are kept apart, as in the outbox's `disk/fake.rs`, and here for real
//! folders: the program runs once, watched ([`pilah_models::durable::watch`]), and then any cut behind any step is made
//! as a folder of its own. A cut keeps what was synced; of the names in a folder the first few that were not; of each file
//! a part of what was not, with zeros or rubbish behind it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use pilah_models::durable::watch::{Step, watched};

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

#[derive(Debug, Clone, Default)]
struct File {
    content: Vec<u8>,
    durable: Vec<u8>,
}

/// A change of names that is not synced.
type Renamed = Vec<(PathBuf, Option<usize>)>;

/// A disk, after some steps.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    files: Vec<File>,
    names: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    /// By folder.
    pending: BTreeMap<PathBuf, Vec<Renamed>>,
}

/// What was done, with marks of the one who did it: `(steps before it, mark)`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record<M> {
    pub(crate) steps: Vec<Step>,
    pub(crate) marks: Vec<(usize, M)>,
}

/// Records what `work` does, and the marks that it sets.
pub(crate) fn record<M: 'static>(work: impl FnOnce(&dyn Fn(M))) -> Record<M> {
    let steps: Rc<RefCell<Vec<Step>>> = Rc::default();
    let marks: RefCell<Vec<(usize, M)>> = RefCell::default();
    let (writes, counts) = (Rc::clone(&steps), Rc::clone(&steps));
    let mark = |mark| marks.borrow_mut().push((counts.borrow().len(), mark));
    watched(move |step| writes.borrow_mut().push(step), || work(&mark));
    Record { steps: steps.take(), marks: marks.into_inner() }
}

impl Disk {
    /// What was done in the folder `root`; what is elsewhere is another disk's.
    pub(crate) fn apply(&mut self, step: &Step, root: &Path) {
        let inside = |path: &Path| path.strip_prefix(root).ok().map(Path::to_owned);
        match step {
            Step::Make(path) => {
                let Some(path) = inside(path) else { return };
                self.files.push(File::default());
                self.change(&path.clone(), vec![(path, Some(self.files.len() - 1))]);
            }
            Step::Write { path, at, bytes } => {
                let Some(file) = inside(path).and_then(|path| self.file(&path)) else { return };
                file.content.resize(*at as usize, 0);
                file.content.extend(bytes);
            }
            Step::Cut { path, bytes } => {
                let Some(file) = inside(path).and_then(|path| self.file(&path)) else { return };
                file.content.resize(*bytes as usize, 0);
            }
            Step::Sync(path) => {
                let Some(file) = inside(path).and_then(|path| self.file(&path)) else { return };
                file.durable.clone_from(&file.content);
            }
            Step::Rename { from, to } => {
                let (Some(from), Some(to)) = (inside(from), inside(to)) else { return };
                let file = self.names.get(&from).copied();
                self.change(&to.clone(), vec![(from, None), (to, file)]);
            }
            Step::Remove(path) => {
                let Some(path) = inside(path) else { return };
                self.change(&path.clone(), vec![(path, None)]);
            }
            Step::SyncFolder(folder) => {
                let Some(folder) = inside(folder) else { return };
                for (path, file) in self.pending.remove(&folder).into_iter().flatten().flatten() {
                    set(&mut self.durable, path, file);
                }
            }
        }
    }

    fn file(&mut self, path: &Path) -> Option<&mut File> {
        self.names.get(path).map(|id| &mut self.files[*id])
    }

    fn change(&mut self, path: &Path, change: Renamed) {
        for (path, file) in change.clone() {
            set(&mut self.names, path, file);
        }
        let folder = path.parent().expect("a folder").to_owned();
        self.pending.entry(folder).or_default().push(change);
    }

    /// What a program leaves that is killed: all that it did.
    pub(crate) fn killed(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        self.names.iter().map(|(path, id)| (path.clone(), self.files[*id].content.clone())).collect()
    }

    /// What a power cut leaves.
    pub(crate) fn cut(&self, draws: &mut Draws) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut names = self.durable.clone();
        for changes in self.pending.values() {
            let kept = draws.up_to(changes.len());
            for (path, file) in changes[..kept].iter().flatten() {
                set(&mut names, path.clone(), *file);
            }
        }
        names.into_iter().map(|(path, id)| (path, self.survivor(&self.files[id], draws))).collect()
    }

    /// The least that a power cut leaves: what was synced.
    pub(crate) fn synced(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        self.durable.iter().map(|(path, id)| (path.clone(), self.files[*id].durable.clone())).collect()
    }

    fn survivor(&self, file: &File, draws: &mut Draws) -> Vec<u8> {
        let Some(tail) = file.content.strip_prefix(file.durable.as_slice()) else {
            // It was cut off: before or after.
            return if draws.up_to(1) == 0 { file.durable.clone() } else { file.content.clone() };
        };
        let kept = draws.up_to(tail.len());
        let mut found = [&file.durable, &tail[..kept]].concat();
        match draws.up_to(3) {
            0 => found.resize(file.content.len(), 0),
            1 => found.extend((kept..tail.len()).map(|_| draws.up_to(255) as u8)),
            _ => {}
        }
        found
    }
}

fn set(names: &mut BTreeMap<PathBuf, usize>, path: PathBuf, file: Option<usize>) {
    match file {
        Some(file) => names.insert(path, file),
        None => names.remove(&path),
    };
}

/// Makes a folder of what was left.
pub(crate) fn lay_out(files: &BTreeMap<PathBuf, Vec<u8>>, folder: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).expect("removes");
    }
    fs::create_dir_all(folder).expect("makes");
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("makes");
        fs::write(path, bytes).expect("writes");
    }
}
