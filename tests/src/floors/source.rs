//! What the sources of a crate use of each other, by their tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The place of a module: the names on the way to it from the crate's root.
type Place = Vec<String>;

/// A file's module uses another.
#[derive(Debug, Clone)]
pub(super) struct Arrow {
    pub(super) from: Place,
    /// The module, or the item at the root, that is used.
    pub(super) to: Place,
    /// Where it is written, from the folder of the sources.
    pub(super) file: String,
}

/// The modules of a crate, without those of its tests.
#[derive(Debug)]
pub(super) struct Modules {
    files: BTreeMap<Place, (String, Findings)>,
    root_names: BTreeSet<String>,
}

/// What a file says.
#[derive(Debug, Default)]
struct Findings {
    /// The paths that begin at the root, with inner modules that they were written in counted off.
    paths: Vec<Place>,
    /// Names of modules that are there for tests alone.
    for_tests: BTreeSet<String>,
    /// Every name in it.
    names: BTreeSet<String>,
}

impl Modules {
    /// Reads all sources in a folder.
    pub(super) fn read(folder: &Path) -> Self {
        let mut files = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            let entries = std::fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()));
            for entry in entries {
                let path = entry.expect("a folder of sources can be read").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "rs") {
                    let text = super::read(&path);
                    files.push((path.strip_prefix(folder).expect("it was found in it").to_owned(), text));
                }
            }
        }
        Self::of(files)
    }

    /// The modules of these files, each with its path in the folder of sources, and its text.
    pub(super) fn of(sources: impl IntoIterator<Item = (PathBuf, String)>) -> Self {
        let mut files = BTreeMap::new();
        let mut root_names = BTreeSet::new();
        for (path, text) in sources {
            let place = place(&path);
            let file = path.display().to_string();
            let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
            let mut findings = Findings::default();
            findings.walk(tokens, &place);
            if place.is_empty() {
                root_names.extend(findings.names.iter().cloned());
                if path.ends_with("main.rs") {
                    continue;
                }
            }
            files.insert(place, (file, findings));
        }
        let for_tests: Vec<Place> = files
            .iter()
            .flat_map(|(place, (_, findings))| {
                findings.for_tests.iter().map(|name| place.iter().chain([name]).cloned().collect())
            })
            .collect();
        files.retain(|place, _| !for_tests.iter().any(|tests| place.starts_with(tests)));
        Self { files, root_names }
    }

    /// The rooms.
    pub(super) fn rooms(&self) -> impl Iterator<Item = &str> {
        let rooms: BTreeSet<&str> = self.files.keys().filter_map(|place| place.first()).map(String::as_str).collect();
        rooms.into_iter()
    }

    /// Whether the crate's root names it: as a module of its own, or as another crate that it passes on.
    pub(super) fn is_named_at_the_root(&self, name: &str) -> bool {
        self.root_names.contains(name)
    }

    /// Who uses whom; nothing of the crate's root, which names all, and nothing that a module uses of itself.
    pub(super) fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for (from, (file, findings)) in self.files.iter().filter(|(place, _)| !place.is_empty()) {
            for path in &findings.paths {
                let depth = (1..=path.len()).take_while(|depth| self.files.contains_key(&path[..*depth])).last();
                let to = path[..depth.unwrap_or_else(|| path.len().min(1))].to_vec();
                if !to.is_empty() && to != *from {
                    arrows.push(Arrow { from: from.clone(), to, file: file.clone() });
                }
            }
        }
        arrows
    }
}

/// `a/b.rs` and `a/b/mod.rs` are `a::b`; `lib.rs` and `main.rs` are the root.
fn place(path: &Path) -> Place {
    let mut names: Place = path.with_extension("").iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if names.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        names.pop();
    }
    names
}

impl Findings {
    /// Goes through tokens that stand in the module `here`, which may be one within a file.
    fn walk(&mut self, tokens: TokenStream, here: &[String]) {
        let mut tokens = tokens.into_iter().peekable();
        let mut module_name = false;
        let mut inner = None;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Punct(hash) if hash.as_char() == '#' => {
                    if let Some(TokenTree::Group(attribute)) = tokens.peek() {
                        let is_for_tests = is_for_tests(&attribute.stream());
                        tokens.next();
                        if is_for_tests {
                            self.skip_item(&mut tokens);
                        }
                    }
                }
                TokenTree::Ident(ident) => {
                    let ident = ident.to_string();
                    inner = std::mem::take(&mut module_name).then(|| ident.clone());
                    module_name = ident == "mod";
                    self.names.insert(ident.clone());
                    let start = match ident.as_str() {
                        "crate" => Some(Vec::new()),
                        "super" => Some(parent(here)),
                        _ => None,
                    };
                    if let Some(start) = start {
                        self.follow(start, &mut tokens);
                    }
                }
                TokenTree::Group(group) => {
                    let mut within = here.to_vec();
                    within.extend(inner.take());
                    self.walk(group.stream(), &within);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => inner = None,
            }
        }
    }

    /// Notes the paths that go on from `start` by `::…`.
    fn follow(&mut self, mut start: Place, tokens: &mut Peekable<IntoIter>) {
        while is_colon(tokens.peek()) {
            tokens.next();
            tokens.next(); // the second colon
            match tokens.peek() {
                Some(TokenTree::Ident(ident)) if *ident == "super" => {
                    start = parent(&start);
                    tokens.next();
                }
                Some(TokenTree::Ident(ident)) => {
                    start.push(ident.to_string());
                    tokens.next();
                }
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let mut branches = group.stream().into_iter().peekable();
                    while let Some(token) = branches.next() {
                        if let TokenTree::Ident(ident) = token {
                            let ident = ident.to_string();
                            match ident.as_str() {
                                "self" => self.follow(start.clone(), &mut branches),
                                "super" => self.follow(parent(&start), &mut branches),
                                "as" => drop(branches.next()),
                                _ => self.follow(start.iter().cloned().chain([ident]).collect(), &mut branches),
                            }
                        }
                    }
                    tokens.next();
                    return;
                }
                _ => break,
            }
        }
        if !start.is_empty() {
            self.paths.push(start);
        }
    }

    /// Leaves out the item that an attribute stands before, and remembers the name if it is a module.
    fn skip_item(&mut self, tokens: &mut Peekable<IntoIter>) {
        let mut is_module = false;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if is_module => {
                    self.for_tests.insert(ident.to_string());
                    is_module = false;
                }
                TokenTree::Ident(ident) => is_module = ident == "mod",
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
                TokenTree::Punct(end) if end.as_char() == ';' => return,
                _ => {}
            }
        }
    }
}

fn parent(place: &[String]) -> Place {
    place[..place.len().saturating_sub(1)].to_vec()
}

fn is_colon(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(colon)) if colon.as_char() == ':' && colon.spacing() == proc_macro2::Spacing::Joint)
}

/// `cfg(test)`, alone or with others.
fn is_for_tests(attribute: &TokenStream) -> bool {
    let words = attribute.to_string();
    words.starts_with("cfg")
        && words.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == "test")
        && !words.contains("not")
}
