//! A whole bin against a broker and a hub of a few lines, which do as they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pilah_models::bundle::Bundle;
use pilah_models::wire::{
    CameraIs, CommandResult, Event as ItemEvent, Message, Reply, Reported, Sample, SampleReason, Status, Telemetry,
    UpdateState,
};
use tokio::sync::oneshot;

use super::*;
use crate::testing::{self, bundle, lying_bundle};

/// The broker, and the hub behind it.
mod broker;

/// Models that the hub wants.
mod updates;

/// Models on trial.
mod trials;

use broker::{Artifacts, Broker, Manners};

struct Setup {
    folder: tempfile::TempDir,
    photos: tempfile::TempDir,
    broker: Broker,
}

impl Setup {
    fn new(photos: u8, manners: Manners) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        bundle("m1", 1).write(&folder.path().join("shipped")).expect("writes");
        std::fs::write(folder.path().join("password"), "s3cret\n").expect("writes");
        Self { folder, photos: testing::photos(photos), broker: Broker::start(manners) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A configuration that is as fast as can be; `camera` and `more` are added to it.
    fn config(&self, camera: &str, more: &str) -> Config {
        let text = format!(
            r#"
            version = 1
            data_dir = {data:?}
            bin.id = "b1"
            model.bundle = {shipped:?}
            telemetry.every_s = 0.1
            samples.random_share = 1.0
            {more}
            [camera]
            kind = "replay"
            folder = {photos:?}
            {camera}
            [mqtt]
            url = "mqtt://{broker}"
            password_file = {password:?}
            reconnect_min_s = 0.01
            reconnect_max_s = 0.05
            resend_after_s = 0.2
            in_flight = 4
            "#,
            data = self.path("data"),
            shipped = self.path("shipped"),
            photos = self.photos.path(),
            broker = self.broker.address(),
            password = self.path("password"),
        );
        Config::parse(Path::new("edge.toml"), &text).expect("valid")
    }
}

/// A bin that runs until it is told to stop.
struct Running {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<Ended, RunError>>,
}

impl Running {
    fn start(config: Config) -> Self {
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move { drop(stopped.await) };
        Self { stop, task: tokio::spawn(run(config, shutdown)) }
    }

    async fn stop(self) {
        self.stop.send(()).expect("it runs");
        assert_eq!(self.task.await.expect("it ends").expect("without an error"), Ended::Stopped);
    }
}

/// The items that reached the broker by their number; an item that came twice came as the same.
fn items(broker: &Broker) -> BTreeMap<(u32, u64), ItemEvent> {
    let mut items = BTreeMap::new();
    for payload in broker.published("events") {
        let item = ItemEvent::decode(&payload).expect("a valid event");
        let number = (item.header.epoch, item.header.seq);
        if let Some(before) = items.insert(number, item.clone()) {
            assert_eq!(before, item, "a number names one message");
        }
    }
    items
}

fn last<M: Message>(broker: &Broker, channel: &str) -> Option<M> {
    broker.published(channel).last().map(|payload| M::decode(payload).expect("a valid message"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_photo_arrives_once_with_its_image_and_the_bin_ends_when_told() {
    let setup = Setup::new(6, Manners::default());
    run(setup.config("then = \"exit\"", ""), std::future::pending()).await.expect("it ends by itself");
    let items = items(&setup.broker);
    assert_eq!(items.len(), 6);
    assert_eq!(setup.broker.published("events").len(), 6, "none was sent twice");
    assert!(items.values().all(|item| item.truth.is_some() && item.latency_ms > 0.0));
    let events: BTreeSet<u64> = items.keys().map(|(_, seq)| *seq).collect();
    let samples = setup.broker.published("samples");
    assert_eq!(samples.len(), 6);
    for sample in samples {
        let Sample { meta, jpeg } = Sample::decode(&sample).expect("a valid sample");
        assert!(events.contains(&meta.event) && !events.contains(&meta.header.seq));
        assert_eq!((meta.width, meta.height, &jpeg[..2]), (64, 48, &[0xff, 0xd8][..]));
    }
    let statuses: Vec<Status> =
        setup.broker.published("status").iter().map(|s| Status::decode(s).expect("a valid status")).collect();
    assert!(statuses[0].online && !statuses.last().expect("several").online);
    assert!(statuses.iter().any(|status| status.camera == CameraState::Ended));
    let reported: Reported = last(&setup.broker, "reported").expect("it reports");
    assert_eq!((reported.model.as_str(), reported.update), ("m1", UpdateState::Idle));
    assert_eq!(setup.broker.will().map(|will| will.online), Some(false));
    assert!(Outbox::open(&setup.path("data/outbox"), crate::outbox::OutboxRules::default()).expect("opens").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_arrives_over_connections_that_break_again_and_again() {
    let setup = Setup::new(12, Manners { cut_after: Some(6), ..Manners::default() });
    run(setup.config("then = \"exit\"", ""), std::future::pending()).await.expect("it ends by itself");
    assert_eq!(items(&setup.broker).len(), 12);
    assert!(setup.broker.connections() > 3, "{} connections", setup.broker.connections());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_acknowledged_is_sent_again_and_survives_a_restart() {
    let setup = Setup::new(8, Manners { acknowledge: false, ..Manners::default() });
    let broker = &setup.broker;
    let mut config = setup.config("", "");
    config.mqtt.in_flight = 32;
    let running = Running::start(config);
    broker.wait_for("all items, some again", |b| items(b).len() == 8 && b.published("events").len() > 8);
    running.stop().await;
    let before = items(broker);

    // The hub is back: the bin sends all that waited, under the same numbers.
    broker.behave(Manners::default());
    broker.forget();
    let one = testing::photos(1);
    let mut config = setup.config("then = \"exit\"", "");
    let CameraConfig::Replay(replay) = &mut config.camera else { panic!("a replay") };
    replay.folder = one.path().to_owned();
    run(config, std::future::pending()).await.expect("it ends by itself");
    let after = items(broker);
    assert_eq!(after.len(), 9, "eight that waited and a new one");
    assert!(before.iter().all(|(number, item)| after.get(number) == Some(item)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_alone_acknowledges_where_that_is_configured() {
    let setup = Setup::new(4, Manners { acknowledge: false, ..Manners::default() });
    let mut config = setup.config("then = \"exit\"", "");
    config.mqtt.ack = crate::link::AckBy::Broker;
    run(config, std::future::pending()).await.expect("it ends by itself");
    assert_eq!(items(&setup.broker).len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_understood_is_counted_and_stops_nothing() {
    let setup = Setup::new(3, Manners::default());
    let running = Running::start(setup.config("repeat = true\nframes_per_second = 100", ""));
    let broker = &setup.broker;
    broker.wait_for("a first item", |b| !items(b).is_empty());
    broker.say("pilah/v1/bins/b1/desired", b"not JSON");
    broker.say("pilah/v1/bins/b1/acks", br#"{"v":9}"#);
    broker.say("pilah/v1/bins/b1/commands", br#"{"v":1,"command":"explode"}"#);
    broker.acknowledge(&[(12345, 1)]);
    broker.wait_for("four refusals", |b| last::<Telemetry>(b, "telemetry").is_some_and(|t| t.refused >= 4));
    let before = items(broker).len();
    broker.wait_for("further items", |b| items(b).len() > before);
    running.stop().await;
}

/// What the bin said of its presence so far.
fn statuses(broker: &Broker) -> Vec<Status> {
    broker.published("status").iter().map(|status| Status::decode(status).expect("a valid status")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bin_that_is_said_to_be_gone_says_that_it_is_here() {
    let setup = Setup::new(1, Manners::default());
    let running = Running::start(setup.config("", ""));
    let broker = &setup.broker;
    let ended = |b: &Broker| statuses(b).last().is_some_and(|status| status.camera == CameraState::Ended);
    broker.wait_for("the last word on the camera", ended);
    let first = statuses(broker)[0].clone();
    assert_eq!((first.connection, first.former.len(), first.camera_is), (Some(1), 0, Some(CameraIs::Replay)));
    let will = broker.will().expect("there is a will");
    assert_eq!((will.connection, will.header.epoch), (Some(1), first.header.epoch), "the will is of this connection");
    assert!(will.header.seq < first.header.seq);

    // What a broker kept of a connection before, and what a twin says.
    let own = format!("{}/bins/b1/status", pilah_models::wire::topic::ROOT);
    let before = statuses(broker).len();
    broker.say(&own, &will.encode());
    broker.wait_for("its word", |b| statuses(b).len() > before);
    assert!(statuses(broker).last().is_some_and(|status| status.online && status.connection == Some(1)));
    for connection in 1..=3 {
        let header = pilah_models::wire::Header { epoch: first.header.epoch ^ 1, ..will.header.clone() };
        let twin = Status { header, online: true, connection: Some(connection), ..will.clone() };
        broker.say(&own, &twin.encode());
    }
    broker.wait_for("a note of the twin", |_| setup.path("data/twin.json").exists());

    // The hub asks who is there.
    broker.forget();
    let hub = r#"{"v":1,"at":"2026-01-02T03:04:05Z","online":true,"software":"0"}"#;
    broker.say(pilah_models::wire::topic::HUB_STATUS, hub.as_bytes());
    broker.wait_for("all that it says of itself", |b| {
        ["status", "reported", "telemetry"].iter().all(|channel| !b.published(channel).is_empty())
    });
    let reported: Reported = last(broker, "reported").expect("it reports");
    let telemetry: Telemetry = last(broker, "telemetry").expect("it tells");
    assert_eq!((reported.connection, telemetry.connection), (Some(1), Some(1)));
    running.stop().await;

    // The next start is an epoch of its own, and names the one before.
    broker.forget();
    let running = Running::start(setup.config("", ""));
    broker.wait_for("the next start", |b| statuses(b).iter().any(|status| status.online));
    let next = statuses(broker)[0].clone();
    assert_ne!(next.header.epoch, first.header.epoch);
    assert_eq!(next.former, [first.header.epoch]);
    assert!(!setup.path("data/twin.json").exists(), "it looks anew");
    running.stop().await;
}

/// What came of the commands so far.
fn replies(broker: &Broker) -> Vec<Reply> {
    broker.published("replies").iter().map(|reply| Reply::decode(reply).expect("a valid reply")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bin_does_what_it_is_asked_and_says_what_came_of_it() {
    let setup = Setup::new(3, Manners::default());
    let running = Running::start(setup.config("repeat = true\nframes_per_second = 100", "samples.unsure = false"));
    let broker = &setup.broker;
    let mut asked = 0;
    let mut ask = |command: &str| {
        asked += 1;
        broker.command(asked, command);
        broker.wait_for(command, |b| replies(b).iter().any(|reply| reply.of_seq == asked));
        replies(broker).into_iter().rfind(|reply| reply.of_seq == asked).expect("it came").result
    };
    broker.wait_for("a first item", |b| !items(b).is_empty());

    let CommandResult::Done { about: Some(event), what } = ask("mark_wrong") else { panic!("there was an item") };
    let marked = |b: &Broker| {
        let samples = b.published("samples").into_iter().map(|s| Sample::decode(&s).expect("a valid sample").meta);
        samples.filter(|meta| meta.reason == SampleReason::Wrong).map(|meta| meta.event).collect::<Vec<_>>()
    };
    broker.wait_for("its picture", |b| marked(b) == [event]);
    assert!(items(broker).keys().any(|(_, seq)| *seq == event), "{what}");

    let CommandResult::Done { about: Some(own), .. } = ask("capture") else { panic!("the camera works") };
    let captured = |b: &Broker| {
        let mut samples = b.published("samples").into_iter().map(|s| Sample::decode(&s).expect("a valid sample").meta);
        samples.any(|meta| meta.reason == SampleReason::Requested && meta.event == own && meta.header.seq == own)
    };
    broker.wait_for("the picture", captured);

    let CommandResult::Refused { error } = ask("identify") else { panic!("there is no light") };
    assert!(error.contains("gpio.light"), "{error}");

    broker.command(90, "restart");
    let task = running.task;
    assert_eq!(task.await.expect("it ends").expect("without an error"), Ended::Restart);
    let said = replies(broker);
    assert!(matches!(said.last().map(|reply| (reply.of_seq, &reply.result)), Some((90, CommandResult::Done { .. }))));
    assert_eq!(last::<Status>(broker, "status").map(|status| status.online), Some(false), "it has said goodbye");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bin_that_has_seen_nothing_says_so_and_does_no_command_twice() {
    let setup = Setup::new(0, Manners::default());
    let running = Running::start(setup.config("", ""));
    let broker = &setup.broker;
    broker.wait_for("the bin", |b| last::<Status>(b, "status").is_some_and(|status| status.online));
    for (number, command) in [(1, "mark_wrong"), (1, "mark_wrong"), (2, "identify")] {
        broker.command(number, command);
    }
    broker.wait_for("the last reply", |b| replies(b).iter().any(|reply| reply.of_seq == 2));
    assert_eq!(replies(broker).iter().map(|reply| reply.of_seq).collect::<Vec<_>>(), [1, 2]);
    let CommandResult::Refused { error } = &replies(broker)[0].result else { panic!("there was no item") };
    assert_eq!(error, "there was no item since the program started");
    running.stop().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flaps_move_and_the_fill_level_is_told_and_neither_stops_the_bin_when_it_fails() {
    let setup = Setup::new(3, Manners::default());
    let log = setup.path("flaps");
    let more = format!(
        r#"
        [act]
        by = "program"
        command = ["sh", "-c", "echo $1 >> {log}", "flap"]
        pause_s = 0.0
        [fill]
        from = "program"
        command = ["echo", "40"]
        "#,
        log = log.display()
    );
    let broker = &setup.broker;
    let running = Running::start(setup.config("repeat = true\nframes_per_second = 50", &more));
    let telemetry = |b: &Broker| last::<Telemetry>(b, "telemetry");
    let opened = |t: &Telemetry| t.actuator.as_ref().map_or(0, |a| a.opened);
    broker.wait_for("flaps and level", |b| telemetry(b).is_some_and(|t| opened(&t) >= 3 && t.fill == Some(0.4)));
    running.stop().await;
    let moved = std::fs::read_to_string(&log).expect("flaps moved");
    assert!(moved.lines().all(|flap| ["rest", "glass", "metal", "paper"].contains(&flap) || flap.len() > 3), "{moved}");

    broker.forget();
    let more = r#"
        [gpio]
        chip = "/dev/gpiochip-none"
        button = 4
        light = 5
        [act]
        by = "lines"
        lines = { glass = 1 }
        rest = 2
        [fill]
        from = "program"
        command = ["false"]
    "#;
    let running = Running::start(setup.config("repeat = true\nframes_per_second = 50", more));
    broker.wait_for("the fault, and items", |b| {
        let fault = telemetry(b).and_then(|t| t.actuator).filter(|a| a.failed > 0).and_then(|a| a.fault);
        fault.is_some_and(|fault| fault.contains("/dev/gpiochip-none: ")) && items(b).len() > 2
    });
    assert_eq!(telemetry(broker).and_then(|t| t.fill), None);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_folder_that_cannot_be_written_does_not_stop_the_bin() {
    let setup = Setup::new(4, Manners::default());
    std::fs::write(setup.path("data"), b"a file in the way").expect("writes");
    run(setup.config("then = \"exit\"", ""), std::future::pending()).await.expect("it ends by itself");
    assert_eq!(items(&setup.broker).len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bin_that_cannot_begin_says_why() {
    let setup = Setup::new(1, Manners::default());
    let running = Running::start(setup.config("repeat = true\nframes_per_second = 100", ""));
    setup.broker.wait_for("an item", |b| !items(b).is_empty());
    let why =
        |config| async { crate::words::in_words(&run(config, std::future::pending()).await.expect_err("it cannot")) };
    let words = why(setup.config("", "")).await;
    assert!(words.contains("data is in use by another pilah-edge"), "{words}");
    running.stop().await;

    let misspelt = setup.config("", "[act]\nby = \"lines\"\nlines = { metall = 1 }\nrest = 2");
    let words = why(misspelt).await;
    assert!(words.contains("flap for \"metall\"") && words.contains("did you mean \"metal\"?"), "{words}");
    let mut no_model = setup.config("", "");
    no_model.bundle = Some(setup.path("nothing"));
    assert!(why(no_model).await.contains("nothing cannot be used: cannot read"));
    let mut no_password = setup.config("", "");
    no_password.mqtt.password_file = Some(setup.path("nothing"));
    assert!(why(no_password).await.contains("mqtt.password_file"));
}

/// Years away from the real time, in either direction and beyond what any calendar has.
const JUMPS: [i64; 6] = [30, -55, 9_000, 0, -1, 400];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_by_years_loses_nothing_and_holds_up_nothing() {
    let setup = Setup::new(3, Manners { acknowledge: false, ..Manners::default() });
    let broker = &setup.broker;
    let years = Arc::new(std::sync::atomic::AtomicI64::new(0));
    let clock = {
        let years = Arc::clone(&years);
        Clock::new(move || {
            let years = years.load(std::sync::atomic::Ordering::SeqCst);
            let distance = Duration::from_secs(years.unsigned_abs() * 365 * 86_400);
            let now = std::time::SystemTime::now();
            if years < 0 { now - distance } else { now + distance }
        })
    };
    let start = |camera: &str| {
        let mut config = setup.config(camera, "");
        config.mqtt.in_flight = 1000;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run_by(clock.clone(), config, async move { drop(stopped.await) }));
        Running { stop, task }
    };

    // The hub is away, so everything waits in the outbox while the clock jumps, and is sent again and again.
    let running = start("repeat = true\nframes_per_second = 100");
    for jump in JUMPS {
        years.store(jump, std::sync::atomic::Ordering::SeqCst);
        let (items_before, telemetry_before) = (items(broker).len(), broker.published("telemetry").len());
        broker.wait_for("items and telemetry after the jump", |b| {
            items(b).len() > items_before && b.published("telemetry").len() > telemetry_before + 1
        });
    }
    running.stop().await;
    let before = items(broker);
    let times: BTreeSet<i16> =
        before.values().map(|item| item.header.at.to_zoned(jiff::tz::TimeZone::UTC).year()).collect();
    assert!(times.len() >= 4 && times.contains(&1970), "the clock did jump: {times:?}");
    let a_jump_away = |item: &&ItemEvent| {
        item.header.clock_synced && item.header.at < "2026-01-02T03:04:05Z".parse::<jiff::Timestamp>().expect("valid")
    };
    assert_eq!(before.values().filter(a_jump_away).count(), 0, "what is before the model was made is not trusted");

    // The next start is in the past of the last one. The hub is back, and gets all of it, in order.
    years.store(-40, std::sync::atomic::Ordering::SeqCst);
    broker.behave(Manners::default());
    broker.forget();
    let running = start("");
    broker.wait_for("all that waited, and new items", |b| items(b).len() >= before.len() + 3);
    running.stop().await;
    let after = items(broker);
    assert!(before.iter().all(|(number, item)| after.get(number) == Some(item)), "nothing was lost or changed");
    let rules = crate::outbox::OutboxRules::default();
    assert!(Outbox::open(&setup.path("data/outbox"), rules).expect("opens").is_empty(), "the hub has everything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_and_preview_are_served_and_a_taken_port_costs_nothing() {
    let setup = Setup::new(3, Manners::default());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
    let more = format!("metrics.listen = \"{free}\"\npreview.listen = \"{}\"", taken.local_addr().expect("bound"));
    let running = Running::start(setup.config("repeat = true\nframes_per_second = 100", &more));
    setup.broker.wait_for("an item", |b| !items(b).is_empty());
    let text = tokio::task::spawn_blocking(move || {
        let answer = ureq::get(format!("http://{free}/metrics")).call();
        answer.and_then(|mut answer| answer.body_mut().read_to_string()).expect("it answers")
    });
    let text = text.await.expect("no panic");
    for figure in ["pilah_connected 1\n", "pilah_camera_streaming 1\n", "pilah_model_info{version=\"m1\"} 1\n"] {
        assert!(text.contains(figure), "{figure} is not in\n{text}");
    }
    let counted = text.lines().filter_map(|line| line.strip_prefix("pilah_items_total{")?.rsplit_once(' '));
    assert!(counted.map(|(_, count)| count.parse::<u64>().expect("a count")).sum::<u64>() > 0, "{text}");
    let telemetry: Telemetry = last(&setup.broker, "telemetry").expect("it is told");
    assert!(telemetry.frames_skipped.is_some());
    if cfg!(target_os = "linux") {
        assert!(telemetry.disk.is_some() && telemetry.memory_bytes.is_some_and(|bytes| bytes > 1_000_000));
    }
    running.stop().await;
}
