//! Whether there could be a connection, for the doctor: it connects under a name of its own, so that a
//! bin that runs keeps its connection, subscribes as the bin would, and goes. Nothing is published.

use std::time::{Duration, Instant};

use pilah_models::wire::topic::{self, Channel};
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Packet, QoS, SubscribeFilterInput, SubscribeReasonCode,
};
use tokio::time::timeout;

use super::{Link, in_words};

/// How long the broker may take for all of it.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why there could be no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// Nothing answers there, or not in MQTT.
    #[error("{0}")]
    Unreachable(String),
    /// The broker does not know the bin, or not this password.
    #[error("the broker refuses the bin's name or password ({0})")]
    Credentials(String),
    /// The broker denies the bin its own topics.
    #[error("the broker denies the bin its own topics")]
    Topics,
}

impl Link {
    /// Connects and subscribes; says how long that took.
    ///
    /// # Errors
    /// [`ProbeError`].
    pub async fn probe(mut self) -> Result<Duration, ProbeError> {
        self.options.set_client_id(topic::doctor_client_id(&self.bin));
        let begun = Instant::now();
        let words = format!("no answer within {} s", PATIENCE.as_secs());
        timeout(PATIENCE, self.connect_and_subscribe()).await.map_err(|_| ProbeError::Unreachable(words))??;
        Ok(begun.elapsed())
    }

    async fn connect_and_subscribe(self) -> Result<(), ProbeError> {
        let failed = |error: ConnectionError| match error {
            ConnectionError::ConnectionRefused(
                code @ (ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized),
            ) => ProbeError::Credentials(format!("{code:?}")),
            error => ProbeError::Unreachable(in_words(&error)),
        };
        let (client, mut eventloop) = AsyncClient::builder(self.options).capacity(4).build();
        // Nothing comes before the CONNACK.
        eventloop.poll().await.map_err(failed)?;
        let filters = [Channel::Desired.of(&self.bin), Channel::Acks.of(&self.bin), topic::HUB_STATUS.to_owned()];
        let filters = filters.map(|filter| SubscribeFilterInput::new(filter, QoS::AtLeastOnce));
        client.try_subscribe_many(filters).map_err(|e| ProbeError::Unreachable(crate::words::in_words(&e)))?;
        loop {
            if let rumqttc::Event::Incoming(Packet::SubAck(ack)) = eventloop.poll().await.map_err(failed)? {
                let denied = ack.return_codes.contains(&SubscribeReasonCode::Failure);
                return if denied { Err(ProbeError::Topics) } else { Ok(()) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener};

    use super::*;
    use crate::config::Config;
    use crate::secret::Secret;

    /// A broker that reads whatever comes and answers with these packets, one per read.
    fn broker(answers: &'static [&'static [u8]]) -> (SocketAddr, std::thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let (mut all, mut bytes) = (Vec::new(), [0; 4096]);
            for answer in answers {
                let read = stream.read(&mut bytes).expect("a packet");
                all.extend(&bytes[..read]);
                stream.write_all(answer).expect("writes");
            }
            // Until the client goes, which it may do without a word.
            while stream.read(&mut bytes).is_ok_and(|read| read > 0) {}
            all
        });
        (address, thread)
    }

    fn link(address: SocketAddr) -> Link {
        let text = format!(
            "version = 1\ndata_dir = \"x\"\nbin.id = \"b1\"\ncamera = {{ kind = \"virtual\" }}\nmqtt.url = \"mqtt://{address}\""
        );
        let config = Config::parse(std::path::Path::new("edge.toml"), &text).expect("valid");
        Link::new(config.bin, &config.mqtt, &Secret::from("pw".to_owned())).expect("no certificates needed")
    }

    #[tokio::test]
    async fn it_connects_under_a_name_of_its_own_and_leaves_no_will() {
        let (address, thread) = broker(&[&[0x20, 2, 0, 0], &[0x90, 5, 0, 1, 1, 1, 1]]);
        link(address).probe().await.expect("all is well");
        let sent = thread.join().expect("it ends");
        let text = String::from_utf8_lossy(&sent).into_owned();
        assert!(text.contains("pilah-b1-doctor") && text.contains("pilah/v1/bins/b1/acks"), "{text}");
        assert_eq!(sent[9] & 0b100, 0, "no will in the CONNECT's flags");
    }

    #[tokio::test]
    async fn what_the_broker_refuses_is_told_apart() {
        const WRONG: &[&[u8]] = &[&[0x20, 2, 0, 4]];
        const FORBIDDEN: &[&[u8]] = &[&[0x20, 2, 0, 5]];
        const DENIED: &[&[u8]] = &[&[0x20, 2, 0, 0], &[0x90, 5, 0, 1, 1, 0x80, 1]];
        for (answers, expected) in [
            (WRONG, ProbeError::Credentials("BadUserNamePassword".into())),
            (FORBIDDEN, ProbeError::Credentials("NotAuthorized".into())),
            (DENIED, ProbeError::Topics),
        ] {
            let (address, thread) = broker(answers);
            assert_eq!(link(address).probe().await, Err(expected));
            thread.join().expect("it ends");
        }
        let (address, thread) = broker(&[b"HTTP/1.1 400 Bad Request\r\n\r\n"]);
        assert!(matches!(link(address).probe().await, Err(ProbeError::Unreachable(_))));
        thread.join().expect("it ends");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
        assert!(matches!(link(free).probe().await, Err(ProbeError::Unreachable(_))));
    }
}
