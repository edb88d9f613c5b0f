//! Claims about what there is: a factor, a group or a distance that nothing is called is refused before anything is trained.

use super::{Resolver, unknown_group};
use crate::comparison::factors::FACTORS;
use crate::error::Result;
use crate::gather::{ELSEWHERE, GRAPHS};
use crate::spec::{ClaimSpec, DistanceSpec, TestSpec};
use crate::study::PopulationPlan;
use chiliad_tasks::suggestion::suggest;

impl Resolver<'_> {
    pub(super) fn claims(
        &self,
        claims: &[ClaimSpec],
        populations: &[PopulationPlan],
    ) -> Result<()> {
        let distances = [&DistanceSpec::NAMES[..], &GRAPHS].concat();
        let quantities = [&distances[..], &[ELSEWHERE]].concat();
        for (i, claim) in claims.iter().enumerate() {
            let named = |field: &str, kind: &str, name: &str, known: &[&str]| {
                if known.contains(&name) {
                    return Ok(());
                }
                Err(self.refuse(
                    &format!("claims[{i}].test.{field}"),
                    format!("no {kind} is called `{name}`; {}", suggest(name, known)),
                ))
            };
            let group = |field: &str, name: &str| {
                if populations.iter().any(|p| p.group.as_deref() == Some(name)) {
                    return Ok(());
                }
                Err(self.refuse(
                    &format!("claims[{i}].test.{field}"),
                    unknown_group(name, "entry of `networks`", populations),
                ))
            };
            match &claim.test {
                TestSpec::KnnAccuracy { of, by } => {
                    named("of", "factor", of, &FACTORS)?;
                    named("by", "distance", by, &distances)?;
                }
                TestSpec::Agreement { across, by } => {
                    named("across", "factor", across, &FACTORS)?;
                    named("by", "distance", by, &distances)?;
                }
                TestSpec::Trend { along, of } => {
                    named("along", "factor", along, &FACTORS)?;
                    named("of", "quantity", of, &quantities)?;
                }
                TestSpec::Outliers { of, against, by } => {
                    group("of", of)?;
                    group("against", against)?;
                    if let Some(by) = by {
                        named("by", "distance", by, &distances)?;
                    }
                }
                TestSpec::AutomatonFidelity => {}
            }
        }
        Ok(())
    }
}
