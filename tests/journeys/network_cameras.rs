//! Cameras on the network as they are: RTSP with H.264, which ffmpeg turns into pictures; ffmpeg's own HTTP server, whose
//! type says nothing; and H.264 that nobody turns into anything, which is named. A real ffmpeg plays the camera, and
//! `pilah-edge doctor` says what it sees.

use std::fs;
use std::path::Path;
use std::process::Command;

use pilah_tests::program::{self, Process, eventually, free_port};
use tempfile::TempDir;

/// A moving picture without end, of 320×240, 10 times a second.
const PICTURE: [&str; 6] = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10", "-an"];
const H264: [&str; 6] = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "5"];

fn ffmpeg(arguments: &[&str]) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-loglevel", "error"]).args(arguments);
    command
}

/// What `doctor` says of this camera.
fn doctor(folder: &Path, camera: &str) -> String {
    let config = folder.join("edge.toml");
    let text = format!(
        "version = 1\ndata_dir = {:?}\n[bin]\nid = \"b1\"\n[camera]\n{camera}\n[mqtt]\nurl = \"mqtt://127.0.0.1:{}\"\n",
        folder.join("data"),
        free_port()
    );
    fs::write(&config, text).expect("writes");
    let output = Command::new(program::path("pilah-edge")).arg("doctor").arg("--config").arg(&config).output();
    String::from_utf8_lossy(&output.expect("runs").stdout).into_owned()
}

/// Starts the program again if it has ended: nobody listened yet, or the one who did has left.
fn keep_running(process: &mut Option<Process>, command: &mut Command, folder: &TempDir) {
    if !process.as_mut().is_some_and(Process::is_running) {
        *process = Some(Process::start(command, &folder.path().join("camera.log")));
    }
}

#[test]
fn rtsp_with_h264_is_seen_through_ffmpeg() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("secret"), "p@ss/word").expect("writes");
    let port = free_port();
    // The camera calls and ffmpeg listens, since ffmpeg is no server of RTSP; the rest is as in the sample.
    let camera = format!(
        "kind = \"command\"\nsecret_file = {:?}\ncommand = [\"ffmpeg\", \"-nostdin\", \"-loglevel\", \"error\", \
         \"-rtsp_flags\", \"listen\", \"-rtsp_transport\", \"tcp\", \"-i\", \
         \"rtsp://pilah:{{secret:url}}@127.0.0.1:{port}/1\", \"-an\", \"-vf\", \"fps=10,scale=160:-2\", \"-q:v\", \"3\", \
         \"-f\", \"mjpeg\", \"-\"]",
        folder.path().join("secret")
    );
    let to = format!("rtsp://127.0.0.1:{port}/1");
    let arguments = [&PICTURE[..], &H264, &["-f", "rtsp", "-rtsp_transport", "tcp", to.as_str()]].concat();
    let of = folder.path().to_owned();
    let looking = std::thread::spawn(move || doctor(&of, &camera));
    let mut calling = None;
    eventually("the camera is looked at", || {
        keep_running(&mut calling, &mut ffmpeg(&arguments), &folder);
        if looking.is_finished() { Ok(()) } else { Err("not done".to_owned()) }
    });
    let said = looking.join().expect("doctor ends");
    let log = calling.map(|process| process.output()).unwrap_or_default();
    assert!(said.contains("160×120") && !said.contains("p@ss"), "{said}\n{log}");
}

#[test]
fn the_server_of_ffmpeg_is_seen_and_h264_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (port, mut serving) = (free_port(), None);
    let address = format!("http://127.0.0.1:{port}/");
    let arguments = [&PICTURE[..], &["-f", "mpjpeg", "-listen", "1", address.as_str()]].concat();
    eventually("the server of ffmpeg is seen", || {
        keep_running(&mut serving, &mut ffmpeg(&arguments), &folder);
        let said = doctor(folder.path(), &format!("kind = \"http\"\nurl = {address:?}"));
        if said.contains("320×240") { Ok(()) } else { Err(said) }
    });

    let arguments: Vec<_> =
        ["ffmpeg", "-nostdin", "-loglevel", "error"].into_iter().chain(PICTURE).chain(H264).collect();
    let camera = format!("kind = \"command\"\ncommand = {:?}", [&arguments[..], &["-f", "h264", "-"]].concat());
    let said = doctor(folder.path(), &camera);
    assert!(said.contains("it sends H.264 video, and Motion JPEG is needed"), "{said}");
}
