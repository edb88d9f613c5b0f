//! What a report is drawn from: plain numbers and names, saved and loaded as JSON.
//!
//! A number that is not finite is legal everywhere (a diverged loss is infinite): JSON has no such value, so
//! it is written as `null` and read back as NaN.

mod alike;
mod census;
mod look;
mod nullable;
mod topology;

pub use alike::{Alike, Effect, Measure};
pub use census::{Attractor, Census, Certificate};
pub use look::{Look, LookPoint, Removal, RemovalCurve, TrialTrace};
pub use topology::{
    ClassNode, Interval, Robustness, Snapshot, Tolerances, Topology, TopologyClass,
};

use nullable::null_is_nan;
use serde::{Deserialize, Serialize};

/// Everything the page shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ReportData {
    /// Title, claims, device.
    pub header: Header,
    /// One per (cell, activation, units), in the order of the study file.
    pub populations: Vec<PopulationReport>,
    /// Networks drawn in detail; the first is shown when the page opens.
    pub looks: Vec<Look>,
    /// Graphs and their classes, where they were made.
    #[serde(default)]
    pub topology: Option<Topology>,
    /// How networks compare, where they were compared.
    #[serde(default)]
    pub alike: Option<Alike>,
    /// What the findings hang on; none where nothing was searched.
    #[serde(default)]
    pub robustness: Option<Robustness>,
    /// How it was done.
    pub methods: Methods,
}

/// What stands at the top of the page.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Header {
    /// The study's title, as the user wrote it.
    pub title: String,
    /// One line under the title: task and size of the study. May be empty.
    pub subtitle: String,
    /// The study's claims, in its order; empty where it makes none.
    pub claims: Vec<Claim>,
    /// Distinct topologies found; `None` where topology was not measured (census classes are counted then).
    pub topology_classes: Option<usize>,
    /// What the study ran on, in words.
    pub device: String,
    /// Wall-clock of the whole run, in minutes.
    #[serde(deserialize_with = "null_is_nan")]
    pub minutes: f64,
    /// Anything the reader must know before the numbers, a sentence each.
    pub notes: Vec<String>,
}

/// A sentence of the study and what the numbers say about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claim {
    /// The sentence as the user wrote it.
    pub sentence: String,
    /// Whether it holds.
    pub verdict: Verdict,
    /// The numbers behind the verdict: estimate, interval, chance or null, n.
    pub numbers: String,
}

/// Whether a claim holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The interval lies wholly on the claimed side.
    Yes,
    /// The interval lies wholly on the other side.
    No,
    /// The interval holds the threshold, or n is too small.
    Undecided,
}

/// All networks of one (cell, activation, units).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PopulationReport {
    /// Short name, unique in the study; stands over every panel ("gru tanh 32").
    pub label: String,
    /// Name of the cell.
    pub cell: String,
    /// Name of the activation.
    pub activation: String,
    /// Hidden units.
    pub units: usize,
    /// Trained parameters of one network.
    pub n_parameters: usize,
    /// Evaluation loss at which training stops; `None` where there was no such rule.
    pub criterion: Option<f64>,
    /// The set of attractors the task asks for, in words ("8 fixed points, one per sign pattern").
    pub expected_attractors: Option<String>,
    /// One per network, by index.
    pub networks: Vec<NetworkReport>,
    /// Psychometric curves, by rising evidence; empty where the task asks for no decision. `[network][point]`
    #[serde(default)]
    pub psychometric: Vec<Vec<Decision>>,
}

/// How often a network decided for the first alternative on trials with the same evidence for it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Decision {
    /// Evidence for the first alternative, in the task's units; the mean of a bin where values are many.
    pub evidence: f64,
    /// Share of these trials decided for the first alternative.
    pub first: f64,
    /// How many trials these are.
    pub trials: usize,
}

/// One network: how it trained, and what it was found to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NetworkReport {
    /// Index in the whole study (not in its population): its name everywhere.
    pub index: usize,
    /// Seed of the initial weights.
    pub init_seed: u64,
    /// Seed of the order of trials.
    pub data_seed: u64,
    /// Seed of the noise within the network.
    pub noise_seed: u64,
    /// How training ended.
    pub outcome: Outcome,
    /// Optimiser steps taken.
    pub steps: u64,
    /// Step of the weights that were kept.
    pub best_step: u64,
    /// Evaluation loss of the weights that were kept (mean squared error, task units squared).
    #[serde(deserialize_with = "null_is_nan")]
    pub loss: f64,
    /// That loss over the variance of the target: 1 is as good as a constant.
    #[serde(deserialize_with = "null_is_nan")]
    pub normalised_error: f64,
    /// Evaluation loss along training, by rising step. Any length: the page thins it.
    pub curve: Vec<CurvePoint>,
    /// Its fixed points; `None` where it was not searched.
    pub census: Option<Census>,
}

/// One evaluation during training.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Optimiser step.
    pub step: u64,
    /// Loss on the evaluation bank.
    #[serde(deserialize_with = "null_is_nan")]
    pub loss: f64,
}

/// How training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The criterion was met.
    Converged,
    /// The steps were used up first.
    BudgetSpent,
    /// A loss or gradient was not finite.
    Diverged,
    /// Training went well, the evaluation bank gave a loss that is not finite or absurd.
    DivergedOnEvaluation,
    /// A known answer came out wrong: the device cannot be trusted with this network.
    FailedCanary,
    /// Trained elsewhere.
    Imported,
    /// Initial weights.
    Untrained,
}

impl Outcome {
    /// The outcome in words, as it stands in tables.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::BudgetSpent => "budget spent",
            Self::Diverged => "diverged",
            Self::DivergedOnEvaluation => "diverged on evaluation",
            Self::FailedCanary => "failed canary",
            Self::Imported => "imported",
            Self::Untrained => "untrained",
        }
    }
}

/// How it was done: enough to repeat it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Methods {
    /// Paragraphs ready to paste into a paper.
    pub paragraphs: Vec<String>,
    /// Every constant that shaped the result.
    pub constants: Vec<Constant>,
    /// Versions, device, driver, seeds, content hashes: `(name, value)`.
    pub provenance: Vec<(String, String)>,
    /// Lines of Python that open the study's tables.
    pub load_tables: String,
}

/// One constant of the study.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Constant {
    /// Name, as in the resolved study file.
    pub name: String,
    /// Value with its unit.
    pub value: String,
    /// True where the study file did not set it.
    pub project_default: bool,
}
