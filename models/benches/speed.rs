//! What a model costs: `cargo bench -p pilah-models --features train`; with `--profile dev`, in which all
//! that computes is optimised as well, nothing is compiled anew. Medians, one thread per call.
//!
//! Runs on the tiny backbone, on `models/default` if it is there, and on the example backbones in
//! `$PILAH_SHARED/data/backbones` (default `../shared`). Plain timing without a framework: the calls
//! take milliseconds, so a stopwatch is enough.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs};

use pilah_models::bundle::{Bundle, InputSpec};
use pilah_models::infer::{Backbone, Head, golden};
use pilah_models::onnx::{tiny_backbone, write_head};
use pilah_models::picture::{Limits, decode};
use pilah_models::preprocess::{encode_jpeg, resize, to_tensor};
use pilah_models::train::{Examples, HeadParams, fit};

const REPEATS: usize = 15;
const CLASSES: usize = 6;

fn main() {
    println!("{:<34} {:>12}", "what", "median");
    preprocessing();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let spec = InputSpec::square(32);
    network("tiny", &tiny_backbone(1, 32, 16), &spec);
    if let Ok(bundle) = Bundle::read(&repository.join("models/default")) {
        network("models/default", bundle.backbone(), &bundle.manifest().input);
    }
    let shared = env::var_os("PILAH_SHARED").map_or_else(|| repository.join("../shared"), PathBuf::from);
    for name in ["mobilenet_v2_0.35_224", "mobilenet_v2_1.0_224"] {
        if let Ok(onnx) = fs::read(shared.join(format!("data/backbones/{name}.onnx"))) {
            network(name, &onnx, &InputSpec::square(224));
        }
    }
    training();
}

fn preprocessing() {
    let image = &golden::images(&InputSpec { width: 1024, height: 720, ..InputSpec::square(8) })[1];
    let jpeg = encode_jpeg(image, usize::MAX).expect("encodes");
    report("decode 1024×720 JPEG", || decode(&jpeg, &Limits::default()).expect("decodes"));
    report("resize 1024×720 to 224×224", || resize(image, 224, 224));
    let small = resize(image, 224, 224);
    report("tensor of 224×224", || to_tensor(&small, &InputSpec::square(224)));
}

fn network(name: &str, onnx: &[u8], spec: &InputSpec) {
    report(&format!("load {name}"), || Backbone::load(onnx, spec).expect("loads"));
    let backbone = Backbone::load(onnx, spec).expect("loads");
    let image = &golden::images(spec)[0];
    report(&format!("embed {name}"), || backbone.embed(image).expect("runs"));
    let length = backbone.embedding_len();
    let weights = vec![0.01; CLASSES * length];
    let head = Head::load(&write_head(&weights, &[0.0; CLASSES], CLASSES, length), length, CLASSES).expect("loads");
    let embedding = backbone.embed(image).expect("runs");
    report(&format!("head of {name}"), || head.probabilities(&embedding).expect("runs"));
}

/// 2,000 examples of 1,280 numbers, all 100 epochs.
fn training() {
    let mut examples = Examples::new(1280);
    for row in 0..2000_u32 {
        let target = (row % 6) as usize;
        let noise = |column: u32| ((row * 1280 + column).wrapping_mul(0x9e37_79b1) >> 8) as f32 / (1 << 24) as f32;
        let embedding: Vec<f32> = (0..1280)
            .map(|column| noise(column) + if column as usize % CLASSES == target { 0.1 } else { 0.0 })
            .collect();
        examples.push(&embedding, target);
    }
    let params = HeadParams { epochs: 100, patience: 100, ..HeadParams::default() };
    let start = Instant::now();
    let fitted = fit(&examples, &examples, CLASSES, &params, &mut |_| ControlFlow::Continue(())).expect("fits");
    show(&format!("fit 2000×1280, {} epochs", fitted.history.len()), start.elapsed());
}

fn report<T>(what: &str, mut run: impl FnMut() -> T) {
    black_box(run());
    let mut times: Vec<Duration> = (0..REPEATS)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed()
        })
        .collect();
    times.sort();
    show(what, times[REPEATS / 2]);
}

fn show(what: &str, time: Duration) {
    println!("{what:<34} {:>9.3} ms", time.as_secs_f64() * 1000.0);
}
