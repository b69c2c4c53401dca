use std::collections::HashMap;

use image::RgbImage;
use image::imageops::{self, FilterType};
use pilah_models::name::{ContentId, Label};
use pilah_models::picture;
use pilah_models::preprocess;
use proptest::prelude::*;

use super::*;
use crate::dataset::store::{self, NewSample, Source, Stored, Tally};
use crate::dataset::{Prepared, prepare};
use crate::registry::fixture::Hub;

fn label(name: &str) -> Label {
    Label::new(name).expect("valid")
}

#[test]
fn splits_decide_who_joins_whom() {
    use Split::{Test, Train};
    let found = |clusters: &[(&str, Option<Split>)]| -> BTreeMap<String, Option<Split>> {
        clusters.iter().map(|(name, split)| ((*name).to_owned(), *split)).collect()
    };
    let join = |cluster: &str, absorbed: &[&str], split| Decision::Join {
        cluster: cluster.into(),
        absorbed: absorbed.iter().map(ToString::to_string).collect(),
        split,
    };
    let cases = [
        (None, found(&[]), None, join("g", &[], None)),
        (None, found(&[]), Some(Test), join("g", &[], Some(Test))),
        (Some("own"), found(&[("own", None), ("a", None)]), None, join("own", &["a"], None)),
        (Some("own"), found(&[("own", None), ("z", Some(Test))]), None, join("z", &["own"], Some(Test))),
        (
            None,
            found(&[("a", Some(Train)), ("b", None), ("c", Some(Train))]),
            None,
            join("a", &["b", "c"], Some(Train)),
        ),
        (Some("own"), found(&[("own", Some(Train)), ("b", Some(Test))]), None, Decision::Exclude(vec![Train, Test])),
        (None, found(&[("a", Some(Train))]), Some(Test), Decision::Exclude(vec![Train, Test])),
    ];
    for (own, found, fixed, expected) in cases {
        assert_eq!(decide("g", own, &found, fixed), expected, "{own:?} {found:?} {fixed:?}");
    }
}

/// A sample that looks like this, in this group.
async fn add(hub: &Hub, number: usize, group: &str, looks: u64, name: &str, fixed: Option<Split>) -> Stored {
    let tx = hub.parts.store.begin().await.expect("begins");
    let mut tally = Tally::read(&tx).await.expect("reads");
    let content = ContentId::of(format!("{number}").as_bytes());
    let image = Prepared { jpeg: vec![0], width: 1, height: 1, looks };
    let label = label(name);
    let new = NewSample {
        content: &content,
        image: &image,
        label: &label,
        source: Source::Upload,
        by: "ada",
        group,
        fixed,
        excluded: false,
    };
    let stored = store::insert(&tx, &mut tally, &new).await.expect("inserts");
    tx.commit().await.expect("commits");
    stored
}

#[tokio::test]
async fn what_links_two_splits_is_kept_out_of_both() {
    let hub = Hub::open(None).await;
    let (left, right) = (0u64, 0b1111_1111_1111);
    let between = 0b11_1111;
    assert!(matches!(add(&hub, 1, "a", left, "glass", Some(Split::Train)).await, Stored::New { .. }));
    assert!(matches!(add(&hub, 2, "b", right, "glass", Some(Split::Test)).await, Stored::New { .. }));
    let Stored::Excluded { sample, reason } = add(&hub, 3, "c", between, "glass", None).await else {
        panic!("it is near both")
    };
    assert_eq!(reason, "it looks like samples in train and test");
    let db = hub.parts.store.db();
    assert_eq!(store::labelled(db).await.expect("reads").len(), 2, "it is not trained on");
    // A new label does not bring it back, and its group is free to go where it likes.
    store::label(db, &sample, Some(&label("metal")), "bob").await.expect("labels");
    assert_eq!(store::labelled(db).await.expect("reads").len(), 2);
    assert!(matches!(add(&hub, 4, "c", !0, "glass", None).await, Stored::New { .. }));
    // A folder that says otherwise than what it resembles is not believed.
    let wrong = add(&hub, 5, "d", right, "glass", Some(Split::Train)).await;
    assert!(matches!(wrong, Stored::Excluded { .. }), "{wrong:?}");
    let copy = add(&hub, 6, "e", right ^ 1, "glass", None).await;
    assert!(matches!(copy, Stored::New { split: Split::Test, .. }), "{copy:?}");
}

/// One thing that happens to a dataset.
#[derive(Debug, Clone)]
enum Happens {
    /// A sample comes: of this group, near one of a few looks, labelled or not, of this folder or none.
    Comes { group: u8, centre: u8, turned: Vec<u32>, labelled: bool, fixed: Option<u8> },
    /// One of the samples is labelled.
    Labelled(prop::sample::Index),
}

fn happens() -> impl Strategy<Value = Happens> {
    let turned = prop::collection::vec(0u32..64, 0..5);
    let fixed = prop::option::weighted(0.2, 0u8..3);
    prop_oneof![
        4 => (0u8..12, 0u8..6, turned, any::<bool>(), fixed).prop_map(|(group, centre, turned, labelled, fixed)| {
            Happens::Comes { group, centre, turned, labelled, fixed }
        }),
        1 => any::<prop::sample::Index>().prop_map(Happens::Labelled),
    ]
}

/// A sample of a bin, without a label.
async fn from_bin(hub: &Hub, number: usize, group: &str, looks: u64) {
    let tx = hub.parts.store.begin().await.expect("begins");
    let place = place(&tx, group, looks, None).await.expect("places");
    let mut row = sample::ActiveModel {
        id: Set(uuid::Uuid::now_v7().to_string()),
        source: Set("bin".into()),
        at_ms: Set(0),
        received_ms: Set(0),
        content_sha256: Set(ContentId::of(format!("{number}").as_bytes()).into()),
        width: Set(1),
        height: Set(1),
        bytes: Set(1),
        sure: Set(false),
        group_key: Set(group.into()),
        cluster: Set(Some(place.cluster)),
        excluded: Set(place.excluded),
        ..Default::default()
    };
    LooksColumns::of(looks).set(&mut row);
    sample::Entity::insert(row).exec_without_returning(&tx).await.expect("inserts");
    tx.commit().await.expect("commits");
}

async fn run(events: Vec<Happens>) {
    let hub = Hub::open(None).await;
    let db = hub.parts.store.db();
    let mut given: HashMap<String, String> = HashMap::new();
    for (number, event) in events.into_iter().enumerate() {
        match event {
            Happens::Comes { group, centre, turned, labelled, fixed } => {
                // Centres are 4 bits apart from the next: near enough to chain, far enough to differ.
                let looks = turned.iter().fold((1u64 << (4 * centre)) - 1, |looks, bit| looks ^ (1 << bit));
                let group = format!("g{group}/{fixed:?}");
                if labelled {
                    add(&hub, number, &group, looks, "glass", fixed.map(|f| Split::ALL[usize::from(f)])).await;
                } else {
                    from_bin(&hub, number, &group, looks).await;
                }
            }
            Happens::Labelled(index) => {
                let rows = sample::Entity::find().all(db).await.expect("reads");
                if !rows.is_empty() {
                    let row = &rows[index.index(rows.len())];
                    store::label(db, &row.id, Some(&label("glass")), "ada").await.expect("labels");
                }
            }
        }
        let rows = sample::Entity::find().all(db).await.expect("reads");
        let placed: Vec<&sample::Model> = rows.iter().filter(|row| row.split.is_some()).collect();
        for (at, row) in placed.iter().enumerate() {
            assert!(row.excluded.is_none(), "{row:?}");
            let before = given.entry(row.id.clone()).or_insert_with(|| row.split.clone().unwrap_or_default());
            assert_eq!(Some(&*before), row.split.as_ref(), "a split moved");
            for other in &placed[..at] {
                let bits = looks::distance(
                    row.looks.expect("is hashed").cast_unsigned(),
                    other.looks.expect("is hashed").cast_unsigned(),
                );
                let together = bits <= looks::NEAR || row.group_key == other.group_key || row.cluster == other.cluster;
                assert!(!together || row.split == other.split, "{bits} bits apart: {row:?} {other:?}");
            }
        }
        assert!(given.len() == placed.len(), "a sample lost its split");
    }
}

use sea_orm::ActiveValue::Set;

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn near_duplicates_and_groups_never_straddle_and_never_move(events in prop::collection::vec(happens(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(run(events));
    }
}

/// A photo that is unlike the others: soft blobs, drawn from its number.
fn photo(number: u32) -> RgbImage {
    let mut state = number.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1u32 << 24)
    };
    let blobs: Vec<[f64; 4]> = (0..9).map(|_| [next(), next(), 0.06 + 0.2 * next(), next() * 2.0 - 1.0]).collect();
    RgbImage::from_fn(320, 240, |x, y| {
        let (u, v) = (f64::from(x) / 320.0, f64::from(y) / 240.0);
        let light: f64 = blobs
            .iter()
            .map(|[a, b, size, sign]| sign * (-((u - a).powi(2) + (v - b).powi(2)) / (size * size)).exp())
            .sum();
        let grey = (128.0 + 100.0 * light).clamp(0.0, 255.0) as u8;
        image::Rgb([grey, grey, 255 - grey])
    })
}

/// What people and their programs do to a photo before they send it again.
fn disguises(photo: &RgbImage) -> Vec<(&'static str, Vec<u8>)> {
    let jpeg = |image: &RgbImage, largest| preprocess::encode_jpeg(image, largest).expect("encodes");
    let (width, height) = photo.dimensions();
    let cropped = imageops::crop_imm(photo, width / 100, height / 100, width * 98 / 100, height * 98 / 100).to_image();
    vec![
        ("half the size", jpeg(&imageops::resize(photo, width / 2, height / 2, FilterType::CatmullRom), 100_000)),
        ("twice the size", jpeg(&imageops::resize(photo, width * 2, height * 2, FilterType::Lanczos3), 100_000)),
        ("recompressed", jpeg(photo, 4_000)),
        ("cropped", jpeg(&cropped, 100_000)),
        ("brightened", jpeg(&imageops::brighten(photo, 12), 100_000)),
    ]
}

#[tokio::test]
async fn planted_near_duplicates_never_straddle() {
    let hub = Hub::open(None).await;
    let limits = picture::Limits::default();
    let store_one = async |number: usize, group: &str, bytes: &[u8], by_bin: bool| {
        let image = prepare(bytes, &limits).expect("a good image");
        if by_bin {
            from_bin(&hub, number, group, image.looks).await;
        } else {
            add(&hub, number, group, image.looks, ["glass", "metal"][number % 2], None).await;
        }
    };
    // Originals first, so that they are spread over the splits; then their copies from everywhere.
    let photos: Vec<RgbImage> = (0..40).map(photo).collect();
    for (number, photo) in photos.iter().enumerate() {
        let jpeg = preprocess::encode_jpeg(photo, 100_000).expect("encodes");
        store_one(number, &format!("original {number}"), &jpeg, false).await;
    }
    let mut copies = 0;
    for (number, photo) in photos.iter().enumerate() {
        for (kind, (name, bytes)) in disguises(photo).into_iter().enumerate() {
            let by_bin = kind % 2 == 0;
            store_one(1000 + copies, &format!("{name} of {number}"), &bytes, by_bin).await;
            copies += 1;
        }
    }
    let db = hub.parts.store.db();
    for row in sample::Entity::find().all(db).await.expect("reads") {
        if row.label.is_none() {
            store::label(db, &row.id, Some(&label("glass")), "ada").await.expect("labels");
        }
    }
    let rows = sample::Entity::find().all(db).await.expect("reads");
    let of = |number: usize| {
        let name = number.to_string();
        rows.iter().filter(move |row| row.group_key.rsplit(' ').next() == Some(name.as_str()))
    };
    let (mut splits, mut excluded) = (Vec::new(), 0);
    for number in 0..photos.len() {
        let mut own: Vec<&str> = of(number).filter_map(|row| row.split.as_deref()).collect();
        excluded += of(number).filter(|row| row.excluded.is_some()).count();
        own.sort_unstable();
        own.dedup();
        assert_eq!(own.len(), 1, "photo {number} and its copies are in {own:?}");
        splits.extend(own);
    }
    assert_eq!((rows.len(), copies), (240, 200));
    for split in Split::ALL {
        assert!(splits.contains(&split.name()), "{split} has a photo");
    }
    assert_eq!(excluded, 0, "these photos are unlike each other");
}
