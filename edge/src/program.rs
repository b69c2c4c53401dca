//! Another program, run with a time limit: hooks, and sensors that are read by a program.
//!
//! It inherits the environment, but not the bin's secrets in it, and writes its complaints where the bin writes its log. It has a process group of its
//! own: one that takes too long is ended with all that it has started. One that ends in time may leave something
//! running.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::secret::{CAMERA_PASSWORD_VARIABLE, PASSWORD_VARIABLE};

/// The most bytes that are read of what a program prints.
const MOST_OUTPUT: u64 = 4096;

/// How often it is looked whether a program has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A program that did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It cannot be started.
    #[error("{program} cannot be started")]
    Start {
        /// Its path.
        program: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// It ended with an error.
    #[error("{program} ended with {status}")]
    Failed {
        /// Its path.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// It did not end.
    #[error("{program} took longer than {limit:?} and was ended")]
    TooLong {
        /// Its path.
        program: String,
        /// How long it may take.
        limit: Duration,
    },
    /// Nobody can say how it ended.
    #[error("{program} was lost")]
    Lost {
        /// Its path.
        program: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
}

/// Runs `command` with one more argument, and returns the first [`MOST_OUTPUT`] bytes that it prints.
///
/// # Errors
/// [`ProgramError`].
pub(crate) fn run(command: &[String], argument: Option<&str>, limit: Duration) -> Result<Vec<u8>, ProgramError> {
    let program = command.first().cloned().unwrap_or_default();
    let mut of = Command::new(&program);
    of.args(command.get(1..).unwrap_or_default()).args(argument);
    let mut child = in_own_group(without_secrets(&mut of))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|source| ProgramError::Start { program: program.clone(), source })?;
    let (printed, output) = mpsc::channel();
    if let Some(mut stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before an error counts.
            stdout.by_ref().take(MOST_OUTPUT).read_to_end(&mut bytes).ok();
            printed.send(bytes).ok();
            // A program that finds nobody reading would be ended for it.
            std::io::copy(&mut stdout, &mut std::io::sink()).ok();
        });
    }
    let ends = Instant::now() + limit;
    match wait(&mut child, ends) {
        Ok(Some(status)) if status.success() => {
            // What the program started may still hold its output open.
            let patience = ends.saturating_duration_since(Instant::now()).max(LOOK_EVERY);
            Ok(output.recv_timeout(patience).unwrap_or_default())
        }
        Ok(Some(status)) => Err(ProgramError::Failed { program, status }),
        Ok(None) => {
            signal_group(&mut child, Signal::Kill);
            child.wait().map_err(|source| ProgramError::Lost { program: program.clone(), source })?;
            Err(ProgramError::TooLong { program, limit })
        }
        Err(source) => Err(ProgramError::Lost { program, source }),
    }
}

/// Where the program is that would be run by this name.
///
/// # Errors
/// Why none would be, in words.
pub(crate) fn locate(name: &str) -> Result<PathBuf, String> {
    if name.contains('/') {
        let path = PathBuf::from(name);
        return match std::fs::metadata(&path) {
            Ok(file) if file.is_file() && is_executable(&file) => Ok(path),
            Ok(file) if file.is_file() => Err(format!("{name} may not be executed (chmod +x {name})")),
            Ok(_) => Err(format!("{name} is no file")),
            Err(error) => Err(format!("{name}: {error}")),
        };
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|path| std::fs::metadata(path).is_ok_and(|file| file.is_file() && is_executable(&file)))
        .ok_or_else(|| format!("{name} is not installed: it is in no folder of PATH"))
}

#[cfg(unix)]
fn is_executable(file: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    true
}

/// What a program and all that it started are told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signal {
    /// To end.
    Terminate,
    /// Nothing: it is ended.
    Kill,
}

/// The program will not find the bin's secrets in its environment.
pub(crate) fn without_secrets(command: &mut Command) -> &mut Command {
    command.env_remove(PASSWORD_VARIABLE).env_remove(CAMERA_PASSWORD_VARIABLE)
}

/// The program will begin a process group, to which belongs what it starts.
pub(crate) fn in_own_group(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command
}

/// To a program [`in_own_group`], and to all of its group. Whoever has ended cannot hear it, which is no error.
#[cfg(unix)]
pub(crate) fn signal_group(child: &mut Child, signal: Signal) {
    use nix::sys::signal::{Signal as Unix, killpg};
    let signal = match signal {
        Signal::Terminate => Unix::SIGTERM,
        Signal::Kill => Unix::SIGKILL,
    };
    if let Ok(group) = i32::try_from(child.id()) {
        killpg(nix::unistd::Pid::from_raw(group), signal).ok();
    }
}

/// Where there are no groups, to the program alone.
#[cfg(not(unix))]
pub(crate) fn signal_group(child: &mut Child, signal: Signal) {
    if matches!(signal, Signal::Kill) {
        child.kill().ok();
    }
}

fn wait(child: &mut Child, ends: Instant) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let left = ends.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        std::thread::sleep(LOOK_EVERY.min(left));
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, argument: Option<&str>, limit: Duration) -> Result<Vec<u8>, ProgramError> {
        run(&["sh".into(), "-c".into(), script.into(), "hook".into()], argument, limit)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_argument_comes_last_and_the_output_back() {
        assert_eq!(shell("echo $1-$#", Some("glass"), LONG).expect("runs"), b"glass-1\n");
        assert_eq!(shell("echo $#", None, LONG).expect("runs"), b"0\n");
        let much = shell("head -c 1000000 /dev/zero", None, LONG).expect("nobody is ended for talking");
        assert_eq!(much.len() as u64, MOST_OUTPUT);
    }

    #[test]
    fn no_program_finds_the_secrets_of_the_bin() {
        let mut command = Command::new("env");
        command.env(PASSWORD_VARIABLE, "hunter2").env(CAMERA_PASSWORD_VARIABLE, "hunter2").env("OTHER", "stays");
        let printed = without_secrets(&mut command).output().expect("runs").stdout;
        let printed = String::from_utf8(printed).expect("text");
        assert!(!printed.contains("hunter2") && printed.contains("OTHER=stays"), "{printed}");
    }

    #[test]
    fn what_goes_wrong_names_the_program() {
        let words = |error: ProgramError| crate::words::in_words(&error);
        let missing = run(&["/nowhere/flap".into()], None, LONG).expect_err("there is none");
        assert!(words(missing).starts_with("/nowhere/flap cannot be started: No such file"));
        assert_eq!(words(shell("exit 3", None, LONG).expect_err("3")), "sh ended with exit status: 3");
        let late = shell("sleep 600", None, Duration::from_millis(50)).expect_err("too long");
        assert_eq!(words(late), "sh took longer than 50ms and was ended");
        assert!(matches!(run(&[], None, LONG), Err(ProgramError::Start { .. })));
    }

    #[test]
    fn a_program_is_found_where_it_would_be_run_from() {
        assert!(locate("sh").is_ok_and(|path| path.is_absolute()));
        let words = |name: &str| locate(name).expect_err("none");
        assert_eq!(words("no-such-flap"), "no-such-flap is not installed: it is in no folder of PATH");
        assert!(words("/nowhere/flap").starts_with("/nowhere/flap: No such file"));
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        assert!(words(&file.path().display().to_string()).contains("may not be executed (chmod +x "));
    }

    #[test]
    fn what_a_program_has_started_is_ended_with_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("made");
        let (closed, when_closed) = mpsc::channel();
        let read_from = pipe.clone();
        std::thread::spawn(move || {
            // Over when nobody holds the other end any more.
            let read = std::fs::File::open(read_from).and_then(|mut pipe| pipe.read_to_end(&mut Vec::new()));
            closed.send(read.expect("reads")).ok();
        });
        let script = format!("sleep 600 > {} & wait", pipe.display());
        let late = shell(&script, None, Duration::from_secs(1)).expect_err("too long");
        assert!(matches!(late, ProgramError::TooLong { .. }), "{late}");
        // The reader waits for somebody to write, had the program not come so far.
        let is_closed = (0..600).any(|_| {
            drop(std::fs::File::options().read(true).write(true).open(&pipe));
            when_closed.recv_timeout(Duration::from_millis(100)).is_ok()
        });
        assert!(is_closed, "what the program has started still runs");
    }
}
