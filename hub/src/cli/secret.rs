//! Secrets that a command drew: printed once, or written into a file that nobody else can read.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::secret::Secret;

/// Where a secret goes that a command drew.
#[derive(Debug, clap::Args)]
pub(super) struct Destination {
    /// Write the secret into this file instead, which only this user can read
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Destination {
    /// Prints a secret, or writes it into the file instead.
    pub(super) fn hand_over(&self, secret: &Secret) -> anyhow::Result<()> {
        match &self.password_file {
            None => println!("{}", secret.reveal()),
            Some(path) => {
                write_private(path, &format!("{}\n", secret.reveal()))
                    .with_context(|| format!("cannot write {}", path.display()))?;
                eprintln!("secret written to {}", path.display());
            }
        }
        Ok(())
    }
}

/// Writes a file that only this user can read.
pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
