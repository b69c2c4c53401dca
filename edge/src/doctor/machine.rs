//! What does not need a network: password, disk, model, clock.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use image::RgbImage;
use jiff::{SignedDuration, Timestamp};
use pilah_models::durable;
use pilah_models::wire::{Disk, Probation, TakenBack};

use super::{Finding, fail, ok, warn};
use crate::config::Config;
use crate::health::machine;
use crate::model_store::shipped;
use crate::model_store::{InForce, ModelStore};
use crate::outbox::OutboxRules;
use crate::run::ChamberFile;
use crate::secret::{PASSWORD_VARIABLE, Secret};

/// With less free space than this, logs and updates fail as well.
const LEAST_FREE: u64 = 64 * 1024 * 1024;

/// A sync that takes longer delays each item: the card is worn or very slow.
const SLOW_SYNC: Duration = Duration::from_secs(1);

/// By how much the clock may differ from the hub's.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(2);

/// No model is in use for so long: a clock that says so is wrong.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(20 * 365 * 24);

/// Whether there is a password, and who may read it.
pub(super) fn password(config: &Config) -> (Finding, Option<Secret>) {
    const CHECK: &str = "password";
    let password = match config.password() {
        Ok(password) if password.expose().is_empty() => {
            let advice = "Write the secret that the hub showed when the bin was enrolled into the file.";
            return (fail(CHECK, "it is empty", advice), None);
        }
        Ok(password) => password,
        Err(error) => {
            let advice = format!(
                "Name a readable file as mqtt.password_file, or set {PASSWORD_VARIABLE}; the hub shows the secret when \
                 it enrols the bin."
            );
            return (fail(CHECK, error.to_string(), advice), None);
        }
    };
    let finding = match &config.mqtt.password_file {
        Some(path) if is_open(path) => warn(
            CHECK,
            format!("{} may be read by every user of this machine", path.display()),
            format!("chmod o-rwx {}", path.display()),
        ),
        Some(path) => ok(CHECK, path.display().to_string()),
        None => ok(CHECK, format!("from {PASSWORD_VARIABLE}")),
    };
    (finding, Some(password))
}

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false
}

/// Whether the data folder can be written, and has room for a full outbox.
pub(super) fn disk(config: &Config) -> Finding {
    let is_there = config.data_dir.exists();
    let finding = try_disk(config);
    if !is_there {
        // The trial has made it. As root's it would keep the bin out; one in which something lies by now stays.
        std::fs::remove_dir(&config.data_dir).ok();
    }
    finding
}

fn try_disk(config: &Config) -> Finding {
    let (folder, probe) = (&config.data_dir, config.data_dir.join("doctor"));
    let begun = Instant::now();
    let written = durable::write(&probe, &[0; 4096]).and_then(|()| std::fs::remove_file(&probe));
    if let Err(error) = written {
        return fail(
            "disk",
            format!("{} cannot be written: {error}", folder.display()),
            "Is it mounted read-only (dmesg | tail), full (df -h), or another user's (ls -ld)? Until then, what waits \
             for the hub is in memory, and lost at a power cut.",
        );
    }
    let used = bytes_in(&folder.join("outbox"));
    judge_disk(folder, machine::disk(folder), used, config.outbox, begun.elapsed())
}

fn judge_disk(folder: &Path, disk: Option<Disk>, used: u64, rules: OutboxRules, sync: Duration) -> Finding {
    const CHECK: &str = "disk";
    let at = folder.display();
    if sync > SLOW_SYNC {
        let words = format!("{at}: a write of 4 KB took {:.1} s to be safe", sync.as_secs_f32());
        return warn(CHECK, words, "The card is worn or very slow: replace it with one made for endurance.");
    }
    let Some(disk) = disk else { return ok(CHECK, format!("{at} can be written")) };
    let free = megabytes(disk.free_bytes);
    // The files take at most a quarter and two segments more than what lives in them.
    let most = rules.max_bytes.saturating_add(rules.max_bytes / 4).saturating_add(2 * rules.segment_bytes);
    let wanted = most.saturating_sub(used);
    if disk.free_bytes < LEAST_FREE {
        return fail(
            CHECK,
            format!("{at}: only {free} are free"),
            "Free some space: df -h, journalctl --vacuum-size=50M",
        );
    }
    if disk.free_bytes < wanted {
        return warn(
            CHECK,
            format!("{at}: {free} are free, the outbox may grow by {}", megabytes(wanted)),
            "Free some space, or lower outbox.max_bytes: a full disk drops what waits for the hub.",
        );
    }
    ok(CHECK, format!("{at}: {free} free"))
}

/// The bytes of the files in a folder, as far as they can be seen.
fn bytes_in(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

fn megabytes(bytes: u64) -> String {
    let megabytes = bytes as f64 / 1e6;
    if megabytes < 1000.0 { format!("{megabytes:.0} MB") } else { format!("{:.1} GB", megabytes / 1000.0) }
}

/// Whether there is a model that answers what it should on this machine.
pub(super) fn model(config: &Config) -> (Finding, Option<InForce>) {
    const CHECK: &str = "model";
    let advice = "Install the model that ships (package pilah-edge), or name its folder as model.bundle.";
    let shipped = match shipped::bundle(config.bundle.as_deref()) {
        Ok(shipped) => shipped,
        Err(error) => return (fail(CHECK, error.to_string(), advice), None),
    };
    let store = ModelStore::new(config.data_dir.join("models"), shipped);
    let mut skipped = Vec::new();
    let in_force = match store.find(|why| skipped.push(why.to_owned())) {
        Ok(in_force) => in_force,
        Err(error) => return (fail(CHECK, crate::words::in_words(&error), advice), None),
    };
    let picture = RgbImage::from_pixel(640, 480, image::Rgb([90; 3]));
    // The first run is slower than all others.
    let runs: Vec<_> = (0..3)
        .map(|_| {
            let begun = Instant::now();
            in_force.classifier.classify(&picture).map(|_| begun.elapsed())
        })
        .collect();
    let version = in_force.version().clone();
    let finding = match runs.into_iter().collect::<Result<Vec<_>, _>>() {
        Err(error) => fail(CHECK, format!("{version}: {error}"), "Is there enough memory (free -m)?"),
        Ok(_) if !skipped.is_empty() => warn(
            CHECK,
            format!("{version} is used, because {}", skipped.join("; and ")),
            "The bin fetches the wanted model again by itself once it reaches the hub.",
        ),
        Ok(times) => {
            let fastest = times.iter().min().copied().unwrap_or_default();
            ok(CHECK, format!("{version}: {:.0} ms per picture", fastest.as_secs_f32() * 1000.0))
        }
    };
    (finding, Some(in_force))
}

/// The model that may still be taken back, and those that were.
pub(super) fn trial(config: &Config) -> Vec<Finding> {
    const CHECK: &str = "trial";
    // Without a bundle that is found there is no model, which is said already; the folder is not looked into here.
    let store = ModelStore::new(config.data_dir.join("models"), PathBuf::new());
    let (probation, taken_back) = match store.look_at_trial(&config.standing) {
        Ok(found) => found,
        Err(error) => {
            let advice = "The bin goes by the model that ships, and writes the file anew at the next update.";
            return vec![warn(CHECK, error.to_string(), advice)];
        }
    };
    let on_trial = probation.map(|trial| {
        let Probation { before, items, of_items, seconds, of_seconds } = trial;
        let (minutes, of_minutes) = (seconds / 60, of_seconds / 60);
        let words = format!("after {before}: {items} of {of_items} items, {minutes} of {of_minutes} minutes");
        ok(CHECK, format!("the model in force is on trial {words}"))
    });
    let advice = "It is not installed again. If it was not its fault: stop the bin, `pilah-edge unblock`, start it.";
    let taken_back = taken_back.into_iter().map(|one| {
        let TakenBack { version, manifest, reason } = one;
        warn(CHECK, format!("{version} ({:.12}) was taken back: {reason}", manifest.as_str()), advice)
    });
    on_trial.into_iter().chain(taken_back).collect()
}

/// Whether the bin knows what its chamber looks like when it is empty.
pub(super) fn chamber(config: &Config) -> Finding {
    const CHECK: &str = "chamber";
    let learns = "until the bin has seen it empty for a while, nothing is sure and no flap opens";
    match ChamberFile::of(&config.data_dir).find() {
        Ok(Some(memory)) if memory.region == config.region => {
            ok(CHECK, "the bin knows what it looks like when it is empty")
        }
        Ok(Some(_)) => ok(CHECK, format!("trigger.region is new: {learns}")),
        Ok(None) => ok(CHECK, format!("not known yet: {learns}")),
        Err(error) => warn(
            CHECK,
            format!("{}: {learns}", crate::words::in_words(&error)),
            "Start the bin while the chamber is empty: the file is written anew.",
        ),
    }
}

/// Whether the clock can be right: a model was made before it is used, and the hub's clock is the same.
pub(super) fn clock(
    now: Timestamp,
    synced: bool,
    model_made: Option<Timestamp>,
    hub_time: Option<Timestamp>,
) -> Finding {
    const CHECK: &str = "clock";
    const ADVICE: &str = "Set it over the network: timedatectl set-ntp true; UDP port 123 must be open to the outside. \
                          Items keep their order without it, but TLS refuses certificates that are not valid yet.";
    let at = now.strftime("%Y-%m-%d %H:%M UTC");
    if let Some(hub) = hub_time {
        let difference = now.duration_since(hub);
        if difference.abs() > CLOCK_TOLERANCE {
            let direction = if difference.is_negative() { "behind" } else { "ahead of" };
            return fail(CHECK, format!("{at}, {:#} {direction} the hub's", rounded(difference)), ADVICE);
        }
    }
    if let Some(made) = model_made {
        if now < made {
            return fail(CHECK, format!("{at}, which is before the model in force was made"), ADVICE);
        }
        if now.duration_since(made) > LONGEST_LIFE {
            return fail(CHECK, format!("{at}, which is decades after the model in force was made"), ADVICE);
        }
    }
    if !synced {
        return warn(CHECK, format!("{at}, not set over the network yet"), ADVICE);
    }
    ok(CHECK, at.to_string())
}

/// To minutes, as nobody wants to know it better.
fn rounded(difference: SignedDuration) -> SignedDuration {
    SignedDuration::from_mins(difference.abs().as_mins())
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_clock_that_jumped_by_years_in_either_direction_is_found_out() {
        let time = |text: &str| text.parse::<Timestamp>().expect("valid");
        let made = Some(time("2026-11-22T23:00:00Z"));
        let hub = Some(time("2026-12-01T12:00:00Z"));
        for (now, synced, hub, expected, words) in [
            ("2026-12-01T12:01:59Z", true, hub, Verdict::Ok, "2026-12-01 12:01 UTC"),
            ("2026-12-01T11:50:00Z", true, hub, Verdict::Fail, "10m behind the hub's"),
            ("2031-12-01T12:00:00Z", true, hub, Verdict::Fail, "ahead of the hub's"),
            ("1970-01-01T00:00:20Z", false, None, Verdict::Fail, "before the model in force was made"),
            ("2061-01-01T00:00:00Z", true, None, Verdict::Fail, "decades after the model"),
            ("2026-12-01T12:00:00Z", false, None, Verdict::Warn, "not set over the network"),
        ] {
            let finding = clock(time(now), synced, made, hub);
            assert_eq!(finding.verdict, expected, "{now}: {finding}");
            assert!(finding.words.contains(words), "{now}: {finding}");
        }
        assert_eq!(clock(Timestamp::MIN, true, None, hub).verdict, Verdict::Fail);
        assert_eq!(clock(Timestamp::MAX, true, made, None).verdict, Verdict::Fail);
    }

    #[test]
    fn room_for_a_full_outbox_counts_what_the_outbox_has_already() {
        const MIB: u64 = 1024 * 1024;
        let rules = OutboxRules { max_bytes: 256 * MIB, segment_bytes: 4 * MIB };
        let quick = Duration::from_millis(5);
        for (free, used, sync, expected) in [
            (1000 * MIB, 0, quick, Verdict::Ok),
            (300 * MIB, 0, quick, Verdict::Warn),
            (300 * MIB, 100 * MIB, quick, Verdict::Ok),
            (10 * MIB, 400 * MIB, quick, Verdict::Fail),
            (1000 * MIB, 0, Duration::from_secs(3), Verdict::Warn),
        ] {
            let disk = Some(Disk { free_bytes: free, total_bytes: 2000 * MIB });
            let finding = judge_disk(Path::new("/data"), disk, used, rules, sync);
            assert_eq!(finding.verdict, expected, "{free} free, {used} used: {finding}");
        }
    }
}
