//! What the cameras of the suite look at: a program, a server, a folder. Each gives the same numbered pictures in turn.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use md5::{Digest as _, Md5};

use crate::camera::Frame;

/// How many pictures there are; their numbers begin with 0.
pub(super) const PICTURES: usize = 16;

/// Their width and height.
pub(super) const SIZE: (u32, u32) = (64, 48);

/// The number of the one that is cut off.
const CUT_OFF: usize = 7;

/// The time from one to the next.
const EVERY: Duration = Duration::from_millis(20);

/// Something that a camera looks at and that can go away.
pub(super) trait Source {
    fn unplug(&self);
    fn plug_in(&self);
    /// How many look at it.
    fn users(&self) -> usize;
    /// What a failure must name.
    fn named(&self) -> &str;
}

/// The number is the grey value in steps of 15.
fn picture(number: usize) -> Vec<u8> {
    let grey = (number * 15) as u8;
    let mut jpeg = Vec::new();
    let image = RgbImage::from_pixel(SIZE.0, SIZE.1, Rgb([grey; 3]));
    JpegEncoder::new(&mut jpeg).encode_image(&image).expect("encodes");
    if number == CUT_OFF {
        jpeg.truncate(jpeg.len() - 20);
    }
    jpeg
}

/// The number of the picture in a frame.
pub(super) fn number(frame: &Frame) -> usize {
    let centre = frame.rgb.get_pixel(SIZE.0 / 2, SIZE.1 / 2)[1];
    (usize::from(centre) + 7) / 15
}

fn write_pictures(folder: &Path) {
    for number in 0..PICTURES {
        fs::write(folder.join(format!("{number:02}.jpg")), picture(number)).expect("writes");
    }
}

/// A folder of them.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        write_pictures(folder.path());
        folder
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Source for Folder {
    fn unplug(&self) {
        unreachable!("a folder that was listed stays")
    }
    fn plug_in(&self) {
        unreachable!("a folder that was listed stays")
    }
    fn users(&self) -> usize {
        0
    }
    fn named(&self) -> &str {
        ""
    }
}

/// A program that prints them while a file is there.
pub(super) struct Program(Folder);

impl Program {
    pub(super) fn new() -> Self {
        let program = Self(Folder::new());
        program.plug_in();
        program
    }

    /// What to run. Each picture is printed by a program of its own, which must not outlive the camera either.
    pub(super) fn command(&self) -> Vec<String> {
        let script = format!(
            "cd {:?}; echo $$ >> pids; while [ -e plug ]; do for p in *.jpg; do [ -e plug ] && cat $p && sleep {}; done; \
             done; echo 'no cameras available' >&2; exit 3",
            self.0.path(),
            EVERY.as_secs_f32()
        );
        ["sh", "-c", &script].map(ToOwned::to_owned).to_vec()
    }

    fn plug(&self) -> PathBuf {
        self.0.path().join("plug")
    }
}

impl Source for Program {
    fn unplug(&self) {
        fs::remove_file(self.plug()).expect("it was plugged in");
    }
    fn plug_in(&self) {
        fs::write(self.plug(), b"").expect("writes");
    }
    fn users(&self) -> usize {
        // All processes of the groups that the programs began.
        let pids = fs::read_to_string(self.0.path().join("pids")).unwrap_or_default();
        let alive = |pid: i32| nix::sys::signal::killpg(nix::unistd::Pid::from_raw(pid), None).is_ok();
        pids.lines().filter(|line| line.parse().is_ok_and(alive)).count()
    }
    fn named(&self) -> &str {
        "sh: it has ended (exit status: 3): no cameras available"
    }
}

/// How a server gives its pictures.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// All in one answer.
    Stream,
    /// One by one.
    Pictures,
    /// One by one, of no type that says so and of no length, behind a redirection, to those who answer by Digest.
    Odd,
    /// None: every request gets this status and these headers.
    Answer(String),
}

/// A server that asks for the user `pilah` and the password `s3cret`.
pub(super) struct Server {
    url: String,
    folder: tempfile::TempDir,
    plugged: Arc<AtomicBool>,
    users: Arc<AtomicUsize>,
}

impl Server {
    pub(super) fn start(way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/camera", listener.local_addr().expect("bound"));
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("password"), "s3cret\n").expect("writes");
        let (plugged, users) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
        let server = Self { url, folder, plugged: Arc::clone(&plugged), users: Arc::clone(&users) };
        let next = Arc::new(AtomicUsize::new(0));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (way, plugged, users, next) =
                    (way.clone(), Arc::clone(&plugged), Arc::clone(&users), Arc::clone(&next));
                thread::spawn(move || {
                    users.fetch_add(1, Ordering::SeqCst);
                    // Whoever hangs up ends the conversation.
                    serve(&stream, &way, &plugged, &next).ok();
                    users.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn password(&self) -> PathBuf {
        self.folder.path().join("password")
    }
}

impl Source for Server {
    fn unplug(&self) {
        self.plugged.store(false, Ordering::SeqCst);
    }
    fn plug_in(&self) {
        self.plugged.store(true, Ordering::SeqCst);
    }
    fn users(&self) -> usize {
        self.users.load(Ordering::SeqCst)
    }
    fn named(&self) -> &str {
        &self.url
    }
}

fn serve(stream: &TcpStream, way: &Way, plugged: &AtomicBool, next: &AtomicUsize) -> std::io::Result<()> {
    let mut out = stream;
    let mut requests = BufReader::new(stream).lines();
    let plugged = || plugged.load(Ordering::SeqCst);
    let next = || picture(next.fetch_add(1, Ordering::SeqCst) % PICTURES);
    while plugged() {
        let mut lines = Vec::new();
        while let Some(line) = requests.next().transpose()?.filter(|line| !line.is_empty()) {
            lines.push(line);
        }
        if lines.is_empty() {
            return Ok(());
        }
        // Base64 of pilah:s3cret.
        let basic = lines.iter().any(|line| line.eq_ignore_ascii_case("authorization: basic cGlsYWg6czNjcmV0"));
        let digest = lines.iter().any(|line| {
            let (name, value) = line.split_once(": ").unwrap_or_default();
            name.eq_ignore_ascii_case("authorization") && value.starts_with("Digest ") && is_answered(value)
        });
        let known = if matches!(way, Way::Odd) { digest } else { basic };
        match way {
            Way::Odd if lines[0].starts_with("GET /camera ") => {
                write!(out, "HTTP/1.1 302 Found\r\nLocation: elsewhere?n=1\r\nContent-Length: 0\r\n\r\n")?;
            }
            Way::Odd if !known => {
                let asked = format!("Digest realm=\"cam\", nonce=\"{NONCE}\", qop=\"auth\"");
                write!(out, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {asked}\r\n")?;
                write!(out, "WWW-Authenticate: Basic realm=\"cam\"\r\nContent-Length: 0\r\n\r\n")?;
            }
            Way::Odd => {
                write!(out, "HTTP/1.1 200 OK\r\nContent-Type: Application/Octet-Stream\r\nConnection: close\r\n\r\n")?;
                out.write_all(&next())?;
                return Ok(());
            }
            Way::Answer(head) => {
                write!(out, "HTTP/1.1 {head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
                return Ok(());
            }
            _ if !known => {
                write!(out, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")?;
            }
            Way::Pictures => {
                let jpeg = next();
                write!(out, "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len())?;
                out.write_all(&jpeg)?;
            }
            Way::Stream => {
                write!(out, "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=next\r\n\r\n")?;
                while plugged() {
                    write!(out, "--next\r\nContent-Type: image/jpeg\r\n\r\n")?;
                    out.write_all(&next())?;
                    out.write_all(b"\r\n")?;
                    thread::sleep(EVERY);
                }
            }
        }
    }
    Ok(())
}

const NONCE: &str = "7ypf/xlj9xxwfdps";

/// Whether a line answers the question by the password `s3cret`: HA2 and the response as RFC 7616, 3.4.1 has them.
fn is_answered(line: &str) -> bool {
    let value = |name: &str| {
        let behind = line.split_once(&format!("{name}=")).map_or("", |(_, behind)| behind);
        behind.trim_start_matches('"').split(['"', ',']).next().unwrap_or_default().to_owned()
    };
    let hash = |text: String| format!("{:x}", Md5::digest(text));
    let is_user = value("username") == "pilah" && value("uri") == "/elsewhere?n=1";
    let known = (hash("pilah:cam:s3cret".to_owned()), hash("GET:/elsewhere?n=1".to_owned()));
    let parts = [known.0, NONCE.to_owned(), value("nc"), value("cnonce"), "auth".to_owned(), known.1];
    is_user && value("response") == hash(parts.join(":"))
}
