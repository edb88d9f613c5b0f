//! Ascent of `f(C) = <A, C B C^T>` over the orthogonal group: limited-memory BFGS in its Lie algebra.
//!
//! Steps are taken as `C <- cay(Omega) C`, Omega skew, cay the Cayley transform. With `M = C B C^T` the derivative along
//! Omega is `<Omega, A M^T + A^T M>`, so the gradient is the skew part of that. All gradients live in one space, so that
//! nothing has to be transported.

use super::super::singular::dot;
use faer::Mat;
use faer::linalg::solvers::Solve;
use std::collections::VecDeque;

/// Steps of one ascent at most.
const MOST_STEPS: usize = 500;
/// Pairs that BFGS remembers.
const MEMORY: usize = 12;
/// A gradient of this norm ends the ascent; for A, B of norm 1 what is left to gain is of the order of its square.
const SMALL_GRADIENT: f64 = 1e-10;
/// Longest Omega that is tried.
const LONGEST: f64 = 2.0;

/// Where an ascent stands.
pub(super) struct Place {
    pub(super) c: Mat<f64>,
    pub(super) value: f64,
    gradient: Mat<f64>,
}

impl Place {
    fn at(a: &Mat<f64>, b: &Mat<f64>, c: Mat<f64>) -> Self {
        let m = &c * b * c.transpose();
        let x = a * m.transpose() + a.transpose() * &m;
        let n = x.nrows();
        Self {
            value: dot(a, &m),
            gradient: Mat::from_fn(n, n, |i, j| 0.5 * (x[(i, j)] - x[(j, i)])),
            c,
        }
    }
}

/// From `start` to where no small step helps.
pub(super) fn ascend(a: &Mat<f64>, b: &Mat<f64>, start: Mat<f64>) -> Place {
    let mut here = Place::at(a, b, start);
    let mut memory: VecDeque<(Mat<f64>, Mat<f64>, f64)> = VecDeque::new();
    for _ in 0..MOST_STEPS {
        if dot(&here.gradient, &here.gradient).sqrt() < SMALL_GRADIENT {
            break;
        }
        let mut direction = quasi_newton(&here.gradient, &memory);
        if dot(&direction, &here.gradient) <= 0.0 {
            memory.clear();
            direction = here.gradient.clone();
        }
        let length = dot(&direction, &direction).sqrt();
        if length > LONGEST {
            direction = faer::Scale(LONGEST / length) * direction;
        }
        let Some((step, there)) = search(a, b, &here, &direction) else {
            if memory.is_empty() {
                break;
            }
            memory.clear();
            continue;
        };
        // The function is ascended, so curvature is taken of its negative.
        let change = &here.gradient - &there.gradient;
        let curvature = dot(&step, &change);
        if curvature > 1e-14 * dot(&step, &step) {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back((step, change, 1.0 / curvature));
        }
        here = there;
    }
    here
}

/// Backtracking from the whole step; `None` where even a tiny one gains nothing.
fn search(
    a: &Mat<f64>,
    b: &Mat<f64>,
    here: &Place,
    direction: &Mat<f64>,
) -> Option<(Mat<f64>, Place)> {
    let slope = dot(direction, &here.gradient);
    let mut t = 1.0;
    for _ in 0..40 {
        let step = faer::Scale(t) * direction;
        let there = Place::at(a, b, turned(&step, &here.c));
        if there.value >= here.value + 1e-4 * t * slope {
            return Some((step, there));
        }
        t *= 0.4;
    }
    None
}

/// `cay(Omega) C = (I - Omega/2)^-1 (I + Omega/2) C`.
fn turned(omega: &Mat<f64>, c: &Mat<f64>) -> Mat<f64> {
    let n = omega.nrows();
    let half = |sign: f64| {
        Mat::from_fn(n, n, |i, j| {
            f64::from(u8::from(i == j)) + 0.5 * sign * omega[(i, j)]
        })
    };
    half(-1.0).partial_piv_lu().solve(half(1.0) * c)
}

/// Two-loop recursion.
fn quasi_newton(gradient: &Mat<f64>, memory: &VecDeque<(Mat<f64>, Mat<f64>, f64)>) -> Mat<f64> {
    let mut q = gradient.clone();
    let mut along = Vec::with_capacity(memory.len());
    for (s, y, rho) in memory.iter().rev() {
        let alpha = rho * dot(s, &q);
        q -= faer::Scale(alpha) * y;
        along.push(alpha);
    }
    if let Some((_, y, rho)) = memory.back() {
        q = faer::Scale(1.0 / (rho * dot(y, y))) * q;
    }
    for ((s, y, rho), alpha) in memory.iter().zip(along.iter().rev()) {
        let beta = rho * dot(y, &q);
        q += faer::Scale(alpha - beta) * s;
    }
    q
}
