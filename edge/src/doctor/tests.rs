use std::net::TcpListener;

use super::*;
use crate::run::lock;
use crate::testing;

/// The file of a configuration that is well as far as this machine goes; nothing answers at its broker.
fn installation(folder: &Path, more: &str) -> std::path::PathBuf {
    let photos = folder.join("photos");
    std::fs::create_dir(&photos).expect("creates");
    image::RgbImage::from_pixel(64, 48, image::Rgb([90; 3])).save(photos.join("1.png")).expect("saves");
    testing::bundle("m1", 1).write(&folder.join("shipped")).expect("writes");
    std::fs::write(folder.join("password"), "s3cret\n").expect("writes");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
    let text = format!(
        "version = 1\ndata_dir = {:?}\nbin.id = \"b1\"\nmodel.bundle = {:?}\n{more}\n[camera]\nkind = \"replay\"\n\
         folder = {photos:?}\nframes_per_second = 10\n[mqtt]\nurl = \"mqtt://{free}\"\npassword_file = {:?}\n",
        folder.join("data"),
        folder.join("shipped"),
        folder.join("password"),
    );
    let path = folder.join("edge.toml");
    std::fs::write(&path, text).expect("writes");
    path
}

fn examined(path: &Path) -> (Verdict, Vec<String>) {
    let mut out = Vec::new();
    let verdict = examine(path, &mut out).expect("writes");
    (verdict, String::from_utf8(out).expect("text").lines().map(str::to_owned).collect())
}

fn line<'a>(lines: &'a [String], check: &str) -> &'a str {
    let found = lines.iter().find(|line| line.split_ascii_whitespace().nth(1) == Some(check));
    found.unwrap_or_else(|| panic!("nothing of {check} in {lines:#?}"))
}

#[test]
fn each_part_has_a_line_and_what_fails_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (verdict, lines) = examined(&installation(folder.path(), ""));
    assert_eq!(verdict, Verdict::Fail, "there is no broker: {lines:#?}");
    for (check, expected) in [
        ("configuration", "ok"),
        ("disk", "ok"),
        ("model", "ok"),
        ("hub", "warn"),
        ("updates", "ok"),
        ("broker", "fail"),
        ("identity", "ok"),
        ("camera", "ok"),
        ("chamber", "ok"),
    ] {
        assert!(line(&lines, check).starts_with(expected), "{lines:#?}");
    }
    assert!(line(&lines, "camera").contains("64×48, 10.0 frames/s"), "{lines:#?}");
    assert!(line(&lines, "model").contains("m1: "), "{lines:#?}");
    let broken = lines.iter().position(|line| line.starts_with("fail")).expect("the broker");
    assert!(lines[broken + 1].contains("→ Is the address right"), "{lines:#?}");
    assert!(!lines.concat().contains("s3cret"));
    assert!(!folder.path().join("data").exists(), "nothing is left");
}

#[test]
fn a_model_on_trial_and_one_that_was_taken_back_are_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = installation(folder.path(), "");
    let models = folder.path().join("data/models");
    std::fs::create_dir_all(&models).expect("creates");
    let told = || {
        let lines = examined(&path).1;
        let at = lines.iter().position(|line| line.split_ascii_whitespace().nth(1) == Some("trial"));
        at.map(|at| lines[at..].iter().take(3).cloned().collect::<Vec<_>>().join("\n")).unwrap_or_default()
    };
    assert_eq!(told(), "", "nothing ever came");
    let [m1, m2] = ["m1", "m2"].map(|version| testing::bundle(version, 1).id());
    let record = format!(
        r#"{{"version":1,"manifest":"{m1}","trial":{{"version":"m1","before":{{"version":"m0","items":9,"unsure":1,"median_ms":100}},
        "items":7,"milliseconds":130000}},"blocked":[{{"version":"m2","manifest":"{m2}","reason":"it was slow"}}]}}"#
    );
    std::fs::write(models.join("active.json"), record).expect("writes");
    let words = told();
    assert!(words.starts_with("ok") && words.contains("on trial after m0: 7 of 100 items, 2 of 10 minutes"), "{words}");
    assert!(words.contains("\nwarn  trial          m2 (") && words.contains("was taken back: it was slow"), "{words}");
    assert!(words.contains("→ It is not installed again") && words.contains("pilah-edge unblock"), "{words}");
    std::fs::write(models.join("active.json"), "{").expect("writes");
    assert!(told().starts_with("warn"), "{}", told());
}

#[test]
fn what_is_known_of_the_chamber_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = installation(folder.path(), "");
    let chamber = folder.path().join("data/chamber");
    std::fs::create_dir(folder.path().join("data")).expect("creates");
    let told = || line(&examined(&path).1, "chamber").to_owned();
    assert!(told().contains("not known yet"), "{}", told());
    let picture = crate::trigger::Thumbnail::of(&image::RgbImage::new(64, 48));
    let memory = |region| crate::trigger::memory::Memory { region, chamber: picture }.encode();
    std::fs::write(&chamber, memory(crate::region::Region::WHOLE)).expect("writes");
    assert!(told().contains("the bin knows"), "{}", told());
    let other = crate::region::Region::try_from([0.0, 0.0, 0.5, 0.5]).expect("valid");
    std::fs::write(&chamber, memory(other)).expect("writes");
    assert!(told().contains("region is new"), "{}", told());
    std::fs::write(&chamber, b"something else").expect("writes");
    assert!(told().starts_with("warn") && told().contains("chamber is left aside"), "{}", told());
}

#[test]
fn a_configuration_that_cannot_be_read_is_the_only_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = installation(folder.path(), "retries = 3");
    let (verdict, lines) = examined(&path);
    assert_eq!((verdict, lines[0].split_whitespace().nth(1)), (Verdict::Fail, Some("configuration")), "{lines:#?}");
    assert!(lines.concat().contains("retries") && !lines.concat().contains("broker"), "{lines:#?}");
}

#[test]
fn what_is_missing_or_broken_on_the_machine_fails() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = installation(folder.path(), "");
    std::fs::write(folder.path().join("data"), "a file in the way").expect("writes");
    std::fs::remove_dir_all(folder.path().join("shipped")).expect("removes");
    std::fs::remove_file(folder.path().join("password")).expect("removes");
    let (verdict, lines) = examined(&path);
    assert_eq!(verdict, Verdict::Fail);
    for check in ["password", "disk", "model", "broker"] {
        assert!(line(&lines, check).starts_with("fail"), "{lines:#?}");
    }
}

#[test]
fn a_twin_that_the_bin_noticed_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = installation(folder.path(), "");
    std::fs::create_dir(folder.path().join("data")).expect("creates");
    let note = r#"{"connections":8,"at":"2026-11-22T10:15:30Z"}"#;
    std::fs::write(folder.path().join("data/twin.json"), note).expect("writes");
    let (_, lines) = examined(&path);
    assert_eq!(std::fs::read_dir(folder.path().join("data")).expect("reads").count(), 1, "only the note is left");
    assert!(line(&lines, "identity").starts_with("fail"), "{lines:#?}");
    assert!(
        line(&lines, "identity")
            .ends_with("as bin b1: it took the connection 8 times, the last time at 2026-11-22 10:15 UTC")
    );
}

#[test]
fn what_is_wired_is_looked_at_and_a_misspelt_class_fails() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let wired = r#"
        [gpio]
        chip = "pinctrl-none"
        button = 4
        light = 5
        [act]
        by = "lines"
        lines = { glas = 1, metal = 2 }
        rest = 3
        [fill]
        from = "program"
        command = ["echo", "40"]
    "#;
    let path = installation(folder.path(), wired);
    let (verdict, lines) = examined(&path);
    assert_eq!(verdict, Verdict::Fail);
    for check in ["flaps", "button", "light"] {
        assert!(line(&lines, check).starts_with("fail"), "{lines:#?}");
    }
    assert!(line(&lines, "flaps").contains("GPIO lines 1, 2, 3 of pinctrl-none: "), "{lines:#?}");
    assert!(line(&lines, "classes").contains("flap for \"glas\""), "{lines:#?}");
    assert!(line(&lines, "classes").contains("(did you mean \"glass\"?)"), "{lines:#?}");
    assert!(line(&lines, "fill").contains("40 % full"), "{lines:#?}");

    // check-config: the machine may be another one, the model is not; and nobody is asked.
    let checked = |path: &Path| {
        let mut out = Vec::new();
        let verdict = check(&Config::read(path).expect("valid"), &mut out).expect("writes");
        (verdict, String::from_utf8(out).expect("text").lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let data = folder.path().join("data");
    assert!(!data.exists(), "the doctor leaves nothing");
    let (verdict, lines) = checked(&path);
    assert_eq!(verdict, Verdict::Fail);
    assert!(line(&lines, "classes").starts_with("fail") && line(&lines, "flaps").starts_with("warn"), "{lines:#?}");
    assert!(!lines.concat().contains("fill") && !data.exists(), "{lines:#?}");
    let text =
        std::fs::read_to_string(&path).expect("reads").replace("glas =", "glass =").replace("\"echo\"", "\"ecko\"");
    std::fs::write(&path, text).expect("writes");
    let (verdict, lines) = checked(&path);
    assert_eq!(verdict, Verdict::Warn, "{lines:#?}");
    assert!(lines.concat().contains("ecko is not installed"), "{lines:#?}");
    let plain = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(checked(&installation(plain.path(), "")), (Verdict::Ok, Vec::new()));
}

#[test]
fn beside_a_bin_that_runs_the_camera_is_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = installation(folder.path(), "");
    let _held = lock(&folder.path().join("data")).expect("nobody has it").expect("it can be written");
    let (_, lines) = examined(&path);
    assert!(line(&lines, "camera").starts_with("warn"), "{lines:#?}");
    assert!(line(&lines, "camera").contains("the bin runs"), "{lines:#?}");
}

#[cfg(unix)]
#[test]
fn a_password_that_everyone_may_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = installation(folder.path(), "");
    for (mode, expected) in [(0o600, "ok"), (0o640, "ok"), (0o644, "warn")] {
        let file = folder.path().join("password");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("sets");
        let (_, lines) = examined(&path);
        assert!(line(&lines, "password").starts_with(expected), "{mode:o}: {lines:#?}");
    }
}
