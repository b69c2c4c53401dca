use proptest::prelude::*;

use super::*;
use crate::name::{ContentId, Label, ModelVersion, TargetName};

fn label() -> impl Strategy<Value = Label> {
    "[a-z0-9][a-z0-9_-]{0,31}".prop_map(|name| Label::new(name).expect("by the pattern"))
}

fn model() -> impl Strategy<Value = ModelVersion> {
    "[a-z0-9][a-z0-9._-]{0,63}".prop_map(|name| ModelVersion::new(name).expect("by the pattern"))
}

fn content() -> impl Strategy<Value = ContentId> {
    any::<[u8; 8]>().prop_map(|bytes| ContentId::of(&bytes))
}

fn header() -> impl Strategy<Value = Header> {
    let bin = "[a-z0-9][a-z0-9_-]{0,63}".prop_map(|id| BinId::new(id).expect("by the pattern"));
    // Years −1000 to 9000, to the nanosecond.
    let at = (-93_000_000_000..220_000_000_000_i64, 0..1_000_000_000_i32)
        .prop_map(|(seconds, nanoseconds)| Timestamp::new(seconds, nanoseconds).expect("within range"));
    (bin, any::<u32>(), any::<u64>(), at, any::<bool>()).prop_map(|(bin, epoch, seq, at, clock_synced)| Header {
        v: VERSION,
        bin,
        epoch,
        seq,
        at,
        clock_synced,
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![label().prop_map(|label| Outcome::Label { label }), label().prop_map(|guess| Outcome::Unsure { guess })]
}

fn truth() -> impl Strategy<Value = Option<Truth>> {
    let source = prop_oneof![Just(TruthSource::Virtual), Just(TruthSource::Replay)];
    proptest::option::of((label(), source).prop_map(|(label, source)| Truth { label, source }))
}

prop_compose! {
    fn event()(
        header in header(), outcome in outcome(), confidence in 0.0..=1.0_f32,
        probabilities in proptest::collection::btree_map(label(), 0.0..=1.0_f32, 0..7),
        model in model(), latency_ms in 0.0..1e6_f32, frames: u8, truth in truth(),
    ) -> Event {
        Event { header, outcome, confidence, probabilities, model, latency_ms, frames, truth }
    }
}

fn reason() -> impl Strategy<Value = SampleReason> {
    use SampleReason::{Disagreement, Random, Requested, Unsure, Wrong};
    proptest::sample::select(vec![Unsure, Disagreement, Random, Wrong, Requested])
}

prop_compose! {
    fn sample()(
        event in event(), of: u64, width: u32, height: u32,
        reason in reason(),
        jpeg in proptest::collection::vec(any::<u8>(), 0..3000),
    ) -> Sample {
        let Event { header, outcome, confidence, probabilities, model, truth, .. } = event;
        let meta = SampleMeta {
            header, event: of, reason, outcome, confidence, probabilities, model, width, height, truth,
        };
        Sample { meta, jpeg }
    }
}

fn throttling() -> impl Strategy<Value = Throttling> {
    use ThrottlingReason::{FrequencyCapped, SoftTemperatureLimit, Throttled, UnderVoltage};
    let some =
        || proptest::sample::subsequence(vec![UnderVoltage, FrequencyCapped, Throttled, SoftTemperatureLimit], 0..=4);
    (some(), some()).prop_map(|(now, since_boot)| Throttling { now, since_boot })
}

fn chamber() -> impl Strategy<Value = ChamberState> {
    any::<(bool, u64, u64, Option<String>)>().prop_map(|(known, without_gap, unclear, fault)| ChamberState {
        known,
        without_gap,
        unclear,
        fault,
    })
}

prop_compose! {
    fn telemetry()(
        header in header(), counts: [u64; 10], frames_skipped: Option<u64>,
        temperature_c in proptest::option::of(-40.0..120.0_f32),
        throttling in proptest::option::of(throttling()), memory_bytes: Option<u64>,
        disk in proptest::option::of(any::<[u64; 2]>().prop_map(|[free_bytes, total_bytes]| Disk { free_bytes, total_bytes })),
        fill in proptest::option::of(0.0..=1.0_f32),
        actuator in proptest::option::of((any::<u64>(), any::<u64>(), any::<Option<String>>())),
        connection: Option<u32>,
        chamber in proptest::option::of(chamber()),
        beyond: [Option<u64>; 3],
    ) -> Telemetry {
        let [uptime_s, frames, frames_corrupt, items, refused, entries, bytes, dropped_samples, dropped_events, damaged] = counts;
        let [set_aside, made_smaller, largest_message] = beyond;
        let outbox = OutboxState {
            entries, bytes, dropped_samples, dropped_events, damaged, set_aside, made_smaller, largest_message,
        };
        let actuator = actuator.map(|(opened, failed, fault)| ActuatorState { opened, failed, fault });
        Telemetry {
            header, uptime_s, frames, frames_corrupt, items, refused, outbox, temperature_c,
            frames_skipped, throttling, disk, memory_bytes, actuator, fill, connection, chamber,
        }
    }
}

fn update() -> impl Strategy<Value = UpdateState> {
    prop_oneof![
        Just(UpdateState::Idle),
        model().prop_map(|target| UpdateState::Fetching { target }),
        (model(), any::<String>()).prop_map(|(target, error)| UpdateState::Failed { target, error }),
    ]
}

fn trust() -> impl Strategy<Value = Trust> {
    use TrustBy::{Hub, Signatures, SignaturesWithoutTime, WaitingForTime};
    let by = proptest::sample::select(vec![Signatures, SignaturesWithoutTime, WaitingForTime, Hub]);
    (by, any::<(Option<u64>, Option<u64>, Option<String>)>()).prop_map(|(by, (root, targets, fault))| Trust {
        by,
        root,
        targets,
        fault,
    })
}

fn probation() -> impl Strategy<Value = Probation> {
    (model(), any::<[u64; 4]>()).prop_map(|(before, [items, of_items, seconds, of_seconds])| Probation {
        before,
        items,
        of_items,
        seconds,
        of_seconds,
    })
}

fn program() -> impl Strategy<Value = ProgramUpdate> {
    prop_oneof![
        any::<String>().prop_map(|target| ProgramUpdate::Fetching { target }),
        any::<String>().prop_map(|target| ProgramUpdate::Installing { target }),
        any::<String>().prop_map(|target| ProgramUpdate::Installed { target }),
        any::<(String, String)>().prop_map(|(target, error)| ProgramUpdate::Failed { target, error }),
    ]
}

prop_compose! {
    fn reported()(
        header in header(), model in model(), manifest in content(), update in update(), connection: Option<u32>,
        trust in proptest::option::of(trust()), probation in proptest::option::of(probation()),
        taken_back in proptest::collection::vec((model(), content(), any::<String>()), 0..=TAKEN_BACK),
        program in proptest::option::of(program()), update_bytes: Option<u64>,
    ) -> Reported {
        let taken_back = taken_back
            .into_iter()
            .map(|(version, manifest, reason)| TakenBack { version, manifest, reason })
            .collect();
        Reported { header, model, manifest, update, connection, trust, probation, taken_back, program, update_bytes }
    }
}

fn target_name() -> impl Strategy<Value = TargetName> {
    "[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}".prop_map(|name| TargetName::new(name).expect("by the pattern"))
}

fn read_back<M: Message + PartialEq + std::fmt::Debug>(message: &M) -> Result<(), TestCaseError> {
    prop_assert_eq!(&M::decode(&message.encode()).expect("its own encoding"), message);
    Ok(())
}

proptest! {
    #[test]
    fn an_event_is_read_back_as_it_was_written(event in event()) {
        read_back(&event)?;
    }

    #[test]
    fn a_sample_is_read_back_as_it_was_written(sample in sample()) {
        read_back(&sample)?;
    }

    #[test]
    fn what_a_bin_says_of_itself_is_read_back(telemetry in telemetry(), reported in reported()) {
        read_back(&telemetry)?;
        read_back(&reported)?;
    }

    #[test]
    fn presence_is_read_back_with_the_marks_of_its_start(
        header in header(), model in model(), online: bool, software: String, connection: Option<u32>,
        former in proptest::collection::vec(any::<u32>(), 0..=FORMER_EPOCHS),
        camera_is in proptest::option::of(proptest::sample::select(vec![CameraIs::Real, CameraIs::Virtual, CameraIs::Replay])),
        time_zone: Option<String>,
    ) {
        let camera = CameraState::Streaming;
        read_back(&Status { header, online, software, model, camera, connection, former, camera_is, time_zone })?;
    }

    #[test]
    fn what_the_hub_says_is_read_back(
        header in header(), of_epoch: u32, seqs: Vec<u64>, version in model(), manifest in content(),
        target in proptest::option::of(target_name()), program in proptest::option::of((any::<String>(), target_name())),
    ) {
        let program = program.map(|(version, target)| DesiredProgram { version, target });
        read_back(&Desired { header: header.clone(), model: Some(DesiredModel { version, manifest, target }), program })?;
        read_back(&Desired { header: header.clone(), model: None, program: None })?;
        read_back(&Acks { header, of_epoch, seqs })?;
    }

    #[test]
    fn a_command_and_its_reply_are_read_back(header in header(), epoch: u32, seq: u64, what: String, about: Option<u64>) {
        for request in Request::ALL {
            read_back(&Command { header: header.clone(), request })?;
        }
        let reply = |result| Reply { header: header.clone(), of_epoch: epoch, of_seq: seq, result };
        read_back(&reply(CommandResult::Done { what: what.clone(), about }))?;
        read_back(&reply(CommandResult::Refused { error: what.clone() }))?;
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes: Vec<u8>) {
        prop_assert!(Event::decode(&bytes).is_err());
        prop_assert!(Sample::decode(&bytes).is_err());
    }

    #[test]
    fn a_truncated_sample_is_refused(sample in sample(), share in 0.0..1.0_f64) {
        let bytes = sample.encode();
        prop_assert!(Sample::decode(&bytes[..(bytes.len() as f64 * share) as usize]).is_err());
    }
}

fn a_header() -> Header {
    Header {
        v: VERSION,
        bin: BinId::new("b1").expect("valid"),
        epoch: 7,
        seq: u64::MAX,
        at: "2026-01-02T03:04:05.678Z".parse().expect("valid"),
        clock_synced: true,
    }
}

fn an_event() -> Event {
    Event {
        header: a_header(),
        outcome: Outcome::Label { label: Label::new("glass").expect("valid") },
        confidence: 0.9,
        probabilities: [("glass", 0.9), ("metal", 0.1)].map(|(l, p)| (Label::new(l).expect("valid"), p)).into(),
        model: ModelVersion::new("m1").expect("valid"),
        latency_ms: 12.5,
        frames: 3,
        truth: None,
    }
}

fn a_sample(jpeg: usize) -> Sample {
    let Event { header, outcome, confidence, probabilities, model, truth, .. } = an_event();
    let (event, reason) = (1, SampleReason::Random);
    let meta =
        SampleMeta { header, event, reason, outcome, confidence, probabilities, model, width: 8, height: 8, truth };
    Sample { meta, jpeg: vec![0xff; jpeg] }
}

#[test]
fn a_message_of_another_version_is_refused_by_its_number() {
    let event = Event { header: Header { v: 9, ..a_header() }, ..an_event() };
    let expected = "a Event message of version 9; this build reads version 1";
    assert_eq!(Event::decode(&event.encode()).expect_err("version 9").to_string(), expected);
    // What else a later version holds does not matter: it may have lost every field that is due.
    assert_eq!(Event::decode(br#"{"v": 9, "other": []}"#).expect_err("version 9").to_string(), expected);

    let mut sample = a_sample(10);
    sample.meta.header.v = 2;
    assert!(matches!(Sample::decode(&sample.encode()), Err(DecodeError::Version { message: "Sample", found: 2 })));
}

#[test]
fn bytes_that_are_no_message_are_refused_with_the_reason() {
    let event = String::from_utf8(an_event().encode()).expect("JSON is text");
    let cases = [
        ("", "EOF"),
        ("hello", "expected value"),
        ("[]", "v"),
        ("{}", "missing field `v`"),
        (r#"{"v": 1}"#, "missing field"),
        (&event.replace("\"b1\"", "\"../b1\""), "bin id \"../b1\" is not valid"),
        (&event.replace("\"outcome\":\"label\"", "\"outcome\":\"maybe\""), "unknown variant `maybe`"),
        (&event.replace("2026-01-02", "yesterday"), "four digit integer as year"),
        (&event.replace("\"frames\":3", "\"frames\":300"), "300"),
        (&event[..event.len() - 1], "EOF"),
    ];
    for (bytes, expected) in cases {
        let error = Event::decode(bytes.as_bytes()).expect_err(expected).to_string();
        assert!(error.starts_with("not a Event message: ") && error.contains(expected), "{bytes}: {error}");
    }
    for bytes in [&b""[..], b"\x00", b"{\"v\":1}", &an_event().encode()] {
        let error = Sample::decode(bytes).expect_err("no CBOR sample").to_string();
        assert!(error.starts_with("not a Sample message: "), "{error}");
    }
}

#[test]
fn a_byte_string_that_claims_to_be_huge_is_refused_and_not_allocated() {
    let mut bytes = a_sample(10).encode();
    // The image is the last field: 0x4a, ten bytes. Let it claim 2^60.
    bytes.truncate(bytes.len() - 11);
    bytes.extend([0x5b, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
    assert!(matches!(Sample::decode(&bytes), Err(DecodeError::Malformed { .. })));
}

#[test]
fn what_is_too_large_is_refused_unread() {
    let spaces = vec![b' '; LARGEST_MESSAGE + 1];
    assert!(matches!(Event::decode(&spaces), Err(DecodeError::TooLarge(n)) if n == LARGEST_MESSAGE + 1));
    assert!(matches!(Sample::decode(&spaces), Err(DecodeError::TooLarge(_))));
    let error = Sample::decode(&a_sample(LARGEST_JPEG + 1).encode()).expect_err("too large an image").to_string();
    assert_eq!(error, "not a Sample message: its image has 122881 bytes, more than 122880");
}

#[test]
fn the_largest_sample_fits_a_message() {
    let mut sample = a_sample(LARGEST_JPEG);
    // Every class that a model can have, by the longest name.
    sample.meta.probabilities =
        (0..64).map(|i| (Label::new(format!("{i:0>32}")).expect("valid"), 1.0 / 64.0)).collect();
    sample.meta.model = ModelVersion::new("m".repeat(64)).expect("valid");
    sample.meta.header.bin = BinId::new("b".repeat(64)).expect("valid");
    let bytes = sample.encode();
    assert!(bytes.len() <= LARGEST_MESSAGE, "{} bytes", bytes.len());
    assert_eq!(Sample::decode(&bytes).expect("its own encoding"), sample);
}

#[test]
fn fields_that_a_newer_sender_adds_are_ignored() {
    let event = String::from_utf8(an_event().encode()).expect("JSON is text");
    let newer = event.replacen('{', r#"{"weight_g": 12, "nested": {"v": 9},"#, 1);
    assert_eq!(Event::decode(newer.as_bytes()).expect("ignores them"), an_event());

    let mut newer: ciborium::Value = ciborium::from_reader(&*a_sample(3).encode()).expect("CBOR");
    newer.as_map_mut().expect("a map").push(("thumbnail".into(), ciborium::Value::Bytes(vec![1])));
    newer.as_map_mut().expect("a map")[0].1.as_map_mut().expect("meta").push(("lux".into(), 7.into()));
    let mut bytes = Vec::new();
    ciborium::into_writer(&newer, &mut bytes).expect("encodes");
    assert_eq!(Sample::decode(&bytes).expect("ignores them"), a_sample(3));
}
