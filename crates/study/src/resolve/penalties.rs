//! What is penalised, its strengths left to the axes.

use super::Resolver;
use super::check::{above_zero, within};
use crate::error::Result;
use crate::spec::PenaliseSpec;
use chiliad_engine::recipe::{OwnPenalty, Part, Penalty};

impl Resolver<'_> {
    pub(super) fn penalties(
        &self,
        p: &PenaliseSpec,
        units: usize,
        path: &str,
    ) -> Result<Vec<Penalty>> {
        let refuse = |field: &str, m: String| self.refuse(&format!("{path}.{field}"), m);
        let mut penalties = Vec::new();
        let on = Part::WEIGHTS.to_vec();
        let mut add = |given: bool, penalty: Penalty| {
            if given {
                penalties.push(penalty);
            }
        };
        add(p.l1.is_some(), Penalty::L1 { on: on.clone() });
        add(p.l2.is_some(), Penalty::L2 { on });
        add(p.rate.is_some(), Penalty::Rate);
        if let Some(r) = &p.rate_cap {
            within(r.cap, 0.0, f64::INFINITY).map_err(|m| refuse("penalise.rate_cap.cap", m))?;
            add(true, Penalty::RateCap { cap: r.cap as f32 });
        }
        add(p.input_orthogonality.is_some(), Penalty::InputOrthogonality);
        if let Some(n) = &p.nuclear {
            add(
                true,
                Penalty::Nuclear {
                    proximal: n.proximal,
                },
            );
        }
        if let Some(r) = &p.resolvent {
            above_zero(r.alpha, false).map_err(|m| refuse("penalise.resolvent.alpha", m))?;
            if r.length == 0 {
                return Err(refuse(
                    "penalise.resolvent.length",
                    "0 hops; allowed: 1 or more".into(),
                ));
            }
            add(
                true,
                Penalty::Resolvent {
                    alpha: r.alpha,
                    length: r.length,
                    per_hop: r.per_hop,
                },
            );
        }
        if let Some(c) = &p.communicability {
            let (x, y, z) = c.grid;
            if x.saturating_mul(y).saturating_mul(z) != units {
                return Err(refuse(
                    "penalise.communicability.grid",
                    format!("{x} x {y} x {z}; allowed: as many places as units, {units}"),
                ));
            }
            let place = |i: usize| [i % x, i / x % y, i / (x * y)].map(|k| k as f64);
            add(
                true,
                Penalty::Communicability {
                    positions: (0..units).map(place).collect(),
                },
            );
        }
        if let Some(s) = &p.spectral_radius {
            within(s.bound, 0.0, f64::INFINITY)
                .map_err(|m| refuse("penalise.spectral_radius.bound", m))?;
            add(true, Penalty::SpectralRadius { bound: s.bound });
        }
        if let Some(own) = &p.own {
            if own.on.is_empty() {
                return Err(refuse(
                    "penalise.own.on",
                    "no weights; allowed: some of Recurrent, Input, Readout, Bias".into(),
                ));
            }
            let function = OwnPenalty::from_file(&self.beside(&own.file))
                .map_err(|e| refuse("penalise.own.file", e.to_string()))?;
            add(
                true,
                Penalty::Own {
                    function,
                    on: own.on.clone(),
                },
            );
        }
        add(p.effective_dimension.is_some(), Penalty::EffectiveDimension);
        Ok(penalties)
    }
}
