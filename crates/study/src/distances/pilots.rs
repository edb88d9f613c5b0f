//! Delays and rank where a study leaves them open: chosen on pilot networks, written into `resolved.ron`, fixed from then on.

use super::fits::{DELAYS, RANKS, Room};
use super::members::members;
use super::seen::{Networks, Seen, probe};
use crate::error::{Result, StudyError};
use crate::manifest::StudyFolder;
use crate::spec::{DistanceSpec, DsaSpec, FitSpec, OrAuto};
use crate::study::{Chosen, Companions, ComparePlan, Study};
use chiliad_analysis::distances::Recording;
use chiliad_analysis::distances::dsa::choose;
use chiliad_engine::executor::Executor;
use chiliad_tasks::Task;

/// The plan with a number in every place; what is chosen here is in the folder's resolved study afterwards.
///
/// # Errors
///
/// [`StudyError::Distance`] where no setting can be fitted to the pilots, and those of the folder.
pub fn fixed(
    folder: &mut StudyFolder,
    study: &Study,
    task: &Task,
    executor: &dyn Executor,
) -> Result<Option<ComparePlan>> {
    let Some(mut plan) = study.comparison.clone() else {
        return Ok(None);
    };
    // A record that was torn by a kill is made anew: the choice is a function of the study.
    let before = folder.study().ok().and_then(|s| s.comparison);
    plan.chosen = before.map(|p| p.chosen).unwrap_or_default();
    let open: Vec<DistanceSpec> = plan
        .distances
        .iter()
        .filter(|d| d.operators().is_some_and(|o| o.at().is_none()))
        .filter(|d| plan.chosen.iter().all(|c| c.measure != d.name()))
        .cloned()
        .collect();
    if !open.is_empty() {
        let pilots = look(folder, study, task, &plan, executor)?;
        for distance in open {
            let Some(how) = distance.operators() else {
                continue;
            };
            let chosen = chosen(distance.name(), &how, study, &plan, task, &pilots)?;
            plan.chosen.push(chosen);
        }
        let record = Study {
            comparison: Some(plan.clone()),
            ..study.clone()
        };
        folder.write("resolved.ron", record.to_ron()?.as_bytes())?;
        folder.save()?;
    }
    let probe = probe(task, &plan, study.seed)?;
    let room = Room::of(&study.populations, probe.n_trials, probe.n_steps);
    for distance in &mut plan.distances {
        if let Some(chosen) = plan.chosen.iter().find(|c| c.measure == distance.name()) {
            settle(distance, (chosen.setting.delays, chosen.setting.rank), room);
        }
    }
    Ok(Some(plan))
}

/// What every pilot that converged did, in two halves of the probe trials.
fn look(
    folder: &StudyFolder,
    study: &Study,
    task: &Task,
    plan: &ComparePlan,
    executor: &dyn Executor,
) -> Result<Vec<[Recording; 2]>> {
    let pilots = alone(study, &plan.pilots);
    let (who, _) = members(folder, &pilots)?;
    let all: Vec<usize> = (0..who.len()).collect();
    // They are only run: no measure looks at their fixed points or weights.
    let nothing = ComparePlan {
        distances: Vec::new(),
        ..plan.clone()
    };
    let networks = Networks::open(folder, &pilots, task, &nothing, executor, who)?;
    let halved = |seen: Seen| -> Result<[Recording; 2]> {
        let [fitted, judged] = super::controls::halves(&seen).ok_or_else(|| {
            StudyError::Input("compare.trials: 1; allowed: 2 or more for \"auto\"".into())
        })?;
        Ok([fitted.recording()?, judged.recording()?])
    };
    networks.look(&all, true)?.into_iter().map(halved).collect()
}

/// The study with some companions in the place of its populations.
#[must_use]
pub fn alone(study: &Study, companions: &[Companions]) -> Study {
    Study {
        populations: companions.iter().map(|c| c.plan.clone()).collect(),
        ..study.clone()
    }
}

fn chosen(
    measure: &str,
    how: &FitSpec,
    study: &Study,
    plan: &ComparePlan,
    task: &Task,
    pilots: &[[Recording; 2]],
) -> Result<Chosen> {
    let probe = probe(task, plan, study.seed)?;
    // Operators are fitted to half of the trials here.
    let room = Room::of(&study.populations, probe.n_trials / 2, probe.n_steps);
    let delays: Vec<usize> = match how.delays.number() {
        Some(delays) => vec![delays],
        None => DELAYS
            .into_iter()
            // Half of a trial at most, so that there is something left to fit to.
            .filter(|d| (d - 1) * how.interval * 2 <= room.steps)
            .collect(),
    };
    let ranks: Vec<usize> = how.rank.number().map_or(RANKS.to_vec(), |r| vec![r]);
    let (setting, tried) = choose(pilots, &delays, &ranks, &how.fit((1, 1)))?;
    Ok(Chosen {
        measure: measure.into(),
        pilots: pilots.len(),
        setting,
        tried,
    })
}

fn settle(distance: &mut DistanceSpec, at: (usize, usize), room: Room) {
    let (delays, rank) = (OrAuto::Number(at.0), OrAuto::Number(at.1));
    match distance {
        DistanceSpec::Dsa(d) => {
            let neighbouring = d.neighbouring.take();
            *d = DsaSpec {
                delays,
                rank,
                neighbouring: neighbouring.or_else(|| Some(room.beside(at, d.interval))),
                ..d.clone()
            };
        }
        DistanceSpec::DmdWasserstein(f) => {
            *f = FitSpec {
                delays,
                rank,
                ..f.clone()
            };
        }
        _ => {}
    }
}
