//! What a Mosquitto of one's own needs to know of hub, bins and subscribers: a password file and an ACL.
//!
//! A bin's rights are patterns with its user name (`%u`), so that the ACL changes only with subscribers; the
//! password file changes with every account. Mosquitto reads both again at SIGHUP, and then cuts off whoever
//! is no longer in it.
//!
//! Pure: from rows to text, and from two password files to what changed between them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pilah_models::wire::topic::{self, Channel};

/// Somebody who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listener {
    /// User name.
    pub(crate) name: String,
    /// Whether images may be read as well.
    pub(crate) samples: bool,
}

/// The password file: user name and hash, a line each.
pub(crate) fn passwords<'a>(accounts: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (name, hash) in accounts {
        writeln!(text, "{name}:{hash}").expect("writing to a text");
    }
    text
}

/// The ACL. `bins` are named one by one only for the hub's status, which has no user name in its topic.
pub(crate) fn acl<'a>(bins: impl IntoIterator<Item = &'a str>, listeners: &[Listener]) -> String {
    let mut text =
        String::from("# Written by `pilah-hub broker export --mosquitto`; the next export writes it anew.\n\n");
    let mut line = |words: String| writeln!(text, "{words}").expect("writing to a text");
    line(format!("user {}", topic::HUB_USER));
    line(format!("topic readwrite {}/#", topic::ROOT));
    for bin in bins {
        line(format!("\nuser {bin}\ntopic read {}", topic::HUB_STATUS));
    }
    for listener in listeners {
        line(format!("\nuser {}\ntopic read {}", listener.name, topic::HUB_STATUS));
        for channel in Channel::ALL.into_iter().filter(|channel| channel.is_for_subscribers(listener.samples)) {
            line(format!("topic read {}", channel.of_all()));
        }
        // The patterns below would let a listener be a bin of its own name.
        line(format!("topic deny {}/bins/{}/#", topic::ROOT, listener.name));
    }
    line("\n# Each bin: its own topics.".to_owned());
    for channel in Channel::ALL {
        let right = match (channel.is_from_hub(), channel.is_read_by_bin()) {
            (true, _) => "read",
            (false, true) => "readwrite",
            (false, false) => "write",
        };
        line(format!("pattern {right} {}/bins/%u/{}", topic::ROOT, channel.name()));
    }
    text
}

/// What is different in a password file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// New names.
    pub(crate) added: Vec<String>,
    /// Names with another secret.
    pub(crate) renewed: Vec<String>,
    /// Names that are gone.
    pub(crate) removed: Vec<String>,
}

impl Changes {
    /// What changed from one password file to the next.
    pub(crate) fn between(before: &str, after: &str) -> Self {
        let read = |text: &str| -> BTreeMap<String, String> {
            let lines = text.lines().filter_map(|line| line.split_once(':'));
            lines.map(|(name, hash)| (name.to_owned(), hash.to_owned())).collect()
        };
        let (before, after) = (read(before), read(after));
        let mut changes = Self::default();
        for (name, hash) in &after {
            match before.get(name) {
                None => changes.added.push(name.clone()),
                Some(old) if old != hash => changes.renewed.push(name.clone()),
                Some(_) => {}
            }
        }
        changes.removed = before.into_keys().filter(|name| !after.contains_key(name)).collect();
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_has_patterns_and_a_listener_has_topics() {
        let listeners =
            [Listener { name: "grafana".into(), samples: false }, Listener { name: "lab".into(), samples: true }];
        let acl = acl(["b1"], &listeners);
        let of = |user: &str| {
            let start = acl.find(&format!("user {user}\n")).expect("the user is there");
            acl[start..].split("\n\n").next().expect("a block").to_owned()
        };
        assert_eq!(of("hub"), "user hub\ntopic readwrite pilah/v1/#");
        assert_eq!(of("b1"), "user b1\ntopic read pilah/v1/hub/status");
        assert!(of("grafana").contains("topic read pilah/v1/bins/+/events\n"));
        assert!(!of("grafana").contains("samples") && of("lab").contains("topic read pilah/v1/bins/+/samples"));
        assert!(!of("lab").contains("write") && !of("lab").contains("desired"));
        assert!(acl.contains("\npattern write pilah/v1/bins/%u/events\n"));
        assert!(acl.contains("\npattern read pilah/v1/bins/%u/desired\n"));
        assert!(!acl.contains("pattern write pilah/v1/bins/%u/acks"));
    }

    #[test]
    fn what_changed_is_told_by_name() {
        let before = passwords([("b1", "$7$a"), ("b2", "$7$b"), ("b3", "$7$c")]);
        let after = passwords([("b1", "$7$a"), ("b3", "$7$d"), ("b4", "$7$e")]);
        let expected = Changes { added: vec!["b4".into()], renewed: vec!["b3".into()], removed: vec!["b2".into()] };
        assert_eq!(Changes::between(&before, &after), expected);
        assert_eq!(Changes::between(&after, &after), Changes::default());
    }
}
