use super::*;
use crate::act::By;
use crate::model_store::starts::StartRules;
use crate::model_store::trial::ProbationRules;

const SAMPLE: &str = include_str!("../../../deploy/edge/edge.sample.toml");

const LEAST: &str = r#"
version = 1
data_dir = "/tmp/b1"
[bin]
id = "b1"
[camera]
kind = "replay"
folder = "photos"
[mqtt]
url = "mqtt://127.0.0.1:1883"
"#;

const CAMERA: &str = "kind = \"replay\"\nfolder = \"photos\"";

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("edge.toml"), text)
}

fn words(error: &ConfigError) -> String {
    crate::words::in_words(error)
}

#[test]
fn the_sample_that_ships_is_valid() {
    let config = parse(SAMPLE).expect("the sample is valid");
    assert!(matches!(config.camera, CameraConfig::Virtual(_)));
    assert!(config.hub.is_some() && config.mqtt.password_file.is_some());
}

#[test]
fn whatever_the_sample_has_commented_out_is_valid_as_well() {
    // A line "# key = value" is an option; prose in comments never looks like one.
    let option = |line: &str| {
        let key = line.strip_prefix("# ").and_then(|rest| rest.split_once(" = ")).map(|(key, _)| key);
        key.is_some_and(|key| !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    let all: Vec<_> = SAMPLE.lines().map(|line| if option(line) { &line[2..] } else { line }).collect();
    assert!(all.iter().zip(SAMPLE.lines()).filter(|(a, b)| *a != b).count() >= 10, "there are options in it");
    parse(&all.join("\n")).expect("each option is valid");
}

#[test]
fn the_least_configuration_has_sensible_defaults() {
    let config = parse(LEAST).expect("valid");
    assert_eq!((config.vote_frames, config.mqtt.ack, config.mqtt.in_flight), (3, AckBy::Hub, 32));
    assert_eq!(config.trigger, TriggerRules::default());
    assert_eq!(config.telemetry_every, Duration::from_secs(60));
    assert!(config.hub.is_none() && config.bundle.is_none());
    let rules = config.standing.probation.expect("a new model is on trial");
    assert_eq!((rules, config.standing.starts), (ProbationRules::default(), StartRules::default()));
    let off = parse(&format!("{LEAST}[updates.probation]\nenabled = false\ncrashes = 0")).expect("valid");
    assert_eq!((off.standing.probation, off.standing.starts.most), (None, 0));
    assert_eq!((config.region, config.local), (Region::WHOLE, LocalConfig::default()), "nothing is served");
}

#[test]
fn an_error_names_file_key_and_value() {
    let cases = [
        ("version = 1", "version = 2", "edge.toml: version = 2: this build reads version 1"),
        ("id = \"b1\"", "id = \"B 1\"", "bin id \"B 1\" is not valid"),
        ("id = \"b1\"", "name = \"b1\"", "unknown field `name`"),
        ("[bin]", "retries = 3\n[bin]", "unknown field `retries`"),
        ("kind = \"replay\"", "kind = \"webcam\"", "unknown variant `webcam`"),
        ("kind = \"replay\"\nfolder = \"photos\"", "kind = \"virtual\"\nwidth = 3", "camera.width = 3: 3 is outside"),
        ("kind = \"replay\"\nfolder = \"photos\"", "kind = \"virtual\"\nhue = 3", "unknown field `hue`"),
        (CAMERA, "kind = \"command\"\ncommand = []", "camera.command = []: it must name a program"),
        (CAMERA, "kind = \"command\"\ncommand = [\"\"]", "camera.command = [\"\"]: it must name a program"),
        (CAMERA, "kind = \"command\"\ncommand = \"rpicam-vid\"", "expected a sequence"),
        (CAMERA, "kind = \"v4l\"\ndevice = \"video0\"", "camera.device = \"video0\": it must be a path such as"),
        (CAMERA, "kind = \"v4l\"\ndevice = \"/dev/video0\"\nwidth = 5", "camera.width = 5: it must be from 32 to 4096"),
        (CAMERA, "kind = \"v4l\"\ndevice = \"/dev/video0\"\nformat = \"h264\"", "unknown variant `h264`"),
        (CAMERA, "kind = \"v4l\"\ndevice = \"/dev/video0\"\nframes_per_second = 0", "camera.frames_per_second = 0.0"),
        (CAMERA, "kind = \"http\"\nurl = \"rtsp://cam\"", "it must begin with http:// or https://"),
        (CAMERA, "kind = \"http\"\nurl = \"http://a:b@cam\"", "a password must not be part of an address"),
        (CAMERA, "kind = \"http\"\nurl = \"http://cam\"\npassword_file = \"x\"", "camera.password_file = \"x\""),
        (
            CAMERA,
            "kind = \"http\"\nurl = \"http://cam\"\nca_file = \"x\"",
            "camera.ca_file = \"x\": it is of use only with",
        ),
        (CAMERA, "kind = \"http\"\nurl = \"http://cam\"\nuser = \"a:b\"", "camera.user = \"a:b\": it must not contain"),
        ("folder = \"photos\"", "folder = \"photos\"\nfps = 3", "unknown field `fps`"),
        ("folder = \"photos\"", "folder = \"photos\"\npart = \"3/2\"", "part \"3/2\" is not valid"),
        ("folder = \"photos\"", "folder = \"photos\"\nframes_per_second = -1", "camera.frames_per_second = -1.0"),
        ("mqtt://127.0.0.1:1883", "127.0.0.1:1883", "edge.toml: mqtt.url = \"127.0.0.1:1883\": it must begin with"),
        ("mqtt://127.0.0.1:1883", "mqtt://b1:pw@x", "a password must not be part of an address"),
        ("[mqtt]", "[mqtt]\nack = \"nobody\"", "unknown variant `nobody`"),
        ("[mqtt]", "[mqtt]\npassword = \"x\"", "unknown field `password`"),
        ("[mqtt]", "[mqtt]\nin_flight = 0", "mqtt.in_flight = 0: it must be from 1 to 1000"),
        ("[mqtt]", "[mqtt]\nreconnect_min_s = 9\nreconnect_max_s = 3", "mqtt.reconnect_max_s = 3.0"),
        ("[mqtt]", "[mqtt]\nca_file = \"x\"", "mqtt.ca_file = \"x\": it is of use only with"),
        ("[mqtt]", "[vote]\nframes = 0\n[mqtt]", "vote.frames = 0: it must be from 1 to 100"),
        ("[mqtt]", "[samples]\nrandom_share = 1.5\n[mqtt]", "samples.random_share = 1.5"),
        ("[mqtt]", "[outbox]\nmax_bytes = 5\n[mqtt]", "outbox.max_bytes = 5"),
        ("[mqtt]", "[trigger]\nsettle_s = nan\n[mqtt]", "trigger.settle_s = NaN"),
        ("[mqtt]", "[updates.probation]\nunsure = 0.0\n[mqtt]", "updates.probation.unsure = 0.0: it must be from 0.05"),
        ("[mqtt]", "[updates.probation]\nminutes = -1\n[mqtt]", "updates.probation.minutes = -1.0"),
        ("[mqtt]", "[updates.probation]\nitem = 3\n[mqtt]", "unknown field `item`"),
        ("[mqtt]", "[trigger]\nregion = [0.5, 0.0, 0.6, 1.0]\n[mqtt]", "is no part of the picture"),
        ("[mqtt]", "[metrics]\nlisten = \"9464\"\n[mqtt]", "metrics.listen = \"9464\": it must be an IP address"),
        (
            "[mqtt]",
            "[metrics]\nlisten = \"127.0.0.1:80\"\n[preview]\nlisten = \"127.0.0.1:80\"\n[mqtt]",
            "preview.listen = \"127.0.0.1:80\": metrics.listen is the same",
        ),
        ("[mqtt]", "[hub]\nurl = \"x\"\n[mqtt]", "hub.url = \"x\": it must begin with http://"),
        ("[mqtt]", "[act]\nby = \"lines\"\n[mqtt]", "act.lines = \"nothing\": name a line for each class"),
        (
            "[mqtt]",
            "[act]\nlines = { glass = 1 }\n[mqtt]",
            "act.by = \"nothing\": act.lines is of use only with act.by",
        ),
        ("[mqtt]", "[act]\nby = \"program\"\nrest = 3\n[mqtt]", "act.rest is of use only with act.by = \"lines\" or"),
        ("[mqtt]", "[act]\nby = \"lines\"\nlines = { Glass = 1 }\n[mqtt]", "label \"Glass\" is not valid"),
        ("[mqtt]", "[act]\nby = \"lines\"\nlines = { glass = 2000 }\n[mqtt]", "act.lines = 2000: it must be from 0"),
        (
            "[mqtt]",
            "[act]\nby = \"lines\"\nlines = { glass = 5 }\n[gpio]\nbutton = 5\n[mqtt]",
            "gpio.button = 5: line 5 has",
        ),
        ("[mqtt]", "[gpio]\nchip = \"\"\n[mqtt]", "gpio.chip = \"\": it must be a path, as in /dev/gpiochip0, or"),
        ("[mqtt]", "[gpio]\nchip = \"dev/gpiochip0\"\n[mqtt]", "gpio.chip = \"dev/gpiochip0\": it must be a path"),
        ("[mqtt]", "[act]\nby = \"code\"\ncode_lines = [1, 2]\ncodes = { glass = 4 }\n[mqtt]", "act.codes = 4: with 2"),
        ("[mqtt]", "[act]\nby = \"code\"\ncode_lines = [1, 2]\ncodes = { glass = 0 }\n[mqtt]", "act.codes = 0: with 2"),
        ("[mqtt]", "[act]\nby = \"code\"\ncode_lines = [1, 1]\ncodes = { glass = 1 }\n[mqtt]", "a line of its own"),
        ("[mqtt]", "[act]\nby = \"program\"\ncommand = []\n[mqtt]", "act.command = []: name a program"),
        ("[mqtt]", "[act]\nopen_s = 0\n[mqtt]", "act.open_s = 0.0: it must be from 0.01"),
        ("[mqtt]", "[fill]\nfrom = \"http\"\nurl = \"sensor\"\n[mqtt]", "fill.url = \"sensor\": it must begin with"),
        ("[mqtt]", "[fill]\nfrom = \"mqtt\"\ntopic = \"a/#\"\n[mqtt]", "it must be one topic, without"),
        ("[mqtt]", "[fill]\ntopic = \"a\"\n[mqtt]", "fill.topic is of use only with \"mqtt\""),
        ("[mqtt]", "[fill]\nempty = 100.0\n[mqtt]", "fill.full = 100.0: it must be a number other than fill.empty"),
        ("[mqtt]", "[fill]\npointer = \"a\"\n[mqtt]", "a JSON pointer begins with /"),
        ("version = 1", "", "missing field `version`"),
        ("[bin]", "[bin", "edge.toml is not valid"),
    ];
    for (from, to, expected) in cases {
        assert!(LEAST.contains(from), "{from}");
        let error = words(&parse(&LEAST.replacen(from, to, 1)).expect_err(expected));
        assert!(error.contains("edge.toml") && error.contains(expected), "{to}: {error}");
    }
    let missing = Config::read(Path::new("/nowhere/edge.toml")).expect_err("there is no such file");
    assert!(words(&missing).starts_with("cannot read /nowhere/edge.toml: "), "{}", words(&missing));
}

#[test]
fn the_password_is_read_from_its_file_and_never_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("password");
    let text = LEAST.replacen("[mqtt]", &format!("[mqtt]\npassword_file = {file:?}"), 1);
    let config = parse(&text).expect("valid");
    let error = config.password().expect_err("there is no such file").to_string();
    assert!(error.contains("mqtt.password_file") && error.contains("password\""), "{error}");
    std::fs::write(&file, "s3cret\n").expect("writes");
    let password = config.password().expect("reads");
    assert_eq!(password.expose(), "s3cret");
    assert!(!format!("{password:?} {config:?}").contains("s3cret"));
}

#[test]
fn every_camera_that_the_sample_describes_is_valid() {
    // Their lines are indented in the comment; what stands in brackets explains.
    let section = SAMPLE.split("[camera]").nth(1).and_then(|rest| rest.split("\n[").next()).expect("the section");
    let lines: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("#   ")).collect();
    let text = lines.join("\n").replace("kind =", "\u{0}kind =");
    let cameras: Vec<&str> = text.split('\0').filter(|camera| !camera.trim().is_empty()).collect();
    assert_eq!(cameras.len(), 6, "{cameras:?}");
    for camera in cameras {
        let camera = camera.lines().map(|line| line.split("  (").next().unwrap_or(line)).collect::<Vec<_>>().join("\n");
        let built = cfg!(feature = "nokhwa") || !camera.contains("nokhwa");
        match parse(&LEAST.replacen(CAMERA, &camera, 1)) {
            Ok(_) => assert!(built, "{camera}"),
            Err(error) => assert!(!built && words(&error).contains("built without it"), "{camera}: {}", words(&error)),
        }
    }
}

#[test]
fn a_misspelt_key_or_value_is_told_with_the_nearest_that_is_known() {
    let cases = [
        ("url =", "ulr =", "edge.toml is not valid (did you mean \"url\"?): TOML parse error at line 10"),
        ("[bin]", "[bins]", "(did you mean \"bin\"?)"),
        ("kind = \"replay\"", "kind = \"repaly\"", "(did you mean \"replay\"?)"),
        ("[mqtt]", "[trigger]\nsetle_s = 1\n[mqtt]", "(did you mean \"settle_s\"?)"),
        ("[mqtt]", "[samples]\nrandomshare = 1\n[mqtt]", "(did you mean \"random_share\"?)"),
        ("[mqtt]", "[act]\nby = \"line\"\n[mqtt]", "(did you mean \"lines\"?)"),
    ];
    for (from, to, expected) in cases {
        assert!(LEAST.contains(from), "{from}");
        let error = words(&parse(&LEAST.replacen(from, to, 1)).expect_err(expected));
        assert!(error.contains(expected), "{to}: {error}");
    }
    let far = words(&parse(&LEAST.replacen("[mqtt]", "[mqtt]\npassword = \"x\"", 1)).expect_err("unknown"));
    assert!(!far.contains("did you mean"), "{far}");
}

#[test]
fn flaps_by_line_and_by_code_become_patterns() {
    let act = |text: &str| {
        let config = parse(&LEAST.replacen("[mqtt]", &format!("{text}\n[mqtt]"), 1)).expect("valid");
        config.body.act.expect("something moves")
    };
    let lines = act(
        "[act]\nby = \"lines\"\nlines = { glass = 27, metal = 17, paper = 27 }\nrest = 22\n[gpio]\nactive_low = true",
    );
    let By::Lines(wiring) = lines.by else { panic!("lines") };
    assert_eq!((wiring.lines.as_slice(), wiring.active_low, wiring.rest), (&[17, 22, 27][..], true, Some(2)));
    assert_eq!(wiring.patterns.values().copied().collect::<Vec<_>>(), [4, 1, 4], "two classes may share a flap");

    let code = act("[act]\nby = \"code\"\ncode_lines = [27, 17]\ncodes = { glass = 1, metal = 3 }\nopen_s = 2");
    let By::Lines(wiring) = code.by else { panic!("lines") };
    assert_eq!((wiring.lines.as_slice(), wiring.rest), (&[27, 17][..], None));
    assert_eq!(wiring.patterns.values().copied().collect::<Vec<_>>(), [1, 3]);
    assert_eq!(code.pulse.open, Duration::from_secs(2));

    let by_label = act("[act]\nby = \"lines\"\nlines = { glass = 1 }\n[gpio]\nchip = \"pinctrl-rp1\"");
    assert!(matches!(by_label.by, By::Lines(wiring) if wiring.chip == Path::new("pinctrl-rp1")));

    let program = act("[act]\nby = \"program\"\ncommand = [\"/usr/local/bin/flap\"]");
    assert!(matches!(program.by, By::Program(hook) if hook.limit == Duration::from_secs(10)));
    assert_eq!(program.pulse.open, Duration::ZERO, "a program closes what it opened");
}
