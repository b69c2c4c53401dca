//! The command line. What the HTTP interface does, a command does too, for scripts.
//!
//! Results go to standard output, everything else to standard error. Secrets are printed once, where a
//! command says so, and come from files or the environment, never from an argument.

/// `pilah-hub bin`
mod bin;

/// `pilah-hub broker`
mod broker;

/// The data folder that a command works on.
mod data;

/// `pilah-hub dataset`
mod dataset;

/// `pilah-hub demo`
mod demo;

/// `pilah-hub forecast`
mod forecast;

/// `pilah-hub keys`
mod keys;

/// `pilah-hub model`
mod model;

/// Secrets that a command drew.
mod secret;

/// `pilah-hub program`
mod program;

/// `pilah-hub serve`
mod serve;

/// `pilah-hub subscriber`
mod subscriber;

/// How far a command is.
mod progress;

/// `pilah-hub train`
mod train;

/// `pilah-hub user`
mod user;

/// `pilah-hub worker`
mod worker;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// What is logged unless RUST_LOG says otherwise.
const LOG: &str = "info,sqlx=warn,sea_orm_migration=warn,tract=warn";

/// What RUST_LOG does not change: below "warn", the broker writes whole packets, with the secrets in them.
/// What matters of a connection, our own rules log.
const QUIET: [&str; 3] = ["rmqtt=warn", "rmqtt_net=warn", "rmqtt_codec=warn"];

/// What is logged during the demo, which tells in its own words what happens.
const DEMO_LOG: &str = "warn";

/// The Pilah hub: gathers samples from smart bins, has them reviewed, retrains, and pushes models.
#[derive(Debug, Parser)]
#[command(name = "pilah-hub", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a hub with virtual bins, to see how it all works
    Demo(demo::Args),
    /// Run the hub
    Serve(serve::Args),
    /// Enrol bins, and list them
    Bin(bin::Args),
    /// Import, freeze, export, delete images, and compare splits
    Dataset(dataset::Args),
    /// Train a model on the labelled images
    Train(train::Args),
    /// List, evaluate, compare, export, import and activate models
    Model(model::Args),
    /// Forecast the quantities of a CSV file
    Forecast(forecast::Args),
    /// Let others listen to the bins over MQTT
    Subscriber(subscriber::Args),
    /// Look after the keys that sign updates
    Keys(keys::Args),
    /// Publish packages of the bin's program
    Program(program::Args),
    /// Tell a broker of your own about hub, bins and subscribers
    Broker(broker::Args),
    /// Look after accounts
    User(user::Args),
    /// Run trainings beside a hub, on the same data folder
    Worker(worker::Args),
}

/// Runs the command that the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(if matches!(cli.command, Command::Demo(_)) { DEMO_LOG } else { LOG }));
    let quiet = QUIET.iter().map(|directive| directive.parse().expect("a directive"));
    let filter = quiet.fold(filter, EnvFilter::add_directive);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let result = runtime.block_on(async {
        match cli.command {
            Command::Demo(args) => demo::run(args).await,
            Command::Serve(args) => serve::run(args).await,
            Command::Bin(args) => bin::run(args).await,
            Command::Dataset(args) => dataset::run(args).await,
            Command::Train(args) => train::run(args).await,
            Command::Model(args) => model::run(args).await,
            Command::Forecast(args) => forecast::run(args).await,
            Command::Subscriber(args) => subscriber::run(args).await,
            Command::Keys(args) => keys::run(args).await,
            Command::Program(args) => program::run(args).await,
            Command::Broker(args) => broker::run(args).await,
            Command::User(args) => user::run(args).await,
            Command::Worker(args) => worker::run(args).await,
        }
    });
    // A computation that does not hear of the end is not waited for.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
    ExitCode::FAILURE
}

/// The command line, for tests of what is said about it.
#[cfg(test)]
pub(crate) fn command() -> clap::Command {
    use clap::CommandFactory as _;
    Cli::command()
}

#[cfg(test)]
mod tests {
    /// clap finds out at run time, and only of the command that runs, that two arguments are called the same.
    #[test]
    fn every_command_is_well_formed() {
        super::command().debug_assert();
    }

    #[test]
    fn commands_on_a_hubs_data_agree_on_where_they_are() {
        let command = super::command();
        for name in ["bin", "broker", "dataset", "keys", "model", "program", "subscriber", "train", "user", "worker"] {
            let command = command.find_subcommand(name).unwrap_or_else(|| panic!("{name} is a command"));
            let data = command.get_arguments().find(|argument| argument.get_long() == Some("data"));
            let default = data.unwrap_or_else(|| panic!("{name} has --data")).get_default_values();
            assert_eq!(default, ["pilah-data"], "{name}");
        }
    }
}
