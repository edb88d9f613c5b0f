//! How networks are trained: what all of a population share.

use super::Resolver;
use super::check::above_zero;
use super::optimiser::schedule_is_sound;
use crate::error::Result;
use crate::recipe::RecipePlan;
use crate::spec::{Data, TrainSpec};
use chiliad_engine::cell::Cell;
use chiliad_engine::recipe::Schedule;
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
        let penalties = self.penalties(&spec.penalise, units, path)?;
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
            restriction: self.restriction(spec, cell, units, (task, outputs), path)?,
            initial: spec.initial,
            observe: spec.observe.clone(),
            forcing: self.forcing(spec, cell, path)?,
        })
    }
}
