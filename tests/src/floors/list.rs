//! The list of rooms in the map of the house, and the list of crates.

use std::collections::BTreeMap;

/// The rooms of each folder, from the ground up: what stands in backticks before the colon of the points
/// below `## Floors`, each folder under a heading of its own.
pub(super) fn read(map: &str) -> BTreeMap<String, Vec<String>> {
    let mut listed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut folder = None;
    for line in map.lines().skip_while(|line| *line != "## Floors").skip(1).take_while(|line| !line.starts_with("## "))
    {
        if let Some(heading) = line.strip_prefix("### ") {
            folder = in_backticks(heading).next();
        } else if let (Some(point), Some(folder)) = (line.strip_prefix("- "), &folder) {
            let names = point.split_once(':').map_or(point, |(names, _)| names);
            listed.entry(folder.clone()).or_default().extend(in_backticks(names));
        }
    }
    listed
}

fn in_backticks(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

/// The folders of the workspace's crates.
pub(super) fn members(manifest: &str) -> Vec<String> {
    let list =
        manifest.split_once("members = [").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(list, _)| list);
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn rooms_are_read_in_their_order() {
    let map =
        "## Map\n- `not`: this\n## Floors\nWords.\n### `hub/src`\n- `a`, `b`: with `c`\n- `d`: end\n## Next\n- `e`: no";
    assert_eq!(read(map), BTreeMap::from([("hub/src".to_owned(), ["a", "b", "d"].map(str::to_owned).to_vec())]));
    assert_eq!(members("[workspace]\nmembers = [\"a\",\n  \"b/c\"]\n"), ["a", "b/c"]);
}
