//! A hub with models in a signed repository, a bin that installs them, and somebody in between.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use pilah_edge::model_store::gate::Gate;
use pilah_edge::model_store::repository::Repository;
use pilah_edge::model_store::standing::{Standing, StandingRules};
use pilah_edge::model_store::starts::StartRules;
use pilah_edge::model_store::trial::ProbationRules;
use pilah_edge::model_store::{InForce, ModelStore, UpdateError};
use pilah_models::bundle::{Bundle, FileRef, InputSpec, Lineage, Manifest, uniform_thresholds};
use pilah_models::infer::{Backbone, Head, golden};
use pilah_models::labels::Labels;
use pilah_models::name::{ContentId, ModelVersion, TargetName};
use pilah_models::onnx;
use pilah_models::wire::{DesiredModel, Trust};
use pilah_repository::Repository as Hub;
use pilah_repository::keys::KeyFolders;
use pilah_repository::policy::Policy;
use pilah_repository::publish::{Content, Offer};
use pilah_trust::source::{Part, Reply, Source, SourceError};
use serde_json::{Map, Value, json};

const SIDE: u32 = 32;

pub(crate) fn now() -> Timestamp {
    "2026-11-30T23:00:00Z".parse().expect("a time")
}

pub(crate) fn later(days: i64) -> Timestamp {
    now() + SignedDuration::from_hours(24 * days)
}

/// A model of which the head alone differs from seed to seed; networks grow with `embedding`.
pub(crate) fn model(version: &str, seed: u32, labels: &Labels, embedding: usize) -> Bundle {
    let input = InputSpec::square(SIDE);
    let backbone = onnx::tiny_backbone(1, SIDE, embedding);
    let weights: Vec<f32> = (0..labels.len() * embedding)
        .map(|i| ((i as u32 + 1).wrapping_mul(seed.wrapping_mul(2_654_435_761)) >> 16) as f32 / 32_768.0 - 1.0)
        .collect();
    let head = onnx::write_head(&weights, &vec![0.1; labels.len()], labels.len(), embedding);
    let loaded = Backbone::load(&backbone, &input).expect("the backbone loads");
    let runnable = Head::load(&head, embedding, labels.len()).expect("the head loads");
    let golden = golden::record(&loaded, &runnable, &input, 0.001).expect("inference works");
    let manifest = Manifest {
        format: 1,
        version: ModelVersion::new(version).expect("a valid version"),
        created_at: "2026-01-02T03:04:05Z".parse().expect("a valid time"),
        thresholds: uniform_thresholds(labels, 0.5),
        labels: labels.clone(),
        input,
        embedding,
        backbone: FileRef::of(&backbone),
        head: FileRef::of(&head),
        golden,
        lineage: Lineage::default(),
    };
    Bundle::seal(manifest, backbone, head).expect("consistent")
}

/// A small model for the classes of waste.
pub(crate) fn small(version: &str, seed: u32) -> Bundle {
    model(version, seed, &Labels::waste(), 8)
}

/// What the hub says that it wants of a bin.
pub(crate) fn wish(bundle: &Bundle) -> DesiredModel {
    let version = bundle.manifest().version.clone();
    let target = TargetName::new(format!("{version}.json")).expect("a name");
    DesiredModel { version, manifest: bundle.id(), target: Some(target) }
}

/// The targets of a model.
pub(crate) fn offers(bundle: &Bundle) -> Vec<Offer> {
    let manifest = bundle.manifest();
    let object = |value: Value| value.as_object().cloned().expect("an object");
    let labels: Vec<&str> = manifest.labels.as_slice().iter().map(|label| label.as_str()).collect();
    let offer = |name: String, bytes: &[u8], custom: Map<String, Value>| Offer {
        name: TargetName::new(name).expect("a name"),
        content: Content::Bytes(bytes.to_vec()),
        custom,
    };
    let network = |part: &str, bytes: &[u8]| {
        let name = format!("{part}-{}.onnx", &ContentId::of(bytes).as_str()[..16]);
        offer(name, bytes, object(json!({ "kind": "network" })))
    };
    let custom = json!({ "kind": "model", "version": manifest.version, "labels": labels });
    vec![
        offer(format!("{}.json", manifest.version), bundle.manifest_bytes(), object(custom)),
        network("backbone", bundle.backbone()),
        network("head", bundle.head()),
    ]
}

/// What somebody in between answers.
#[derive(Clone)]
pub(crate) enum Answer {
    Bytes(Vec<u8>),
    NotThere,
    Endless(u8),
}

/// What went over the network.
#[derive(Default)]
pub(crate) struct Traffic {
    pub(crate) answers: BTreeMap<String, Answer>,
    /// From another folder than the hub's.
    pub(crate) elsewhere: Option<PathBuf>,
    pub(crate) bytes: u64,
    /// So many bytes come, and then the connection is gone.
    pub(crate) breaks_after: Option<u64>,
}

pub(crate) struct Bench {
    /// Gone with the bench, unless it is another's.
    pub(crate) folder: Folder,
    pub(crate) hub: Hub,
    pub(crate) keys: KeyFolders,
    pub(crate) traffic: Arc<Mutex<Traffic>>,
}

/// Where a bench is.
pub(crate) enum Folder {
    Own(tempfile::TempDir),
    Of(PathBuf),
}

impl Folder {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Own(folder) => folder.path(),
            Self::Of(folder) => folder,
        }
    }
}

impl Bench {
    /// The bench of another process.
    pub(crate) fn at(folder: PathBuf) -> Self {
        let hub = Hub::new(folder.join("repository"), Policy::default());
        let keys = KeyFolders::one_machine(&folder.join("keys"));
        Self { folder: Folder::Of(folder), hub, keys, traffic: Arc::default() }
    }

    pub(crate) fn new() -> Self {
        // In memory where there is such a folder: it is synced a thousand times.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let folder = folder.expect("a folder");
        let hub = Hub::new(folder.path().join("repository"), Policy::default());
        let keys = KeyFolders::one_machine(&folder.path().join("keys"));
        hub.init(&keys, now()).expect("the first keys");
        fs::write(folder.path().join("root.json"), hub.root_of_trust().expect("a root")).expect("writes");
        Self { folder: Folder::Own(folder), hub, keys, traffic: Arc::default() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Publishes these models, and no others.
    pub(crate) fn publish(&self, bundles: &[&Bundle]) {
        self.offer(bundles.iter().flat_map(|bundle| offers(bundle)).collect());
    }

    pub(crate) fn offer(&self, offers: Vec<Offer>) {
        let mut by_name: BTreeMap<String, Offer> = BTreeMap::new();
        by_name.extend(offers.into_iter().map(|offer| (offer.name.to_string(), offer)));
        self.hub.publish(&self.keys, by_name.into_values().collect(), now()).expect("publishes");
    }

    /// A copy of the hub's repository as it is now.
    pub(crate) fn copy(&self, name: &str) -> Hub {
        copy_folder(&self.path("repository"), &self.path(name));
        Hub::new(self.path(name), Policy::default())
    }

    /// Somebody answers from another repository.
    pub(crate) fn play(&self, other: &str) {
        self.traffic.lock().expect("whole").elsewhere = Some(self.path(other));
    }

    pub(crate) fn answer(&self, name: &str, answer: Answer) {
        self.traffic.lock().expect("whole").answers.insert(name.to_owned(), answer);
    }

    /// Nobody in between any more.
    pub(crate) fn honest(&self) {
        let mut traffic = self.traffic.lock().expect("whole");
        traffic.answers.clear();
        (traffic.elsewhere, traffic.breaks_after) = (None, None);
    }

    /// How many bytes came since the last time.
    pub(crate) fn came(&self) -> u64 {
        std::mem::take(&mut self.traffic.lock().expect("whole").bytes)
    }

    pub(crate) fn metadata(&self, name: &str) -> Vec<u8> {
        fs::read(self.hub.metadata_folder().join(name)).expect("reads")
    }

    /// The file of a target, as it is asked for.
    pub(crate) fn file_of(&self, bytes: &[u8]) -> String {
        let id = ContentId::of(bytes);
        let files = fs::read_dir(self.hub.targets_folder()).expect("lists");
        let mut names = files.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        names.find(|name| name.starts_with(id.as_str())).expect("it is published")
    }

    fn source(&self) -> Source {
        let (traffic, repository) = (Arc::clone(&self.traffic), self.path("repository"));
        Source::new(move |request| {
            let (answer, elsewhere) = {
                let traffic = traffic.lock().expect("whole");
                (traffic.answers.get(request.name).cloned(), traffic.elsewhere.clone())
            };
            let part = if request.part == Part::Metadata { "metadata" } else { "targets" };
            let path = elsewhere.unwrap_or_else(|| repository.clone()).join(part).join(request.name);
            let bytes = match answer {
                Some(Answer::NotThere) => return Err(SourceError::NotThere),
                Some(Answer::Endless(byte)) => {
                    let body = Box::new(Counted { body: io::repeat(byte), traffic: Arc::clone(&traffic) });
                    return Ok(Reply { from: request.from, body });
                }
                Some(Answer::Bytes(bytes)) => bytes,
                None => fs::read(&path).map_err(|_| SourceError::NotThere)?,
            };
            let rest = bytes.get(request.from as usize..).unwrap_or_default().to_vec();
            let body = Box::new(Counted { body: Cursor::new(rest), traffic: Arc::clone(&traffic) });
            Ok(Reply { from: request.from, body })
        })
    }

    /// A bin whose data is in a folder of this name, and whose shipped model is `m1`.
    pub(crate) fn bin(&self, name: &str) -> Bin {
        let data = self.path(name);
        let shipped = self.path("shipped");
        if !shipped.exists() {
            small("m1", 1).write(&shipped).expect("writes");
        }
        Bin {
            store: ModelStore::new(data.join("models"), shipped),
            repository: Repository::new(self.path("root.json"), data.join("trust"), self.source(), Duration::ZERO),
        }
    }
}

pub(crate) struct Bin {
    pub(crate) store: ModelStore,
    pub(crate) repository: Repository,
}

impl Bin {
    /// What would be in force, if it started now.
    pub(crate) fn version(&self) -> String {
        self.store.find(|_| {}).expect("there is a model").version().to_string()
    }

    /// Looks at the repository by a clock that is right.
    pub(crate) fn check(&self, now: Timestamp) -> (Trust, Result<(), UpdateError>) {
        let (trust, signed) = self.repository.check(now, true, &Gate::open());
        (trust, signed.map(drop))
    }

    /// Starts as the program does.
    pub(crate) fn begin(&self) -> (InForce, Standing) {
        let rules = StandingRules { probation: Some(ProbationRules::default()), starts: StartRules::default() };
        self.store.begin(rules, Some("boot".to_owned()), |_| {}).expect("there is a model")
    }

    /// An update as the loop makes it: the bin starts, installs, and `then` says what becomes of the model on trial.
    pub(crate) fn update_and(
        &self,
        desired: &DesiredModel,
        now: Timestamp,
        then: impl FnOnce(&mut Standing),
    ) -> Result<InForce, UpdateError> {
        let (current, mut standing) = self.begin();
        let (_, signed) = self.repository.check(now, true, &Gate::open());
        let prepared = signed.and_then(|signed| self.store.prepare_signed(&current, desired, &signed, &|| None));
        let put = prepared.and_then(|prepared| {
            standing.put_in_force(&prepared, current.version())?;
            then(&mut standing);
            Ok(prepared)
        });
        standing.handle_stop();
        put
    }

    /// The same with a model that passes.
    pub(crate) fn update(&self, desired: &DesiredModel, now: Timestamp) -> Result<InForce, UpdateError> {
        self.update_and(desired, now, Standing::commit)
    }
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes");
    for entry in fs::read_dir(from).expect("lists") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, target).expect("copies");
        }
    }
}

/// Counts what is read, and breaks off where it is to.
struct Counted<R> {
    body: R,
    traffic: Arc<Mutex<Traffic>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut traffic = self.traffic.lock().expect("whole");
        let most = match traffic.breaks_after {
            Some(0) => return Err(io::Error::from(io::ErrorKind::ConnectionReset)),
            Some(left) => buffer.len().min(left as usize),
            None => buffer.len(),
        };
        let read = self.body.read(&mut buffer[..most])?;
        traffic.bytes += read as u64;
        traffic.breaks_after = traffic.breaks_after.map(|left| left - read as u64);
        Ok(read)
    }
}
