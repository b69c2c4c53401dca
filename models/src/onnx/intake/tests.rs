use image::{Rgb, RgbImage};
use prost::Message as _;
use tract_onnx::pb::NodeProto;

use super::*;
use crate::bundle::{InputSpec, Scaling};
use crate::infer::{Backbone, Head};
use crate::onnx::{Brightness, inspect, split, stated_scaling, tiny_backbone};

const SIDE: u32 = 16;

fn none(_: &str) -> Result<Option<Vec<u8>>, String> {
    Ok(None)
}

fn plain(scaling: Scaling) -> Brightness {
    Brightness::new(scaling, SIDE)
}

/// The probability of `bright` for greys of these values.
fn answers(onnx: &[u8], scaling: Scaling) -> [f32; 4] {
    let parts = split(onnx).expect("is cut");
    let backbone = Backbone::load(&parts.backbone, &InputSpec::scaled(SIDE, SIDE, scaling)).expect("loads");
    let head = Head::load(&parts.head, parts.embedding, parts.classes).expect("loads");
    [64, 120, 140, 200].map(|value| {
        let grey = RgbImage::from_pixel(24, 20, Rgb([value; 3]));
        head.probabilities(&backbone.embed(&grey).expect("runs")).expect("runs")[1]
    })
}

fn assert_tells_bright(onnx: &[u8], scaling: Scaling) {
    let found = answers(onnx, scaling);
    assert!(found[0] < 0.1 && found[1] < 0.5 && found[2] > 0.5 && found[3] > 0.9, "{found:?}");
}

#[test]
fn what_is_ours_already_stays_byte_by_byte() {
    for scaling in [Scaling::SIGNED, Scaling::UNIT, Scaling::IMAGENET] {
        let (onnx, _) = plain(scaling).write();
        let taken = intake(&onnx, &mut none).expect("is taken");
        assert_eq!((taken.onnx == onnx, &taken.changes[..], taken.ending), (true, &[][..], Ending::Softmax));
        assert_tells_bright(&taken.onnx, scaling);
    }
    let backbone = tiny_backbone(1, 16, 4);
    let taken = intake(&backbone, &mut none).expect("is taken");
    assert_eq!((taken.onnx, taken.ending), (backbone, Ending::Other));
}

#[test]
fn other_ways_to_write_the_same_are_made_ours_and_told() {
    let unit = || plain(Scaling::UNIT);
    let cases = [
        (Brightness { channels_last: true, ..unit() }, vec![Change::ChannelsLast]),
        (Brightness { images: None, ..unit() }, vec![]),
        (Brightness { half: true, ..unit() }, vec![Change::Widened]),
        (Brightness { ending: Some("LogSoftmax"), ..unit() }, vec![]),
        (Brightness { ending: None, ..unit() }, vec![]),
        (Brightness { bytes: true, ..plain(Scaling::BYTES) }, vec![Change::Bytes]),
        (
            Brightness { bytes: true, channels_last: true, images: None, ..plain(Scaling::BYTES) },
            vec![Change::Bytes, Change::ChannelsLast],
        ),
        (
            Brightness { half: true, channels_last: true, beside: Some("m.onnx.data".into()), ..unit() },
            vec![Change::Gathered, Change::Widened, Change::ChannelsLast],
        ),
    ];
    for (written, changes) in cases {
        let (onnx, data) = written.write();
        let taken = intake(&onnx, &mut |name| Ok((name == "m.onnx.data").then(|| data.clone()))).expect("is taken");
        assert_eq!(taken.changes, changes, "{written:?}");
        assert_eq!(taken.ending, if written.ending.is_some() { Ending::Softmax } else { Ending::Linear });
        assert_eq!(inspect(&taken.onnx).expect("is whole").image_size(), Some((SIDE, SIDE)), "{written:?}");
        assert_tells_bright(&taken.onnx, written.scaling);
        let again = intake(&taken.onnx, &mut none).expect("is taken again");
        assert_eq!((again.onnx == taken.onnx, &again.changes[..]), (true, &[][..]), "{written:?}");
    }
}

#[test]
fn a_wrong_scaling_is_silent_and_wrong() {
    let (onnx, _) = plain(Scaling::UNIT).write();
    let found = answers(&onnx, Scaling::SIGNED);
    assert!(found[2] < 0.5, "bright is called dark: {found:?}");
}

#[test]
fn half_precision_in_other_places_is_widened_too() {
    let (onnx, _) = Brightness { half: true, ..plain(Scaling::UNIT) }.write();
    let mut model = ModelProto::decode(&*onnx).expect("a network");
    let graph = model.graph.as_mut().expect("a graph");
    for tensor in &mut graph.initializer {
        // As some write it: the bits in numbers of 32 bits.
        let (bits, _) = tensor.raw_data.as_chunks::<2>();
        tensor.int32_data = bits.iter().map(|bits| i32::from(u16::from_le_bytes(*bits))).collect();
        tensor.raw_data.clear();
    }
    let weights = graph.initializer.remove(0);
    let mut kept = NodeProto { op_type: "Constant".into(), output: vec![weights.name.clone()], ..NodeProto::default() };
    kept.attribute.push(tract_onnx::pb::AttributeProto {
        name: "value".into(),
        t: Some(weights),
        ..Default::default()
    });
    graph.node.insert(0, kept);
    let taken = intake(&model.encode_to_vec(), &mut none).expect("is taken");
    assert_eq!(taken.changes, [Change::Widened]);
    let parts = split(&taken.onnx).expect("is cut");
    assert_eq!((parts.embedding, parts.classes), (3, 2));
    assert_tells_bright(&taken.onnx, Scaling::UNIT);
}

#[test]
fn what_cannot_be_taken_is_said_with_the_way_out() {
    let unit = || plain(Scaling::UNIT);
    let apart = || Brightness { beside: Some("model.onnx.data".into()), ..unit() };
    let cases = [
        (apart().write().0, "keeps 2 of its tensors in another file, \"model.onnx.data\""),
        (apart().write().0, "onnx.save(onnx.load"),
        (Brightness { images: Some(8), ..unit() }.write().0, "takes 8 images at once"),
        (b"no network".to_vec(), "not an ONNX file"),
    ];
    for (onnx, expected) in cases {
        let error = intake(&onnx, &mut none).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let (onnx, data) = apart().write();
    let error = intake(&onnx, &mut |_| Ok(Some(data[..20].to_vec()))).expect_err("it is cut").to_string();
    assert!(error.contains("has 20 bytes and ends before it"), "{error}");
    let error = intake(&onnx, &mut |_| Err("it is damaged".into())).expect_err("unreadable").to_string();
    assert!(error.contains("\"model.onnx.data\": it is damaged"), "{error}");
    let mut model = ModelProto::decode(&*unit().write().0).expect("a network");
    let graph = model.graph.as_mut().expect("a graph");
    super::super::brightness::set_type(&mut graph.input[0], tract_onnx::pb::tensor_proto::DataType::Int64);
    let error = intake(&model.encode_to_vec(), &mut none).expect_err("it takes integers").to_string();
    assert!(error.contains("takes INT64") && error.contains("uint8"), "{error}");
}

#[test]
fn many_tensors_of_the_same_bytes_do_not_grow_beyond_what_a_bin_loads() {
    let (onnx, _) = Brightness { beside: Some("x".into()), ..plain(Scaling::UNIT) }.write();
    let mut model = ModelProto::decode(&*onnx).expect("a network");
    let graph = model.graph.as_mut().expect("a graph");
    let mut whole = graph.initializer[0].clone();
    whole.external_data.retain(|entry| entry.key == "location");
    graph.initializer.extend((0..100).map(|_| whole.clone()));
    let file = vec![0; 1_000_000];
    let error = intake(&model.encode_to_vec(), &mut |_| Ok(Some(file.clone()))).expect_err("too large").to_string();
    assert!(error.contains("more than the"), "{error}");
}

#[test]
fn what_a_file_says_of_itself_is_kept() {
    let metadata = vec![("author".to_owned(), "Ultralytics".to_owned())];
    let (onnx, _) = Brightness { metadata, ..plain(Scaling::UNIT) }.write();
    let taken = intake(&onnx, &mut none).expect("is taken");
    let (scaling, why) = stated_scaling(&taken.metadata).expect("is read").expect("is said");
    assert_eq!((scaling, why.as_str()), (Scaling::UNIT, "it is of Ultralytics"));
}

proptest::proptest! {
    #[test]
    fn no_change_of_a_byte_makes_it_fall(position in 0usize..600, value in 1u8..) {
        let (mut onnx, data) = Brightness {
            half: true, channels_last: true, beside: Some("x".into()), ..plain(Scaling::UNIT)
        }.write();
        let position = position % onnx.len();
        onnx[position] ^= value;
        intake(&onnx, &mut |_| Ok(Some(data.clone()))).ok();
    }
}
