//! The broker, the hub, and whether another bin has this one's id.

use jiff::Timestamp;
use pilah_models::name::ContentId;

use super::{Finding, fail, ok, warn};
use crate::config::Config;
use crate::link::Link;
use crate::link::probe::ProbeError;
use crate::link::probe_size::{Largest, More};
use crate::model_store::fetch::{FetchError, Hub, HubAnswer};
use crate::run::Undelivered;
use crate::run::twin::Note;
use crate::secret::Secret;

/// Whether the broker takes the bin.
pub(super) fn broker(config: &Config, password: Option<&Secret>) -> Finding {
    const CHECK: &str = "broker";
    let address = &config.mqtt.address;
    let Some(password) = password else {
        return fail(CHECK, format!("{address}: not asked without a password"), "See above.");
    };
    let link = match Link::new(config.bin.clone(), &config.mqtt, password) {
        Ok(link) => link,
        Err(error) => {
            return fail(CHECK, crate::words::in_words(&error), "Name a readable file of certificates in PEM.");
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(CHECK, error.to_string(), "Is there enough memory (free -m)?"),
    };
    match runtime.block_on(link.probe()) {
        Ok(time) => ok(CHECK, format!("{address}: takes the bin, within {} ms", time.as_millis())),
        Err(error) => {
            let advice = match &error {
                ProbeError::Unreachable(_) => format!(
                    "Is the address right, and is the broker on? Try: nc -vz {} {}. With TLS, the clock must be right \
                     and mqtt.ca_file name who vouches for the broker.",
                    address.host, address.port
                ),
                ProbeError::Credentials(_) => format!(
                    "Enrol bin {} at the hub, or give it a new secret there, and write that into the password file.",
                    config.bin
                ),
                ProbeError::Topics => format!(
                    "Allow the user {} the topics pilah/v1/bins/{}/# at the broker; the hub's own broker does.",
                    config.bin, config.bin
                ),
            };
            fail(CHECK, format!("{address}: {error}"), advice)
        }
    }
}

/// Whether another program speaks under the bin's id, as the bin noticed when it ran last.
pub(super) fn identity(config: &Config, note: Option<&Note>) -> Finding {
    const CHECK: &str = "identity";
    match note {
        None => ok(CHECK, format!("no other program was noticed that speaks as bin {}", config.bin)),
        Some(Note { connections, at }) => fail(
            CHECK,
            format!(
                "another program speaks as bin {}: it took the connection {connections} times, the last time at {}",
                config.bin,
                at.strftime("%Y-%m-%d %H:%M UTC")
            ),
            "Two bins run on copies of one card, or of one configuration: enrol one of them at the hub under an id of \
             its own, and put id and secret into its configuration.",
        ),
    }
}

/// How large a message the broker takes. Nothing where there is no connection, which [`broker`] tells of.
pub(super) fn largest_message(config: &Config, password: Option<&Secret>) -> Option<Finding> {
    let link = Link::new(config.bin.clone(), &config.mqtt, password?).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let most = config.mqtt.largest_message;
    runtime.block_on(link.probe_size(most)).ok().map(|largest| judge_largest(most, largest))
}

fn judge_largest(most: usize, largest: Option<Largest>) -> Finding {
    const CHECK: &str = "messages";
    let Some(Largest { bytes, more, is_seen }) = largest else {
        let words = "not measured: this account may publish nothing; the hub's own broker takes the default size";
        return ok(CHECK, words);
    };
    let does = match more {
        None if is_seen => return ok(CHECK, format!("the broker passes on {most} bytes")),
        None => {
            let words =
                format!("the broker takes {most} bytes; whether it passes them on is not to be seen with this account");
            return ok(CHECK, words);
        }
        Some(More::Breaks) => "breaks the connection at",
        Some(More::Swallows) => "acknowledges and drops",
    };
    warn(
        CHECK,
        format!("the broker {does} messages of {most} bytes; it takes {bytes}"),
        format!(
            "Set mqtt.largest_message = {bytes}, or raise the broker's limit (Mosquitto: message_size_limit, \
             max_packet_size). Until then the bin finds out by trial, and makes pictures smaller."
        ),
    )
}

/// What the bin that runs, or ran last, could not deliver.
pub(super) fn undelivered(config: &Config) -> Option<Finding> {
    Undelivered::read(&config.data_dir).map(judge_undelivered)
}

fn judge_undelivered(undelivered: Undelivered) -> Finding {
    let Undelivered { set_aside, made_smaller, largest_message } = undelivered;
    let limit =
        largest_message.map_or(String::new(), |bytes| format!("; nothing larger than {bytes} bytes came through"));
    warn(
        "delivery",
        format!("the bin has set {set_aside} messages aside and made {made_smaller} pictures smaller{limit}"),
        "The bin's log says why: the broker's limit, or a hub that does not acknowledge them. What is set aside is kept \
         in the outbox, and tried again a day later and when the bin starts.",
    )
}

/// Whether the hub knows the bin, and what time it is there.
pub(super) fn hub(config: &Config, password: Option<&Secret>) -> (Finding, Option<Timestamp>) {
    const CHECK: &str = "hub";
    let Some(of) = &config.hub else {
        let words = "none is configured: the bin keeps the model it has";
        return (warn(CHECK, words, "Add a section [hub] with its url, if there is one."), None);
    };
    let nobody = Secret::from(String::new());
    let hub = match Hub::new(of, &config.bin, password.unwrap_or(&nobody)) {
        Ok(hub) => hub,
        Err(error) => {
            return (fail(CHECK, crate::words::in_words(&error), "Name a readable file of certificates in PEM."), None);
        }
    };
    let health = hub.ask("/health");
    let time = health.as_ref().ok().and_then(|answer| read_date(answer.date.as_deref()?));
    // No model has this id, so a hub that lets the bin in says 404.
    let artifact = health.is_ok().then(|| hub.ask(&format!("/api/v1/artifacts/{}", ContentId::of(b"doctor"))));
    (judge_hub(&of.address.to_string(), config.bin.as_str(), health, artifact), time)
}

fn judge_hub(
    address: &str,
    bin: &str,
    health: Result<HubAnswer, FetchError>,
    artifact: Option<Result<HubAnswer, FetchError>>,
) -> Finding {
    const CHECK: &str = "hub";
    let unreachable = "Is the address right, and is the hub on? With https, the clock must be right and hub.ca_file name \
                       who vouches for the hub. The bin works without it, with the model it has.";
    match (health, artifact) {
        (Err(error), _) | (_, Some(Err(error))) => fail(CHECK, error.to_string(), unreachable),
        (Ok(HubAnswer { status: 503, .. }), _) => warn(
            CHECK,
            format!("{address}: it can store nothing now"),
            "Its page /health says why. The bin keeps what it has.",
        ),
        (Ok(answer), _) if answer.status != 200 => fail(
            CHECK,
            format!("{address}: its /health answers {}", answer.status),
            "Is this the address of a Pilah hub? If it is, its log says what is wrong.",
        ),
        (_, Some(Ok(HubAnswer { status: 401 | 403, .. }))) => fail(
            CHECK,
            format!("{address}: it does not know bin {bin} by this password"),
            "Enrol the bin at the hub, or give it a new secret there, and write that into the password file.",
        ),
        (_, Some(Ok(HubAnswer { status: 200 | 404, .. }))) => ok(CHECK, format!("{address}: knows the bin")),
        (_, Some(Ok(HubAnswer { status, .. }))) => {
            warn(CHECK, format!("{address}: models answer {status}"), "Its log says why.")
        }
        (Ok(_), None) => warn(CHECK, format!("{address}: not asked whether it knows the bin"), "Run it again."),
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, as HTTP writes dates (RFC 9110, 5.6.7).
fn read_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn the_hubs_date_is_read() {
        let expected = "1994-11-06T08:49:37Z".parse::<Timestamp>().expect("valid");
        assert_eq!(read_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(expected));
        assert_eq!(read_date("yesterday"), None);
    }

    #[test]
    fn a_broker_with_a_limit_is_a_warning_that_names_it() {
        let largest = |more, is_seen| Some(Largest { bytes: 7936, more, is_seen });
        for (largest, verdict, words) in [
            (None, Verdict::Ok, "not measured: this account may publish nothing"),
            (largest(None, true), Verdict::Ok, "passes on 131072 bytes"),
            (largest(None, false), Verdict::Ok, "not to be seen"),
            (largest(Some(More::Breaks), false), Verdict::Warn, "breaks the connection at messages of 131072 bytes"),
            (largest(Some(More::Swallows), true), Verdict::Warn, "acknowledges and drops messages of 131072 bytes"),
        ] {
            let finding = judge_largest(131_072, largest);
            assert_eq!(finding.verdict, verdict, "{finding}");
            assert!(finding.words.contains(words), "{finding}");
            let advice = finding.advice.unwrap_or_default();
            assert_eq!(advice.contains("mqtt.largest_message = 7936"), verdict == Verdict::Warn, "{advice}");
        }
        let finding = judge_undelivered(Undelivered { set_aside: 2, made_smaller: 5, largest_message: Some(7936) });
        assert!(finding.words.contains("set 2 messages aside and made 5 pictures smaller; nothing larger than 7936"));
    }

    #[test]
    fn each_answer_of_a_hub_is_told_with_what_to_do() {
        let answer = |status| Ok(HubAnswer { status, date: None });
        let silent = || Err(FetchError::Transport { url: "http://h/health".into(), reason: "timed out".into() });
        for (health, artifact, expected, words) in [
            (answer(200), Some(answer(404)), Verdict::Ok, "knows the bin"),
            (answer(200), Some(answer(401)), Verdict::Fail, "does not know bin b1"),
            (answer(200), Some(answer(500)), Verdict::Warn, "answer 500"),
            (answer(200), Some(silent()), Verdict::Fail, "timed out"),
            (answer(503), Some(answer(404)), Verdict::Warn, "it can store nothing now"),
            (answer(502), Some(answer(404)), Verdict::Fail, "/health answers 502"),
            (silent(), None, Verdict::Fail, "timed out"),
        ] {
            let finding = judge_hub("http://h", "b1", health, artifact);
            assert_eq!(finding.verdict, expected, "{finding}");
            assert!(finding.words.contains(words), "{finding}");
            assert_eq!(finding.advice.is_some(), expected != Verdict::Ok);
        }
    }
}
