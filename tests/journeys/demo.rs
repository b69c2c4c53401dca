//! The demo, as a new user starts it: bins see items, an oracle labels, the hub retrains, and the
//! bins get better.

use std::process::Command;
use std::time::Duration;

use pilah_tests::hub::authorization;
use pilah_tests::program::{self, Process, eventually, within};
use serde_json::Value;

/// Items by which the accuracy in the field is judged: a standard error of 5.6 points at most. The demo
/// lets the model that ships classify some more before it retrains.
const ENOUGH: f64 = 80.0;

/// By how much it must rise, beyond chance. Most demonstrations gain two to four times as much.
const CLEARLY: f64 = 0.05;

#[test]
fn field_accuracy_rises_after_the_retraining() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(program::path("pilah-hub"));
    command.current_dir(program::repository());
    command.arg("demo").arg("--data").arg(folder.path().join("data"));
    command.arg("--edge-program").arg(program::path("pilah-edge"));
    let mut demo = Process::start(&mut command, &folder.path().join("log"));

    let line = |demo: &mut Process, key: &str| {
        eventually(key, || {
            assert!(demo.is_running(), "the demo ended:\n{}", demo.output());
            let output = demo.output();
            let found = output.lines().find_map(|l| l.trim().strip_prefix(key)).map(|v| v.trim().to_owned());
            found.ok_or(output)
        })
    };
    let url = line(&mut demo, "Dashboard:");
    let password = line(&mut demo, "password:");
    assert!(url.starts_with("http://127.0.0.1:"), "the demo opens nothing on public interfaces: {url}");

    let page = ureq::get(&url).header("Accept", "text/html").call().and_then(|mut r| r.body_mut().read_to_string());
    assert!(page.expect("the page is served").contains("<title>Pilah"), "a browser gets the page");

    let get = |path: &str| -> Result<Value, String> {
        let request = ureq::get(format!("{}{path}", url.trim_end_matches('/')))
            .header("Authorization", authorization("admin", &password));
        request.call().and_then(|mut r| r.body_mut().read_json()).map_err(|e| format!("{path}: {e}"))
    };
    let (before, after) = within(Duration::from_secs(600), "field accuracy before and after", || {
        assert!(demo.is_running(), "the demo ended:\n{}", demo.output());
        let field = get("/api/v1/field")?;
        let models = field["models"].as_array().ok_or("no list")?;
        let judged: Vec<(f64, f64)> =
            models.iter().filter_map(|m| Some((m["right"].as_f64()?, m["items"].as_f64()?))).collect();
        let sum = |some: &[(f64, f64)]| some.iter().fold((0.0, 0.0), |(r, i), (right, items)| (r + right, i + items));
        // The first is the model that ships; all others were trained here.
        let (shipped, trained) = judged.split_at(judged.len().min(1));
        match (sum(shipped), sum(trained)) {
            ((before, of_before), (after, of_after)) if of_before >= ENOUGH && of_after >= ENOUGH => {
                Ok((before / of_before, after / of_after))
            }
            _ => Err(format!("{field}\n{}", demo.output())),
        }
    });
    assert!(after > before + CLEARLY, "field accuracy must rise clearly: {before:.2} → {after:.2}\n{}", demo.output());
}
