//! How networks are trained: what all of a population share, and the product of the axes that may differ.

use super::Resolver;
use super::check::{above_zero, within};
use crate::connections::Masks;
use crate::error::Result;
use crate::recipe::{Dale, RecipePlan, Restriction, Settings};
use crate::spec::{DaleBy, Data, ForcingSpec, OneOrMany, OptimiserSpec, ScalingSpec, TrainSpec};
use chiliad_engine::cell::Cell;
use chiliad_engine::population::initialise::Initial;
use chiliad_engine::recipe::{Optimiser, OwnPenalty, Part, Penalty, Schedule};
use chiliad_tasks::Task;

impl Resolver<'_> {
    pub(super) fn recipe(
        &self,
        spec: &TrainSpec,
        cell: &Cell,
        units: usize,
        (task, outputs): (&Task, usize),
        path: &str,
    ) -> Result<RecipePlan> {
        let at = |field: &str| format!("{path}.{field}");
        let refuse = |field: &str, m: String| self.refuse(&at(field), m);
        for (field, schedule) in [
            ("schedule", &spec.schedule),
            ("noise_schedule", &spec.noise_schedule),
        ] {
            schedule_is_sound(schedule).map_err(|m| refuse(field, m))?;
        }
        if matches!(spec.noise_schedule, Schedule::Plateau { .. }) {
            return Err(refuse(
                "noise_schedule",
                "Plateau; allowed: Constant, Exponential, Cosine, Step".into(),
            ));
        }
        if let Some(value) = spec.clip_value {
            above_zero(value, true).map_err(|m| refuse("clip_value", m))?;
        }
        spec.initial.check().map_err(|m| refuse("initial", m))?;
        let mut penalties = Vec::new();
        let p = &spec.penalise;
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
        let c = &spec.constrain;
        let of = |given: &[(&'static str, bool)]| given.iter().find(|g| g.1).map(|g| g.0);
        let by_projection = c.dale.as_ref().is_some_and(|d| d.by == DaleBy::Projection);
        if c.rank.is_some() && c.dale.is_some() {
            return Err(refuse(
                "constrain.rank",
                "together with Dale's law; allowed: one of them, L R^T has no signs".into(),
            ));
        }
        let antisymmetric = c.antisymmetric.unwrap_or(cell.sidecar.antisymmetric);
        if let (true, Some(other)) = (
            antisymmetric,
            of(&[
                ("dale", c.dale.is_some()),
                ("density", c.density.is_some()),
                ("areas", c.areas.is_some()),
                ("mask", c.mask.is_some()),
                ("rank", c.rank.is_some()),
            ]),
        ) {
            return Err(refuse(
                "constrain.antisymmetric",
                format!(
                    "together with {other}; allowed: `antisymmetric: false`, or no such restriction: w_ij = -w_ji would not hold"
                ),
            ));
        }
        if let (Some(_), Some(other)) = (
            &c.dimensions,
            of(&[
                ("dale by projection", by_projection),
                ("non_negative", !c.non_negative.is_empty()),
                ("rank", c.rank.is_some()),
            ]),
        ) {
            return Err(refuse(
                "constrain.dimensions",
                format!(
                    "together with {other}; allowed: one of them, the other would leave the subspace"
                ),
            ));
        }
        if let (Some(true), Some(other)) = (
            p.nuclear.as_ref().map(|n| n.proximal),
            of(&[
                ("dale", c.dale.is_some()),
                ("density", c.density.is_some()),
                ("areas", c.areas.is_some()),
                ("mask", c.mask.is_some()),
                ("autapses", c.autapses == Some(false)),
                ("rank", c.rank.is_some()),
                ("antisymmetric", antisymmetric),
                ("dimensions", c.dimensions.is_some()),
                ("scaling", !matches!(spec.scaling, ScalingSpec::Standard)),
            ]),
        ) {
            return Err(refuse(
                "penalise.nuclear",
                format!(
                    "proximal together with {other}; allowed: `proximal: false`, or recurrent weights without restriction"
                ),
            ));
        }
        if let Some(areas) = &c.areas {
            areas
                .check(units)
                .map_err(|(field, m)| refuse(&format!("constrain.areas.{field}"), m))?;
            if c.density.is_some() {
                return Err(refuse(
                    "constrain.density",
                    "together with areas; allowed: one of them, areas say the shares".into(),
                ));
            }
            if matches!(spec.initial, Initial::DaleBalanced { .. }) {
                return Err(refuse(
                    "initial",
                    "DaleBalanced, whose first units are excitatory, together with areas, each of which has its own; allowed: another".into(),
                ));
            }
        }
        if let Some(unit) = c.silenced.iter().find(|u| **u >= units) {
            return Err(refuse(
                "constrain.silenced",
                format!("unit {unit}; allowed: 0 to {}", units - 1),
            ));
        }
        if c.silenced.len() >= units {
            return Err(refuse(
                "constrain.silenced",
                "every unit; allowed: all but one".into(),
            ));
        }
        if spec.in_turn && spec.batch > spec.bank_trials {
            return Err(refuse(
                "in_turn",
                format!(
                    "{} trials per step of a bank of {}; allowed: at most as many as `bank_trials`",
                    spec.batch, spec.bank_trials
                ),
            ));
        }
        if spec.in_turn && spec.data == Data::Fresh {
            return Err(refuse(
                "data",
                "Fresh, with `in_turn`, which takes a shared bank's first trials; allowed: one of the two".into(),
            ));
        }
        Ok(RecipePlan {
            in_turn: spec.in_turn,
            data: spec.data,
            optimiser: self.optimiser(&spec.optimiser, path)?,
            schedule: spec.schedule.clone(),
            noise_schedule: spec.noise_schedule.clone(),
            clip_value: spec.clip_value,
            loss: spec.loss,
            penalties,
            restriction: Restriction {
                dale: c.dale.as_ref().map(|d| Dale {
                    by: d.by,
                    excitatory_readout: d.excitatory_readout,
                }),
                areas: c.areas.clone(),
                masks: self.masks(spec, units, (task, outputs), path)?,
                autapses: c.autapses.unwrap_or(true),
                non_negative: c.non_negative.clone(),
                frozen: c.frozen.clone(),
                silenced: c.silenced.clone(),
                antisymmetric,
            },
            initial: spec.initial,
            observe: spec.observe.clone(),
            forcing: self.forcing(spec, cell, path)?,
        })
    }

    /// Masks of the file named, for the networks that train on the variant.
    fn masks(
        &self,
        spec: &TrainSpec,
        units: usize,
        (task, outputs): (&Task, usize),
        path: &str,
    ) -> Result<Option<Masks>> {
        let Some(file) = &spec.constrain.mask else {
            return Ok(None);
        };
        let inputs = task.shape(&spec.variant)?.n_inputs;
        Masks::read(&self.beside(file), units, inputs, outputs)
            .map(Some)
            .map_err(|e| self.refuse(&format!("{path}.constrain.mask"), e.to_string()))
    }

    fn optimiser(&self, spec: &OptimiserSpec, path: &str) -> Result<Optimiser> {
        let share = |field: &str, value: f64| {
            within(value, 0.0, 1.0)
                .map_err(|m| self.refuse(&format!("{path}.optimiser.{field}"), m))?;
            Ok::<f32, crate::error::StudyError>(value as f32)
        };
        let small = |value: f64| {
            above_zero(value, false)
                .map_err(|m| self.refuse(&format!("{path}.optimiser.epsilon"), m))?;
            Ok::<f32, crate::error::StudyError>(value as f32)
        };
        Ok(match *spec {
            OptimiserSpec::Adam {
                beta1,
                beta2,
                epsilon,
                ..
            } => Optimiser::Adam {
                beta1: share("beta1", beta1)?,
                beta2: share("beta2", beta2)?,
                epsilon: small(epsilon)?,
            },
            OptimiserSpec::AdamW {
                beta1,
                beta2,
                epsilon,
                ..
            } => Optimiser::AdamW {
                beta1: share("beta1", beta1)?,
                beta2: share("beta2", beta2)?,
                epsilon: small(epsilon)?,
            },
            OptimiserSpec::RAdam {
                beta1,
                beta2,
                epsilon,
                ..
            } => Optimiser::RAdam {
                beta1: share("beta1", beta1)?,
                beta2: share("beta2", beta2)?,
                epsilon: small(epsilon)?,
            },
            OptimiserSpec::Sgd { momentum, .. } => Optimiser::Sgd {
                momentum: share("momentum", momentum)?,
            },
            OptimiserSpec::RmsProp { decay, epsilon, .. } => Optimiser::RmsProp {
                decay: share("decay", decay)?,
                epsilon: small(epsilon)?,
            },
        })
    }

    /// Every combination of what may differ between the networks of a population besides seeds, constants, step sizes and
    /// noise, by name; values that are given nowhere have no entry.
    pub(super) fn settings(
        &self,
        spec: &TrainSpec,
        units: usize,
        n_params: usize,
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
        type Check = Box<dyn Fn(f64) -> std::result::Result<(), String>>;
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
        let mut axes: Vec<(&str, &str, Option<OneOrMany<f64>>, Check)> = strengths
            .into_iter()
            .map(|(name, field, values)| (name, field, values, Box::new(strength(0.0)) as Check))
            .collect();
        axes.push((
            "ratio",
            "constrain.dale.ratio",
            c.dale.as_ref().map(|d| d.ratio.clone()),
            Box::new(|v| above_zero(v, false)),
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
                if v >= 1.0 && v <= n_params as f64 {
                    Ok(())
                } else {
                    Err(format!(
                        "{v}; allowed: 1 to {n_params}, the number of parameters"
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

fn schedule_is_sound(schedule: &Schedule) -> std::result::Result<(), String> {
    match schedule {
        Schedule::Constant => Ok(()),
        Schedule::Exponential { factor, every } => {
            above_zero(*factor, false).map_err(|m| format!("factor {m}"))?;
            crate::resolve::check::positive(*every).map_err(|m| format!("every {m}"))
        }
        Schedule::Cosine { steps, least } => {
            crate::resolve::check::positive(*steps).map_err(|m| format!("steps {m}"))?;
            within(*least, 0.0, 1.0).map_err(|m| format!("least {m}"))
        }
        Schedule::Step { factor, .. } => {
            above_zero(*factor, false).map_err(|m| format!("factor {m}"))
        }
        Schedule::Plateau {
            factor,
            threshold,
            least,
            ..
        } => {
            within(*factor, 0.0, 1.0).map_err(|m| format!("factor {m}"))?;
            within(*threshold, 0.0, 1.0).map_err(|m| format!("threshold {m}"))?;
            within(*least, 0.0, 1.0).map_err(|m| format!("least {m}"))
        }
    }
}
