use super::*;

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

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("edge.toml"), text)
}

fn words(error: &ConfigError) -> String {
    crate::in_words(error)
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
        ("[mqtt]", "[trigger]\nregion = [0.5, 0.0, 0.6, 1.0]\n[mqtt]", "is no part of the picture"),
        ("[mqtt]", "[metrics]\nlisten = \"9464\"\n[mqtt]", "metrics.listen = \"9464\": it must be an IP address"),
        (
            "[mqtt]",
            "[metrics]\nlisten = \"127.0.0.1:80\"\n[preview]\nlisten = \"127.0.0.1:80\"\n[mqtt]",
            "preview.listen = \"127.0.0.1:80\": metrics.listen is the same",
        ),
        ("[mqtt]", "[hub]\nurl = \"x\"\n[mqtt]", "hub.url = \"x\": it must begin with http://"),
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
