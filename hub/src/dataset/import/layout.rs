//! Which class and split the folders of a file say.
//!
//! ```text
//! glass/…jpg                               the class; the split is decided here
//! {train,validation,test}/glass/…jpg       the class, and its split
//! processed/{train,…}/glass/…jpg           the same, as the hub's export writes it
//! raw/glass/…jpg                           the class alone
//! photos/glass/…jpg                        in a zip: as above, within one folder around all
//! ```
//!
//! A folder's name is read as any name of a class is ([`Label::read`]): `Food Organics` is `food_organics`.
//! Files beside the class folders and hidden ones are passed over: they are READMEs and the file manager's.

use pilah_models::name::{Label, NameError};

use crate::dataset::split::Split;
use crate::dataset::{UNUSABLE, group};

/// Folders that say nothing themselves.
const VIEWS: [&str; 2] = ["processed", "raw"];

/// What the folders of a file say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Says {
    /// It is of this class, and perhaps of this split.
    Class(String, Option<Split>),
    /// It is none of the images.
    Nothing,
    /// It lies too deep.
    TooDeep,
}

/// Reads the folders of a file, outermost first.
pub(super) fn read(folders: &[&str]) -> Says {
    if folders.iter().any(|folder| folder.starts_with('.') || *folder == "__MACOSX") {
        return Says::Nothing;
    }
    let rest = match folders {
        [view, rest @ ..] if VIEWS.contains(view) => rest,
        all => all,
    };
    let (split, rest) = match rest {
        [first, rest @ ..] if Split::of_folder(first).is_some() => (Split::of_folder(first), rest),
        all => (None, all),
    };
    match rest {
        [] => Says::Nothing,
        [class] => Says::Class((*class).to_owned(), split),
        [_, _, ..] => Says::TooDeep,
    }
}

/// The class of a folder, or why it is none.
pub(super) fn class(folder: &str, classes: Option<&[Label]>) -> Result<Label, String> {
    let shown: String = folder.chars().take(80).collect();
    let label = match Label::read(folder) {
        Ok(label) => label,
        Err(NameError { rule, .. }) => {
            return Err(format!("the folder {shown:?} cannot be a class: a label is {rule}{}", known(classes)));
        }
    };
    if label.as_str() == UNUSABLE {
        return Err(format!("the folder {shown:?} cannot be a class: this name marks images that are taken out"));
    }
    match classes {
        Some(classes) if !classes.contains(&label) => {
            let read = if label.as_str() == folder { String::new() } else { format!(" ({label})") };
            Err(format!("there is no class {shown:?}{read}{}", known(Some(classes))))
        }
        _ => Ok(label),
    }
}

fn known(classes: Option<&[Label]>) -> String {
    let Some(classes) = classes else { return String::new() };
    let names: Vec<&str> = classes.iter().map(Label::as_str).collect();
    if names.is_empty() { "; there is none yet".to_owned() } else { format!("; the classes are {}", names.join(", ")) }
}

/// Sorts names so that runs of consecutive photos come in one piece: by folder, then by number.
pub(super) fn order(name: &str) -> (String, String, u64, String) {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let (prefix, number) = group::trailing_number(file).map_or((file, 0), |(prefix, number)| (prefix, number));
    (folder.to_owned(), prefix.to_owned(), number, file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_say_class_and_split() {
        let class = |name: &str, split| Says::Class(name.to_owned(), split);
        let cases = [
            ("", Says::Nothing),
            ("glass", class("glass", None)),
            ("val/glass", class("glass", Some(Split::Validation))),
            ("processed/test/glass", class("glass", Some(Split::Test))),
            ("raw/glass", class("glass", None)),
            ("Train", Says::Nothing),
            ("raw", Says::Nothing),
            ("__MACOSX/glass", Says::Nothing),
            (".git/glass", Says::Nothing),
            ("glass/more", Says::TooDeep),
            ("train/glass/more", Says::TooDeep),
            ("玻璃", class("玻璃", None)),
        ];
        for (path, expected) in cases {
            let folders: Vec<&str> = path.split('/').filter(|folder| !folder.is_empty()).collect();
            assert_eq!(read(&folders), expected, "{path}");
        }
    }

    #[test]
    fn a_folder_that_is_no_class_is_told_which_there_are() {
        let classes = [Label::new("glass").expect("valid"), Label::new("paper").expect("valid")];
        assert_eq!(class("glass", Some(&classes)).expect("known").as_str(), "glass");
        assert_eq!(class("tin", None).expect("new").as_str(), "tin");
        assert_eq!(class("Glass", Some(&classes)).expect("known").as_str(), "glass");
        for (folder, expected) in [
            ("Tin Can", "there is no class \"Tin Can\" (tin_can); the classes are glass, paper"),
            ("Unusable", "marks images that are taken out"),
            ("tin", "there is no class \"tin\"; the classes are glass, paper"),
            ("玻璃", "a label is 1 to 32 of a-z"),
            ("unusable", "marks images that are taken out"),
        ] {
            let reason = class(folder, Some(&classes)).expect_err(folder);
            assert!(reason.contains(expected), "{reason}");
        }
    }

    #[test]
    fn numbers_count_and_do_not_spell() {
        let mut names = ["a/x10.jpg", "a/x9.jpg", "a/y1.jpg", "b/x1.jpg"];
        names.sort_by_cached_key(|name| order(name));
        assert_eq!(names, ["a/x9.jpg", "a/x10.jpg", "a/y1.jpg", "b/x1.jpg"]);
    }
}
