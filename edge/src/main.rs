//! The command line of the bin's program.

use std::io::{self, IsTerminal as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use pilah_edge::act::Flap;
use pilah_edge::act::by_hand::by_hand;
use pilah_edge::bench::{BenchOptions, bench};
use pilah_edge::camera::chamber::scenes::{RenderScenes, render_scenes};
use pilah_edge::classify::classify_all;
use pilah_edge::config::Config;
use pilah_edge::doctor::{Verdict, check, examine};
use pilah_edge::local::LocalConfig;
use pilah_edge::model_store::shipped;
use pilah_edge::run::Ended;
use pilah_models::bundle::Bundle;
use pilah_models::infer::Classifier;
use pilah_models::name::Label;
use pilah_models::wire::TakenBack;
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

/// Sees an item, classifies it on the spot, and tells the hub.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the bin until it is stopped.
    Run {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// How the log is written to standard output; RUST_LOG says how much.
        #[arg(long, value_enum, default_value_t = LogFormat::Text)]
        log: LogFormat,
    },
    /// Says whether a configuration file is valid, and what of it this machine or the model lacks. Changes nothing, and
    /// asks nobody. Exits with 1 if it cannot be used.
    CheckConfig {
        /// The configuration file.
        file: PathBuf,
    },
    /// Says what is wrong with an installation, and what to do. Exits with 1 if something fails.
    Doctor {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Shows what the camera sees, on a page for the installer. Sends nothing, keeps nothing.
    Preview {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Where the page is served; by default where the configuration says, or on this machine alone.
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<SocketAddr>,
    },
    /// Measures what each stage costs on this machine.
    Bench(BenchOptions),
    /// Classifies images from files.
    Classify {
        /// The folder of the model; by default the one that ships with the program.
        #[arg(long, value_name = "DIR")]
        bundle: Option<PathBuf>,
        /// One JSON object per line: path, label, sure, confidence, probabilities, model.
        #[arg(long)]
        json: bool,
        /// JPEG or PNG files.
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<PathBuf>,
    },
    /// Opens and closes flaps, one after the other, to see whether they are wired right: all, or those
    /// that are named. The bin itself must not run meanwhile.
    Act {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The flap of this class; may be given several times.
        #[arg(long, value_name = "LABEL")]
        class: Vec<Label>,
        /// The flap of the rest.
        #[arg(long)]
        rest: bool,
    },
    /// Lets a model be installed again that the bin has taken back by itself. The bin itself must not run meanwhile.
    Unblock {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Its name, or the SHA-256 of its manifest; by default all.
        #[arg(long, value_name = "MODEL")]
        model: Option<String>,
    },
    /// Writes pictures of the drawn bin, by class.
    RenderScenes(RenderScenes),
}

/// How a log is written.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object per line.
    Json,
}

/// Where the preview is served if nobody says where.
const PREVIEW: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8090);

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run { config, log } => {
            let config = Config::read(&config)?;
            start_log(log);
            let runtime = runtime()?;
            if runtime.block_on(pilah_edge::run::run(config, stop_signal()))? == Ended::Restart {
                drop(runtime);
                return begin_anew();
            }
        }
        Command::CheckConfig { file } => {
            let config = Config::read(&file)?;
            if check(&config, &mut io::stdout().lock())? == Verdict::Fail {
                return Ok(ExitCode::FAILURE);
            }
            println!("{} is valid: bin {}, broker {}", file.display(), config.bin, config.mqtt.address);
        }
        Command::Doctor { config } => {
            if examine(&config, &mut io::stdout().lock())? == Verdict::Fail {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Preview { config, listen } => {
            let mut config = Config::read(&config)?;
            let preview = listen.or(config.local.preview).unwrap_or(PREVIEW);
            config.local = LocalConfig { metrics: None, preview: Some(preview) };
            start_log(LogFormat::Text);
            runtime()?.block_on(pilah_edge::run::look(config, stop_signal()))?;
        }
        Command::Bench(options) => {
            let measured = bench(&options, &shipped::bundle(options.bundle.as_deref())?)?;
            if options.json {
                println!("{}", serde_json::to_string(&measured)?);
            } else {
                println!("{measured}");
            }
        }
        Command::Classify { bundle, json, images } => {
            let folder = shipped::bundle(bundle.as_deref())?;
            let model = || anyhow::Ok(Classifier::load(&Bundle::read(&folder)?)?);
            let model = model().with_context(|| format!("the model in {} cannot be used", folder.display()))?;
            if classify_all(&images, &model, json, &mut io::stdout().lock(), &mut io::stderr())? > 0 {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Act { config, class, rest } => {
            let config = Config::read(&config)?;
            let flaps: Vec<_> = class.into_iter().map(Flap::Class).chain(rest.then_some(Flap::Rest)).collect();
            by_hand(config.body.act.as_ref(), &flaps, &mut io::stdout().lock())?;
        }
        Command::Unblock { config, model } => {
            let unblocked = pilah_edge::run::unblock(&Config::read(&config)?, model.as_deref())?;
            for TakenBack { version, manifest, reason } in &unblocked {
                println!("{version} ({manifest}) may be installed again; it was taken back: {reason}");
            }
            if unblocked.is_empty() {
                let which = model.map_or_else(|| "no model".to_owned(), |model| format!("no model {model}"));
                println!("{which} was taken back");
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::RenderScenes(what) => {
            println!("{} pictures in {}", render_scenes(&what)?, what.out.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts a new process in the place of this one, with the same arguments.
#[cfg(unix)]
fn begin_anew() -> anyhow::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    let program = std::env::current_exe().context("where this program is cannot be told")?;
    let error = std::process::Command::new(&program).args(std::env::args_os().skip(1)).exec();
    Err(error).with_context(|| format!("{} cannot be started", program.display()))
}

/// Ends with an error, so that whoever started this program starts it again.
#[cfg(not(unix))]
fn begin_anew() -> anyhow::Result<ExitCode> {
    Ok(ExitCode::FAILURE)
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    match format {
        LogFormat::Text => log.with_ansi(io::stdout().is_terminal()).init(),
        LogFormat::Json => log.json().with_ansi(false).init(),
    }
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// Ready at Ctrl-C, and at the signal by which service managers stop a program.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = tokio::signal::ctrl_c() => return,
            }
        }
    }
    // Without a way to be told, the bin runs until it is killed, which its outbox survives.
    tokio::signal::ctrl_c().await.ok();
}
