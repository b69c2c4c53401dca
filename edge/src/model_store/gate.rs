//! What the bytes of an attempt go through on their way in: counted, no faster than is allowed, and no further once
//! nobody wants them.
//!
//! The pace is decided purely ([`Pace`]): each piece that has come keeps the link taken for as long as it may cost, and
//! the next is read when that time is over. A link that stood still saves nothing up, so there are no bursts. The sender
//! is slowed down by TCP, whose window fills while nobody reads.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pilah_trust::source::{Reply, Source};

use super::fetch::Incoming;

/// How long the longest wait is without asking whether what comes is still wanted.
const LOOK_UP: Duration = Duration::from_secs(1);

/// A limit of bytes per second.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    per_second: u64,
    /// Until when what has come takes the link.
    taken_until: Option<Instant>,
}

impl Pace {
    /// At most so many bytes per second, at least one.
    #[must_use]
    pub fn new(per_second: u64) -> Self {
        Self { per_second: per_second.max(1), taken_until: None }
    }

    /// How much may be read at once: what comes in a quarter of a second.
    #[must_use]
    pub fn piece(&self) -> usize {
        usize::try_from((self.per_second / 4).max(1)).unwrap_or(usize::MAX)
    }

    /// So many bytes have come: how long to wait before more are read.
    #[must_use]
    pub fn handle_read(&mut self, bytes: usize, now: Instant) -> Duration {
        let costs = Duration::from_secs_f64(bytes as f64 / self.per_second as f64);
        let until = self.taken_until.map_or(now, |until| until.max(now)) + costs;
        self.taken_until = Some(until);
        until.saturating_duration_since(now)
    }
}

/// What an attempt's bytes go through. Clones are the same gate.
#[derive(Clone)]
pub struct Gate {
    is_wanted: Arc<AtomicBool>,
    bytes: Arc<AtomicU64>,
    pace: Option<Arc<Mutex<Pace>>>,
    wait: Arc<dyn Fn(Duration) + Send + Sync>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Gate {
    /// Lets through what `is_wanted`, at most `per_second` bytes in a second.
    #[must_use]
    pub fn new(is_wanted: Arc<AtomicBool>, per_second: Option<u64>) -> Self {
        let pace = per_second.map(|per_second| Arc::new(Mutex::new(Pace::new(per_second))));
        Self { is_wanted, bytes: Arc::default(), pace, wait: Arc::new(std::thread::sleep) }
    }

    /// Lets everything through, and counts it.
    #[must_use]
    pub fn open() -> Self {
        Self::new(Arc::new(AtomicBool::new(true)), None)
    }

    /// How many bytes have come.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether what comes is still wanted.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }

    /// A repository whose files come through this gate.
    #[must_use]
    pub fn source(&self, source: Source) -> Source {
        let gate = self.clone();
        Source::new(move |request| {
            let Reply { from, body } = source.open(request)?;
            Ok(Reply { from, body: Box::new(Gated { gate: gate.clone(), body }) })
        })
    }

    /// An artifact that comes through this gate.
    #[must_use]
    pub fn incoming(&self, incoming: Incoming) -> Incoming {
        Incoming { body: Box::new(Gated { gate: self.clone(), body: incoming.body }), ..incoming }
    }

    fn handle_read(&self, read: usize) {
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        let Some(pace) = &self.pace else { return };
        // A panic while it was held leaves a time, which is whole.
        let mut left = pace.lock().unwrap_or_else(PoisonError::into_inner).handle_read(read, Instant::now());
        while !left.is_zero() && self.is_wanted() {
            let part = left.min(LOOK_UP);
            (self.wait)(part);
            left -= part;
        }
    }
}

/// What is read through a gate.
struct Gated<R> {
    gate: Gate,
    body: R,
}

impl<R: Read> Read for Gated<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.gate.is_wanted() {
            return Err(io::Error::other("it is not wanted any more"));
        }
        let piece = self.gate.pace.as_ref().map(|pace| pace.lock().unwrap_or_else(PoisonError::into_inner).piece());
        let most = buffer.len().min(piece.unwrap_or(usize::MAX));
        let read = self.body.read(&mut buffer[..most])?;
        self.gate.handle_read(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_takes_the_link_for_as_long_as_it_may_cost() {
        let (mut pace, begun) = (Pace::new(1000), Instant::now());
        let after = |ms| begun + Duration::from_millis(ms);
        for (bytes, at, waits) in
            [(250, 0, 250), (250, 250, 250), (250, 300, 450), (0, 750, 0), (500, 10_000, 500), (1, 10_500, 1)]
        {
            let expected = Duration::from_millis(waits);
            assert_eq!(pace.handle_read(bytes, after(at)), expected, "{bytes} bytes after {at} ms");
        }
        assert_eq!((Pace::new(1000).piece(), Pace::new(0).piece()), (250, 1));
    }

    #[test]
    fn what_comes_is_counted_and_as_slow_as_it_must_be_and_ends_when_it_is_not_wanted() {
        let waited = Arc::new(Mutex::new(Duration::ZERO));
        let wanted = Arc::new(AtomicBool::new(true));
        let mut gate = Gate::new(Arc::clone(&wanted), Some(100));
        let sum = Arc::clone(&waited);
        gate.wait = Arc::new(move |part| *sum.lock().expect("whole") += part);
        let mut body = Gated { gate: gate.clone(), body: io::repeat(7).take(1000) };
        let mut came = Vec::new();
        body.read_to_end(&mut came).expect("it comes");
        assert_eq!((came.len(), gate.bytes()), (1000, 1000));
        // The clock went on a little while the pieces were read, and the waiting took no time.
        let waited = *waited.lock().expect("whole");
        assert!(waited >= Duration::from_secs(10), "1000 bytes at 100 a second: {waited:?}");

        wanted.store(false, Ordering::Relaxed);
        let error = body.read(&mut [0; 8]).expect_err("nobody wants it");
        assert!(error.to_string().contains("not wanted"), "{error}");
        assert_eq!(gate.bytes(), 1000);
    }
}
