//! Sensors that are asked: a program that prints a number, or an address that answers with one.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::masked::masked;
use crate::program::{self, ProgramError};

/// How long a sensor may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// The most bytes of an answer.
const MOST_BYTES: u64 = 16 * 1024;

/// Something that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// A program, with its arguments.
    Program(Vec<String>),
    /// An address.
    Http(String),
}

/// A sensor that does not answer.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The program.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The address.
    #[error("{url} does not answer: {why}")]
    Http {
        /// The address, without credentials.
        url: String,
        /// Why, in words.
        why: String,
    },
}

impl Polled {
    /// Asks once.
    ///
    /// # Errors
    /// [`PollError`].
    pub fn ask(&self) -> Result<String, PollError> {
        match self {
            Self::Program(command) => Ok(String::from_utf8_lossy(&program::run(command, None, LIMIT)?).into_owned()),
            Self::Http(url) => {
                let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(LIMIT)).build().into();
                let get = || agent.get(url).call()?.into_body().into_with_config().limit(MOST_BYTES).read_to_string();
                get().map_err(|source| PollError::Http { url: masked(url, &[]), why: masked(&source.to_string(), &[]) })
            }
        }
    }

    /// Asks again and again until nobody holds the other end of `wanted`, or `tell` says that nobody
    /// listens.
    pub fn ask_every(&self, every: Duration, wanted: &Receiver<()>, tell: impl Fn(Result<String, PollError>) -> bool) {
        while tell(self.ask()) && wanted.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {}
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// An address that gives one answer.
    fn answering(status: &'static str, body: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept()?;
            let mut request = [0; 4096];
            assert!(stream.read(&mut request)? > 0, "a request");
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
        });
        format!("http://{address}/fill")
    }

    #[test]
    fn an_address_is_asked_and_its_silence_is_told() {
        assert_eq!(Polled::Http(answering("200 OK", "62.5")).ask().expect("answers"), "62.5");
        let url = answering("500 Oops", "");
        let words = crate::words::in_words(&Polled::Http(url.clone()).ask().expect_err("an error"));
        assert!(words.starts_with(&format!("{url} does not answer: ")) && words.contains("500"), "{words}");
        let url = answering("500 Oops", "").replace("http://", "http://me:hunter2@") + "?token=hunter3";
        let words = crate::words::in_words(&Polled::Http(url).ask().expect_err("an error"));
        assert!(words.contains("http://***@127.0.0.1") && !words.contains("hunter"), "{words}");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_is_asked_until_nobody_wants_to_know() {
        let sensor = Polled::Program(["sh", "-c", "echo 40"].map(str::to_owned).to_vec());
        let (alive, wanted) = std::sync::mpsc::channel();
        let (told, answers) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            sensor.ask_every(Duration::from_millis(1), &wanted, |answer| told.send(answer.ok()).is_ok());
        });
        for _ in 0..2 {
            assert_eq!(answers.recv().expect("it asks"), Some("40\n".to_owned()));
        }
        drop(alive);
        thread.join().expect("it ends");
    }
}
