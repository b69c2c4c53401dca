//! How far a command is: a bar on a terminal, else a line per tenth.

use std::io::IsTerminal as _;
use std::time::Instant;

/// How many characters the bar has.
const WIDTH: u64 = 30;

/// Shows how many of how many things of a kind are done.
pub(super) fn bar(things: &'static str) -> impl FnMut(u64, u64) + Send {
    let is_terminal = std::io::stderr().is_terminal();
    let begun = Instant::now();
    let mut tenth = 0;
    move |done, total| {
        if is_terminal {
            let end = if done == total { "\n" } else { "" };
            eprint!("\r{}{end}", line(done, total, begun.elapsed().as_secs_f64(), things));
        } else if done * 10 / total.max(1) > tenth || done == total {
            tenth = done * 10 / total.max(1);
            eprintln!("{done} of {total} {things}");
        }
    }
}

fn line(done: u64, total: u64, seconds: f64, things: &str) -> String {
    let full = done * WIDTH / total.max(1);
    let bar: String = (0..WIDTH).map(|at| if at < full { '█' } else { '░' }).collect();
    let rate = done as f64 / seconds.max(0.001);
    let left = (total - done.min(total)) as f64 / rate.max(0.001);
    let left = if done == 0 || done == total { String::new() } else { format!(", {left:.0} s left") };
    // Blanks wipe out what is left of a longer line.
    format!("{bar} {done} of {total} {things}, {rate:.0} a second{left}      ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_grows_and_tells_when_it_ends() {
        let half = line(50, 100, 5.0, "files");
        assert_eq!(half.matches('█').count(), 15);
        assert!(half.contains("50 of 100 files, 10 a second, 5 s left"), "{half}");
        assert!(!line(100, 100, 5.0, "files").contains("left"));
        assert!(line(0, 0, 0.0, "files").contains("0 of 0"), "nothing to do is no division by zero");
    }
}
