//! The repository as a bin sees it: every state that an operation leaves, also when it is cut off, is read by `pilah_trust`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use pilah_trust::clock::Clock;
use pilah_trust::source::Source;
use pilah_trust::{Checked, Client, Outcome, TrustError};
use serde_json::{Map, json};

use super::*;
use crate::audit::Loss;
use crate::keys::KeyFolders;
use crate::policy::RolePolicy;
use crate::publish::{Content, Offer, OfferError};
use pilah_models::name::TargetName;

struct Bench {
    folder: tempfile::TempDir,
    repository: Repository,
    keys: KeyFolders,
}

fn now() -> Timestamp {
    "2026-11-30T23:00:00Z".parse().expect("a time")
}

fn later(days: i64) -> Timestamp {
    now() + SignedDuration::from_hours(24 * days)
}

impl Bench {
    fn new() -> Self {
        Self::with(Policy::default())
    }

    fn with(policy: Policy) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let repository = Repository::new(folder.path().join("repository"), policy);
        let keys = KeyFolders::one_machine(&folder.path().join("keys"));
        repository.init(&keys, now()).expect("the first keys");
        fs::write(folder.path().join("trusted.json"), repository.root_of_trust().expect("a root")).expect("writes");
        Self { folder, repository, keys }
    }

    /// A bin, by its name, that has the first root.
    fn bin(&self, name: &str) -> Client {
        let source = Source::folder(self.folder.path().join("repository"));
        let root = self.folder.path().join("trusted.json");
        Client::new(&root, self.folder.path().join(name), source, Duration::ZERO).expect("a client")
    }

    fn publish(&self, contents: &[(&str, &str)], now: Timestamp) -> Result<publish::Published, RepositoryError> {
        self.repository.publish(&self.keys, contents.iter().map(|(name, text)| offer(name, text)).collect(), now)
    }

    /// What lies in the repository.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        for part in [self.repository.metadata_folder(), self.repository.targets_folder()] {
            for entry in fs::read_dir(part).into_iter().flatten() {
                let path = entry.expect("an entry").path();
                files.insert(path.clone(), fs::read(path).expect("reads"));
            }
        }
        files
    }
}

fn offer(name: &str, text: &str) -> Offer {
    let content = Content::Bytes(text.as_bytes().to_vec());
    Offer { name: TargetName::new(name).expect("a name"), content, custom: Map::new() }
}

fn check(bin: &Client, now: Timestamp) -> Result<Checked, TrustError> {
    match bin.check(Clock { now, synchronised: true, waited: Duration::ZERO })? {
        Outcome::Checked(checked) => Ok(checked),
        Outcome::Waiting(left) => panic!("waits {left:?}"),
    }
}

/// Names of targets that a bin sees.
fn seen(bin: &Client, now: Timestamp) -> Vec<String> {
    check(bin, now).expect("believed").trusted.targets().map(|target| target.name.clone()).collect()
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("exists").permissions().mode() & 0o777
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("sets");
}

fn only_file(folder: &Path) -> PathBuf {
    let files: Vec<_> = fs::read_dir(folder)
        .expect("lists")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

#[test]
fn the_first_keys_are_private_and_said_to_lie_on_one_machine() {
    let bench = Bench::new();
    #[cfg(unix)]
    for role in policy::ROLES {
        let folder = &bench.keys.of(role)[0];
        assert_eq!((mode(folder), mode(&only_file(folder))), (0o700, 0o600), "{role}");
    }
    let warning = bench.keys.warning().expect("a warning");
    assert!(warning.contains("root keys lie on this machine") && warning.contains("unplug"), "{warning}");
    fs::rename(&bench.keys.root[0], bench.folder.path().join("stick")).expect("moves");
    assert_eq!(bench.keys.warning(), None);

    let again = bench.repository.init(&bench.keys, now()).expect_err("there is one");
    assert!(matches!(again, RepositoryError::There(_)) && again.to_string().contains("keys rotate"), "{again}");
    assert_eq!(seen(&bench.bin("bin"), now()), Vec::<String>::new());
}

#[test]
fn an_init_that_was_cut_off_at_any_write_is_taken_up() {
    for cut in 0..4 {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = KeyFolders::one_machine(&folder.path().join("keys"));
        let whole = Repository::new(folder.path().join("repository"), Policy::default());
        let error = failing(&whole, cut).init(&keys, now()).expect_err("cut off");
        assert!(matches!(error, RepositoryError::Io { .. }), "{error}");
        let made = only_file(&keys.targets);
        let done = whole.init(&keys, now()).expect("taken up");
        assert_eq!((done.made, made), (0, only_file(&keys.targets)), "no second key at {cut}");
        whole.publish(&keys, vec![offer("a", "1")], now()).expect("publishes");
    }
}

#[test]
fn what_is_published_is_seen_with_what_is_signed_of_it() {
    let bench = Bench::new();
    let mut first = offer("head.onnx", "weights");
    first.custom.insert("labels".to_owned(), json!(["glass", {"z": 1, "a": -3, "kaca ♻": null}]));
    let done = bench.repository.publish(&bench.keys, vec![first.clone()], now()).expect("publishes");
    assert_eq!((done.version, done.new, done.files), (2, true, 1));

    let bin = bench.bin("bin");
    let checked = check(&bin, now()).expect("believed");
    let target = checked.trusted.target("head.onnx").expect("named");
    assert_eq!((target.length, &target.custom), (7, &first.custom));
    let fetched = bin.fetch(target, &bench.folder.path().join("store"), 1024).expect("fetched");
    assert_eq!(fs::read(fetched.path).expect("reads"), b"weights");

    let before = bench.files();
    let again = bench.repository.publish(&bench.keys, vec![first], now()).expect("publishes");
    assert_eq!(
        (again.version, again.new, again.files, bench.files()),
        (2, false, 0, before),
        "the same twice changes nothing"
    );

    let stored = Content::Stored { sha256: target.sha256.parse().expect("an id"), length: 7 };
    let kept = Offer { content: stored, ..offer("head.onnx", "") };
    let done = bench.repository.publish(&bench.keys, vec![kept, offer("b", "2")], now()).expect("publishes");
    assert_eq!((done.version, done.withdrawn.len()), (3, 0));
    assert_eq!(seen(&bin, now()), ["b", "head.onnx"]);
    let done = bench.publish(&[("b", "2")], now()).expect("publishes");
    assert_eq!(done.withdrawn, ["head.onnx"]);
    assert_eq!(bench.repository.unnamed().expect("lists").len(), 1, "its file stays until it is deleted");
}

#[test]
fn a_file_is_published_as_its_bytes_are() {
    let bench = Bench::new();
    let file = bench.folder.path().join("package");
    fs::write(&file, vec![7; 200_000]).expect("writes");
    let packed = || Offer { content: Content::File(file.clone()), ..offer("pilah-edge_1_arm64.deb", "") };
    assert_eq!(bench.repository.publish(&bench.keys, vec![packed()], now()).expect("publishes").files, 1);
    assert_eq!(bench.repository.publish(&bench.keys, vec![packed()], now()).expect("publishes").files, 0);
    assert_eq!(bench.repository.lost(true).expect("reads"), []);
}

#[test]
fn an_offer_that_cannot_be_is_refused_and_changes_nothing() {
    let bench = Bench::new();
    bench.publish(&[("a", "1")], now()).expect("publishes");
    let before = bench.files();
    let refused = |offers| match bench.repository.publish(&bench.keys, offers, now()) {
        Err(RepositoryError::Offer(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused(vec![offer("a", "1"), offer("a", "1")]), OfferError::Twice(_)));
    let gone = Content::Stored { sha256: "0".repeat(64).parse().expect("an id"), length: 5 };
    let error = refused(vec![Offer { content: gone, ..offer("x", "") }]);
    assert!(
        error.to_string().contains("missing") && error.to_string().contains("publish it with its content"),
        "{error}"
    );
    let custom = Map::from_iter([("gate".to_owned(), json!({"shares": [1, 0.5]}))]);
    let error = refused(vec![Offer { custom, ..offer("x", "1") }]).to_string();
    assert!(error.contains("x says \"gate\" with a fraction (0.5)") && error.contains("write it as a text"), "{error}");
    let many = (0..2_500).map(|i| Offer {
        custom: Map::from_iter([("note".to_owned(), json!("n".repeat(300)))]),
        ..offer(&format!("t{i}"), "")
    });
    let error = bench.repository.publish(&bench.keys, many.collect(), now()).expect_err("too long").to_string();
    assert!(error.contains("no bin takes more than 1048576") && error.contains("withdraw old targets"), "{error}");
    let metadata = |files: BTreeMap<PathBuf, Vec<u8>>| -> Vec<_> {
        files.into_keys().filter(|path| path.extension().is_some_and(|e| e == "json")).collect()
    };
    assert_eq!(metadata(bench.files()), metadata(before));
}

#[test]
fn a_target_that_storage_lost_is_named() {
    let bench = Bench::new();
    bench.publish(&[("a", "one"), ("b", "two"), ("c", "three"), ("d", "four")], now()).expect("publishes");
    assert_eq!(bench.repository.lost(true).expect("reads"), []);
    let path = |name: &str| {
        bench.files().into_keys().find(|path| path.extension().is_some_and(|e| e == name)).expect("a file")
    };
    fs::remove_file(path("a")).expect("deletes");
    fs::write(path("b"), "tw").expect("shortens");
    fs::write(path("c"), "trois").expect("changes");
    let lost = bench.repository.lost(true).expect("reads");
    let found: Vec<_> = lost.iter().map(|lost| (lost.name.as_str(), lost.what)).collect();
    assert_eq!(found, [("a", Loss::Missing), ("b", Loss::Length { found: 2, signed: 3 }), ("c", Loss::Changed)]);
    assert!(lost[0].to_string().starts_with("the target a is missing in storage"), "{}", lost[0]);
    assert_eq!(bench.repository.lost(false).expect("looks").len(), 2, "lengths alone do not show a change");
    bench.publish(&[("a", "one"), ("b", "two"), ("c", "three"), ("d", "four")], now()).expect("publishes again");
    assert_eq!(bench.repository.lost(true).expect("reads"), [], "published again, they are back");
}

#[test]
fn keys_that_cannot_be_used_say_what_to_do_and_change_nothing() {
    type Spoil = fn(&Bench);
    let cases: [(&str, Spoil, &[&str]); 5] = [
        ("missing", |b| fs::remove_dir_all(&b.keys.targets).expect("removes"), &["is missing", "keys rotate targets"]),
        (
            "empty",
            |b| fs::remove_file(only_file(&b.keys.targets)).expect("removes"),
            &["holds no key", "keys rotate targets"],
        ),
        #[cfg(unix)]
        (
            "readable",
            |b| set_mode(&only_file(&b.keys.targets), 0o640),
            &["can be read by others (mode 640)", "chmod go-rwx"],
        ),
        ("no key", |b| fs::write(only_file(&b.keys.targets), "hello").expect("writes"), &["no private key of targets"]),
        (
            "wrong",
            |b| assert!(fs::copy(only_file(&b.keys.snapshot), only_file(&b.keys.targets)).expect("copies") > 0),
            &["needs 1 of the keys", "none of them lie in", "beside 1 that root does not name"],
        ),
    ];
    for (case, spoil, words) in cases {
        let bench = Bench::new();
        spoil(&bench);
        let before = bench.files();
        let same = bench.publish(&[], later(1)).expect("the same targets need no key");
        assert!(!same.new, "{case}");
        let error = bench.repository.publish(&bench.keys, vec![offer("a", "1")], now()).expect_err(case).to_string();
        for word in words {
            assert!(error.contains(word), "{case}: {error}");
        }
        let json = |files: BTreeMap<PathBuf, Vec<u8>>| -> Vec<_> {
            files.into_iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "json")).collect()
        };
        assert_eq!(json(bench.files()), json(before), "{case}");
        let lacking = bench.repository.renew(&bench.keys, later(150)).expect("the others go on");
        assert_eq!(
            lacking.lacking.iter().map(|lacking| lacking.role).collect::<Vec<_>>(),
            [RoleType::Targets],
            "{case}"
        );
        assert_eq!(lacking.signed, [RoleType::Snapshot, RoleType::Timestamp], "{case}");
        assert_eq!(seen(&bench.bin(case), later(150)), Vec::<String>::new());
    }
    #[cfg(unix)]
    {
        let bench = Bench::new();
        set_mode(&bench.keys.targets, 0o755);
        let error = bench.publish(&[("a", "1")], now()).expect_err("the folder is open").to_string();
        assert!(error.contains("can be read by others (mode 755)"), "{error}");
    }
    let nowhere = Repository::new(Bench::new().folder.path().join("none"), Policy::default());
    let error = nowhere.renew(&Bench::new().keys, now()).expect_err("none").to_string();
    assert!(error.contains("keys init"), "{error}");
}

#[test]
fn signed_anew_before_it_expires_and_never_in_vain() {
    let bench = Bench::new();
    bench.publish(&[("a", "1")], now()).expect("publishes");
    let quiet = bench.repository.renew(&bench.keys, now()).expect("renews");
    assert_eq!(
        (quiet.signed, quiet.due),
        (vec![], Some(later(2))),
        "timestamp holds 7 days, and 5 before that it is due"
    );
    assert_eq!(bench.repository.renew(&bench.keys, later(1)).expect("renews").signed, []);
    let bin = bench.bin("bin");
    for (day, expected) in [
        (2, vec![RoleType::Timestamp]),
        (3, vec![]),
        (40, vec![RoleType::Snapshot, RoleType::Timestamp]),
        (120, vec![RoleType::Targets, RoleType::Snapshot, RoleType::Timestamp]),
        (670, vec![RoleType::Root, RoleType::Targets, RoleType::Snapshot, RoleType::Timestamp]),
    ] {
        assert_eq!(bench.repository.renew(&bench.keys, later(day)).expect("renews").signed, expected, "day {day}");
        assert_eq!(seen(&bin, later(day)), ["a"], "day {day}");
    }
    assert_eq!(seen(&bench.bin("a new one with the first root"), later(670)), ["a"]);

    fs::rename(&bench.keys.root[0], bench.folder.path().join("stick")).expect("moves");
    let told = bench.repository.renew(&bench.keys, later(670 + 700)).expect("the others go on").lacking;
    assert_eq!(told.iter().map(|lacking| lacking.role).collect::<Vec<_>>(), [RoleType::Root]);
    assert!(told[0].why.contains("Plug in the disk with the root keys"), "{}", told[0].why);
}

#[test]
fn a_clock_that_cannot_be_right_signs_nothing_and_one_that_was_ahead_is_mended() {
    let bench = Bench::new();
    let before = bench.files();
    let error = bench.repository.renew(&bench.keys, Timestamp::UNIX_EPOCH).expect_err("1970").to_string();
    assert!(error.contains("1970") && error.contains("Set the clock"), "{error}");
    assert_eq!(bench.files(), before);
    let ahead = "2099-01-01T00:00:00Z".parse().expect("a time");
    assert_eq!(bench.repository.renew(&bench.keys, ahead).expect("signs").signed.len(), 4);
    assert_eq!(
        bench.repository.renew(&bench.keys, later(1)).expect("signs").signed.len(),
        4,
        "what holds too long is signed anew"
    );
    let checked = check(&bench.bin("bin"), later(1)).expect("believed");
    assert_eq!(checked.trusted.until, later(8), "timestamp holds 7 days again");
}

#[test]
fn every_role_gets_new_keys_and_bins_follow_from_the_first_root() {
    let bench = Bench::with(Policy {
        targets: RolePolicy { keys: 3, threshold: 2, ..Policy::default().targets },
        ..Policy::default()
    });
    bench.publish(&[("a", "1")], now()).expect("publishes");
    let bin = bench.bin("all along");
    for (step, role) in [
        RoleType::Timestamp,
        RoleType::Snapshot,
        RoleType::Targets,
        RoleType::Root,
        RoleType::Root,
        RoleType::Timestamp,
    ]
    .into_iter()
    .enumerate()
    {
        let done = bench.repository.rotate(&bench.keys, role, now()).expect("new keys");
        assert_eq!((done.root, done.gap, done.keys.len()), (step as u64 + 2, false, done.retired.len()), "{role}");
        assert!(done.keys.iter().all(|id| !done.retired.contains(id)), "{role}");
        let aside = bench.keys.of(role)[0].join("retired");
        assert!(done.retired.iter().all(|id| aside.join(format!("{id}.pk8")).exists()), "{role}");
        assert_eq!(seen(&bin, now()), ["a"], "{role}");
        assert_eq!(seen(&bench.bin(&format!("new at {step}")), now()), ["a"], "{role}");
        bench.publish(&[("a", "1"), ("b", &step.to_string())], now()).expect("publishes with the new keys");
        bench.publish(&[("a", "1")], now()).expect("publishes");
    }
}

#[test]
fn a_lost_key_is_replaced_by_the_root_keys_and_a_stolen_one_is_not_taken_again() {
    let bench = Bench::new();
    bench.publish(&[("a", "1")], now()).expect("publishes");
    fs::remove_dir_all(&bench.keys.targets).expect("lost");
    let done = bench.repository.rotate(&bench.keys, RoleType::Targets, now()).expect("new keys");
    assert_eq!(
        (done.gap, done.signed),
        (true, vec![RoleType::Root, RoleType::Targets, RoleType::Snapshot, RoleType::Timestamp])
    );
    assert_eq!(seen(&bench.bin("bin"), now()), ["a"]);

    // As if the power had failed before the old key was put aside.
    let stolen = only_file(&bench.keys.timestamp);
    let copy = bench.folder.path().join("copy");
    fs::copy(&stolen, &copy).expect("copies");
    bench.repository.rotate(&bench.keys, RoleType::Timestamp, now()).expect("new keys");
    fs::copy(&copy, &stolen).expect("back");
    let done = bench.repository.rotate(&bench.keys, RoleType::Timestamp, now()).expect("new keys");
    let id = stolen.file_stem().and_then(|stem| stem.to_str()).expect("an id").to_owned();
    assert!(!done.keys.contains(&id), "the stolen key would count again");
    assert!(!stolen.exists(), "and it is put aside now");

    fs::remove_dir_all(&bench.keys.root[0]).expect("lost");
    let before = (bench.files(), only_file(&bench.keys.timestamp));
    let error = bench.repository.rotate(&bench.keys, RoleType::Timestamp, now()).expect_err("no root key").to_string();
    assert!(error.contains("the key folder of root is missing"), "{error}");
    assert_eq!((bench.files(), only_file(&bench.keys.timestamp)), before);
}

/// The same repository, on a disk that fails from write number `cut` on.
fn failing(repository: &Repository, cut: usize) -> Repository {
    let writes = AtomicUsize::new(0);
    let disk = Disk(Arc::new(move |path, content| {
        if writes.fetch_add(1, Ordering::Relaxed) >= cut {
            Err(io::Error::other("cut off"))
        } else {
            durable::write(path, content)
        }
    }));
    Repository { disk, ..repository.clone() }
}

#[test]
fn cut_off_at_any_write_a_bin_sees_the_old_or_the_new_and_the_next_time_goes_well() {
    type Act = fn(&Bench, &Repository) -> Result<(), RepositoryError>;
    let acts: [(&str, Act); 6] = [
        ("publish", |b, r| r.publish(&b.keys, vec![offer("a", "1"), offer("new", "2")], later(1)).map(drop)),
        ("renew", |b, r| r.renew(&b.keys, later(671)).map(drop)),
        ("rotate targets", |b, r| r.rotate(&b.keys, RoleType::Targets, later(1)).map(drop)),
        ("rotate snapshot", |b, r| r.rotate(&b.keys, RoleType::Snapshot, later(1)).map(drop)),
        ("rotate timestamp", |b, r| r.rotate(&b.keys, RoleType::Timestamp, later(1)).map(drop)),
        ("rotate root", |b, r| r.rotate(&b.keys, RoleType::Root, later(1)).map(drop)),
    ];
    for (name, act) in acts {
        let mut cuts = 0;
        loop {
            let bench = Bench::new();
            bench.publish(&[("a", "1")], now()).expect("publishes");
            let bin = bench.bin("bin");
            assert_eq!(seen(&bin, now()), ["a"]);
            let done = act(&bench, &failing(&bench.repository, cuts)).is_ok();
            for who in [&bin, &bench.bin("new")] {
                // By versions, as the day of the renewal is long after what it renews.
                let clock = Clock { now: now(), synchronised: false, waited: Duration::ZERO };
                let Ok(Outcome::Checked(checked)) = who.check(clock) else {
                    panic!("{name} at {cuts}: {:?}", who.check(clock))
                };
                let names: Vec<_> = checked.trusted.targets().map(|target| target.name.as_str()).collect();
                assert!(names == ["a"] || (names == ["a", "new"] && name == "publish"), "{name} at {cuts}: {names:?}");
                let store = bench.folder.path().join("store");
                for target in checked.trusted.targets() {
                    who.fetch(target, &store, 1024).expect("no name without a file");
                }
            }
            act(&bench, &bench.repository).unwrap_or_else(|error| panic!("{name} after {cuts}: {error}"));
            bench
                .publish(&[("a", "1"), ("later", "3")], later(672))
                .unwrap_or_else(|error| panic!("{name} after {cuts}: {error}"));
            assert_eq!(seen(&bin, later(672)), ["a", "later"], "{name} after {cuts}");
            if done {
                break;
            }
            cuts += 1;
        }
        assert!(cuts >= 1, "{name} wrote nothing");
    }
}

#[test]
fn what_is_half_written_damaged_or_gone_is_named_and_mended_as_far_as_keys_go() {
    let metadata = |bench: &Bench, name: &str| bench.repository.metadata_folder().join(name);
    let cut = |path: &Path| {
        let bytes = fs::read(path).expect("reads");
        fs::write(path, &bytes[..bytes.len() / 2]).expect("cuts");
    };
    for (name, mend) in [("timestamp.json", 1), ("2.snapshot.json", 2)] {
        for gone in [false, true] {
            let bench = Bench::new();
            bench.publish(&[("a", "1")], now()).expect("publishes");
            let bin = bench.bin("bin");
            assert_eq!(seen(&bin, now()), ["a"]);
            if gone {
                fs::remove_file(metadata(&bench, name)).expect("removes")
            } else {
                cut(&metadata(&bench, name))
            }
            let mended = bench.repository.renew(&bench.keys, later(1)).expect("mends");
            assert!(mended.found.iter().any(|fault| fault.to_string().starts_with(name)), "{:?}", mended.found);
            assert_eq!(mended.signed.len(), mend, "{name} {gone}");
            assert_eq!(seen(&bin, later(1)), ["a"], "bins do not see it go back");
            assert_eq!(bench.repository.renew(&bench.keys, later(1)).expect("renews").signed, []);
        }
    }
    for name in ["1.root.json", "2.targets.json"] {
        let bench = Bench::new();
        bench.publish(&[("a", "1")], now()).expect("publishes");
        let bin = bench.bin("bin");
        assert_eq!(seen(&bin, now()), ["a"]);
        cut(&metadata(&bench, name));
        let error = bench.repository.renew(&bench.keys, now()).expect_err(name).to_string();
        if name.contains("root") {
            assert!(error.contains("1.root.json is damaged") && error.contains("bring it back from a copy"), "{error}");
        } else {
            assert!(error.contains("publish the targets again"), "{error}");
            bench.publish(&[("a", "1")], now()).expect("publishes again");
            assert_eq!(seen(&bin, now()), ["a"]);
        }
    }
    let bench = Bench::new();
    bench.repository.rotate(&bench.keys, RoleType::Root, now()).expect("new keys");
    fs::remove_file(metadata(&bench, "1.root.json")).expect("removes");
    let error = bench.repository.renew(&bench.keys, now()).expect_err("a hole").to_string();
    assert!(error.contains("1.root.json is missing, so that bins which know an older root cannot go on"), "{error}");

    let bench = Bench::new();
    fs::write(metadata(&bench, "timestamp.json.7-0.partial"), "half").expect("writes");
    fs::write(metadata(&bench, "9.targets.json"), "{}").expect("writes");
    let found = bench.repository.renew(&bench.keys, now()).expect("mends").found;
    let words: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "timestamp.json.7-0.partial is left from a write that was cut off",
            "9.targets.json was written, and cut off before it came into force"
        ]
    );
    assert!(!metadata(&bench, "timestamp.json.7-0.partial").exists());
    assert_eq!(bench.publish(&[("a", "1")], now()).expect("publishes").version, 10, "a number is not used twice");
}
