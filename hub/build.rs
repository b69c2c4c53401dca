//! Builds the dashboard in `ui/` by npm into `OUT_DIR/ui`, from where `src/dashboard` takes it into the program.
//!
//! Cargo runs this again when something changed that the dashboard is made of. Nothing that is written on the
//! way is watched (`node_modules`, the client made of `openapi.json`), so that a second build does nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, io};

/// The oldest Node.js that the dashboard's tools run on.
const OLDEST_NODE: (u32, u32) = (20, 19);

/// What the dashboard is made of, in `ui/`; `src` besides.
const PARTS: [&str; 7] = [
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "postcss.config.mjs",
    "tsconfig.json",
    "vite.config.ts",
];

/// The client is made of the interface's description while the dashboard is built.
const GENERATED: &str = "schema.d.ts";

/// How many lines of a failed command are shown.
const LINES: usize = 60;

const WITHOUT: &str = "or leave the dashboard out: add --no-default-features";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_UI").is_none() {
        return ExitCode::SUCCESS;
    }
    let ui = Path::new("ui");
    let result = watch(ui).map_err(|error| format!("ui/ cannot be read: {error}")).and_then(|()| build(ui));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            for line in words.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn watch(ui: &Path) -> io::Result<()> {
    let watched = |path: PathBuf| println!("cargo::rerun-if-changed={}", path.display());
    watched(PathBuf::from("openapi.json"));
    for part in PARTS {
        watched(ui.join(part));
    }
    // A folder is watched with all that is in it; the one with the generated file is watched file by file.
    for entry in fs::read_dir(ui.join("src"))? {
        let path = entry?.path();
        if !path.join(GENERATED).exists() && path.file_name().is_none_or(|name| name != "api") {
            watched(path);
            continue;
        }
        for entry in fs::read_dir(&path)? {
            let file = entry?.path();
            if file.file_name().is_none_or(|name| name != GENERATED) {
                watched(file);
            }
        }
    }
    Ok(())
}

fn build(ui: &Path) -> Result<(), String> {
    let version = run(&program("node"), &["--version"], ui)?;
    if !is_new_enough(version.trim()) {
        let (major, minor) = OLDEST_NODE;
        return Err(format!(
            "the dashboard is built with Node.js {major}.{minor} or newer, and this is {}: install a newer one \
             (https://nodejs.org), {WITHOUT}",
            version.trim()
        ));
    }
    let npm = program("npm");
    if !is_installed(ui) {
        run(&npm, &["ci", "--no-audit", "--no-fund"], ui)?;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("ui");
    let out = out.to_str().ok_or("the target folder's name is no text: choose another with CARGO_TARGET_DIR")?;
    run(&npm, &["run", "build", "--", "--outDir", out, "--emptyOutDir", "--logLevel", "warn"], ui)?;
    Ok(())
}

/// On Windows, npm is a script, which is not found without its ending.
fn program(name: &str) -> String {
    if cfg!(windows) && name == "npm" { "npm.cmd".to_owned() } else { name.to_owned() }
}

/// Whether this is `v20.19.0` or newer.
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST_NODE,
        _ => false,
    }
}

/// Whether what `package-lock.json` names is installed: npm writes a list of what it installed at the end.
fn is_installed(ui: &Path) -> bool {
    let changed = |file: &str| fs::metadata(ui.join(file)).and_then(|metadata| metadata.modified());
    match (changed("node_modules/.package-lock.json"), changed("package-lock.json")) {
        (Ok(installed), Ok(wanted)) => installed >= wanted,
        _ => false,
    }
}

/// Runs a command in a folder and gives what it wrote. What it says to cargo must not be read by cargo.
fn run(program: &str, arguments: &[&str], folder: &Path) -> Result<String, String> {
    let output = Command::new(program).args(arguments).current_dir(folder).output().map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "is not installed".to_owned(),
            _ => format!("cannot be run: {error}"),
        };
        let (major, minor) = OLDEST_NODE;
        format!(
            "the dashboard is built with npm, and {program} {reason}: install Node.js {major}.{minor} or newer with npm \
             (https://nodejs.org, or your system's packages), {WITHOUT}"
        )
    })?;
    let written = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(written);
    }
    let all = format!("{written}\n{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = all.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines[lines.len().saturating_sub(LINES)..].join("\n");
    Err(format!("the dashboard is not built: `{program} {}` failed in hub/ui\n{last}", arguments.join(" ")))
}
