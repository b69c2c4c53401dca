//! Finding the program of the bin, or having cargo build it.
//!
//! The hub does not depend on the edge (ADR 2), so `cargo run -p pilah-hub` does not build it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tokio::process::Command;

/// No program to run the bins with.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It lies nowhere that it is looked for.
    #[error(
        "pilah-edge is not beside {}: build it with `cargo build --release -p pilah-edge`, or say where it is with --edge-program",
        beside.display()
    )]
    Missing {
        /// The hub's own program.
        beside: PathBuf,
    },
    /// The one that was named is not there.
    #[error("there is no program {}", .0.display())]
    NotThere(PathBuf),
    /// Cargo could not build it.
    #[error("cargo could not build pilah-edge ({0}); its messages are above")]
    Build(String),
    /// The hub does not know where it lies itself.
    #[error("the path of this program is not known")]
    Own(#[source] std::io::Error),
}

/// Where the program of the bin comes from.
#[derive(Debug, PartialEq, Eq)]
enum Origin {
    /// It is there.
    Present(PathBuf),
    /// Cargo runs the hub, and builds the bin's program to this path if it is not fresh.
    Cargo { cargo: OsString, manifest: PathBuf, profile: &'static str, result: PathBuf },
}

/// The path of `pilah-edge`, built first where cargo runs the hub.
///
/// # Errors
/// [`ProgramError`], which says how to get it.
pub(super) async fn find(named: Option<PathBuf>) -> Result<PathBuf, ProgramError> {
    if let Some(named) = named {
        return if named.is_file() { Ok(named) } else { Err(ProgramError::NotThere(named)) };
    }
    let own = env::current_exe().map_err(ProgramError::Own)?;
    match origin(&own, env::var_os("CARGO"), env::var_os("CARGO_MANIFEST_DIR"))? {
        Origin::Present(program) => Ok(program),
        Origin::Cargo { cargo, manifest, profile, result } => {
            // With both packages selected, features are resolved as for the hub alone: what both use is not built twice.
            let status = Command::new(cargo)
                .args(["build", "--profile", profile, "-p", "pilah-hub", "-p", "pilah-edge", "--bin", "pilah-edge"])
                .arg("--manifest-path")
                .arg(manifest)
                .kill_on_drop(true)
                .status()
                .await;
            match status {
                Ok(status) if status.success() => Ok(result),
                Ok(status) => Err(ProgramError::Build(status.to_string())),
                Err(error) => Err(ProgramError::Build(error.to_string())),
            }
        }
    }
}

fn origin(own: &Path, cargo: Option<OsString>, manifest_dir: Option<OsString>) -> Result<Origin, ProgramError> {
    let result = own.with_file_name(format!("pilah-edge{}", env::consts::EXE_SUFFIX));
    let root = manifest_dir.and_then(|folder| Some(Path::new(&folder).parent()?.join("Cargo.toml")));
    match (cargo, root) {
        (Some(cargo), Some(manifest)) if manifest.is_file() => {
            let folder = own.parent().and_then(Path::file_name);
            let profile = if folder.is_some_and(|name| name == "release") { "release" } else { "dev" };
            Ok(Origin::Cargo { cargo, manifest, profile, result })
        }
        _ if result.is_file() => Ok(Origin::Present(result)),
        _ => Err(ProgramError::Missing { beside: own.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_cargo_it_is_built_in_the_hubs_own_profile() {
        let hub = env!("CARGO_MANIFEST_DIR");
        for (folder, expected) in [("release", "release"), ("debug", "dev")] {
            let own = PathBuf::from(format!("/target/{folder}/pilah-hub"));
            let found = origin(&own, Some("cargo".into()), Some(hub.into())).expect("cargo builds it");
            let Origin::Cargo { profile, result, .. } = found else { panic!("{found:?}") };
            assert_eq!(profile, expected);
            assert_eq!(result.parent(), own.parent());
        }
    }

    #[test]
    fn elsewhere_it_lies_beside_the_hub_or_the_error_says_how_to_get_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let own = folder.path().join("pilah-hub");
        let error = origin(&own, None, None).expect_err("there is none");
        assert!(error.to_string().contains("cargo build --release -p pilah-edge"), "{error}");

        let beside = folder.path().join(format!("pilah-edge{}", env::consts::EXE_SUFFIX));
        std::fs::write(&beside, "").expect("writes");
        assert_eq!(origin(&own, None, None).expect("there is one"), Origin::Present(beside));
    }

    #[tokio::test]
    async fn a_program_that_is_named_must_be_there() {
        let error = find(Some("/no/such/pilah-edge".into())).await.expect_err("it is not there");
        assert_eq!(error.to_string(), "there is no program /no/such/pilah-edge");
    }
}
