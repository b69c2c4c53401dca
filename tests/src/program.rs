//! The programs under test, and waiting for them.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a journey waits for one thing before it fails: two busy cores must be able to do it.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// The path of `pilah-hub` or `pilah-edge`, built beside this test.
///
/// # Panics
/// If it has not been built.
#[must_use]
pub fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps");
    let program = folder.join(name);
    assert!(program.exists(), "{} is missing: run `cargo build --workspace` first", program.display());
    program
}

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_owned()
}

/// A process that is stopped when its handle is dropped. What it prints goes to a file.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program with its output appended to `log`.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let out = File::options().create(true).append(true).open(log).expect("the log can be opened");
        let err = out.try_clone().expect("the log can be opened twice");
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let child = child.unwrap_or_else(|e| panic!("{:?} does not start: {e}", command.get_program()));
        Self { child, log: log.to_owned() }
    }

    /// What it has printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Kills it at once (SIGKILL), as a power cut would.
    ///
    /// # Panics
    /// If the operating system refuses.
    pub fn kill(mut self) {
        self.child.kill().expect("one's own child can be killed");
        self.child.wait().expect("a killed child can be waited for");
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Asked first, so that it stops what it started itself; it may have ended already, which is as good.
        Command::new("kill").arg(self.child.id().to_string()).status().ok();
        for _ in 0..100 {
            if !self.is_running() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A port on 127.0.0.1 that nothing listens on.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

/// Asks `question` until it answers; its `Err` says what is still missing.
///
/// # Panics
/// With what is missing, after [`PATIENCE`].
pub fn eventually<T>(what: &str, question: impl FnMut() -> Result<T, String>) -> T {
    within(PATIENCE, what, question)
}

/// As [`eventually`], for what takes longer.
///
/// # Panics
/// With what is missing, after `patience`.
pub fn within<T>(patience: Duration, what: &str, mut question: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match question() {
            Ok(answer) => return answer,
            Err(missing) => {
                assert!(start.elapsed() < patience, "{what}: after {patience:?} still {missing}");
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}
