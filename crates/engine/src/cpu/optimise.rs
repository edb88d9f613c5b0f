//! One optimiser step of one network from its gradient: adjoint of the restrictions, clips, the common formula of all
//! optimisers, proximal steps, projections.

use super::product::LANES;
use super::step::Worker;
use crate::executor::TrainOptions;
use crate::population::Role;
use crate::recipe::Update;

impl Worker {
    /// One optimiser step of the loaded network from `self.gradient`; `false` where loss or gradient is not finite (nothing
    /// is changed then). `params` are as trained.
    pub(crate) fn optimise(
        &mut self,
        options: &TrainOptions,
        network: usize,
        (step, rate_factor): (u64, f32),
        loss: f64,
        [params, first, second]: [&mut [f32]; 3],
    ) -> bool {
        if let Some(constraint) = &options.constraint {
            constraint.adjoint(network, params, &mut self.gradient);
        }
        if !options.train_initial_state {
            for tensor in self
                .layout
                .tensors
                .iter()
                .filter(|t| matches!(t.role, Role::InitialState(_)))
            {
                self.gradient[tensor.range()].fill(0.0);
            }
        }
        let mut norm = global_norm(&self.gradient);
        if !(loss.is_finite() && norm.is_finite()) {
            return false;
        }
        if options.clip_value.is_finite() {
            let most = options.clip_value;
            self.gradient
                .iter_mut()
                .for_each(|g| *g = g.clamp(-most, most));
            norm = global_norm(&self.gradient);
        }
        let decay = TrainOptions::of(&options.weight_decay, network);
        // Weight decay would move what is not trained.
        let frozen: Vec<(usize, f32)> = if decay > 0.0 {
            let still = |p: &usize| {
                options
                    .constraint
                    .as_ref()
                    .is_some_and(|c| c.is_frozen(network, *p))
                    || (!options.train_initial_state && *p >= self.initial_state)
            };
            (0..params.len())
                .filter(still)
                .map(|p| (p, params[p]))
                .collect()
        } else {
            Vec::new()
        };
        let rate = options.learning_rate[network] * options.schedule.at(step) as f32 * rate_factor;
        let step = Step {
            scale: if norm > f64::from(options.clip_norm) {
                (f64::from(options.clip_norm) / norm) as f32
            } else {
                1.0
            },
            rate,
            decay,
            update: options.optimiser.update(step),
            gradient: &self.gradient,
            params: &mut *params,
            first,
            second,
        };
        self.level.dispatch(step);
        for (p, value) in frozen {
            params[p] = value;
        }
        for r in &options.regularisers {
            let threshold = f64::from(rate) * f64::from(r.strength[network]);
            r.penalty.proximal(&self.layout, params, threshold);
        }
        if let Some(constraint) = &options.constraint {
            constraint.project(network, params);
        }
        true
    }
}

fn global_norm(gradient: &[f32]) -> f64 {
    let mut sums = [0.0_f64; LANES];
    let chunks = gradient.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    }
    let mut total: f64 = rest.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
    for sum in sums {
        total += sum;
    }
    total.sqrt()
}

/// One optimiser step, [`Update`] applied to every parameter.
struct Step<'a> {
    scale: f32,
    rate: f32,
    decay: f32,
    update: Update,
    gradient: &'a [f32],
    params: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl pulp::WithSimd for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let u = self.update;
        let (coupled, beside) = if u.decoupled {
            (0.0, self.rate * self.decay)
        } else {
            (self.decay, 0.0)
        };
        for (((p, m), v), g) in self
            .params
            .iter_mut()
            .zip(self.first)
            .zip(self.second)
            .zip(self.gradient)
        {
            let g = coupled.mul_add(*p, g * self.scale);
            *m = u.decay1.mul_add(*m, u.gain1 * g);
            *v = u.decay2.mul_add(*v, u.gain2 * (g * g));
            let moved = self.rate * (*m * u.scale1);
            let moved = if u.adaptive {
                moved / ((*v * u.scale2).sqrt() + u.epsilon)
            } else {
                moved
            };
            *p -= beside.mul_add(*p, moved);
        }
    }
}
