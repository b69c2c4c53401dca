use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use prost::Message as _;
use tract_onnx::pb::{NodeProto, OperatorSetIdProto, StringStringEntryProto};
use tract_onnx::prelude::*;

use super::*;
use crate::bundle::InputSpec;
use crate::infer::{Backbone, Head, golden};
use crate::preprocess::to_tensor;

fn head(classes: usize, embedding: usize) -> Vec<u8> {
    let weights: Vec<f32> = (0..classes * embedding).map(|i| ((i * 37 % 101) as f32 / 50.0 - 1.0) * 0.3).collect();
    let bias: Vec<f32> = (0..classes).map(|i| i as f32 * 0.1).collect();
    write_head(&weights, &bias, classes, embedding)
}

/// What a merged file gives for an image, run by itself.
fn run(onnx: &[u8], spec: &InputSpec, image: &image::RgbImage) -> Vec<f32> {
    let shape = [1, 3, spec.height as usize, spec.width as usize];
    let plan = tract_onnx::onnx()
        .model_for_read(&mut &onnx[..])
        .and_then(|model| model.with_input_fact(0, f32::fact(shape).into()))
        .and_then(|model| model.into_optimized())
        .and_then(IntoRunnable::into_runnable)
        .expect("a merged file can be run");
    let input = Tensor::from_shape(&shape, &to_tensor(image, spec)).expect("of this shape");
    let outputs = plan.run(tvec!(input.into_tvalue())).expect("runs");
    outputs[0].try_as_plain_ram().and_then(|view| view.as_slice::<f32>()).expect("floats").to_vec()
}

fn assert_merged_is_the_same(backbone: &[u8], spec: &InputSpec) {
    let loaded = Backbone::load(backbone, spec).expect("the backbone loads");
    let head = head(6, loaded.embedding_len());
    let loaded_head = Head::load(&head, loaded.embedding_len(), 6).expect("the head loads");
    let merged = merge(backbone, &head).expect("merges");
    let Interface { input, output, .. } = inspect(&merged).expect("a network");
    assert_eq!((&*input, &*output), ("image", "probabilities"));
    for image in golden::images(spec) {
        let embedding = loaded.embed(&image).expect("runs");
        let apart = loaded_head.probabilities(&embedding).expect("runs");
        for (a, b) in apart.iter().zip(run(&merged, spec, &image)) {
            assert!((a - b).abs() < 1e-4, "{apart:?} and {b}");
        }
    }
}

#[test]
fn a_merged_file_computes_what_its_parts_do() {
    assert_merged_is_the_same(&tiny_backbone(1, 32, 16), &InputSpec::square(32));
}

#[test]
fn a_head_with_a_hidden_layer_loads_merges_and_computes_what_it_says() {
    let layer = |inputs: usize, outputs: usize| LinearLayer {
        inputs,
        outputs,
        weights: (0..inputs * outputs).map(|i| ((i * 37 % 101) as f32 / 50.0 - 1.0) * 0.3).collect(),
        bias: (0..outputs).map(|i| i as f32 * 0.1 - 0.2).collect(),
        steps: None,
    };
    let layers = [layer(8, 5), layer(5, 3)];
    let onnx = write_layers(&layers);
    let head = Head::load(&onnx, 8, 3).expect("the head loads");
    let embedding: Vec<f32> = (0..8).map(|i| (i as f32 - 3.0) * 0.5).collect();
    let apply = |layer: &LinearLayer, x: &[f32]| -> Vec<f32> {
        let dot = |row: &[f32]| row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>();
        layer.weights.chunks(layer.inputs).zip(&layer.bias).map(|(row, bias)| dot(row) + bias).collect()
    };
    let hidden: Vec<f32> = apply(&layers[0], &embedding).into_iter().map(|x| x.max(0.0)).collect();
    assert!(hidden.contains(&0.0), "the ReLU has something to cut: {hidden:?}");
    let exponentials: Vec<f32> = apply(&layers[1], &hidden).into_iter().map(f32::exp).collect();
    let sum: f32 = exponentials.iter().sum();
    for (found, expected) in head.probabilities(&embedding).expect("runs").iter().zip(&exponentials) {
        assert!((found - expected / sum).abs() < 1e-5, "{found} is not {}", expected / sum);
    }

    let (backbone, spec) = (tiny_backbone(1, 32, 8), InputSpec::square(32));
    let loaded = Backbone::load(&backbone, &spec).expect("the backbone loads");
    let merged = merge(&backbone, &onnx).expect("merges");
    for image in golden::images(&spec) {
        let apart = head.probabilities(&loaded.embed(&image).expect("runs")).expect("runs");
        for (a, b) in apart.iter().zip(run(&merged, &spec, &image)) {
            assert!((a - b).abs() < 1e-4, "{apart:?} and {b}");
        }
    }
    let older = spoilt(|m| m.opset_import[0].version = 11);
    merge(&older, &write_layers(&[layer(4, 5), layer(5, 3)])).expect("Relu is the same in 11");

    let mut in_8_bits = layers.clone();
    in_8_bits.iter_mut().for_each(|layer| layer.round(&vec![1.0; layer.inputs]));
    let onnx = write_layers(&in_8_bits);
    let merged = merge(&backbone, &onnx).expect("merges");
    let floats = parse(&merged).expect("a network");
    let kinds: HashSet<&str> = graph(&floats).expect("a graph").node.iter().map(|node| &*node.op_type).collect();
    assert!(!kinds.contains("Cast") && !kinds.contains("Mul"), "others get floats: {kinds:?}");
    let head = Head::load(&onnx, 8, 3).expect("the head loads");
    for image in golden::images(&spec) {
        let apart = head.probabilities(&loaded.embed(&image).expect("runs")).expect("runs");
        for (a, b) in apart.iter().zip(run(&merged, &spec, &image)) {
            assert!((a - b).abs() < 1e-6, "{apart:?} and {b}");
        }
    }
}

#[test]
fn a_head_is_read_as_it_was_written_and_any_other_network_is_named() {
    let layers = [
        LinearLayer {
            inputs: 2,
            outputs: 3,
            weights: vec![0.3, -1.0, 2.0, 0.0, 0.5, 7.0],
            bias: vec![0.0; 3],
            steps: None,
        },
        LinearLayer {
            inputs: 3,
            outputs: 2,
            weights: vec![1.0, 0.0, -2.0, 0.1, 0.2, 0.3],
            bias: vec![1.0; 2],
            steps: None,
        },
    ];
    for layers in [&layers[..], &layers[..1]] {
        assert_eq!(read_layers(&write_layers(layers)).expect("a head"), layers);
    }
    let change = |change: fn(&mut GraphProto)| {
        let mut model = ModelProto::decode(&*write_layers(&layers)).expect("a network");
        change(graph_of(&mut model));
        read_layers(&model.encode_to_vec()).expect_err("is no head of ours").to_string()
    };
    let cases = [
        (
            change(|g| g.node.last_mut().expect("a node").op_type = "Sigmoid".into()),
            "has Sigmoid where a head has Softmax",
        ),
        (change(|g| g.node[1].op_type = "Tanh".into()), "has Tanh where a head has Relu"),
        (change(|g| g.node[0].input[0] = "active1".into()), "goes round in a circle"),
    ];
    for (found, expected) in cases {
        assert_eq!(found, format!("the network {expected}"));
    }
    assert!(read_layers(&tiny_backbone(1, 16, 4)).is_err());
}

/// Heads that were made before weights had 8 bits: those in the field.
#[test]
fn the_head_that_shipped_first_is_read_and_written_back_byte_for_byte() {
    let shipped =
        fs::read(PathBuf::from_iter([env!("CARGO_MANIFEST_DIR"), "default/head.onnx"])).expect("models/default");
    let layers = read_layers(&shipped).expect("a head of ours");
    assert!(layers.iter().all(|layer| layer.steps.is_none()));
    assert_eq!(write_layers(&layers), shipped);
}

/// The example backbones lie outside the repository; where they are missing, the test above has to do.
#[test]
fn mobilenet_merges_as_well() {
    let shared = std::env::var_os("PILAH_SHARED")
        .map_or_else(|| [env!("CARGO_MANIFEST_DIR"), "../../shared"].iter().collect(), PathBuf::from);
    let Ok(backbone) = fs::read(shared.join("data/backbones/mobilenet_v2_0.35_224.onnx")) else {
        eprintln!("no example backbones in {}", shared.display());
        return;
    };
    assert_eq!(inspect(&backbone).expect("a network").image_size(), Some((224, 224)));
    assert_merged_is_the_same(&backbone, &InputSpec::square(224));
}

#[test]
fn a_backbone_that_keeps_its_dimensions_merges_too() {
    let mut model = parse(&tiny_backbone(2, 16, 8)).expect("a network");
    let graph = model.graph.as_mut().expect("a graph");
    graph.node.pop().expect("the Flatten");
    graph.output[0] = build::value("mean", &[1, 8, 1, 1].map(build::Dim::Size));
    assert_merged_is_the_same(&model.encode_to_vec(), &InputSpec::square(16));
}

#[test]
fn the_tiny_backbone_tells_pictures_apart_and_is_the_same_for_the_same_seed() {
    assert_eq!(tiny_backbone(5, 24, 8), tiny_backbone(5, 24, 8));
    assert_ne!(tiny_backbone(5, 24, 8), tiny_backbone(6, 24, 8));
    let spec = InputSpec::square(24);
    assert_eq!(inspect(&tiny_backbone(5, 24, 8)).expect("a network").image_size(), Some((24, 24)));
    let backbone = Backbone::load(&tiny_backbone(5, 24, 8), &spec).expect("loads");
    let images = golden::images(&spec);
    let embeddings: Vec<Vec<f32>> = images.iter().map(|image| backbone.embed(image).expect("runs")).collect();
    for (index, a) in embeddings.iter().enumerate() {
        for b in &embeddings[..index] {
            let distance: f32 = a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f32>().sqrt();
            assert!(distance > 0.05, "{a:?} and {b:?}");
        }
    }
}

fn spoilt(spoil: impl FnOnce(&mut ModelProto)) -> Vec<u8> {
    let mut model = ModelProto::decode(&*tiny_backbone(1, 16, 4)).expect("a network");
    spoil(&mut model);
    model.encode_to_vec()
}

fn graph_of(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().expect("a graph")
}

#[test]
fn what_no_runtime_should_see_is_refused_in_words() {
    let elsewhere = || vec![StringStringEntryProto { key: "location".into(), value: "/etc/passwd".into() }];
    let cases = [
        (spoilt(|m| m.graph = None), "the network has no graph"),
        (
            spoilt(|m| graph_of(m).initializer[1].external_data = elsewhere()),
            "the network keeps tensor \"bias\" in another file",
        ),
        (spoilt(|m| graph_of(m).output[0].name = "x".into()), "the network does not compute its output \"x\""),
        (spoilt(|m| graph_of(m).output.clear()), "the network has 1 inputs and 0 outputs; one of each is due"),
        (
            spoilt(|m| {
                let input = graph_of(m).input[0].clone();
                graph_of(m).input.push(ValueInfoProto { name: "second".into(), ..input });
            }),
            "the network has 2 inputs and 1 outputs; one of each is due",
        ),
        (b"\xff\xff\xff\xff".to_vec(), "not an ONNX file"),
    ];
    for (onnx, expected) in cases {
        assert_eq!(inspect(&onnx).expect_err(expected).to_string(), expected);
        assert!(Backbone::load(&onnx, &InputSpec::square(16)).is_err(), "nor does the runtime take it: {expected}");
    }
}

#[test]
fn a_truncated_network_is_refused_wherever_it_ends() {
    let onnx = tiny_backbone(1, 16, 4);
    for kept in (0..onnx.len()).step_by(7) {
        assert!(Backbone::load(&onnx[..kept], &InputSpec::square(16)).is_err(), "{kept} of {} bytes", onnx.len());
    }
}

#[test]
fn any_change_of_a_byte_gives_a_network_or_an_error() {
    let head = head(3, 4);
    for (position, value) in (0..head.len()).flat_map(|position| [1, 0x10, 0x80, 0xff].map(|value| (position, value))) {
        let mut changed = head.clone();
        changed[position] ^= value;
        // Whatever comes of it, the loader returns.
        if let Ok(head) = Head::load(&changed, 4, 3) {
            head.probabilities(&[0.1, 0.2, 0.3, 0.4]).ok();
        }
    }
}

#[test]
fn operator_sets_are_reconciled_or_the_difference_is_named() {
    let older = spoilt(|m| m.opset_import[0].version = 11);
    let merged = parse(&merge(&older, &head(3, 4)).expect("Gemm and Softmax are the same in 11")).expect("a network");
    assert_eq!(merged.opset_import, [OperatorSetIdProto { domain: String::new(), version: 11 }]);

    let mut odd = ModelProto::decode(&*head(3, 4)).expect("a network");
    graph_of(&mut odd).node.insert(1, NodeProto { op_type: "HardSwish".into(), ..NodeProto::default() });
    assert_eq!(
        merge(&older, &odd.encode_to_vec()).expect_err("another operator set").to_string(),
        "backbone and head cannot be merged: the backbone uses version 11 of the operators, the head version 13"
    );
    let ancient = spoilt(|m| m.opset_import[0].version = 6);
    assert!(merge(&ancient, &head(3, 4)).is_err(), "Gemm was another one before version 7");
}
