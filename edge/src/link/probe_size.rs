//! How large a message the broker takes and passes on, for the doctor.
//!
//! A broker says nothing of its limit. Some break the connection at what is larger, others acknowledge it and pass it on
//! to nobody. So the doctor publishes an answer to a question that nobody has asked, which whoever hears it ignores,
//! with as much padding as it takes, and listens whether it comes back. Brokers that do not let a bin read its own
//! answers show only whether they break; those that let the doctor publish nothing, as the hub's own, show nothing.

use std::time::Duration;

use jiff::Timestamp;
use pilah_models::wire::topic::{Channel, doctor_client_id};
use pilah_models::wire::{CommandResult, Header, Message, Reply, VERSION};
use rumqttc::{AsyncClient, Event, EventLoop, Packet, PublishOptions, QoS};
use tokio::time::timeout;

use super::probe::ProbeError;
use super::{Link, in_words};

/// How long a broker may take to accept a message, and to send it back.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long an echo may take, once the broker has accepted the message.
const ECHO: Duration = Duration::from_secs(2);

/// A message as small as this comes through everywhere.
const SMALL: usize = 512;

/// So close to the limit is close enough, in bytes.
const CLOSE: usize = 512;

/// What a broker does with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    /// It came back.
    CameBack,
    /// The broker has acknowledged it, and it did not come back.
    Accepted,
    /// The connection broke, or nothing came of it.
    Refused,
}

/// How large messages may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Largest {
    /// The most bytes of a packet that come through, of those that were tried.
    pub bytes: usize,
    /// What the broker does with more; `None` if all that may be sent comes through.
    pub more: Option<More>,
    /// Whether what the broker accepts was seen to come back.
    pub is_seen: bool,
}

/// What a broker does with more than it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// It breaks the connection.
    Breaks,
    /// It acknowledges, and passes it on to nobody.
    Swallows,
}

impl Link {
    /// Finds out how large a message of at most `most` bytes may be, its topic and header included. `None` if not even
    /// a small one is taken: this account may publish nothing.
    ///
    /// # Errors
    /// [`ProbeError`]: there is no connection.
    pub async fn probe_size(&self, most: usize) -> Result<Option<Largest>, ProbeError> {
        let is_seen = match self.fate(SMALL).await? {
            Fate::CameBack => true,
            Fate::Accepted => false,
            Fate::Refused => return Ok(None),
        };
        let more = |fate: &Fate| match fate {
            Fate::CameBack => None,
            Fate::Accepted => is_seen.then_some(More::Swallows),
            Fate::Refused => Some(More::Breaks),
        };
        let Some(beyond) = more(&self.fate(most).await?) else {
            return Ok(Some(Largest { bytes: most, more: None, is_seen }));
        };
        let (mut taken, mut refused) = (SMALL, most);
        while refused - taken > CLOSE {
            let middle = taken + (refused - taken) / 2;
            if more(&self.fate(middle).await?).is_none() {
                taken = middle;
            } else {
                refused = middle;
            }
        }
        Ok(Some(Largest { bytes: taken, more: Some(beyond), is_seen }))
    }

    /// What becomes of a message of so many bytes, over a connection of its own.
    async fn fate(&self, bytes: usize) -> Result<Fate, ProbeError> {
        let mut options = self.options.clone();
        options.set_client_id(doctor_client_id(&self.bin));
        let (client, mut eventloop) = AsyncClient::builder(options).capacity(4).build();
        let unreachable = |words: String| ProbeError::Unreachable(words);
        let connected = timeout(PATIENCE, eventloop.poll()).await;
        let connected = connected.map_err(|_| unreachable(format!("no answer within {} s", PATIENCE.as_secs())))?;
        connected.map_err(|error| unreachable(in_words(&error)))?;
        let topic = Channel::Replies.of(&self.bin);
        let payload = padded(&self.bin, bytes.saturating_sub(5 + 2 + topic.len() + 2));
        // A broker that forbids it says so, or says nothing, or ends the connection; then the echo is not to be seen.
        client.try_subscribe(topic.clone(), QoS::AtLeastOnce).map_err(|e| unreachable(crate::words::in_words(&e)))?;
        let options = PublishOptions::new(QoS::AtLeastOnce);
        client.try_publish(topic, payload.clone(), options).map_err(|e| unreachable(crate::words::in_words(&e)))?;
        let fate = listen(&mut eventloop, &payload).await;
        // Asked once more, the client would connect anew.
        if fate == Fate::Refused {
            return Ok(fate);
        }
        // It is gone when it is dropped; a broker need not think that the bin has disappeared.
        client.try_disconnect().ok();
        timeout(ECHO, async { while eventloop.poll().await.is_ok() {} }).await.ok();
        Ok(fate)
    }
}

/// Waits for the broker's acknowledgement, and then for the message itself.
async fn listen(eventloop: &mut EventLoop, payload: &[u8]) -> Fate {
    let (mut accepted, mut came_back) = (false, false);
    while !(accepted && came_back) {
        match timeout(if accepted { ECHO } else { PATIENCE }, eventloop.poll()).await {
            Ok(Ok(Event::Incoming(Packet::PubAck(_)))) => accepted = true,
            Ok(Ok(Event::Incoming(Packet::Publish(publish)))) => came_back |= publish.payload == payload,
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Fate::Refused,
            Err(_) if accepted => return Fate::Accepted,
            Err(_) => return Fate::Refused,
        }
    }
    Fate::CameBack
}

/// An answer to nobody's question of so many bytes. A reader ignores the field that it does not know.
fn padded(bin: &pilah_models::name::BinId, bytes: usize) -> Vec<u8> {
    let header =
        Header { v: VERSION, bin: bin.clone(), epoch: 0, seq: 0, at: Timestamp::UNIX_EPOCH, clock_synced: false };
    let result = CommandResult::Done { what: "doctor".to_owned(), about: None };
    let mut text = Reply { header, of_epoch: 0, of_seq: 0, result }.encode();
    let (key, end) = (&b",\"padding\":\""[..], &b"\"}"[..]);
    let padding = bytes.saturating_sub(text.len() + key.len() + end.len() - 1);
    text.pop();
    [&text, key, &vec![b'x'; padding], end].concat()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use pilah_models::name::BinId;

    use super::*;
    use crate::config::Config;
    use crate::secret::Secret;

    #[tokio::test]
    async fn a_broker_that_lets_the_doctor_publish_nothing_is_asked_once() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            assert!(stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0), "a CONNECT");
            stream.write_all(&[0x20, 2, 0, 0]).expect("writes");
            assert!(stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0), "what it asks for");
            drop(stream);
            listener
        });
        let text = format!(
            "version = 1\ndata_dir = \"x\"\nbin.id = \"b1\"\ncamera.kind = \"virtual\"\nmqtt.url = \"mqtt://{address}\""
        );
        let config = Config::parse(std::path::Path::new("edge.toml"), &text).expect("valid");
        let link = Link::new(config.bin, &config.mqtt, &Secret::from("pw".to_owned())).expect("no certificates needed");
        assert_eq!(link.probe_size(131_072).await, Ok(None));
        let listener = thread.join().expect("it ends");
        listener.set_nonblocking(true).expect("sets");
        assert!(listener.accept().is_err(), "it does not come again");
    }

    #[test]
    fn the_padded_answer_has_the_size_that_is_asked_for_and_is_a_valid_message() {
        let bin = BinId::new("b1").expect("valid");
        for bytes in [SMALL, 8000, 131_000] {
            let padded = padded(&bin, bytes);
            assert_eq!(padded.len(), bytes);
            assert_eq!(Reply::decode(&padded).expect("valid").of_epoch, 0);
        }
    }
}
