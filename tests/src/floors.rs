//! The floors of the house: which room may use which.
//!
//! A room is a module directly below a crate's `lib.rs`. `docs/ARCHITECTURE.md` lists the rooms of hub, bin and shared
//! crate from the ground up, and a room uses those before it alone. Within every folder of every crate, modules that
//! stand side by side use each other in no circle. Parents and children may know each other, and tests may look anywhere.
//!
//! What uses what is read from the words `crate::…` and `super::…` in the sources, wherever they stand: in `use`
//! lines, in expressions, within macros.

mod list;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use source::{Arrow, Modules};

/// The folders whose rooms have an order.
const LISTED: [&str; 3] = ["models/src", "edge/src", "hub/src"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in the workspace").to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Arrows that run up, and rooms that are not in the list, in words.
fn against_the_list(folder: &str, modules: &Modules, floors: &[String]) -> Vec<String> {
    let floor = |room: &str| floors.iter().position(|listed| listed == room);
    let mut faults: Vec<String> = modules
        .rooms()
        .filter(|room| floor(room).is_none())
        .map(|room| format!("{folder}: the room `{room}` is not in the list"))
        .collect();
    faults.extend(
        floors
            .iter()
            .filter(|listed| !modules.is_named_at_the_root(listed))
            .map(|listed| format!("{folder}: the list has `{listed}`, and there is no such room")),
    );
    for Arrow { from, to, file } in modules.arrows() {
        let (Some(user), Some(used)) = (from.first(), to.first()) else { continue };
        match (floor(user), floor(used)) {
            (Some(above), Some(below)) if above < below => {
                faults.push(format!("{file}: `{user}` uses `{used}`, which stands above it"));
            }
            (Some(_), None) => faults.push(format!("{file}: `crate::{used}` is in no room")),
            _ => {}
        }
    }
    faults
}

/// Circles among modules that stand side by side, in words.
fn circles(folder: &str, modules: &Modules) -> Vec<String> {
    let mut beside: BTreeMap<Vec<String>, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for Arrow { from, to, .. } in modules.arrows() {
        let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
        if let (Some(user), Some(used)) = (from.get(shared), to.get(shared)) {
            let uses = beside.entry(from[..shared].to_vec()).or_default();
            uses.entry(user.clone()).or_default().insert(used.clone());
        }
    }
    let circle = |(within, uses): (Vec<String>, BTreeMap<String, BTreeSet<String>>)| {
        circle(&uses).map(|names| format!("{folder}/{}: a circle: {}", within.join("/"), names.join(" → ")))
    };
    beside.into_iter().filter_map(circle).collect()
}

/// A circle among names, if there is one: each uses the next, and the last is the first.
fn circle(uses: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn visit<'a>(
        name: &'a str,
        uses: &'a BTreeMap<String, BTreeSet<String>>,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> bool {
        if let Some(start) = way.iter().position(|passed| *passed == name) {
            way.drain(..start);
            way.push(name);
            return true;
        }
        if done.contains(name) {
            return false;
        }
        way.push(name);
        if uses.get(name).into_iter().flatten().any(|used| visit(used, uses, way, done)) {
            return true;
        }
        way.pop();
        done.insert(name);
        false
    }
    let mut done = BTreeSet::new();
    uses.keys().find_map(|name| {
        let mut way = Vec::new();
        visit(name, uses, &mut way, &mut done).then(|| way.into_iter().map(str::to_owned).collect())
    })
}

#[test]
fn no_room_uses_one_above_it() {
    let listed = list::read(&read(&root().join("docs/ARCHITECTURE.md")));
    let mut faults = Vec::new();
    for folder in LISTED {
        let floors = listed.get(folder).unwrap_or_else(|| panic!("docs/ARCHITECTURE.md lists no rooms of {folder}"));
        faults.extend(against_the_list(folder, &Modules::read(&root().join(folder)), floors));
    }
    assert!(faults.is_empty(), "see `Floors` in docs/ARCHITECTURE.md:\n{}", faults.join("\n"));
}

#[test]
fn no_modules_side_by_side_use_each_other() {
    let manifest = read(&root().join("Cargo.toml"));
    let members = list::members(&manifest);
    assert!(members.len() >= 4, "{members:?}");
    let faults: Vec<String> = members
        .iter()
        .map(|member| format!("{member}/src"))
        .flat_map(|folder| circles(&folder, &Modules::read(&root().join(&folder))))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A house of two rooms, `upper` above `lower`, where `lower/mod.rs` and its child `inner` hold these texts.
fn house(lower: &str, inner: &str) -> Modules {
    let files = [
        ("lib.rs", "/// One.\npub mod lower;\n/// Two.\npub mod upper;\n#[cfg(test)]\nmod stage;"),
        ("lower/mod.rs", lower),
        ("lower/inner.rs", inner),
        ("lower/beside.rs", "use super::inner::Thing;"),
        ("upper.rs", "use crate::lower;"),
        ("stage.rs", "use crate::upper;"),
    ];
    Modules::of(files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())))
}

#[test]
fn an_arrow_up_is_found_wherever_it_is_written() {
    let floors = ["lower".to_owned(), "upper".to_owned()];
    let faults = |inner: &str| against_the_list("src", &house("mod inner; mod beside;", inner), &floors);
    assert_eq!(faults("use super::beside; // crate::upper is not used"), [""; 0]);
    for text in [
        "use crate::upper;",
        "use crate::{lower, upper::Thing};",
        "use super::super::upper::Thing;",
        "fn f() { crate::upper::go() }",
        "fn f() { json!({ \"a\": [crate::upper::GO] }) }",
        "mod deep { use super::super::super::upper; }",
        "pub(crate) fn f(x: &crate::upper::Thing) {}",
    ] {
        assert_eq!(faults(text), ["lower/inner.rs: `lower` uses `upper`, which stands above it"], "{text}");
    }
}

#[test]
fn tests_may_look_anywhere() {
    let floors = ["lower".to_owned(), "upper".to_owned()];
    for text in [
        "#[cfg(test)]\nmod tests { use crate::upper; }",
        "#[cfg(test)]\n#[expect(dead_code, reason = \"it shows\")]\npub(crate) fn f() -> crate::upper::Thing { crate::upper::go() }",
        "#[cfg(test)]\nuse crate::{upper, upper::Thing};",
    ] {
        assert_eq!(against_the_list("src", &house("mod inner;", text), &floors), [""; 0], "{text}");
    }
    let after = "#[cfg(test)]\nmod tests {}\nuse crate::upper;";
    assert_eq!(against_the_list("src", &house("mod inner;", after), &floors).len(), 1);
}

#[test]
fn what_is_in_no_room_and_a_room_in_no_list_are_told() {
    let house = house("fn f() { crate::in_words() }", "");
    let faults = against_the_list("src", &house, &["lower".to_owned(), "cellar".to_owned()]);
    assert_eq!(
        faults,
        [
            "src: the room `upper` is not in the list",
            "src: the list has `cellar`, and there is no such room",
            "lower/mod.rs: `crate::in_words` is in no room",
        ]
    );
}

#[test]
fn a_circle_is_found_among_siblings_alone() {
    assert_eq!(circles("src", &house("use inner::Thing;", "use super::Kind;")), [""; 0], "parent and child");
    assert_eq!(
        circles("src", &house("", "fn f() { super::beside::go() }")),
        ["src/lower: a circle: beside → inner → beside"]
    );
}
