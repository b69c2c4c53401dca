//! Packages of the bin's program, which take the same road as models: kept in the data folder, published as targets, and
//! one version of them wanted, or none.
//!
//! A package is taken by its name, `pilah-edge_VERSION_ARCHITECTURE.deb`, and by its being a Debian package at all. What
//! its control file says is not read here, as it is compressed with what the hub has no other use for; the bin's
//! `apt-get` reads it, and installs nothing of another name or architecture.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use pilah_models::durable;
use pilah_models::name::TargetName;
use pilah_models::wire::DesiredProgram;
use pilah_repository::publish::{Content, LARGEST_TARGET, Offer};
use pilah_repository::status::InForce;
use serde::{Deserialize, Serialize};

use super::{Place, target};

/// The folder of the packages in the data folder.
const FOLDER: &str = "programs";
/// Which version is wanted.
const WANTED: &str = "wanted.json";
/// The name of the package, and how its file's name ends.
const PACKAGE: &str = "pilah-edge_";
const SUFFIX: &str = ".deb";
/// What a Debian package begins with: an archive, whose first member is named so.
const MAGIC: &[u8] = b"!<arch>\ndebian-binary ";
/// The longest version, in characters: what a target's name has room for.
const LONGEST_VERSION: usize = 64;

/// A package that was added.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    /// The version of the program.
    pub(crate) version: String,
    /// The architecture as Debian names it: `arm64`, `amd64`.
    pub(crate) arch: String,
    /// The target that it is.
    pub(crate) target: TargetName,
    /// How many bytes it has.
    pub(crate) bytes: u64,
}

/// A package that cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageError {
    /// A name that says nothing.
    #[error(
        "{name:?} is not the name of a package of the bin: it must be pilah-edge_VERSION_ARCHITECTURE.deb, as `deploy/edge/build-deb` \
         names it"
    )]
    Name {
        /// What it was.
        name: String,
    },
    /// Some other file.
    #[error("{} is no Debian package: it does not begin as one", .0.display())]
    NotAPackage(PathBuf),
    /// Too large.
    #[error("{} has {bytes} bytes, and no bin takes more than {LARGEST_TARGET}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How large it is.
        bytes: u64,
    },
    /// There is another of this name.
    #[error(
        "there is another {0} already: a version never changes. Build it under another version, or remove that one first"
    )]
    Taken(TargetName),
    /// There is none of this version.
    #[error("there is no package of version {version:?}; {}", those(known))]
    Unknown {
        /// Which.
        version: String,
        /// The versions that there are.
        known: Vec<String>,
    },
    /// The one that bins should have.
    #[error("version {0} is the one that bins are to have: let them have another, or none, before it is removed")]
    Wanted(String),
    /// The disk.
    #[error("cannot {act} {}", path.display())]
    Io {
        /// "read", "write".
        act: &'static str,
        /// What.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

fn those(known: &[String]) -> String {
    if known.is_empty() {
        "none was added (`pilah-hub program add FILE.deb`)".to_owned()
    } else {
        format!("there are {}", known.join(", "))
    }
}

fn on<'a>(act: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> PackageError + 'a {
    move |source| PackageError::Io { act, path: path.to_owned(), source }
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    version: Option<String>,
}

/// Version and architecture of a file's name.
fn of_name(name: &str) -> Option<(String, String, TargetName)> {
    let (version, arch) = name.strip_prefix(PACKAGE)?.strip_suffix(SUFFIX)?.split_once('_')?;
    let plain = |text: &str, also: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || also.as_bytes().contains(&byte))
    };
    let is_version = version.starts_with(|first: char| first.is_ascii_digit())
        && version.len() <= LONGEST_VERSION
        && plain(version, ".-");
    let is_arch = !arch.is_empty() && arch.len() <= 16 && plain(arch, "");
    let target = TargetName::new(name).ok()?;
    (is_version && is_arch).then(|| (version.to_owned(), arch.to_owned(), target))
}

impl Place {
    fn programs(&self) -> PathBuf {
        self.data.join(FOLDER)
    }

    /// The packages that were added, by version and architecture.
    ///
    /// # Errors
    /// [`PackageError::Io`].
    pub(crate) fn packages(&self) -> Result<Vec<Package>, PackageError> {
        let folder = self.programs();
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(on("read", &folder))?,
        };
        let mut packages = Vec::new();
        for entry in entries {
            let entry = entry.map_err(on("read", &folder))?;
            let Some((version, arch, target)) = entry.file_name().to_str().and_then(of_name) else { continue };
            let bytes = entry.metadata().map_err(on("read", &entry.path()))?.len();
            packages.push(Package { version, arch, target, bytes });
        }
        packages.sort();
        Ok(packages)
    }

    /// Adds a package. The same one twice is one.
    ///
    /// # Errors
    /// [`PackageError`]; nothing is added then.
    pub(crate) fn add_package(&self, file: &Path) -> Result<Package, PackageError> {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let bad = || PackageError::Name { name: name.chars().take(120).collect() };
        let (version, arch, target) = of_name(name).ok_or_else(bad)?;
        let open = File::open(file).map_err(on("read", file))?;
        let bytes = open.metadata().map_err(on("read", file))?.len();
        if bytes > LARGEST_TARGET {
            return Err(PackageError::TooLarge { path: file.to_owned(), bytes });
        }
        let mut content = Vec::new();
        open.take(LARGEST_TARGET).read_to_end(&mut content).map_err(on("read", file))?;
        if !content.starts_with(MAGIC) {
            return Err(PackageError::NotAPackage(file.to_owned()));
        }
        let path = self.programs().join(target.as_str());
        match fs::read(&path) {
            Ok(same) if same == content => {}
            Ok(_) => return Err(PackageError::Taken(target)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                durable::write(&path, &content).map_err(on("write", &path))?;
            }
            Err(error) => return Err(on("read", &path)(error)),
        }
        Ok(Package { version, arch, target, bytes: content.len() as u64 })
    }

    /// Removes the packages of a version; bins that have it keep it.
    ///
    /// # Errors
    /// [`PackageError::Unknown`]; [`PackageError::Wanted`]; the disk.
    pub(crate) fn remove_packages(&self, version: &str) -> Result<Vec<Package>, PackageError> {
        let of_version = self.of_version(version)?;
        if self.wanted_program()?.as_deref() == Some(version) {
            return Err(PackageError::Wanted(version.to_owned()));
        }
        for package in &of_version {
            let path = self.programs().join(package.target.as_str());
            fs::remove_file(&path).map_err(on("remove", &path))?;
        }
        Ok(of_version)
    }

    fn of_version(&self, version: &str) -> Result<Vec<Package>, PackageError> {
        let (of_version, others): (Vec<_>, Vec<_>) =
            self.packages()?.into_iter().partition(|package| package.version == version);
        if of_version.is_empty() {
            let mut known: Vec<String> = others.into_iter().map(|package| package.version).collect();
            known.dedup();
            return Err(PackageError::Unknown { version: version.chars().take(80).collect(), known });
        }
        Ok(of_version)
    }

    /// The version that bins are to have, if any.
    ///
    /// # Errors
    /// [`PackageError::Io`].
    pub(crate) fn wanted_program(&self) -> Result<Option<String>, PackageError> {
        let path = self.programs().join(WANTED);
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(on("read", &path)(error)),
            Ok(bytes) => {
                let wanted: Wanted = serde_json::from_slice(&bytes).map_err(|error| on("read", &path)(error.into()))?;
                Ok(wanted.version)
            }
        }
    }

    /// Has bins have this version, or their own.
    ///
    /// # Errors
    /// [`PackageError::Unknown`], or the disk.
    pub(crate) fn want_program(&self, version: Option<&str>) -> Result<(), PackageError> {
        if let Some(version) = version {
            self.of_version(version)?;
        }
        let path = self.programs().join(WANTED);
        let wanted = Wanted { version: version.map(str::to_owned) };
        let json = serde_json::to_vec(&wanted).expect("a text has a JSON form");
        durable::write(&path, &json).map_err(on("write", &path))
    }

    /// What changes when a package is added or removed, or another is wanted.
    pub(super) fn stamp(&self) -> Option<(Vec<Package>, Option<String>)> {
        Some((self.packages().ok()?, self.wanted_program().ok()?))
    }

    /// What is published of a package; its bytes are read only if the repository has not got them.
    pub(super) fn offer(&self, package: &Package, in_force: &BTreeMap<TargetName, InForce>) -> Offer {
        let stored = in_force.get(&package.target).filter(|there| there.length == package.bytes).filter(|there| {
            let path = self.folder().join("targets").join(format!("{}.{}", there.sha256, there.name));
            fs::metadata(path).is_ok_and(|found| found.len() == there.length)
        });
        let content = stored.map_or_else(
            || Content::File(self.programs().join(package.target.as_str())),
            |there| Content::Stored { sha256: there.sha256.clone(), length: there.length },
        );
        let custom = target::signed_of_program(&package.version, &package.arch);
        Offer { name: package.target.clone(), content, custom }
    }
}

/// What bins are told of the program: the wanted version, once it is in force. Of several architectures, that of most
/// bins is named; a bin of another looks for its own beside it, under the same version.
pub(super) fn desired(
    packages: &[Package],
    wanted: Option<&str>,
    in_force: &BTreeMap<TargetName, InForce>,
) -> Option<DesiredProgram> {
    let wanted = wanted?;
    let of_version = packages.iter().filter(|package| package.version == wanted);
    let published = of_version.filter(|package| in_force.contains_key(&package.target));
    let named = published.max_by_key(|package| (package.arch == "arm64", std::cmp::Reverse(&package.arch)))?;
    Some(DesiredProgram { version: wanted.to_owned(), target: named.target.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(folder: &tempfile::TempDir) -> Place {
        Place::of(folder.path(), None)
    }

    fn package(folder: &tempfile::TempDir, name: &str, content: &[u8]) -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, [MAGIC, content].concat()).expect("writes");
        path
    }

    #[test]
    fn a_name_says_version_and_architecture() {
        for (name, version, arch) in
            [("pilah-edge_0.9.0_arm64.deb", "0.9.0", "arm64"), ("pilah-edge_1.0.0-rc1_amd64.deb", "1.0.0-rc1", "amd64")]
        {
            let (found, of, target) = of_name(name).expect(name);
            assert_eq!((found.as_str(), of.as_str(), target.as_str()), (version, arch, name));
        }
        for name in [
            "",
            "pilah-edge.deb",
            "pilah-hub_0.9.0_arm64.deb",
            "pilah-edge_0.9.0.deb",
            "pilah-edge_v1_arm64.deb",
            "pilah-edge_0.9.0_arm64.deb.partial",
            "pilah-edge_0.9.0_arm 64.deb",
            "pilah-edge_1:0.9_arm64.deb",
            "pilah-edge_0.9_arm64_b.deb",
        ] {
            assert_eq!(of_name(name), None, "{name}");
        }
    }

    #[test]
    fn packages_are_added_once_wanted_and_removed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = place(&folder);
        assert_eq!(place.packages().expect("none yet"), []);
        let file = package(&folder, "pilah-edge_0.9.0_arm64.deb", b"one");
        let added = place.add_package(&file).expect("is added");
        assert_eq!(place.add_package(&file).expect("the same"), added);
        package(&folder, "pilah-edge_0.9.0_arm64.deb", b"other");
        assert!(matches!(place.add_package(&file), Err(PackageError::Taken(_))));
        let other = folder.path().join("pilah-edge_0.9.1_arm64.deb");
        fs::write(&other, "<html>").expect("writes");
        assert!(matches!(place.add_package(&other), Err(PackageError::NotAPackage(_))));
        let error = place.add_package(&folder.path().join("edge.deb")).expect_err("a name that says nothing");
        assert!(error.to_string().contains("pilah-edge_VERSION_ARCHITECTURE.deb"), "{error}");

        let error = place.want_program(Some("0.9.1")).expect_err("was not added");
        assert!(error.to_string().ends_with("there are 0.9.0"), "{error}");
        place.want_program(Some("0.9.0")).expect("is wanted");
        assert_eq!(place.wanted_program().expect("reads").as_deref(), Some("0.9.0"));
        assert!(matches!(place.remove_packages("0.9.0"), Err(PackageError::Wanted(_))));
        place.want_program(None).expect("none is");
        assert_eq!(place.remove_packages("0.9.0").expect("is removed"), [added]);
        let error = place.remove_packages("0.9.0").expect_err("is gone");
        assert!(error.to_string().contains("none was added"), "{error}");
    }

    #[test]
    fn bins_are_told_of_a_package_once_it_is_in_force() {
        let packages: Vec<Package> = ["amd64", "arm64", "riscv64"]
            .iter()
            .map(|arch| {
                let (version, arch, target) = of_name(&format!("pilah-edge_0.9.0_{arch}.deb")).expect("a name");
                Package { version, arch, target, bytes: 3 }
            })
            .collect();
        let in_force = |archs: &[&str]| -> BTreeMap<TargetName, InForce> {
            let of = packages.iter().filter(|package| archs.contains(&package.arch.as_str()));
            let there = |package: &Package| InForce {
                name: package.target.clone(),
                length: 3,
                sha256: pilah_models::name::ContentId::of(b"one"),
                custom: serde_json::Map::new(),
            };
            of.map(|package| (package.target.clone(), there(package))).collect()
        };
        let told = |wanted, archs: &[&str]| {
            desired(&packages, wanted, &in_force(archs)).map(|program| program.target.as_str().to_owned())
        };
        assert_eq!(told(Some("0.9.0"), &["amd64", "arm64", "riscv64"]).as_deref(), Some("pilah-edge_0.9.0_arm64.deb"));
        assert_eq!(told(Some("0.9.0"), &["amd64", "riscv64"]).as_deref(), Some("pilah-edge_0.9.0_amd64.deb"));
        assert_eq!(told(Some("0.9.0"), &[]), None);
        assert_eq!(told(Some("0.9.1"), &["arm64"]), None);
        assert_eq!(told(None, &["arm64"]), None);
    }
}
