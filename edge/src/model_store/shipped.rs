//! Where the bundle is that shipped with the program.

use std::path::{Path, PathBuf};

use pilah_models::bundle::MANIFEST_FILE;

/// The environment variable that names a bundle's folder.
pub const BUNDLE_VARIABLE: &str = "PILAH_BUNDLE";

/// No bundle was found.
#[derive(Debug, thiserror::Error)]
#[error("no model was found; looked for {MANIFEST_FILE} in {}", looked_in(.0))]
pub struct NoBundle(Vec<PathBuf>);

fn looked_in(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The folder of the bundle to use: the one named, or else the one that [`BUNDLE_VARIABLE`] names, or
/// else `models/default` in the working directory, beside the program, or in `../share/pilah` from it.
///
/// # Errors
/// None of those not named holds a manifest. One that is named is not looked into here.
pub fn bundle(named: Option<&Path>) -> Result<PathBuf, NoBundle> {
    let variable = std::env::var_os(BUNDLE_VARIABLE).filter(|value| !value.is_empty());
    if let Some(named) = named.map(Path::to_owned).or_else(|| variable.map(PathBuf::from)) {
        return Ok(named);
    }
    let beside = std::env::current_exe().ok().and_then(|program| program.parent().map(Path::to_owned));
    let beside = beside.iter().flat_map(|folder| [folder.clone(), folder.join("../share/pilah")]);
    let places = std::iter::once(PathBuf::new()).chain(beside);
    first_with_manifest(places.map(|folder| folder.join("models/default")).collect())
}

fn first_with_manifest(folders: Vec<PathBuf>) -> Result<PathBuf, NoBundle> {
    match folders.iter().find(|folder| folder.join(MANIFEST_FILE).is_file()) {
        Some(folder) => Ok(folder.clone()),
        None => Err(NoBundle(folders)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_folder_with_a_manifest_is_taken_and_the_error_names_all() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
        let both = vec![first.clone(), second.clone()];
        let error = first_with_manifest(both.clone()).expect_err("there is none").to_string();
        assert!(error.contains("first") && error.contains("second"), "{error}");
        std::fs::create_dir(&second).and_then(|()| std::fs::write(second.join(MANIFEST_FILE), "{}")).expect("writes");
        assert_eq!(first_with_manifest(both).expect("found"), second);
        assert_eq!(bundle(Some(&first)).expect("named"), first);
    }
}
