//! What may be shown of a text that comes from elsewhere: a program's last words, a library's error, an address.
//!
//! Cameras have their passwords in addresses (`rtsp://user:password@camera/1`), and programs repeat their addresses
//! when they fail. Such words become the camera's state, which is logged, published and retained. So credentials are
//! taken out first: what stands before the `@` of an address, the value of `password=` and its like, and every secret
//! that the bin knows. Where in doubt, more is hidden.

use std::fmt::Write as _;

/// What stands in place of what is hidden.
const HIDDEN: &str = "***";

/// Names whose value is nobody's business, in small letters.
const NAMES: [&str; 16] = [
    "password",
    "passwd",
    "passwort",
    "pass",
    "pwd",
    "psw",
    "token",
    "access_token",
    "auth_token",
    "secret",
    "apikey",
    "api_key",
    "auth",
    "sig",
    "signature",
    "session",
];

/// A text without the credentials in it, and without these secrets.
#[must_use]
pub(crate) fn masked(text: &str, secrets: &[&str]) -> String {
    let mut shown = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        // The longer one first: it may hold the other.
        let mut forms = [encoded(secret), (*secret).to_owned()];
        forms.sort_by_key(|form| usize::MAX - form.len());
        for form in forms {
            shown = shown.replace(&form, HIDDEN);
        }
    }
    without_headers(&without_values(&without_users(&shown)))
}

/// A secret as a part of an address: what is neither letter nor digit as `%XX`.
#[must_use]
pub(crate) fn encoded(secret: &str) -> String {
    secret.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("writing to a String cannot fail"),
        }
        out
    })
}

/// Whether an address may end here.
fn ends(char: char) -> bool {
    char.is_whitespace() || "\"'<>`".contains(char)
}

/// `scheme://user:password@host` without what stands before the last `@`.
fn without_users(text: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("://") {
        let (before, behind) = rest.split_at(at + 3);
        shown.push_str(before);
        let address = &behind[..behind.find(ends).unwrap_or(behind.len())];
        // A password may hold slashes, so that the last one counts.
        let from = address.rfind('@').map_or(0, |at| {
            shown.push_str(HIDDEN);
            at
        });
        shown.push_str(&address[from..]);
        rest = &behind[address.len()..];
    }
    shown + rest
}

/// `name=value` and `name: value` without the value, for names that say so.
fn without_values(text: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(['=', ':']) {
        let (before, behind) = rest.split_at(at + 1);
        shown.push_str(before);
        rest = behind;
        let is_part = |char: char| char.is_alphanumeric() || "_-".contains(char);
        let name = before[..at].trim_end_matches(['"', '\'']);
        let from =
            name.char_indices().rev().take_while(|(_, char)| is_part(*char)).last().map_or(name.len(), |(at, _)| at);
        if !NAMES.contains(&name[from..].to_ascii_lowercase().as_str()) {
            continue;
        }
        let value = rest.trim_start_matches([' ', '"', '\'']);
        let length = value.find(|char: char| ends(char) || "&;,)]}".contains(char)).unwrap_or(value.len());
        if length > 0 && !value.starts_with("//") {
            shown.push_str(&rest[..rest.len() - value.len()]);
            shown.push_str(HIDDEN);
            rest = &value[length..];
        }
    }
    shown + rest
}

/// `Authorization: …` without what follows on its line.
fn without_headers(text: &str) -> String {
    const HEADER: &str = "authorization:";
    let lines = text.split_inclusive('\n').map(|line| match line.to_ascii_lowercase().find(HEADER) {
        Some(at) => {
            let end = if line.ends_with('\n') { "\n" } else { "" };
            format!("{} {HIDDEN}{end}", &line[..at + HEADER.len()])
        }
        None => line.to_owned(),
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn credentials_are_hidden_and_the_rest_is_shown() {
        let cases = [
            // As ffmpeg says it.
            (
                "rtsp://admin:hunter2@10.0.0.9:554/1: Connection refused",
                "rtsp://***@10.0.0.9:554/1: Connection refused",
            ),
            (
                "[tcp @ 0x55] Connection to tcp://10.0.0.9:554 failed",
                "[tcp @ 0x55] Connection to tcp://10.0.0.9:554 failed",
            ),
            ("rtsp://admin:p@ss/w@rd@cam/1 401 Unauthorized", "rtsp://***@cam/1 401 Unauthorized"),
            ("'http://u:p@a/' and \"https://v:q@b/x\"", "'http://***@a/' and \"https://***@b/x\""),
            ("http://cam/snap.cgi?user=pilah&pwd=hunter2&n=1", "http://cam/snap.cgi?user=pilah&pwd=***&n=1"),
            ("GET /video?Token=hunter2 failed", "GET /video?Token=*** failed"),
            ("password: hunter2, retrying", "password: ***, retrying"),
            ("{\"password\": \"hunter2\", \"n\": 1}", "{\"password\": \"***\", \"n\": 1}"),
            ("> Authorization: Basic cGlsYWg6aHVudGVyMg==\n> Host: cam", "> Authorization: ***\n> Host: cam"),
            ("frame= 12 fps=0.0 q=-0.0 size=N/A", "frame= 12 fps=0.0 q=-0.0 size=N/A"),
            ("compass=north", "compass=north"),
            ("no cameras available", "no cameras available"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(masked(text, &[]), expected);
        }
    }

    #[test]
    fn a_known_secret_is_hidden_in_every_form() {
        let secret = "p@ss w/rd";
        assert_eq!(encoded(secret), "p%40ss%20w%2Frd");
        let text = format!("login {secret} and {} failed", encoded(secret));
        assert_eq!(masked(&text, &[secret, ""]), "login *** and *** failed");
    }

    proptest! {
        #[test]
        fn no_password_of_an_address_is_left(
            before in "[ -~]{0,20}",
            password in "[A-Za-z0-9/?#:@!$%&*+=-]{6,20}",
            host in "[a-z]{1,8}",
            behind in "( [ -~]{0,20})?",
        ) {
            // What is left of an address that holds the password elsewhere as well is not meant.
            prop_assume!(!before.contains(&password) && !behind.contains(&password));
            let shown = masked(&format!("{before} rtsp://me:{password}@{host}{behind}"), &[]);
            prop_assert!(!shown.contains(&password), "{}", shown);
            prop_assert!(masked(&shown, &[]).len() <= shown.len());
        }
    }
}
