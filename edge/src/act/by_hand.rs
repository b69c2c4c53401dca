//! Flaps that an installer moves, to see whether the wiring is right: `pilah-edge act`.

use std::io::Write;

use super::{ActConfig, ActError, By, Flap};

/// The wiring cannot be tried out.
#[derive(Debug, thiserror::Error)]
pub enum ByHandError {
    /// Nothing is configured that moves.
    #[error("nothing moves the flaps: the section [act] of the configuration says how")]
    Nothing,
    /// No flap was named, and a program does not say which there are.
    #[error("say which flap: --class LABEL, or --rest")]
    Which,
    /// There is no such flap.
    #[error("there is no flap for {0}: act.lines or act.codes does not name it, and there is no act.rest")]
    NoFlap(Flap),
    /// It did not move.
    #[error("the flap for {flap} did not move")]
    Failed {
        /// Which.
        flap: Flap,
        /// Why.
        source: ActError,
    },
    /// Nobody reads what is written.
    #[error("cannot write")]
    Write(#[from] std::io::Error),
}

/// Opens and closes one flap after the other; all that are wired if none is named.
///
/// # Errors
/// [`ByHandError`]; what was opened is closed.
pub fn by_hand(config: Option<&ActConfig>, flaps: &[Flap], out: &mut impl Write) -> Result<(), ByHandError> {
    let config = config.ok_or(ByHandError::Nothing)?;
    let flaps = match (&config.by, flaps) {
        (By::Lines(wiring), []) => {
            let classes = wiring.patterns.keys().cloned().map(Flap::Class);
            classes.chain(wiring.rest.map(|_| Flap::Rest)).collect()
        }
        (By::Program(_), []) => return Err(ByHandError::Which),
        (_, named) => named.to_vec(),
    };
    let mut drive = config.drive();
    for flap in flaps {
        if !drive.has(&flap) {
            return Err(ByHandError::NoFlap(flap));
        }
        let failed = |source| ByHandError::Failed { flap: flap.clone(), source };
        drive.close().map_err(failed)?;
        writeln!(out, "{flap}: open")?;
        out.flush()?;
        let opened = drive.open(&flap);
        if opened.is_ok() {
            std::thread::sleep(config.pulse.open);
        }
        drive.close().map_err(failed)?;
        opened.map_err(failed)?;
        writeln!(out, "{flap}: closed")?;
        std::thread::sleep(config.pulse.pause);
    }
    Ok(())
}
