//! Descent of `|A - C B C^T|` over the orthogonal group: limited-memory BFGS in its Lie algebra, where all gradients live, so
//! that nothing has to be transported. What is ascended is `f(C) = <A, C B C^T>`.

use super::turned::{Objective, Place};
use crate::distances::rows::{add_scaled, dot, scale};
use faer::Mat;
use pulp::{Simd, WithSimd};

/// Steps of one ascent at most.
const MOST_STEPS: usize = 500;
/// Pairs that BFGS remembers.
const MEMORY: usize = 12;
/// A gradient of this norm ends the ascent; for A, B of norm 1 what is left to gain is of the order of its square.
const SMALL_GRADIENT: f64 = 1e-10;
/// So does a step that is expected to lower the distance by less than this.
const SMALL_GAIN: f64 = 1e-10;
/// Longest step that is tried, as the norm of Omega.
const LONGEST: f64 = 2.0;

/// Descents for one pair of operators of norm 1, one after the other.
pub(super) struct Descent {
    objective: Objective,
    memory: Memory,
}

/// What BFGS remembers: the last steps and changes of the gradient, in a ring.
struct Memory {
    pairs: Vec<Remembered>,
    /// How many are in use, and which is the oldest.
    len: usize,
    oldest: usize,
}

struct Remembered {
    step: Vec<f64>,
    change: Vec<f64>,
    inverse_curvature: f64,
    along: f64,
}

impl Descent {
    pub(super) fn new(a: &Mat<f64>, b: &Mat<f64>) -> Self {
        let objective = Objective::new(a, b);
        let len = objective.skew_len();
        let empty = || Remembered {
            step: vec![0.0; len],
            change: vec![0.0; len],
            inverse_curvature: 0.0,
            along: 0.0,
        };
        Self {
            objective,
            memory: Memory {
                pairs: (0..MEMORY).map(|_| empty()).collect(),
                len: 0,
                oldest: 0,
            },
        }
    }

    /// The distance where a descent from `start` ends.
    pub(super) fn run(&mut self, start: &Mat<f64>) -> f64 {
        pulp::Arch::new().dispatch(Run(self, start))
    }
}

struct Run<'a>(&'a mut Descent, &'a Mat<f64>);

impl WithSimd for Run<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let Self(Descent { objective, memory }, start) = self;
        memory.len = 0;
        let mut here = objective.place(start);
        objective.evaluate(simd, &mut here);
        let mut there = here.clone();
        let mut direction = here.gradient.clone();
        let mut step = direction.clone();
        for _ in 0..MOST_STEPS {
            if dot(simd, &here.gradient, &here.gradient).sqrt() < SMALL_GRADIENT {
                break;
            }
            direction.copy_from_slice(&here.gradient);
            memory.precondition(simd, &mut direction);
            if dot(simd, &direction, &here.gradient) <= 0.0 {
                memory.len = 0;
                direction.copy_from_slice(&here.gradient);
            }
            // Once BFGS knows the curvature, half the slope is what is left to gain. The distance is sqrt(2 - 2 f).
            let gain = dot(simd, &direction, &here.gradient);
            let distance = (2.0 - 2.0 * here.value).max(0.0).sqrt();
            if memory.len == MEMORY && gain < SMALL_GAIN * distance {
                break;
            }
            // Entries below the diagonal count as much as those above.
            let length = (2.0 * dot(simd, &direction, &direction)).sqrt();
            if length > LONGEST {
                scale(simd, &mut direction, LONGEST / length);
            }
            if search(simd, objective, &here, &direction, &mut step, &mut there) {
                memory.remember(simd, &step, &here.gradient, &there.gradient);
                std::mem::swap(&mut here, &mut there);
            } else if memory.len == 0 {
                break;
            } else {
                memory.len = 0;
            }
        }
        objective.evaluate(simd, &mut here);
        objective.apart(simd)
    }
}

/// Backtracking from the whole step; false where even a tiny one gains nothing.
#[inline(always)]
fn search<S: Simd>(
    simd: S,
    objective: &mut Objective,
    here: &Place,
    direction: &[f64],
    step: &mut [f64],
    there: &mut Place,
) -> bool {
    let slope = 2.0 * dot(simd, direction, &here.gradient);
    step.copy_from_slice(direction);
    let mut t = 1.0;
    for _ in 0..40 {
        objective.step(simd, step, &here.c, &mut there.c);
        objective.evaluate(simd, there);
        if there.value >= here.value + 1e-4 * t * slope {
            return true;
        }
        t *= 0.4;
        scale(simd, step, 0.4);
    }
    false
}

impl Memory {
    /// Places from the oldest to the latest.
    #[inline(always)]
    fn place(&self, k: usize) -> usize {
        (self.oldest + k) % MEMORY
    }

    /// The function is ascended, so curvature is taken of its negative.
    #[inline(always)]
    fn remember<S: Simd>(&mut self, simd: S, step: &[f64], before: &[f64], after: &[f64]) {
        let next = self.place(self.len);
        let pair = &mut self.pairs[next];
        pair.change.copy_from_slice(before);
        add_scaled(simd, &mut pair.change, -1.0, after);
        let curvature = dot(simd, step, &pair.change);
        if curvature > 1e-14 * dot(simd, step, step) {
            pair.step.copy_from_slice(step);
            pair.inverse_curvature = 1.0 / curvature;
            if self.len == MEMORY {
                self.oldest = self.place(1);
            } else {
                self.len += 1;
            }
        } else if self.len == MEMORY {
            // The oldest was written over.
            self.oldest = self.place(1);
            self.len -= 1;
        }
    }

    /// Two-loop recursion.
    #[inline(always)]
    fn precondition<S: Simd>(&mut self, simd: S, q: &mut [f64]) {
        for k in (0..self.len).rev() {
            let at = self.place(k);
            let pair = &mut self.pairs[at];
            pair.along = pair.inverse_curvature * dot(simd, &pair.step, q);
            add_scaled(simd, q, -pair.along, &pair.change);
        }
        if let Some(k) = self.len.checked_sub(1) {
            let latest = &self.pairs[self.place(k)];
            let length = dot(simd, &latest.change, &latest.change);
            scale(simd, q, 1.0 / (latest.inverse_curvature * length));
        }
        for k in 0..self.len {
            let pair = &self.pairs[self.place(k)];
            let back = pair.inverse_curvature * dot(simd, &pair.change, q);
            add_scaled(simd, q, pair.along - back, &pair.step);
        }
    }
}
