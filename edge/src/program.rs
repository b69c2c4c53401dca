//! Another program, run with a time limit: hooks, and sensors that are read by a program.
//!
//! It inherits the environment and writes its complaints where the bin writes its log. One that takes
//! too long is ended; what it has started itself is not.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

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
    let mut child = Command::new(&program)
        .args(command.get(1..).unwrap_or_default())
        .args(argument)
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
            // It may have ended in this very moment.
            child.kill().ok();
            child.wait().map_err(|source| ProgramError::Lost { program: program.clone(), source })?;
            Err(ProgramError::TooLong { program, limit })
        }
        Err(source) => Err(ProgramError::Lost { program, source }),
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
    fn what_goes_wrong_names_the_program() {
        let words = |error: ProgramError| crate::in_words(&error);
        let missing = run(&["/nowhere/flap".into()], None, LONG).expect_err("there is none");
        assert!(words(missing).starts_with("/nowhere/flap cannot be started: No such file"));
        assert_eq!(words(shell("exit 3", None, LONG).expect_err("3")), "sh ended with exit status: 3");
        let late = shell("sleep 600", None, Duration::from_millis(50)).expect_err("too long");
        assert_eq!(words(late), "sh took longer than 50ms and was ended");
        assert!(matches!(run(&[], None, LONG), Err(ProgramError::Start { .. })));
    }
}
