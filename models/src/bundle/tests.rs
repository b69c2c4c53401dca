use super::*;
use crate::labels::Labels;
use crate::name::ModelVersion;

fn manifest() -> Manifest {
    let labels = Labels::waste();
    Manifest {
        format: 1,
        version: ModelVersion::new("m1").expect("valid"),
        created_at: "2026-01-02T03:04:05Z".parse().expect("valid"),
        thresholds: uniform_thresholds(&labels, 0.5),
        golden: Golden { tolerance: 0.001, probabilities: vec![vec![1.0 / 6.0; 6]] },
        labels,
        input: InputSpec::square(32),
        embedding: 4,
        backbone: FileRef::of(b""),
        head: FileRef::of(b""),
        lineage: Lineage::default(),
    }
}

fn bundle() -> Bundle {
    Bundle::seal(manifest(), b"a backbone".to_vec(), b"a head".to_vec()).expect("consistent")
}

#[test]
fn a_bundle_is_read_back_as_it_was_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let written = bundle();
    written.write(folder.path()).expect("writes");
    let read = Bundle::read(folder.path()).expect("reads");
    assert_eq!(read.id(), written.id());
    assert_eq!(read.manifest(), written.manifest());
}

#[test]
fn a_truncated_or_changed_file_is_refused_by_name() {
    for (file, part) in [(BACKBONE_FILE, "backbone"), (HEAD_FILE, "head")] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        bundle().write(folder.path()).expect("writes");
        fs::write(folder.path().join(file), b"a").expect("truncates");
        let error = Bundle::read(folder.path()).expect_err("not the content").to_string();
        assert!(error.starts_with(&format!("{part} is not the one")), "{error}");
    }
}

#[test]
fn a_manifest_that_contradicts_itself_names_the_key() {
    type Spoil = fn(&mut Manifest);
    let cases: [(Spoil, &str); 7] = [
        (|m| m.input.width = 0, "input: 0×32"),
        (|m| m.input.std[1] = 0.0, "input: mean and std"),
        (|m| m.embedding = 0, "embedding: 0"),
        (|m| drop(m.thresholds.pop_first()), "thresholds: cardboard has none"),
        (|m| *m.thresholds.values_mut().next().expect("six") = 1.5, "thresholds: 1.5 of cardboard"),
        (|m| m.golden.probabilities.clear(), "golden: there is no"),
        (|m| m.golden.probabilities[0].truncate(2), "golden: each row"),
    ];
    for (spoil, expected) in cases {
        let mut spoiled = manifest();
        spoil(&mut spoiled);
        let error = Manifest::parse(&spoiled.to_bytes()).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error:?} should contain {expected:?}");
    }
}

#[test]
fn a_manifest_of_another_format_is_refused_by_its_number() {
    let error = Manifest::parse(br#"{"format": 9}"#).expect_err("a later format");
    assert_eq!(error.to_string(), "manifest.json is of format 9; this build reads format 1");
}

#[test]
fn a_huge_file_is_refused_unread() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    bundle().write(folder.path()).expect("writes");
    let file = fs::File::create(folder.path().join(BACKBONE_FILE)).expect("creates");
    file.set_len(LARGEST_NETWORK + 1).expect("a sparse file");
    let error = Bundle::read(folder.path()).expect_err("too large");
    let BundleError::Read { source, .. } = error else { panic!("{error}") };
    assert!(source.to_string().contains("more than the 67108864"), "{source}");
}
