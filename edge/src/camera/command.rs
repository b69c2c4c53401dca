//! The camera `command`: a program that prints Motion JPEG on its standard output, such as `rpicam-vid` for the camera
//! modules of a Raspberry Pi, or `ffmpeg` for whatever else there is.
//!
//! The program runs as long as the camera is open, in a process group of its own, which is ended with it: whoever it
//! started holds no camera afterwards. What it says on its standard error goes to the log (at the level `debug`), and
//! its last lines become the reason when it ends, both without credentials ([`crate::masked`]). It gets none of the
//! bin's secrets but the one that is meant for it: in its arguments in place of `{secret}`, where every user of this
//! machine can read it, or in an environment variable, where only its own user can. It is started again as any camera
//! is opened again, with growing pauses.

use std::collections::VecDeque;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::jpeg_stream::JpegStream;
use super::newest::{Live, Newest};
use super::settings::CommandConfig;
use super::{Camera, CameraError, Frame};
use crate::masked::masked;
use crate::program::{Signal, in_own_group, signal_group, without_secrets};
use crate::secret::Secret;

/// How many lines of the standard error are kept for the reason, and how long each.
const LAST_LINES: usize = 3;
const LINE_CHARS: usize = 200;

/// How much of a line is read. It is cut after it was masked, or half an address would be left.
const LINE_BYTES: usize = 4096;

/// How long a program may take to end when it is asked to, before it is killed; and how long its last words are
/// waited for.
const GRACE: Duration = Duration::from_secs(1);

/// The camera `command`.
#[derive(Debug)]
pub struct CommandCamera {
    live: Live,
    program: Program,
}

impl CommandCamera {
    /// Starts the program.
    ///
    /// # Errors
    /// [`CameraError::Failed`]: it cannot be run, or its secret cannot be read.
    pub fn open(config: &CommandConfig) -> Result<Self, CameraError> {
        let name = config.command.first().cloned().unwrap_or_default();
        let failed = |e: std::io::Error| {
            let hint = if e.kind() == std::io::ErrorKind::NotFound { ": is it installed?" } else { "" };
            CameraError::Failed(format!("camera.command: cannot run {name}: {e}{hint}"))
        };
        let secret = config.secret().map_err(|e| CameraError::Failed(e.to_string()))?;
        let mut program = Program::start(config, secret).map_err(failed)?;
        let live = Live::new(name.clone(), config.frames_per_second);
        if let Some(output) = program.child.stdout.take() {
            let newest = live.newest();
            let read = move || read(output, &newest);
            thread::Builder::new().name("camera-output".to_owned()).spawn(read).map_err(failed)?;
        }
        Ok(Self { live, program })
    }
}

impl Camera for CommandCamera {
    fn next_frame(&mut self) -> Result<Frame, CameraError> {
        match self.live.next_frame() {
            Err(CameraError::Failed(why)) => Err(CameraError::Failed(format!("{why}{}", self.program.last_words()))),
            frame_or_error => frame_or_error,
        }
    }
}

/// Reads pictures until there are no more.
fn read(mut output: impl Read, newest: &Newest) {
    let mut stream = JpegStream::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let result = match output.read(&mut buffer) {
            Ok(0) => Err("it has ended".to_owned()),
            Ok(read) => newest.take_in(&mut stream, &buffer[..read]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => Err(format!("its output cannot be read: {e}")),
        };
        if let Err(why) = result {
            return newest.end(why);
        }
    }
}

/// A running program and all that it started. Dropped, they end.
#[derive(Debug)]
struct Program {
    child: Child,
    said: Arc<Mutex<VecDeque<String>>>,
    listener: Option<JoinHandle<()>>,
    /// Whether it was seen to have ended, so that its number may be another's by now.
    ended: bool,
}

impl Program {
    fn start(config: &CommandConfig, secret: Option<Secret>) -> std::io::Result<Self> {
        let words = config.words(secret.as_ref());
        let mut command = Command::new(words.first().map(String::as_str).unwrap_or_default());
        command.args(words.iter().skip(1));
        without_secrets(&mut command);
        if let (Some(variable), Some(secret)) = (&config.secret_variable, &secret) {
            command.env(variable, secret.expose());
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program =
            Self { child: in_own_group(&mut command).spawn()?, said: Arc::default(), listener: None, ended: false };
        if let Some(errors) = program.child.stderr.take() {
            let said = Arc::clone(&program.said);
            let listen = move || listen(errors, &said, secret.as_ref());
            program.listener = Some(thread::Builder::new().name("camera-errors".to_owned()).spawn(listen)?);
        }
        Ok(program)
    }

    /// How the program ended, and what it said last, once its output is over.
    fn last_words(&mut self) -> String {
        let status = self.end();
        let until = Instant::now() + GRACE;
        while self.listener.as_ref().is_some_and(|listener| !listener.is_finished()) && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        let status = status.map(|status| format!(" ({status})")).unwrap_or_default();
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_empty() { status } else { format!("{status}: {}", Vec::from(said.clone()).join(" | ")) }
    }

    /// Waits a moment for the program to end by itself; then asks it to, and then makes it.
    fn end(&mut self) -> Option<ExitStatus> {
        let ended = self.wait(GRACE / 4);
        signal_group(&mut self.child, Signal::Terminate);
        let ended = ended.or_else(|| self.wait(GRACE));
        signal_group(&mut self.child, Signal::Kill);
        self.ended = true;
        ended.or_else(|| self.child.wait().ok())
    }

    fn wait(&mut self, at_most: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + at_most;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if !self.ended {
            signal_group(&mut self.child, Signal::Terminate);
            let ended = self.wait(GRACE).is_some();
            // Those that it started may still be there.
            signal_group(&mut self.child, Signal::Kill);
            if !ended {
                self.child.wait().ok();
            }
        }
    }
}

/// Keeps the last lines, without credentials.
fn listen(mut errors: impl Read, said: &Mutex<VecDeque<String>>, secret: Option<&Secret>) {
    let (mut line, mut buffer) = (Vec::new(), [0; 4096]);
    let secrets: Vec<&str> = secret.map(Secret::expose).into_iter().collect();
    let keep = |line: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(line);
        let mut text = text.trim();
        if line.len() == LINE_BYTES {
            // Its last word may be half an address.
            text = text.rsplit_once(char::is_whitespace).map_or("", |(before, _)| before);
        }
        let words: String = masked(text, &secrets).chars().take(LINE_CHARS).collect();
        line.clear();
        if words.is_empty() {
            return;
        }
        tracing::debug!(words, "camera command");
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() == LAST_LINES {
            said.pop_front();
        }
        said.push_back(words);
    };
    while let Ok(read @ 1..) = errors.read(&mut buffer) {
        for byte in &buffer[..read] {
            match byte {
                b'\n' | b'\r' => keep(&mut line),
                byte if line.len() < LINE_BYTES => line.push(*byte),
                _ => {}
            }
        }
    }
    keep(&mut line);
}
