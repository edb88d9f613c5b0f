//! Networks that are trained beside those of a study: twins for a control, pilots for the choice of delays and rank.

use super::Resolver;
use crate::error::Result;
use crate::study::{Companions, NetworkPlan, Origin, PopulationPlan};
use chiliad_engine::population::Seeds;

/// What makes the order of trials of a twin another one (project default).
const OTHER_ORDER: u64 = 0x7477_696e;
/// Seeds of pilots are counted from here (project default).
const PILOTS: u64 = 0x7069_6c6f_7400;

impl Resolver<'_> {
    /// Up to `n` networks of every population that is trained here, with their own initial weights and other trials.
    pub(super) fn twins(
        &self,
        populations: &[PopulationPlan],
        n: usize,
    ) -> Result<Vec<Companions>> {
        self.companions(populations, "twin", |p| {
            let networks = spread(n.min(p.networks.len()), p.networks.len());
            let plans = networks.iter().map(|&k| NetworkPlan {
                seeds: Seeds {
                    data: p.networks[k].seeds.data ^ OTHER_ORDER,
                    ..p.networks[k].seeds
                },
                ..p.networks[k].clone()
            });
            (networks.clone(), plans.collect())
        })
    }

    /// `n` networks beside every population that is trained here, with seeds that no network of the study has.
    pub(super) fn pilots(
        &self,
        populations: &[PopulationPlan],
        n: usize,
    ) -> Result<Vec<Companions>> {
        let taken = |seed: u64| {
            let mut all = populations.iter().flat_map(|p| &p.networks);
            all.any(|k| [k.seeds.init, k.seeds.data, k.seeds.noise].contains(&seed))
        };
        let seeds: Vec<u64> = (PILOTS..).filter(|s| !taken(*s)).take(n).collect();
        let pilots = self.companions(populations, "pilot", |p| {
            let networks = spread(n, p.networks.len());
            let plans = networks.iter().zip(&seeds).map(|(&k, &seed)| NetworkPlan {
                seeds: Seeds::all(seed),
                ..p.networks[k].clone()
            });
            (networks.clone(), plans.collect())
        })?;
        if pilots.is_empty() {
            return Err(self.refuse(
                "measure",
                "delays and rank \"auto\" are chosen on networks trained as those of the study; none is trained here: give numbers",
            ));
        }
        Ok(pilots)
    }

    fn companions(
        &self,
        populations: &[PopulationPlan],
        role: &str,
        networks: impl Fn(&PopulationPlan) -> (Vec<usize>, Vec<NetworkPlan>),
    ) -> Result<Vec<Companions>> {
        let mut all = Vec::new();
        for (of, population) in populations.iter().enumerate() {
            let (places, plans) = networks(population);
            if !matches!(population.origin, Origin::Train(_)) || plans.is_empty() {
                continue;
            }
            let label = format!("{role}-{}", population.label);
            if populations.iter().any(|p| p.label == label) {
                return Err(self.refuse(
                    "networks",
                    format!("a population is called `{label}`, as networks trained beside `{}` are; give it another `name`", population.label),
                ));
            }
            all.push(Companions {
                of,
                networks: places,
                plan: PopulationPlan {
                    label,
                    group: None,
                    networks: plans,
                    ..population.clone()
                },
            });
        }
        Ok(all)
    }
}

/// `n` places among `len`, evenly over them: a population's axes vary along it. Places repeat where `n` is more.
fn spread(n: usize, len: usize) -> Vec<usize> {
    (0..n).map(|k| k * len / n % len.max(1)).collect()
}
