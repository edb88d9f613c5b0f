//! The product of the axes that may differ between the networks of a population.

use super::Resolver;
use super::check::{above_zero, within};
use crate::connections::Areas;
use crate::error::Result;
use crate::recipe::Settings;
use crate::spec::{ForcingSpec, OneOrMany, ScalingSpec, TrainSpec};
use chiliad_engine::population::initialise::dale_signs;

/// A ratio of Dale's law that leaves excitatory and inhibitory units.
fn both_kinds(ratio: f64, units: usize, areas: Option<&Areas>) -> std::result::Result<(), String> {
    let (signs, most) = match areas {
        Some(areas) => (areas.signs(ratio), areas.units.iter().copied().max()),
        None => (dale_signs(units, ratio), Some(units)),
    };
    for (kind, sign) in [("excitatory", 1.0), ("inhibitory", -1.0)] {
        if !signs.contains(&sign) {
            return Err(match most.unwrap_or(0) {
                0 | 1 => format!("{ratio} leaves no {kind} unit; allowed with two units or more"),
                n => format!(
                    "{ratio} leaves no {kind} one of {units} units; allowed: above 0, at most {}",
                    n - 1
                ),
            });
        }
    }
    Ok(())
}

impl Resolver<'_> {
    /// Every combination of what may differ between the networks of a population besides seeds, constants, step sizes and
    /// noise, by name; values that are given nowhere have no entry.
    pub(super) fn settings(
        &self,
        spec: &TrainSpec,
        units: usize,
        n_trained: usize,
        path: &str,
    ) -> Result<Vec<Settings>> {
        let p = &spec.penalise;
        let c = &spec.constrain;
        let strength = |lowest: f64| move |v: f64| within(v, lowest, f64::INFINITY);
        let whole = |values: &Option<OneOrMany<u64>>| {
            values.as_ref().map(|v| match v {
                OneOrMany::One(n) => OneOrMany::One(*n as f64),
                OneOrMany::Many(all) => OneOrMany::Many(all.iter().map(|n| *n as f64).collect()),
            })
        };
        let half = (units / 2) as f64;
        let gamma = match &spec.scaling {
            ScalingSpec::Standard => None,
            ScalingSpec::MuP { gamma } => Some(gamma.clone()),
        };
        type Check<'a> = Box<dyn Fn(f64) -> std::result::Result<(), String> + 'a>;
        let strengths = [
            ("weight_decay", "weight_decay", spec.weight_decay.clone()),
            ("input_noise", "input_noise", spec.input_noise.clone()),
            ("l1", "penalise.l1", p.l1.clone()),
            ("l2", "penalise.l2", p.l2.clone()),
            ("rate", "penalise.rate", p.rate.clone()),
            (
                "rate_cap",
                "penalise.rate_cap.strength",
                p.rate_cap.as_ref().map(|r| r.strength.clone()),
            ),
            (
                "input_orthogonality",
                "penalise.input_orthogonality",
                p.input_orthogonality.clone(),
            ),
            (
                "nuclear",
                "penalise.nuclear.strength",
                p.nuclear.as_ref().map(|n| n.strength.clone()),
            ),
            (
                "resolvent",
                "penalise.resolvent.strength",
                p.resolvent.as_ref().map(|r| r.strength.clone()),
            ),
            (
                "communicability",
                "penalise.communicability.strength",
                p.communicability.as_ref().map(|r| r.strength.clone()),
            ),
            (
                "spectral_radius",
                "penalise.spectral_radius.strength",
                p.spectral_radius.as_ref().map(|r| r.strength.clone()),
            ),
            (
                "own",
                "penalise.own.strength",
                p.own.as_ref().map(|o| o.strength.clone()),
            ),
            (
                "effective_dimension",
                "penalise.effective_dimension",
                p.effective_dimension.clone(),
            ),
        ];
        let mut axes: Vec<(&str, &str, Option<OneOrMany<f64>>, Check<'_>)> = strengths
            .into_iter()
            .map(|(name, field, values)| {
                (name, field, values, Box::new(strength(0.0)) as Check<'_>)
            })
            .collect();
        axes.push((
            "ratio",
            "constrain.dale.ratio",
            c.dale.as_ref().map(|d| d.ratio.clone()),
            Box::new(move |v| {
                above_zero(v, false).and_then(|()| both_kinds(v, units, c.areas.as_ref()))
            }),
        ));
        axes.push((
            "density",
            "constrain.density",
            c.density.clone(),
            Box::new(|v| within(v, 0.0, 1.0).and_then(|()| above_zero(v, false))),
        ));
        axes.push((
            "rank",
            "constrain.rank",
            whole(&c.rank),
            Box::new(move |v| {
                if v >= 1.0 && v <= half {
                    Ok(())
                } else {
                    Err(format!(
                        "rank {v} with {units} units; allowed: 1 to {half}, or leave it out for full rank"
                    ))
                }
            }),
        ));
        axes.push((
            "dimensions",
            "constrain.dimensions",
            whole(&c.dimensions),
            Box::new(move |v| {
                if v >= 1.0 && v <= n_trained as f64 {
                    Ok(())
                } else {
                    Err(format!(
                        "{v}; allowed: 1 to {n_trained}, the number of parameters that are trained"
                    ))
                }
            }),
        ));
        let (every, alpha) = match &spec.forcing {
            Some(ForcingSpec::Sparse { every }) => (whole(&Some(every.clone())), None),
            Some(ForcingSpec::Generalised { alpha }) => (None, Some(alpha.clone())),
            _ => (None, None),
        };
        axes.push((
            "forcing_every",
            "forcing.every",
            every,
            Box::new(|v| within(v, 1.0, f64::INFINITY)),
        ));
        axes.push((
            "alpha",
            "forcing.alpha",
            alpha,
            Box::new(|v| {
                if (0.0..=1.0).contains(&v) {
                    Ok(())
                } else {
                    Err(format!("{v}; allowed: 0 to 1"))
                }
            }),
        ));
        axes.push((
            "gamma",
            "scaling.gamma",
            gamma,
            Box::new(|v| above_zero(v, false)),
        ));
        let mut combinations = vec![Settings::new()];
        for (name, field, values, check) in axes {
            let Some(values) = values else { continue };
            for (i, value) in values.values().iter().enumerate() {
                check(*value)
                    .map_err(|m| self.refuse(&format!("{path}.{}", values.path(field, i)), m))?;
            }
            combinations = combinations
                .iter()
                .flat_map(|given| {
                    values.values().iter().map(|v| {
                        let mut with = given.clone();
                        with.insert(name.to_owned(), *v);
                        with
                    })
                })
                .collect();
        }
        Ok(combinations)
    }
}
