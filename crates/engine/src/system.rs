//! A map with a derivative, whatever it comes from: a network at a constant input, a driven one, a flow over a time step.
//!
//! Cycles, Lyapunov spectra and the census of attractors are written once against [`System`].

mod flow;
mod hebbian;
mod hopfield;
mod network;

pub use flow::{Flow, Lorenz63, RungeKutta4};
pub use hebbian::HebbianMemory;
pub use hopfield::ModernHopfield;
pub use network::{Driven, Undriven};

/// A discrete map in f64 and its derivative.
pub trait System {
    /// Length of a state.
    fn dimension(&self) -> usize;

    /// Called before the step of time `time`, counted from 0, by whoever runs along an orbit: a driven system takes the
    /// input of that time. Nothing to do for any other.
    fn drive(&mut self, time: usize) {
        let _ = time;
    }

    /// The next state.
    fn step(&mut self, state: &[f64], next: &mut [f64]);

    /// The derivative of the step at a state, row-major `[to, from]`.
    fn jacobian(&mut self, state: &[f64], jacobian: &mut [f64]);

    /// Half-widths of a box that the map sends into itself, where one is known.
    fn half_widths(&self) -> Option<&[f64]> {
        None
    }
}
