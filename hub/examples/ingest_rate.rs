//! How many events a second the hub takes, from MQTT to committed rows and acknowledgements:
//! `cargo run --release -p pilah-hub --example ingest_rate -- [BINS] [EVENTS PER BIN]`.
//!
//! Hub, embedded broker and bins run in this process, so that what the bins cost is part of the figure.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::Timestamp;
use pilah_hub::config::Config;
use pilah_hub::{fleet, server};
use pilah_models::name::{BinId, Label, ModelVersion};
use pilah_models::wire::topic::Channel;
use pilah_models::wire::{Acks, Event, Header, Message as _, Outcome, Probabilities, VERSION};
use rumqttc::{AsyncClient, EventLoop, Incoming, MqttOptions, PublishOptions, QoS};

/// Unacknowledged events of one bin, as a bin with a backlog would have.
const WINDOW: u64 = 400;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let bins: u64 = arguments.next().map_or(Ok(4), |text| text.parse()).context("BINS is a number")?;
    let events: u64 = arguments.next().map_or(Ok(5000), |text| text.parse()).context("EVENTS is a number")?;

    let folder = tempfile::tempdir()?;
    let hub = server::start(Config::local(folder.path().join("data"), folder.path().join("none"))).await?;
    let port = hub.mqtt_addr.context("an embedded broker")?.port();
    let mut fleet = Vec::new();
    for number in 1..=bins {
        let id = BinId::new(format!("b{number}"))?;
        let secret = fleet::enrol(&hub.state.store, &id, "", "benchmark").await?;
        fleet.push(Bin::connect(id, secret.reveal(), port).await?);
    }

    let begun = Instant::now();
    let running: Vec<_> = fleet.into_iter().map(|bin| tokio::spawn(bin.send(events))).collect();
    let mut latencies = Vec::new();
    for bin in running {
        latencies.extend(bin.await??);
    }
    let seconds = begun.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    println!(
        "{} events of {bins} bins in {seconds:.2} s: {:.0} a second",
        bins * events,
        (bins * events) as f64 / seconds
    );
    println!("sent to acknowledged with {WINDOW} under way per bin: median {:.0} ms, 99 % {:.0} ms", at(0.5), at(0.99));
    println!("{:?}", hub.state.ingest.read());
    hub.stop().await;
    Ok(())
}

struct Bin {
    id: BinId,
    client: AsyncClient,
    incoming: EventLoop,
}

impl Bin {
    async fn connect(id: BinId, secret: &str, port: u16) -> anyhow::Result<Self> {
        let mut options = MqttOptions::new(format!("pilah-{id}"), ("127.0.0.1", port));
        options.set_credentials(id.to_string(), secret.to_owned()).set_max_packet_size(1 << 18, 1 << 18);
        let (client, mut incoming) = AsyncClient::builder(options).capacity(1000).build();
        client.subscribe(Channel::Acks.of(&id), QoS::AtLeastOnce).await?;
        while !matches!(incoming.poll().await?, rumqttc::Event::Incoming(Incoming::SubAck(_))) {}
        Ok(Self { id, client, incoming })
    }

    /// Sends events, at most [`WINDOW`] ahead of the acknowledgements; gives how long each took.
    async fn send(mut self, events: u64) -> anyhow::Result<Vec<Duration>> {
        let topic = Channel::Events.of(&self.id);
        let mut sent = Vec::with_capacity(events as usize);
        let mut took = Vec::with_capacity(events as usize);
        while (took.len() as u64) < events {
            while (sent.len() as u64) < events && sent.len() as u64 - (took.len() as u64) < WINDOW {
                let event = event(&self.id, sent.len() as u64 + 1);
                self.client.try_publish(topic.as_str(), event.encode(), PublishOptions::new(QoS::AtLeastOnce))?;
                sent.push(Instant::now());
            }
            if let rumqttc::Event::Incoming(Incoming::Publish(publish)) = self.incoming.poll().await? {
                let seqs = Acks::decode(&publish.payload)?.seqs;
                took.extend(seqs.into_iter().map(|seq| sent[seq as usize - 1].elapsed()));
            }
        }
        Ok(took)
    }
}

fn event(bin: &BinId, seq: u64) -> Event {
    let label = |name: &str| Label::new(name).expect("a valid label");
    let waste = ["cardboard", "glass", "metal", "paper", "plastic", "trash"];
    Event {
        header: Header { v: VERSION, bin: bin.clone(), epoch: 1, seq, at: Timestamp::now(), clock_synced: true },
        outcome: Outcome::Label { label: label("glass") },
        confidence: 0.9,
        probabilities: waste.into_iter().map(|name| (label(name), 1.0 / 6.0)).collect::<Probabilities>(),
        model: ModelVersion::new("m1").expect("a valid version"),
        latency_ms: 80.0,
        frames: 5,
        truth: None,
    }
}
