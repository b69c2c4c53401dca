//! Where bins connect, before the broker.
//!
//! rmqtt waits without an end for the first bytes of a connection, and its own listener cannot be told otherwise.
//! So connections come to this listener, pass the [`Door`], and are read up to the end of CONNECT, in the time that
//! they have for it; then they are handed on, byte by byte, to rmqtt's listener on the loopback device (ADR 32). What
//! is no CONNECT ends here, without a word.
//!
//! rmqtt sees a connection of this process in place of the client's: [`Passages`] knows whose it is. Whoever connects
//! to rmqtt's listener directly has no passage, and the rules let nobody in without one.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::connect;
use crate::door::{Door, Guest};

/// How long no connection is accepted after the system refused one.
const PAUSE: Duration = Duration::from_millis(200);

/// How long the broker has to say its last words to a client that has said its own.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Read at once, in bytes.
const PIECE: usize = 4096;

/// Who is on the other side of each connection to rmqtt. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Passages(Arc<Mutex<HashMap<SocketAddr, SocketAddr>>>);

/// A connection to rmqtt, for as long as it lasts.
#[derive(Debug)]
struct Passage {
    passages: Passages,
    inside: SocketAddr,
}

impl Passages {
    fn open(&self, inside: SocketAddr, client: SocketAddr) -> Passage {
        self.lock().insert(inside, client);
        Passage { passages: self.clone(), inside }
    }

    /// The client whose connection rmqtt sees as this one.
    pub(super) fn client(&self, inside: SocketAddr) -> Option<SocketAddr> {
        self.lock().get(&inside).copied()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, SocketAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.passages.lock().remove(&self.inside);
    }
}

/// Lets clients through to the broker, for as long as the broker's runtime lives.
pub(super) async fn serve(listener: TcpListener, broker: SocketAddr, door: Door, time: Duration, passages: Passages) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let Some(guest) = door.enter(from.ip()) else { continue };
                let passages = passages.clone();
                tokio::spawn(async move {
                    if let Err(error) = pass(stream, from, broker, guest, time, passages).await {
                        tracing::debug!(%error, address = %from, "an MQTT connection broke");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "an MQTT connection was not accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn pass(
    mut stream: TcpStream,
    from: SocketAddr,
    broker: SocketAddr,
    guest: Guest,
    time: Duration,
    passages: Passages,
) -> io::Result<()> {
    let read = tokio::select! {
        read = tokio::time::timeout(time, read_connect(&mut stream)) => read,
        () = guest.makes_way() => return Ok(()),
    };
    let Ok(read) = read else {
        guest.was_silent();
        return Ok(());
    };
    let Some(said) = read? else { return Ok(()) };
    guest.speaks();
    let mut inside = TcpStream::connect(broker).await?;
    let _passage = passages.open(inside.local_addr()?, from);
    stream.set_nodelay(true)?;
    inside.set_nodelay(true)?;
    inside.write_all(&said).await?;
    relay(stream, inside).await
}

/// Reads up to the end of CONNECT, and what came with it. `None`: it is none.
async fn read_connect(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut said = Vec::new();
    loop {
        let mut piece = [0; PIECE];
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            return Ok(None);
        }
        said.extend_from_slice(&piece[..count]);
        match connect::length(&said) {
            Ok(Some(length)) if said.len() >= length => return Ok(Some(said)),
            Ok(_) => {}
            Err(connect::NotConnect) => return Ok(None),
        }
    }
}

/// Hands everything on in both directions until one side is gone. What the client said before it left still arrives.
async fn relay(mut client: TcpStream, mut broker: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_broker, mut to_broker) = broker.split();
    let answers = tokio::io::copy(&mut from_broker, &mut to_client);
    tokio::pin!(answers);
    tokio::select! {
        // The broker ended it: the client has nothing more to say to anybody.
        answered = answers.as_mut() => answered.map(drop),
        asked = tokio::io::copy(&mut from_client, &mut to_broker) => {
            asked?;
            to_broker.shutdown().await?;
            match tokio::time::timeout(LAST_WORDS, answers).await {
                Ok(answered) => answered.map(drop),
                Err(_) => Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests;
