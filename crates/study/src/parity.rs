//! A finished study once more on two devices: the same networks trained, the same weights searched.

use crate::engine_calls::{self, Search, Training};
use crate::error::{Result, StudyError};
use crate::manifest::StudyFolder;
use crate::results::Outcome;
use crate::run::Events;
use crate::run::criterion::criterion;
use crate::study::{Origin, PopulationPlan, Study, TrainPlan};
use chiliad_analysis::matching::{Matching, matching};
use chiliad_analysis::share::Share;
use chiliad_engine::agreement::ALLOWED;
use chiliad_engine::executor::Executor;
use chiliad_engine::files::own;
use chiliad_engine::train::Trained;
use chiliad_tasks::Task;
use serde::Serialize;
use std::sync::Arc;

/// Distance within which two fixed points are the same, in state units.
pub const WITHIN: f64 = 1e-5;
/// Relative difference of losses from which on two trainings have parted (project default).
const PARTED: f64 = 0.01;

/// How much of a study is compared.
#[derive(Clone, Copy, Debug)]
pub struct ParityOptions {
    /// Networks of each population, from the first on.
    pub networks: usize,
    /// Fewer steps than the study gives.
    pub max_steps: Option<u64>,
}

/// What two devices make of a study.
#[derive(Clone, Debug, Serialize)]
pub struct Parity {
    /// The two devices in words.
    pub devices: [String; 2],
    /// Population by population.
    pub populations: Vec<PopulationParity>,
    /// Every outcome that occurred: its share on either device.
    pub outcomes: Vec<(Outcome, [Share; 2])>,
    /// What does not agree; empty where everything does.
    pub disagreements: Vec<String>,
}

/// One population.
#[derive(Clone, Debug, Serialize)]
pub struct PopulationParity {
    /// Its label.
    pub label: String,
    /// Its networks.
    pub networks: Vec<NetworkParity>,
}

/// One network, trained on both devices from the same weights on the same trials.
#[derive(Clone, Debug, Serialize)]
pub struct NetworkParity {
    /// Its place in the population.
    pub network: usize,
    /// How training ended.
    pub outcomes: [Outcome; 2],
    /// Steps taken.
    pub steps: [u64; 2],
    /// Best evaluation loss.
    pub best_loss: [f32; 2],
    /// Relative difference of the losses before the first step.
    pub first_difference: f64,
    /// First evaluation at which the losses differ by more than 1 %: from there on rounding has made two trainings of one.
    pub parted_at: Option<u64>,
    /// Largest ratio of the two losses at an evaluation that both reached.
    pub largest_ratio: f64,
    /// The weights of the folder searched on both devices, per condition; empty where the study asks for no fixed points.
    pub census: Vec<Matching>,
}

/// Trains and searches part of a study on two devices.
///
/// # Errors
///
/// [`StudyError::Input`] where the folder holds no finished, whole study with trained networks; those of the executors.
pub fn parity(
    folder: &StudyFolder,
    devices: [&dyn Executor; 2],
    options: ParityOptions,
    events: &mut dyn Events,
) -> Result<Parity> {
    let study = folder.study()?;
    check(folder, &study)?;
    let again = Again {
        task: Arc::new(study.task.load()?),
        folder,
        study: &study,
        devices,
    };
    let mut populations = Vec::new();
    for plan in &study.populations {
        let Origin::Train(train) = &plan.origin else {
            continue;
        };
        let mut train = train.clone();
        train.max_steps = train.max_steps.min(options.max_steps.unwrap_or(u64::MAX));
        let chosen: Vec<usize> = (0..plan.networks.len().min(options.networks)).collect();
        let trained = again.train(plan, &train, &chosen, events)?;
        let mut networks: Vec<NetworkParity> = (0..chosen.len())
            .map(|n| compare(n, [&trained[0], &trained[1]]))
            .collect();
        again.search(plan, &chosen, &mut networks, events)?;
        populations.push(PopulationParity {
            label: plan.label.clone(),
            networks,
        });
    }
    let outcomes = outcomes(&populations);
    let disagreements = disagreements(&populations, &outcomes);
    Ok(Parity {
        devices: devices.map(Executor::describe),
        populations,
        outcomes,
        disagreements,
    })
}

/// Refuses what cannot be compared.
fn check(folder: &StudyFolder, study: &Study) -> Result<()> {
    let refuse = |message: &str| {
        Err(StudyError::Input(format!(
            "{}: {message}",
            folder.root.display()
        )))
    };
    if folder.manifest.shard.is_some() {
        return refuse("holds a part of a study; `chiliad merge` its parts first");
    }
    let trained = |p: &&PopulationPlan| matches!(p.origin, Origin::Train(_));
    let mut trained = study.populations.iter().filter(trained).peekable();
    if trained.peek().is_none() {
        return refuse("trains no networks, so there is nothing to train again");
    }
    if trained.any(|p| !folder.finished(&format!("train/{}", p.label))) {
        return refuse("is not finished; run the study again to go on");
    }
    Ok(())
}

/// A study that is done once more on two devices.
struct Again<'a> {
    folder: &'a StudyFolder,
    study: &'a Study,
    task: Arc<Task>,
    devices: [&'a dyn Executor; 2],
}

impl Again<'_> {
    /// The same training on either device.
    fn train(
        &self,
        plan: &PopulationPlan,
        train: &TrainPlan,
        chosen: &[usize],
        events: &mut dyn Events,
    ) -> Result<Vec<Trained>> {
        let training = Training {
            plan: train,
            networks: chosen.iter().map(|&n| &plan.networks[n]).collect(),
            task: Arc::clone(&self.task),
            seed: self.study.seed,
            criterion: criterion(self.study, self.folder, train)?,
        };
        let population = engine_calls::initial(plan, chosen)?;
        let mut both = Vec::new();
        for device in self.devices {
            events.begin("training", &on(plan, device));
            let told = &mut |t: &Trained| {
                let step = t.optimiser.step;
                let share = step as f64 / train.max_steps as f64;
                events.progress(share, &format!("step {step}"));
                true
            };
            both.push(engine_calls::train(
                device,
                &population,
                &training,
                None,
                told,
            )?);
            events.end();
        }
        Ok(both)
    }

    /// The same search of the folder's weights on either device.
    fn search(
        &self,
        plan: &PopulationPlan,
        chosen: &[usize],
        networks: &mut [NetworkParity],
        events: &mut dyn Events,
    ) -> Result<()> {
        let Some(search) = &self.study.fixed_points else {
            return Ok(());
        };
        let weights = format!("populations/{}/weights.safetensors", plan.label);
        self.folder.read(&weights)?;
        let population = own::load(&self.folder.root.join(&weights))?.select(chosen);
        let trials = engine_calls::driven_trials(&self.task, search, self.study.seed)?;
        let conditions = self.task.conditions();
        let what = Search {
            plan: search,
            conditions: &conditions,
            trials: Some(&trials),
            own_seeds: Vec::new(),
            seed: self.study.seed,
        };
        let mut both = Vec::new();
        for device in self.devices {
            events.begin("fixed points", &on(plan, device));
            let told = &mut |done: usize| {
                let n = chosen.len();
                events.progress(done as f64 / n as f64, &format!("{done}/{n}"));
            };
            both.push(engine_calls::fixed_points(
                device,
                &population,
                &what,
                told,
            )?);
            events.end();
        }
        for (n, network) in networks.iter_mut().enumerate() {
            let conditions = both[0][n].iter().zip(&both[1][n]);
            network.census = conditions.map(|(a, b)| matching(a, b, WITHIN)).collect();
        }
        Ok(())
    }
}

fn on(plan: &PopulationPlan, device: &dyn Executor) -> String {
    format!("{} on {}", plan.label, device.describe())
}

/// Network `n` of two trainings.
fn compare(n: usize, trained: [&Trained; 2]) -> NetworkParity {
    let curves = trained.map(|t| t.curves[n].as_slice());
    // Both are evaluated at the same steps, until one of them ends.
    let both: Vec<(u64, f64, f64)> = curves[0]
        .iter()
        .zip(curves[1])
        .map(|(a, b)| (a.0, f64::from(a.1), f64::from(b.1)))
        .collect();
    let apart = |(_, a, b): &(u64, f64, f64)| (a - b).abs() / a.abs().max(b.abs()).max(1e-30);
    let ratios = both.iter().map(|(_, a, b)| (a / b).max(b / a));
    NetworkParity {
        network: n,
        outcomes: trained.map(|t| t.outcomes[n].into()),
        steps: trained.map(|t| t.steps[n]),
        best_loss: trained.map(|t| t.best_loss[n]),
        first_difference: both.first().map_or(0.0, apart),
        parted_at: both.iter().find(|e| apart(e) > PARTED).map(|e| e.0),
        largest_ratio: ratios.fold(1.0, f64::max),
        census: Vec::new(),
    }
}

fn outcomes(populations: &[PopulationParity]) -> Vec<(Outcome, [Share; 2])> {
    let networks: Vec<&NetworkParity> = populations.iter().flat_map(|p| &p.networks).collect();
    let share = |outcome: Outcome, device: usize| {
        let with = networks.iter().filter(|n| n.outcomes[device] == outcome);
        Share::of(with.count(), networks.len())
    };
    Outcome::ALL
        .into_iter()
        .map(|o| (o, [share(o, 0), share(o, 1)]))
        .filter(|(_, shares)| shares.iter().any(|s| s.count > 0))
        .collect()
}

fn disagreements(
    populations: &[PopulationParity],
    outcomes: &[(Outcome, [Share; 2])],
) -> Vec<String> {
    let mut found = Vec::new();
    for (outcome, [a, b]) in outcomes.iter().filter(|(_, [a, b])| !a.agrees_with(b)) {
        found.push(format!(
            "{} of {} networks {} on one device, {} on the other: the 95 % intervals do not overlap",
            a.count,
            a.n,
            outcome.name(),
            b.count
        ));
    }
    for population in populations {
        for n in &population.networks {
            let name = format!("{} network {}", population.label, n.network);
            if n.first_difference > ALLOWED {
                found.push(format!(
                    "{name}: the losses of the initial weights differ by {:.1e}, allowed {ALLOWED:.0e}",
                    n.first_difference
                ));
            }
            for (c, m) in n
                .census
                .iter()
                .enumerate()
                .filter(|(_, m)| !m.is_complete())
            {
                found.push(format!(
                    "{name}, condition {c}: {} fixed points on one device only, {} on the other only",
                    m.only_first, m.only_second
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(outcomes: [Outcome; 2]) -> NetworkParity {
        NetworkParity {
            network: 0,
            outcomes,
            steps: [25, 25],
            best_loss: [0.1, 0.1],
            first_difference: 0.0,
            parted_at: None,
            largest_ratio: 1.0,
            census: vec![Matching {
                pairs: 27,
                ..Matching::default()
            }],
        }
    }

    fn judged(networks: Vec<NetworkParity>) -> Vec<String> {
        let populations = [PopulationParity {
            label: "gru".into(),
            networks,
        }];
        disagreements(&populations, &outcomes(&populations))
    }

    #[test]
    fn every_kind_of_disagreement_is_named() {
        let fine = network([Outcome::Converged; 2]);
        assert!(judged(vec![fine.clone()]).is_empty());
        let mut missing = fine.clone();
        missing.census[0].only_second = 2;
        let words = judged(vec![missing]);
        assert!(
            words.len() == 1 && words[0].contains("2 on the other only"),
            "{words:?}"
        );
        let mut off = fine;
        off.first_difference = 1e-2;
        assert!(judged(vec![off])[0].contains("initial weights differ by 1.0e-2"));
        // One network that converges on one device only says nothing; sixteen do.
        let one_sided = network([Outcome::Converged, Outcome::BudgetSpent]);
        assert!(judged(vec![one_sided.clone()]).is_empty());
        let words = judged(vec![one_sided; 16]);
        assert!(
            words.len() == 2 && words[0].contains("16 of 16 networks converged"),
            "{words:?}"
        );
    }
}
