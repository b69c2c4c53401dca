//! What the machine says of itself: heat, voltage, disk, memory, clock. Linux tells it in files; what
//! a machine does not tell is `None`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use pilah_models::wire::{Disk, Throttling, ThrottlingReason};

/// What a machine says of itself, and of this program on it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Machine {
    /// Of the processor, in °C.
    pub temperature_c: Option<f32>,
    /// Whether it slows itself down.
    pub throttling: Option<Throttling>,
    /// The file system of the bin's data.
    pub disk: Option<Disk>,
    /// Memory that this program takes (resident set), in bytes.
    pub memory_bytes: Option<u64>,
    /// Time of the processor that this program has taken, over all threads.
    pub processor: Option<Duration>,
    /// Whether the clock can be trusted.
    pub clock_synced: bool,
}

impl Machine {
    /// Looks at this machine; `data_dir` is where the bin's data is.
    #[must_use]
    pub fn look(data_dir: &Path) -> Self {
        Self { disk: disk(data_dir), ..Self::look_in(Path::new("/")) }
    }

    /// Reads the files of Linux under `root`.
    fn look_in(root: &Path) -> Self {
        let text = |path: &str| fs::read_to_string(root.join(path)).ok();
        Self {
            temperature_c: text("sys/class/thermal/thermal_zone0/temp").and_then(|text| parse_temperature(&text)),
            throttling: text("sys/devices/platform/soc/soc:firmware/get_throttled")
                .and_then(|text| parse_throttling(&text)),
            disk: None,
            memory_bytes: text("proc/self/status").and_then(|text| parse_resident(&text)),
            processor: text("proc/self/stat").and_then(|text| parse_processor(&text)),
            clock_synced: clock_synced_in(root),
        }
    }
}

/// The kernel states thousandths of a degree.
fn parse_temperature(text: &str) -> Option<f32> {
    let thousandths: i32 = text.trim().parse().ok()?;
    (-60_000..=200_000).contains(&thousandths).then(|| thousandths as f32 / 1000.0)
}

/// The firmware of a Raspberry Pi states bits in hexadecimal, as `vcgencmd get_throttled` shows them:
/// what is the case now from bit 0, what was since the start from bit 16.
/// <https://www.raspberrypi.com/documentation/computers/os.html#get_throttled>
fn parse_throttling(text: &str) -> Option<Throttling> {
    use ThrottlingReason::{FrequencyCapped, SoftTemperatureLimit, Throttled, UnderVoltage};
    let text = text.trim();
    let bits = u32::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()?;
    let reasons = |first: u32| {
        let all = [UnderVoltage, FrequencyCapped, Throttled, SoftTemperatureLimit];
        (first..).zip(all).filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, reason)| reason).collect()
    };
    Some(Throttling { now: reasons(0), since_boot: reasons(16) })
}

/// The line `VmRSS:   61440 kB` of `/proc/self/status`.
fn parse_resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The fields `utime` and `stime` of `/proc/self/stat`, in hundredths of a second: Linux shows its
/// programs 100 ticks per second on every architecture (`USER_HZ`). The name of the program stands in
/// brackets before them and may hold blanks.
fn parse_processor(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    // Behind the bracket come the third field and the following; these are the 14th and the 15th.
    let mut ticks = fields.split_ascii_whitespace().skip(11).map_while(|field| field.parse::<u64>().ok());
    let (user, system) = (ticks.next()?, ticks.next()?);
    user.checked_add(system)?.checked_mul(10).map(Duration::from_millis)
}

/// How full the file system of `path` is, or of the nearest folder above it that is there.
#[must_use]
pub fn disk(path: &Path) -> Option<Disk> {
    #[cfg(unix)]
    {
        let there = path.ancestors().find_map(|folder| {
            nix::sys::statvfs::statvfs(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }).ok()
        })?;
        // Systems count in integers of different sizes.
        fn bytes(blocks: impl Into<u64>, size: impl Into<u64>) -> Option<u64> {
            blocks.into().checked_mul(size.into())
        }
        let size = there.fragment_size();
        Some(Disk { free_bytes: bytes(there.blocks_available(), size)?, total_bytes: bytes(there.blocks(), size)? })
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// Whether the clock can be trusted: it was set over the network, or the machine has a clock that runs
/// on a battery. A Raspberry Pi has none, and starts in the past.
#[must_use]
pub fn clock_synced() -> bool {
    clock_synced_in(Path::new("/"))
}

/// When the machine was started, as a name of that start, where it can be read.
/// `Documentation/admin-guide/sysctl/kernel.rst` of Linux.
#[must_use]
pub fn boot_id() -> Option<String> {
    boot_id_in(Path::new("/"))
}

fn boot_id_in(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join("proc/sys/kernel/random/boot_id")).ok()?;
    Some(text.trim().to_owned()).filter(|id| !id.is_empty())
}

fn clock_synced_in(root: &Path) -> bool {
    let tells_so = |path: &str| root.join(path).exists();
    !cfg!(target_os = "linux") || tells_so("run/systemd/timesync/synchronized") || tells_so("sys/class/rtc/rtc0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_temperature_is_in_thousandths() {
        let cases = [("48312\n", Some(48.312)), ("-3000", Some(-3.0)), ("", None), ("n/a", None), ("9999999", None)];
        for (text, expected) in cases {
            assert_eq!(parse_temperature(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_firmwares_bits_are_told_as_reasons() {
        use ThrottlingReason::{FrequencyCapped, SoftTemperatureLimit, Throttled, UnderVoltage};
        let cases: [(&str, &[_], &[_]); 5] = [
            ("0\n", &[], &[]),
            ("50005", &[UnderVoltage, Throttled], &[UnderVoltage, Throttled]),
            ("0x50000\n", &[], &[UnderVoltage, Throttled]),
            ("a000a", &[FrequencyCapped, SoftTemperatureLimit], &[FrequencyCapped, SoftTemperatureLimit]),
            ("e0008", &[SoftTemperatureLimit], &[FrequencyCapped, Throttled, SoftTemperatureLimit]),
        ];
        for (text, now, since_boot) in cases {
            let expected = Throttling { now: now.to_vec(), since_boot: since_boot.to_vec() };
            assert_eq!(parse_throttling(text), Some(expected), "{text:?}");
        }
        for garbage in ["", "throttled=0x0", "-1", "123456789"] {
            assert_eq!(parse_throttling(garbage), None, "{garbage:?}");
        }
    }

    #[test]
    fn memory_and_processor_time_are_read_whatever_the_program_is_called() {
        let status = "Name:\tpilah-edge\nVmPeak:\t  200 kB\nVmRSS:\t   61440 kB\nThreads:\t5\n";
        assert_eq!(parse_resident(status), Some(61_440 * 1024));
        assert_eq!(parse_resident("Name:\tpilah-edge\n"), None);
        assert_eq!(parse_resident("VmRSS:\t many kB\n"), None);
        let stat = |name: &str| format!("42 ({name}) S 1 42 42 0 -1 4194304 900 0 3 0 250 50 7 8 20 0 5 0 99 0 0");
        for name in ["pilah-edge", "a) R (b c"] {
            assert_eq!(parse_processor(&stat(name)), Some(Duration::from_secs(3)), "{name}");
        }
        assert_eq!(parse_processor("42 (x) S 1 2"), None);
    }

    #[test]
    fn a_machine_is_read_from_its_files_and_says_nothing_where_there_are_none() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let nothing = Machine { clock_synced: !cfg!(target_os = "linux"), ..Machine::default() };
        assert_eq!(Machine::look_in(root.path()), nothing);
        for (path, text) in [
            ("sys/class/thermal/thermal_zone0/temp", "61000\n"),
            ("sys/devices/platform/soc/soc:firmware/get_throttled", "1\n"),
            ("proc/self/status", "VmRSS:\t 10 kB\n"),
            ("run/systemd/timesync/synchronized", ""),
            ("proc/sys/kernel/random/boot_id", "9f2c\n"),
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("creates");
            fs::write(path, text).expect("writes");
        }
        let machine = Machine::look_in(root.path());
        assert_eq!((machine.temperature_c, machine.memory_bytes), (Some(61.0), Some(10_240)));
        assert_eq!(machine.throttling.map(|t| t.now), Some(vec![ThrottlingReason::UnderVoltage]));
        assert!(machine.clock_synced);
        assert_eq!(boot_id_in(root.path()).as_deref(), Some("9f2c"));
        assert_eq!(boot_id_in(&root.path().join("nowhere")), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_tells_of_its_disk_and_of_this_program() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let machine = Machine::look(&folder.path().join("not/there/yet"));
        let disk = machine.disk.expect("the nearest folder that is there has a file system");
        assert!(disk.free_bytes <= disk.total_bytes && disk.total_bytes > 0, "{disk:?}");
        assert!(machine.memory_bytes.expect("Linux tells") > 100_000);
        assert!(machine.processor.is_some());
    }
}
