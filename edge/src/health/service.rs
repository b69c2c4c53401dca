//! The service manager: it is told that the bin is ready, that it still turns, and that it stops.
//!
//! The protocol is systemd's `sd_notify(3)`: datagrams of `NAME=value` lines to the Unix socket that
//! the environment variable `NOTIFY_SOCKET` names; a name that begins with `@` is in Linux' abstract
//! space. With `WATCHDOG_USEC`, the manager restarts a service that is silent for longer, so the loop
//! says `WATCHDOG=1` twice within that time — and nothing else does, so that a loop that hangs is
//! restarted. While a model loads, before the bin is ready, its time to start (`TimeoutStartSec`) does the same: a model that
//! hangs ends its run as one that crashes does. Without the variables, all of this does nothing.

use std::ffi::OsStr;
use std::time::{Duration, Instant};

use tracing::{info, warn};

/// The least time between two signs of life.
const LEAST_PAUSE: Duration = Duration::from_millis(10);

/// What the service manager wants to hear.
#[derive(Debug)]
pub struct Service {
    notifier: Option<Notifier>,
    /// How often a sign of life is due; `None`: never.
    every: Option<Duration>,
    due: Option<Instant>,
    /// Whether the last sign of life was withheld, so that it is told once.
    withheld: bool,
}

impl Service {
    /// The service manager that the environment names, if one started this program.
    #[must_use]
    pub fn from_environment() -> Self {
        let variable = |name| std::env::var_os(name);
        let socket = variable("NOTIFY_SOCKET");
        let notifier = socket.as_deref().and_then(|socket| match Notifier::connect(socket) {
            Ok(notifier) => Some(notifier),
            Err(error) => {
                warn!(%error, "the service manager cannot be told anything");
                None
            }
        });
        let limit = watchdog_limit(
            variable("WATCHDOG_USEC").as_deref(),
            variable("WATCHDOG_PID").as_deref(),
            std::process::id(),
        );
        Self::new(notifier, limit)
    }

    fn new(notifier: Option<Notifier>, limit: Option<Duration>) -> Self {
        let every = limit.filter(|_| notifier.is_some()).map(|limit| (limit / 2).max(LEAST_PAUSE));
        Self { notifier, every, due: None, withheld: false }
    }

    /// The bin works from `now` on.
    pub fn handle_ready(&mut self, now: Instant) {
        self.tell("READY=1");
        self.due = self.every.map(|every| now + every);
        if let Some(every) = self.every {
            info!(every_s = every.as_secs_f32(), "watchdog");
        }
    }

    /// When a sign of life is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// The loop turns. `well`: so does what it cannot see from here.
    pub fn handle_turn(&mut self, well: bool, now: Instant) {
        let (Some(due), Some(every)) = (self.due, self.every) else { return };
        if now < due {
            return;
        }
        self.due = Some(now + every);
        if well {
            self.tell("WATCHDOG=1");
        } else if !self.withheld {
            warn!("the pipeline hangs: the service manager is not told that all is well");
        }
        self.withheld = !well;
    }

    /// The bin stops, which may take a while.
    pub fn handle_stopping(&mut self) {
        self.tell("STOPPING=1");
        self.due = None;
    }

    fn tell(&self, message: &str) {
        if let Some(notifier) = &self.notifier
            && let Err(error) = notifier.send(message)
        {
            warn!(%error, message, "the service manager cannot be told");
        }
    }
}

/// For how long the service manager bears silence, if it is meant for this process.
fn watchdog_limit(microseconds: Option<&OsStr>, of: Option<&OsStr>, process: u32) -> Option<Duration> {
    let number = |text: &OsStr| text.to_str()?.parse::<u64>().ok();
    let for_us = of.is_none_or(|of| number(of) == Some(u64::from(process)));
    microseconds.and_then(number).filter(|limit| for_us && *limit > 0).map(Duration::from_micros)
}

#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Notifier {
    socket: std::os::unix::net::UnixDatagram,
}

#[cfg(target_os = "linux")]
impl Notifier {
    fn connect(name: &OsStr) -> std::io::Result<Self> {
        use std::os::linux::net::SocketAddrExt as _;
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::net::{SocketAddr, UnixDatagram};
        let address = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            _ => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // A manager that does not read must not hold up the loop.
        socket.set_nonblocking(true)?;
        Ok(Self { socket })
    }

    fn send(&self, message: &str) -> std::io::Result<()> {
        self.socket.send(message.as_bytes()).map(drop)
    }
}

#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
struct Notifier;

#[cfg(not(target_os = "linux"))]
impl Notifier {
    fn connect(_: &OsStr) -> std::io::Result<Self> {
        Err(std::io::Error::other("only Linux has a service manager of this protocol"))
    }

    fn send(&self, _: &str) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_ours_only_if_it_names_no_other_process() {
        let cases = [
            (Some("3000000"), None, Some(3_000)),
            (Some("3000000"), Some("42"), Some(3_000)),
            (Some("3000000"), Some("41"), None),
            (Some("0"), None, None),
            (Some("soon"), None, None),
            (None, Some("42"), None),
        ];
        for (microseconds, of, expected) in cases {
            let limit = watchdog_limit(microseconds.map(OsStr::new), of.map(OsStr::new), 42);
            assert_eq!(limit, expected.map(Duration::from_millis), "{microseconds:?} {of:?}");
        }
    }

    #[test]
    fn the_service_that_ships_restarts_what_hangs_while_it_loads_and_later() {
        let unit = include_str!("../../../deploy/edge/deb/pilah-edge.service");
        let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        let seconds = |key: &str| value(key).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
        assert_eq!((value("Type"), value("Restart")), (Some("notify"), Some("always")));
        assert!((60..=300).contains(&seconds("TimeoutStartSec")), "a model that hangs while it loads");
        assert!((30..=120).contains(&seconds("WatchdogSec")), "one that hangs on a picture");
        assert_eq!(value("StartLimitIntervalSec"), Some("0"), "and however often it does, it is started again");
    }

    #[test]
    fn without_a_manager_nothing_is_due() {
        let (mut service, now) = (Service::new(None, Some(Duration::from_secs(10))), Instant::now());
        service.handle_ready(now);
        service.handle_turn(true, now);
        service.handle_stopping();
        assert_eq!(service.poll_timeout(), None);
    }

    #[cfg(target_os = "linux")]
    mod linux {
        use std::os::linux::net::SocketAddrExt as _;
        use std::os::unix::net::{SocketAddr, UnixDatagram};

        use super::*;

        /// A manager at `name`, and all that it has heard since it was asked last.
        struct Manager(UnixDatagram);

        impl Manager {
            fn bind(address: &SocketAddr) -> Self {
                let socket = UnixDatagram::bind_addr(address).expect("a free name");
                socket.set_nonblocking(true).expect("can be set");
                Self(socket)
            }

            fn heard(&self) -> Vec<String> {
                let mut bytes = [0; 256];
                let next = || self.0.recv(&mut bytes).ok().map(|n| String::from_utf8_lossy(&bytes[..n]).into_owned());
                std::iter::from_fn(next).collect()
            }
        }

        #[test]
        fn it_is_told_that_the_bin_is_ready_lives_and_stops_by_path_and_by_abstract_name() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let path = folder.path().join("notify");
            let name = format!("pilah-test-{}", std::process::id());
            for (socket, address) in [
                (path.clone().into_os_string(), SocketAddr::from_pathname(&path).expect("valid")),
                (format!("@{name}").into(), SocketAddr::from_abstract_name(&name).expect("valid")),
            ] {
                let manager = Manager::bind(&address);
                let notifier = Notifier::connect(&socket).expect("it listens");
                let mut service = Service::new(Some(notifier), Some(Duration::from_secs(10)));
                let start = Instant::now();
                let at = |seconds| start + Duration::from_secs(seconds);
                service.handle_turn(true, at(0));
                assert!(manager.heard().is_empty(), "it is not ready yet");
                service.handle_ready(at(0));
                assert_eq!(manager.heard(), ["READY=1"]);
                assert_eq!(service.poll_timeout(), Some(at(5)));
                service.handle_turn(true, at(4));
                assert!(manager.heard().is_empty(), "not due yet");
                service.handle_turn(true, at(5));
                service.handle_turn(true, at(6));
                assert_eq!(manager.heard(), ["WATCHDOG=1"]);
                service.handle_turn(false, at(11));
                service.handle_turn(false, at(17));
                assert!(manager.heard().is_empty(), "what hangs is not well");
                service.handle_turn(true, at(23));
                service.handle_stopping();
                assert_eq!(manager.heard(), ["WATCHDOG=1", "STOPPING=1"]);
                assert_eq!(service.poll_timeout(), None);
            }
        }

        #[test]
        fn a_manager_that_is_gone_or_never_was_stops_nothing() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let path = folder.path().join("notify");
            assert!(Notifier::connect(path.as_os_str()).is_err());
            let manager = Manager::bind(&SocketAddr::from_pathname(&path).expect("valid"));
            let notifier = Notifier::connect(path.as_os_str()).expect("it listens");
            drop(manager);
            let (mut service, now) = (Service::new(Some(notifier), Some(Duration::from_secs(10))), Instant::now());
            service.handle_ready(now);
            service.handle_turn(true, now + Duration::from_secs(5));
            assert!(service.poll_timeout().is_some());
        }
    }
}
