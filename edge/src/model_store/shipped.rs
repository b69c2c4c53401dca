//! Where the bundle is that shipped with the program, whatever folder it is started in.
//!
//! ```text
//! 1. the one that is named: `model.bundle`, `--bundle`, or else PILAH_BUNDLE
//! 2. models/default in the working folder
//! 3. models/default beside the program
//! 4. ../share/pilah/models/default from the program: an archive unpacked anywhere
//! 5. models/default in a folder above the program: a clone with what was built in it
//! 6. /usr/local/share/pilah/models/default, /usr/share/pilah/models/default: the package
//! ```
//!
//! It is not in the program itself, which is held below 20 MB.

use std::path::{Path, PathBuf};

/// The bundle's folder within one that may hold it.
const FOLDER: &str = "models/default";

/// Where packages put what a program reads.
const INSTALLED: [&str; 2] = ["/usr/local/share/pilah", "/usr/share/pilah"];

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

/// The folder of the bundle to use: the one named, or else the one that [`BUNDLE_VARIABLE`] names, or else the first
/// of those above that holds one.
///
/// # Errors
/// None of those not named holds a manifest. One that is named is not looked into here.
pub fn bundle(named: Option<&Path>) -> Result<PathBuf, NoBundle> {
    let variable = std::env::var_os(BUNDLE_VARIABLE).filter(|value| !value.is_empty());
    if let Some(named) = named.map(Path::to_owned).or_else(|| variable.map(PathBuf::from)) {
        return Ok(named);
    }
    first_with_manifest(places(std::env::current_exe().ok().as_deref()))
}

/// Where to look, for a program that lies there.
fn places(program: Option<&Path>) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::new()];
    if let Some(beside) = program.and_then(Path::parent) {
        folders.extend([beside.to_owned(), beside.join("../share/pilah")]);
        folders.extend(beside.ancestors().skip(1).map(Path::to_owned));
    }
    folders.extend(INSTALLED.map(PathBuf::from));
    folders.into_iter().map(|folder| folder.join(FOLDER)).collect()
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
    fn a_program_finds_its_bundle_wherever_it_lies() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        for (program, bundle) in [
            ("pilah/pilah-edge", "pilah/models/default"),
            ("opt/bin/pilah-edge", "opt/share/pilah/models/default"),
            ("clone/target/release/pilah-edge", "clone/models/default"),
            ("clone/target/aarch64-unknown-linux-gnu/release/pilah-edge", "clone/models/default"),
        ] {
            let bundle = root.join(bundle);
            std::fs::create_dir_all(&bundle)
                .and_then(|()| std::fs::write(bundle.join(MANIFEST_FILE), "{}"))
                .expect("writes");
            std::fs::create_dir_all(root.join(program).parent().expect("has one")).expect("makes the folder");
            let places: Vec<PathBuf> = places(Some(&root.join(program)));
            // The working folder of a test is the crate's, which has none.
            let found = first_with_manifest(places).expect(program);
            assert_eq!(found.canonicalize().expect("is there"), bundle.canonicalize().expect("is there"), "{program}");
        }
        let nowhere = places(None);
        assert_eq!(nowhere[0], Path::new("models/default"));
        assert!(nowhere.contains(&PathBuf::from("/usr/share/pilah/models/default")), "{nowhere:?}");
    }

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
