//! The command line: what can be asked, and who answers.

mod cell;
mod distance;
mod dynamics;
mod explain;
mod fixed_points;
mod hops;
mod linearise;
mod numbers;
mod parity;
mod probe;
mod results;
mod silent;
mod study;
mod summary;
mod task;
mod topology;
mod weights;

use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Train a thousand small recurrent networks at once, find every fixed point they have, and say which of their
/// solutions are the same.
#[derive(Parser)]
#[command(name = "chiliad", version)]
pub(crate) struct Arguments {
    /// Machine-readable output.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a study, or go on with it.
    Run(study::RunArguments),
    /// A study with every default.
    #[command(subcommand)]
    Study(study::StudyCommand),
    /// How far a study is.
    Status { dir: PathBuf },
    /// Join the parts of a study.
    Merge {
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
        #[arg(long)]
        out: PathBuf,
    },
    /// Draw the report of a study folder anew.
    Report { dir: PathBuf },
    /// Some networks of a finished study again on the CPU and on another device: do they agree?
    Parity(parity::ParityArguments),
    /// One network: training, census, weights.
    Inspect {
        dir: PathBuf,
        #[arg(long)]
        network: usize,
        #[arg(long)]
        population: Option<String>,
    },
    /// Devices, the choice and why.
    Device {
        /// Measure peak and training speed.
        #[arg(long)]
        measure: bool,
    },
    /// Tasks and their trials.
    #[command(subcommand)]
    Task(task::TaskCommand),
    /// Cells and their derivatives.
    #[command(subcommand)]
    Cell(cell::CellCommand),
    /// Networks trained elsewhere, as a population.
    Import(weights::ImportArguments),
    /// A population as another library's weights.
    Export(weights::ExportArguments),
    /// States and outputs on given inputs.
    RollOut(numbers::RollOutArguments),
    /// Loss and gradient on given trials.
    Gradient(numbers::GradientArguments),
    /// Fixed points of a population.
    FixedPoints(fixed_points::FixedPointsArguments),
    /// Periodic orbits of a population, and the attractors its states end on.
    Cycles(dynamics::CyclesArguments),
    /// Lyapunov exponents of a population.
    Lyapunov(dynamics::LyapunovArguments),
    /// Modes, selection vectors, mode removal and slow sets at the fixed points.
    Linearise(linearise::LineariseArguments),
    /// Pathways from input to output by number of hops.
    Hops(hops::HopsArguments),
    /// Take units or modes out, or put another network's state in, and run again.
    Probe(probe::ProbeArguments),
    /// Networks without the units that never speak.
    RemoveSilent(silent::RemoveSilentArguments),
    /// Graphs of a population's fixed points, their classes, and whether they explain the outputs.
    Topology(topology::TopologyArguments),
    /// How far apart two networks' solutions are, or all pairs of many.
    Distance(Box<distance::DistanceArguments>),
    /// One fixed point: how it was found, what it is, what leads to it and where it leads.
    Explain(explain::ExplainArguments),
}

/// Which population a command means.
#[derive(clap::Args)]
struct Which {
    /// Folder of a population, or of a study.
    dir: PathBuf,
    /// Label, where the study has several.
    #[arg(long)]
    population: Option<String>,
}

impl Which {
    fn open(&self) -> anyhow::Result<chiliad::population_folder::Found> {
        Ok(chiliad::population_folder::open(
            &self.dir,
            self.population.as_deref(),
        )?)
    }
}

pub(crate) fn perform(arguments: Arguments) -> anyhow::Result<()> {
    let json = arguments.json;
    match arguments.command {
        Command::Run(a) => study::run(&a, json),
        Command::Study(c) => study::study(&c, json),
        Command::Status { dir } => study::status(&dir, json),
        Command::Merge { dirs, out } => study::merge(&dirs, &out, json),
        Command::Parity(a) => parity::parity(&a, json),
        Command::Report { dir } => study::report(&dir, json),
        Command::Inspect {
            dir,
            network,
            population,
        } => summary::inspect(&dir, population.as_deref(), network, json),
        Command::Device { measure } => study::device(measure, json),
        Command::Task(c) => task::task(&c, json),
        Command::Cell(c) => cell::cell(&c, json),
        Command::Import(a) => weights::import(&a, json),
        Command::Export(a) => weights::export(&a, json),
        Command::RollOut(a) => numbers::roll_out(&a, json),
        Command::Gradient(a) => numbers::gradient(&a, json),
        Command::FixedPoints(a) => fixed_points::fixed_points(&a, json),
        Command::Cycles(a) => dynamics::cycles(&a, json),
        Command::Lyapunov(a) => dynamics::lyapunov(&a, json),
        Command::Linearise(a) => linearise::linearise(&a, json),
        Command::Hops(a) => hops::hops(&a, json),
        Command::Probe(a) => probe::probe(&a, json),
        Command::RemoveSilent(a) => silent::remove_silent(&a, json),
        Command::Topology(a) => topology::topology(&a, json),
        Command::Distance(a) => distance::distance(&a, json),
        Command::Explain(a) => explain::explain(&a, json),
    }
}

/// Writes JSON for machines, or a line for people.
fn answer(json: bool, value: &serde_json::Value, words: &str) {
    crate::terminal::say(&if json {
        value.to_string()
    } else {
        words.to_owned()
    });
}

/// Networks, channels: one place for a refusal.
fn refuse<T>(message: String) -> anyhow::Result<T> {
    Err(chiliad::error::StudyError::Input(message).into())
}
