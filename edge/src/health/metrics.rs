//! The bin's figures as Prometheus reads them: its text format, version 0.0.4.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>
//!
//! Names follow its conventions: base units, `_total` for what only grows. Nothing here tells what was
//! seen: no picture, and of an item its class alone.

use std::fmt::{Display, Write as _};
use std::time::Instant;

use pilah_models::wire::{CameraState, ThrottlingReason};

use super::machine::Machine;
use super::vitals::{DECISION_BOUNDS, Vitals};
use crate::telemetry::Counters;

/// The media type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All figures at `now`.
#[must_use]
pub fn render(vitals: &Vitals, counters: &Counters, machine: &Machine, now: Instant) -> String {
    let mut text = Text::default();
    text.one("pilah_build_info", "gauge", "The version of the program.", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.one("pilah_model_info", "gauge", "The model in force.", &[("version", vitals.model.as_str())], 1);
    let on_trial = u8::from(vitals.probation.is_some());
    text.one("pilah_model_on_trial", "gauge", "Whether the model in force may still be taken back.", &[], on_trial);
    let taken_back = vitals.taken_back;
    text.one("pilah_models_taken_back", "gauge", "Models that the bin does not install again.", &[], taken_back);
    let unanswered = counters.unanswered.get();
    text.one("pilah_frames_unanswered_total", "counter", "Frames that the model could not answer.", &[], unanswered);
    let uptime = now.saturating_duration_since(vitals.started).as_secs_f64();
    text.one("pilah_uptime_seconds", "gauge", "Since the program started.", &[], uptime);
    text.one("pilah_connected", "gauge", "Whether the broker is connected.", &[], u8::from(vitals.connected));
    let streaming = u8::from(vitals.camera == CameraState::Streaming);
    text.one("pilah_camera_streaming", "gauge", "Whether frames arrive.", &[], streaming);
    text.one("pilah_frames_total", "counter", "Frames that the trigger looked at.", &[], counters.frames.get());
    let skipped = counters.frames_skipped.get();
    text.one("pilah_frames_skipped_total", "counter", "Frames that a newer one took the place of.", &[], skipped);
    let corrupt = counters.frames_corrupt.get();
    text.one("pilah_frames_corrupt_total", "counter", "Frames that could not be decoded.", &[], corrupt);
    let refused = counters.refused.get();
    text.one("pilah_refused_messages_total", "counter", "Messages to the bin that were refused.", &[], refused);
    view(&mut text, vitals, now);
    items(&mut text, vitals);
    outbox(&mut text, vitals);
    body(&mut text, vitals);
    of_machine(&mut text, machine);
    text.0
}

fn view(text: &mut Text, vitals: &Vitals, now: Instant) {
    let state = vitals.view.state(now.saturating_duration_since(vitals.started));
    let known = u8::from(state.known);
    text.one("pilah_chamber_known", "gauge", "Whether the empty chamber is known; nothing is sure before.", &[], known);
    let name = "pilah_items_without_gap_total";
    text.one(name, "counter", "Items that were told from the one before by their looks.", &[], state.without_gap);
    let name = "pilah_unclear_gaps_total";
    text.one(name, "counter", "How often an item and the next could not be told apart.", &[], state.unclear);
}

fn items(text: &mut Text, vitals: &Vitals) {
    let tally = &vitals.tally;
    text.head("pilah_items_total", "counter", "Items by the likeliest class and whether the answer was sure.");
    for ((label, sure), count) in &tally.items {
        text.sample("pilah_items_total", &[("label", label.as_str()), ("sure", &sure.to_string())], count);
    }
    let name = "pilah_decision_seconds";
    text.head(name, "histogram", "From the moment an item lay still to the decision.");
    let mut within = 0;
    for (bound, count) in DECISION_BOUNDS.iter().zip(&tally.decisions) {
        within += count;
        text.sample("pilah_decision_seconds_bucket", &[("le", &bound.to_string())], within);
    }
    text.sample("pilah_decision_seconds_bucket", &[("le", "+Inf")], tally.count());
    text.sample("pilah_decision_seconds_sum", &[], tally.deciding.as_secs_f64());
    text.sample("pilah_decision_seconds_count", &[], tally.count());
}

fn outbox(text: &mut Text, vitals: &Vitals) {
    let state = vitals.outbox;
    text.one("pilah_outbox_entries", "gauge", "Entries that wait for the hub.", &[], state.entries);
    text.one("pilah_outbox_bytes", "gauge", "Size of what waits for the hub.", &[], state.bytes);
    let name = "pilah_outbox_dropped_total";
    text.head(name, "counter", "Entries dropped because the outbox was full.");
    text.sample(name, &[("kind", "event")], state.dropped_events);
    text.sample(name, &[("kind", "sample")], state.dropped_samples);
    text.one("pilah_outbox_damaged_total", "counter", "Entries found damaged and set aside.", &[], state.damaged);
    let (aside, smaller) = (state.set_aside.unwrap_or(0), state.made_smaller.unwrap_or(0));
    text.one("pilah_outbox_set_aside", "gauge", "Entries that the broker or the hub does not take.", &[], aside);
    text.one("pilah_samples_made_smaller_total", "counter", "Images made smaller for the broker.", &[], smaller);
}

fn body(text: &mut Text, vitals: &Vitals) {
    if let Some(fill) = vitals.fill {
        text.one("pilah_fill_ratio", "gauge", "How full the bin is, 0 to 1.", &[], fill);
    }
    if let Some(actuator) = &vitals.actuator {
        text.one("pilah_flaps_opened_total", "counter", "Flaps that were opened.", &[], actuator.opened);
        let failed = actuator.failed;
        text.one(
            "pilah_flaps_failed_total",
            "counter",
            "Flaps that should have been opened and were not.",
            &[],
            failed,
        );
        let fault = u8::from(actuator.fault.is_some());
        text.one("pilah_flaps_faulty", "gauge", "Whether something is wrong with the flaps.", &[], fault);
    }
}

fn of_machine(text: &mut Text, machine: &Machine) {
    if let Some(temperature) = machine.temperature_c {
        text.one("pilah_temperature_celsius", "gauge", "Temperature of the processor.", &[], temperature);
    }
    if let Some(throttling) = &machine.throttling {
        let name = "pilah_throttled";
        text.head(name, "gauge", "Whether the machine slows itself down now, by reason.");
        for (reason, word) in [
            (ThrottlingReason::UnderVoltage, "under_voltage"),
            (ThrottlingReason::FrequencyCapped, "frequency_capped"),
            (ThrottlingReason::Throttled, "throttled"),
            (ThrottlingReason::SoftTemperatureLimit, "soft_temperature_limit"),
        ] {
            text.sample(name, &[("reason", word)], u8::from(throttling.now.contains(&reason)));
        }
    }
    if let Some(disk) = machine.disk {
        text.one("pilah_disk_free_bytes", "gauge", "What is left on the bin's file system.", &[], disk.free_bytes);
        text.one("pilah_disk_size_bytes", "gauge", "Size of the bin's file system.", &[], disk.total_bytes);
    }
    text.one("pilah_clock_synced", "gauge", "Whether the clock can be trusted.", &[], u8::from(machine.clock_synced));
    if let Some(bytes) = machine.memory_bytes {
        text.one("process_resident_memory_bytes", "gauge", "Memory that the program takes.", &[], bytes);
    }
    if let Some(time) = machine.processor {
        let seconds = time.as_secs_f64();
        text.one("process_cpu_seconds_total", "counter", "Time of the processor that the program took.", &[], seconds);
    }
}

/// The text format.
#[derive(Default)]
struct Text(String);

impl Text {
    /// A metric with one sample.
    fn one(&mut self, name: &str, kind: &str, help: &str, labels: &[(&str, &str)], value: impl Display) {
        self.head(name, kind, help);
        self.sample(name, labels, value);
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// Labels are written as they are: versions and classes hold nothing that would have to be escaped.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.line(format_args!("{name}{labels} {value}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("writing to a String cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use pilah_models::name::{Label, ModelVersion};
    use pilah_models::wire::{ActuatorState, Disk, OutboxState, Throttling};

    use super::*;
    use crate::health::vitals::Tally;
    use crate::pipeline::View;

    fn example() -> (String, Instant) {
        let started = Instant::now();
        let label = |name: &str| Label::new(name).expect("valid");
        let vitals = Vitals {
            started,
            connected: true,
            camera: CameraState::Streaming,
            model: ModelVersion::new("m1").expect("valid"),
            probation: None,
            taken_back: 2,
            outbox: OutboxState { entries: 2, bytes: 300, dropped_samples: 1, ..OutboxState::default() },
            tally: Tally {
                items: [((label("glass"), true), 4), ((label("metal"), false), 1)].into(),
                decisions: [3, 0, 1, 0, 0, 0, 0, 0, 0, 1],
                deciding: Duration::from_millis(12_500),
            },
            actuator: Some(ActuatorState { opened: 4, failed: 1, fault: Some("stuck".into()) }),
            fill: Some(0.25),
            view: View { chamber_known: true, ..View::default() },
        };
        let machine = Machine {
            temperature_c: Some(51.5),
            throttling: Some(Throttling { now: vec![ThrottlingReason::Throttled], since_boot: Vec::new() }),
            disk: Some(Disk { free_bytes: 7, total_bytes: 9 }),
            memory_bytes: Some(1024),
            processor: Some(Duration::from_millis(2_500)),
            clock_synced: true,
        };
        let counters = Counters::default();
        counters.frames.add(600);
        (render(&vitals, &counters, &machine, started + Duration::from_secs(60)), started)
    }

    #[test]
    fn figures_are_told_by_name_unit_and_label() {
        let (text, _) = example();
        for line in [
            "pilah_model_info{version=\"m1\"} 1",
            "pilah_model_on_trial 0",
            "pilah_models_taken_back 2",
            "pilah_uptime_seconds 60",
            "pilah_frames_total 600",
            "pilah_items_total{label=\"glass\",sure=\"true\"} 4",
            "pilah_items_total{label=\"metal\",sure=\"false\"} 1",
            "pilah_decision_seconds_bucket{le=\"0.025\"} 3",
            "pilah_decision_seconds_bucket{le=\"0.1\"} 4",
            "pilah_decision_seconds_bucket{le=\"10\"} 4",
            "pilah_decision_seconds_bucket{le=\"+Inf\"} 5",
            "pilah_decision_seconds_sum 12.5",
            "pilah_outbox_dropped_total{kind=\"sample\"} 1",
            "pilah_throttled{reason=\"throttled\"} 1",
            "pilah_throttled{reason=\"under_voltage\"} 0",
            "pilah_temperature_celsius 51.5",
            "process_cpu_seconds_total 2.5",
            "pilah_fill_ratio 0.25",
            "pilah_chamber_known 1",
            "pilah_items_without_gap_total 0",
            "pilah_flaps_failed_total 1",
            "pilah_flaps_faulty 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn every_sample_stands_under_its_own_head_and_none_comes_twice() {
        let (text, _) = example();
        let (mut of, mut kind, mut seen) = (String::new(), String::new(), BTreeSet::new());
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            if let Some(head) = line.strip_prefix("# TYPE ") {
                let (name, what) = head.split_once(' ').expect("name and kind");
                (of, kind) = (name.to_owned(), what.to_owned());
                assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
                assert!(seen.insert(head.to_owned()), "{head} comes twice");
            } else if !line.starts_with("# HELP ") {
                let (series, value) = line.rsplit_once(' ').expect("series and value");
                let name = series.split('{').next().expect("a name");
                let base = if kind == "histogram" { name.rsplit_once('_').expect("a suffix").0 } else { name };
                assert_eq!(base, of, "{line}");
                assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
                assert!(seen.insert(series.to_owned()), "{series} comes twice");
            }
        }
    }

    #[test]
    fn what_a_machine_does_not_tell_is_left_out() {
        let (_, started) = example();
        let vitals = Vitals::new(ModelVersion::new("m1").expect("valid"), started);
        let text = render(&vitals, &Counters::default(), &Machine::default(), started);
        for absent in ["temperature", "throttled", "disk", "process_", "fill", "flaps"] {
            assert!(!text.contains(absent), "{absent} is in\n{text}");
        }
        assert!(text.contains("pilah_connected 0\n"));
    }
}
