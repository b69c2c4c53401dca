//! One suite for all cameras: what [`Camera`] promises, each of them keeps. Sources are programs and servers of a few
//! lines, which give sixteen numbered pictures in turn, one of them cut off. For `v4l` the variable
//! `PILAH_TEST_VIDEO` names a device; without one, `tests/pi` proves it in a virtual machine.

use std::sync::Arc;
use std::time::Duration;

use pilah_models::wire::CameraState;

use super::chamber::{Chamber, ChamberConfig};
use super::feed::{Feed, Tell, read_camera};
use super::replay::{Replay, Showing};
use super::*;

/// Where the pictures come from.
mod sources;

use sources::{Folder, Program, Server, Source};

/// The most times that a camera is asked for what must come in the end.
const TRIES: usize = 400;

type Open = Box<dyn Fn() -> Result<Box<dyn Camera>, CameraError>>;

struct Case {
    name: &'static str,
    open: Open,
    /// What it looks at, if the test made it.
    source: Option<Box<dyn Source>>,
    /// Whether it runs by itself.
    live: bool,
}

fn config(text: &str) -> CameraConfig {
    toml::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn opens(config: CameraConfig) -> Open {
    Box::new(move || open_live(&config))
}

fn cases() -> Vec<Case> {
    let live = |name, source: Box<dyn Source>, text: String| Case {
        name,
        open: opens(config(&format!("{text}\nframes_per_second = 60"))),
        source: Some(source),
        live: true,
    };
    let program = Program::new();
    let command = format!("kind = \"command\"\ncommand = {:?}", program.command());
    let (stream, pictures) = (Server::start(sources::Way::Stream), Server::start(sources::Way::Pictures));
    let odd = Server::start(sources::Way::Odd);
    let password = |server: &Server| {
        format!(
            "kind = \"http\"\nurl = \"{}\"\nuser = \"pilah\"\npassword_file = {:?}",
            server.url(),
            server.password()
        )
    };
    let (stream_config, pictures_config, odd_config) = (password(&stream), password(&pictures), password(&odd));
    let folder = Folder::new();
    let photos = format!("folder = {:?}\nrepeat = true\nframes_per_second = 240", folder.path());
    let replay = move || -> Result<Box<dyn Camera>, CameraError> {
        let config = toml::from_str(&photos).expect("valid");
        Ok(Box::new(Replay::open(&config, Showing { empty: 1, arriving: 1, still: 2 })?))
    };
    let chamber = || -> Result<Box<dyn Camera>, CameraError> {
        let config = ChamberConfig { width: 64, height: 48, ..ChamberConfig::default() };
        Ok(Box::new(Chamber::new(config).map_err(|e| CameraError::Failed(e.to_string()))?))
    };
    let mut cases = vec![
        live("command", Box::new(program), command),
        live("http, a stream", Box::new(stream), stream_config),
        live("http, single pictures", Box::new(pictures), pictures_config),
        live("http, sent elsewhere, by Digest, of no type", Box::new(odd), odd_config),
        Case { name: "replay", open: Box::new(replay), source: Some(Box::new(folder)), live: false },
        Case { name: "virtual", open: Box::new(chamber), source: None, live: false },
    ];
    if let Ok(device) = std::env::var("PILAH_TEST_VIDEO") {
        let open = opens(config(&format!("kind = \"v4l\"\ndevice = {device:?}\nframes_per_second = 30")));
        cases.push(Case { name: "v4l", open, source: None, live: true });
    }
    cases
}

impl Case {
    fn open(&self) -> Box<dyn Camera> {
        (self.open)().unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    /// The next whole picture.
    fn frame(&self, camera: &mut dyn Camera) -> Frame {
        for _ in 0..TRIES {
            match camera.next_frame() {
                Ok(frame) => return frame,
                Err(CameraError::Damaged { .. } | CameraError::NotYet) => {}
                Err(e) => panic!("{}: {e}", self.name),
            }
        }
        panic!("{}: no frame", self.name)
    }

    /// What the camera says when it has failed.
    fn failure(&self, camera: &mut dyn Camera) -> String {
        for _ in 0..TRIES {
            match camera.next_frame() {
                Ok(_) | Err(CameraError::Damaged { .. } | CameraError::NotYet) => {}
                Err(error) => return error.to_string(),
            }
        }
        panic!("{}: it does not fail", self.name)
    }

    fn unplugged(&self) -> Option<&dyn Source> {
        self.source.as_deref().filter(|_| self.live)
    }
}

#[test]
fn pictures_come_and_time_never_goes_back() {
    for case in cases() {
        let mut camera = case.open();
        let frames: Vec<_> = (0..5).map(|_| case.frame(camera.as_mut())).collect();
        assert!(frames.windows(2).all(|pair| pair[0].at < pair[1].at), "{}", case.name);
        assert!(frames.iter().all(|frame| frame.rgb.dimensions() == frames[0].rgb.dimensions()), "{}", case.name);
        if case.source.is_some() {
            assert_eq!(frames[0].rgb.dimensions(), sources::SIZE, "{}", case.name);
        }
        assert_eq!(camera.pace(), Pace::Timeline, "{}", case.name);
    }
}

#[test]
fn a_damaged_picture_is_told_and_the_next_comes() {
    for case in cases() {
        let (Some(_), mut camera) = (&case.source, case.open()) else { continue };
        let damaged = (0..TRIES).find_map(|_| match camera.next_frame() {
            Err(error @ CameraError::Damaged { .. }) => Some(crate::words::in_words(&error)),
            Ok(_) | Err(CameraError::NotYet) => None,
            Err(e) => panic!("{}: {e}", case.name),
        });
        let words = damaged.unwrap_or_else(|| panic!("{}: the damaged picture was not told", case.name));
        assert!(words.contains("is skipped: the image is damaged"), "{}: {words}", case.name);
        case.frame(camera.as_mut());
    }
}

#[test]
fn a_live_camera_passes_over_what_nobody_asked_for() {
    for case in cases().iter().filter(|case| case.live && case.source.is_some()) {
        // Single pictures are asked for one by one, but as fast as configured, whoever looks.
        let mut camera = case.open();
        let mut before = sources::number(&case.frame(camera.as_mut()));
        let passed_over = (0..TRIES).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            let now = sources::number(&case.frame(camera.as_mut()));
            let step = (now + sources::PICTURES - before) % sources::PICTURES;
            before = now;
            // The picture that is cut off makes a step of two.
            step > 2
        });
        assert!(passed_over, "{}: every picture came, however late", case.name);
    }
}

#[test]
fn a_source_that_is_gone_is_a_failure_with_words_and_can_come_back() {
    for case in cases() {
        let Some(source) = case.unplugged() else { continue };
        let mut camera = case.open();
        case.frame(camera.as_mut());
        source.unplug();
        let words = case.failure(camera.as_mut());
        assert!(words.contains(source.named()), "{}: {words}", case.name);
        drop(camera);
        source.plug_in();
        case.frame(case.open().as_mut());
    }
}

#[test]
fn a_closed_camera_holds_nothing() {
    for case in cases() {
        for _ in 0..3 {
            case.frame(case.open().as_mut());
        }
        if let Some(source) = case.unplugged() {
            let free = (0..TRIES).any(|_| {
                std::thread::sleep(Duration::from_millis(10));
                source.users() == 0
            });
            assert!(free, "{}: {} still use the source", case.name, source.users());
        }
    }
}

#[test]
fn an_unplugged_camera_recovers_by_itself() {
    for case in cases() {
        let Some(source) = case.unplugged() else { continue };
        let feed = Arc::new(Feed::default());
        let mut states = Vec::new();
        let tell = |tell| {
            let Tell::State(state) = tell else { return };
            match &state {
                CameraState::Streaming if !states.contains(&CameraState::Streaming) => source.unplug(),
                CameraState::Streaming => feed.close(),
                CameraState::Failed { .. } => source.plug_in(),
                CameraState::Starting | CameraState::Ended => {}
            }
            states.push(state);
        };
        read_camera(&feed, [Duration::from_millis(1), Duration::from_millis(50)], &case.open, tell);
        let [CameraState::Starting, CameraState::Streaming, failed @ .., CameraState::Streaming] = &states[..] else {
            panic!("{}: {states:?}", case.name)
        };
        assert!(!failed.is_empty() && failed.iter().all(|s| matches!(s, CameraState::Failed { .. })), "{failed:?}");
    }
}

/// What a camera says that cannot work.
fn why(text: &str) -> String {
    let case = Case { name: "bad", open: opens(config(text)), source: None, live: true };
    match (case.open)() {
        Ok(mut camera) => case.failure(camera.as_mut()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_command_that_is_no_camera_says_why() {
    let sh = |script: &str| why(&format!("kind = \"command\"\ncommand = [\"sh\", \"-c\", {script:?}]"));
    let cases = [
        (why("kind = \"command\"\ncommand = [\"pilah-no-such\"]"), "cannot run pilah-no-such: No such file"),
        (why("kind = \"command\"\ncommand = [\"pilah-no-such\"]"), "is it installed?"),
        (
            sh("echo one >&2; echo no cameras available >&2; exit 3"),
            "sh: it has ended (exit status: 3): one | no cameras",
        ),
        (sh("exec cat /dev/zero"), "no JPEG pictures in 4 MiB: it must be told to send Motion JPEG"),
        (
            sh("printf '\\000\\000\\000\\001\\147\\102'; exec sleep 1000"),
            "it sends H.264 video, and Motion JPEG is needed",
        ),
        (
            sh("echo 'rtsp://admin:hunter2@10.0.0.9/1: Connection refused' >&2; exit 1"),
            "rtsp://***@10.0.0.9/1: Connection refused",
        ),
        // It stops printing, but does not end: it is ended.
        (sh("exec >&-; sleep 1000"), "it has ended (signal: 15"),
        (sh("trap '' TERM; exec >&-; while :; do sleep 1000; done"), "it has ended (signal: 9"),
    ];
    for (found, expected) in cases {
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn a_secret_reaches_the_program_and_nothing_that_is_published() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("secret");
    std::fs::write(&file, "hunter2/x\n").expect("writes");
    let script = "[ \"$0\" = hunter2%2Fx ] && [ \"$1\" = hunter2/x ] && [ \"$CAM\" = hunter2/x ] && echo all there >&2; \
                  echo \"login failed: $CAM and $0\" >&2; exit 7";
    let found = why(&format!(
        "kind = \"command\"\ncommand = [\"sh\", \"-c\", {script:?}, \"{{secret:url}}\", \"{{secret}}\"]\n\
         secret_file = {file:?}\nsecret_variable = \"CAM\""
    ));
    assert!(found.contains("exit status: 7): all there | login failed: *** and ***"), "{found}");
    // A line that is longer than what is read ends within an address.
    let long = "printf '%04080d rtsp://me:hunter2hunter2@cam' 0 >&2; exit 1";
    let found = why(&format!("kind = \"command\"\ncommand = [\"sh\", \"-c\", {long:?}]"));
    assert!(!found.contains("hunter"), "{found}");
    let nowhere = folder.path().join("nowhere");
    let found = why(&format!("kind = \"command\"\ncommand = [\"x\", \"{{secret}}\"]\nsecret_file = {nowhere:?}"));
    assert!(found.contains("camera.secret_file"), "{found}");
}

#[test]
fn a_server_that_is_no_camera_says_why() {
    let answer = |head: &str, user: &str| {
        let server = Server::start(sources::Way::Answer(head.to_owned()));
        why(&format!("kind = \"http\"\nurl = \"{}?token=s3cret\"\n{user}", server.url()))
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("password");
    std::fs::write(&file, "wrong\n").expect("writes");
    let user = format!("user = \"pilah\"\npassword_file = {file:?}");
    let missing = format!("user = \"pilah\"\npassword_file = {:?}", folder.path().join("nothing"));
    let digest = "401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"1\"";
    let bearer = "401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"x\"";
    let basic = "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"";
    let cases = [
        (answer(basic, ""), "set camera.user"),
        (answer(basic, &user), "it refuses camera.user or the password"),
        (answer(digest, &user), "it refuses camera.user or the password"),
        (answer(digest, ""), "set camera.user"),
        (answer(bearer, &user), "another kind of credentials (Bearer) than Basic or Digest"),
        (answer("302 Found\r\nLocation: /camera", ""), "again and again"),
        (answer("302 Found", ""), "not to an address"),
        (answer("302 Found\r\nLocation: http://127.0.0.1:1/", ""), "set camera.url to that address"),
        (answer("404 Not Found", ""), "it answers 404"),
        (answer("200 OK\r\nContent-Type: text/html", ""), "it answers with text/html: the url must be"),
        (answer("200 OK", ""), "the stream has ended, and held nothing"),
        (answer("200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b", ""), "the stream has ended"),
        (answer("200 OK\r\nContent-Type: Multipart/X-Mixed-Replace; boundary=b", ""), "the stream has ended"),
        (answer("200 OK\r\nContent-Type: video/H264", ""), "it sends H.264 video, and Motion JPEG is needed"),
        (answer("200 OK\r\nContent-Type: video/mp4", ""), "it sends video/mp4, and Motion JPEG is needed"),
        (answer("nonsense", ""), "http://127.0.0.1"),
        (answer("200 OK", &missing), "camera.password_file"),
        (why("kind = \"http\"\nurl = \"http://127.0.0.1:9/\""), "http://127.0.0.1:9/: "),
    ];
    for (found, expected) in cases {
        assert!(found.contains(expected) && !found.contains("s3cret"), "{expected}: {found}");
    }
}
