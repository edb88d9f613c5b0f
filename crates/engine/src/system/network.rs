//! Networks as systems.

use super::System;
use crate::error::EngineError;
use crate::map::{Map, Scratch};

/// A network at a constant input.
#[derive(Clone, Debug)]
pub struct Undriven<'a> {
    map: &'a Map,
    scratch: Scratch,
}

impl<'a> Undriven<'a> {
    /// The system of a map.
    pub fn new(map: &'a Map) -> Self {
        Self {
            map,
            scratch: map.scratch(),
        }
    }
}

impl System for Undriven<'_> {
    fn dimension(&self) -> usize {
        self.map.n_state()
    }

    fn step(&mut self, state: &[f64], next: &mut [f64]) {
        self.map.step(&mut self.scratch, state, next);
    }

    fn jacobian(&mut self, state: &[f64], jacobian: &mut [f64]) {
        self.map.jacobian_into(&mut self.scratch, state, jacobian);
    }

    fn half_widths(&self) -> Option<&[f64]> {
        self.map.half_widths()
    }
}

/// A network whose input changes with time; after the last input it begins again with the first.
#[derive(Clone, Debug)]
pub struct Driven {
    map: Map,
    scratch: Scratch,
    /// `[time][channel]`
    inputs: Vec<Vec<f64>>,
}

impl Driven {
    /// A map and the inputs of one trial, `[time, channel]`, at least one.
    pub fn new(map: &Map, inputs: &[f32], n_channels: usize) -> Result<Self, EngineError> {
        if n_channels == 0 || inputs.is_empty() || !inputs.len().is_multiple_of(n_channels) {
            return Err(EngineError::Shape {
                operation: "a driven network",
                what: "the inputs".into(),
                found: format!("{} values", inputs.len()),
                expected: format!("whole time steps of {n_channels} channels, at least one"),
            });
        }
        Ok(Self {
            scratch: map.scratch(),
            map: map.clone(),
            inputs: inputs
                .chunks(n_channels)
                .map(|step| step.iter().map(|&x| f64::from(x)).collect())
                .collect(),
        })
    }
}

impl System for Driven {
    fn dimension(&self) -> usize {
        self.map.n_state()
    }

    fn drive(&mut self, time: usize) {
        self.map.set_input(&self.inputs[time % self.inputs.len()]);
    }

    fn step(&mut self, state: &[f64], next: &mut [f64]) {
        self.map.step(&mut self.scratch, state, next);
    }

    fn jacobian(&mut self, state: &[f64], jacobian: &mut [f64]) {
        self.map.jacobian_into(&mut self.scratch, state, jacobian);
    }
}
