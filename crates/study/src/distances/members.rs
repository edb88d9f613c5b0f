//! Which networks are compared, and why others are not.

use crate::error::Result;
use crate::gather::read_table;
use crate::manifest::StudyFolder;
use crate::results::{Outcome, results_of};
use crate::spec::Until;
use crate::study::{Origin, PopulationPlan, Study};
use serde::{Deserialize, Serialize};

/// A network that is compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Its population, by its place in the study.
    pub population: usize,
    /// Its place in the population.
    pub network: usize,
    /// Its place in the study.
    pub index: usize,
    /// Evaluation loss of its weights, where it is a number.
    pub loss: Option<f64>,
    /// Whether it has its initial weights because the study asks for that.
    pub untrained: bool,
}

/// A network that is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its place in the study.
    pub index: usize,
    /// Why.
    pub reason: String,
}

/// Whether a network was trained as asked, or comes from elsewhere.
fn counts(plan: &PopulationPlan, outcome: Outcome) -> bool {
    let to_the_end = matches!(&plan.origin, Origin::Train(t) if t.until == Until::Steps);
    match outcome {
        Outcome::Converged | Outcome::Imported | Outcome::Untrained => true,
        Outcome::BudgetSpent => to_the_end,
        _ => false,
    }
}

/// All networks of a finished study, sorted into the two.
///
/// # Errors
///
/// [`crate::error::StudyError::Damaged`] where a file has changed.
pub fn members(folder: &StudyFolder, study: &Study) -> Result<(Vec<Member>, Vec<LeftOut>)> {
    let (mut members, mut left_out, mut first) = (Vec::new(), Vec::new(), 0);
    for (population, plan) in study.populations.iter().enumerate() {
        for (network, result) in results_of(&read_table(folder, plan, "networks.parquet")?) {
            let (index, loss) = (first + network, f64::from(result.best_loss));
            if counts(plan, result.outcome) {
                members.push(Member {
                    population,
                    network,
                    index,
                    loss: loss.is_finite().then_some(loss),
                    untrained: matches!(plan.origin, Origin::Untrained { .. }),
                });
            } else {
                left_out.push(LeftOut {
                    index,
                    reason: format!("{}, not converged", result.outcome.name().replace('_', " ")),
                });
            }
        }
        first += plan.networks.len();
    }
    Ok((members, left_out))
}
