//! Path integration: from direction and speed at every step to the position in a walled arena (solution degeneracy study,
//! 2-D and 3-D).

use glam::DVec3;
use serde::Deserialize;

use super::{Generate, Place, TrialSlot};
use crate::error::Result;
use crate::random::Draws;
use crate::task::Condition;
use crate::trials::TaskShape;

/// [`PathIntegration`] as a task file writes it. The source leaves open how direction and start are given: both are options.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathIntegrationSpec {
    /// 2 or 3.
    pub dimensions: Option<u32>,
    /// Time steps, those of the start included.
    pub steps: Option<u32>,
    /// Half the side of the arena, which is centred on 0; walls reflect.
    pub arena: Option<f64>,
    /// Largest speed, per step; each step's is uniform below it.
    pub speed: Option<f64>,
    /// Standard deviation of each component of what is added to the direction per step, before it is made a unit vector.
    pub turn: Option<f64>,
    /// Steps at the beginning that show the start, divided by `arena`, without moving and without weight.
    pub start_steps: Option<u32>,
    /// How the direction is given.
    pub direction: Option<Direction>,
}

/// How the direction is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Direction {
    /// As a unit vector.
    Vector,
    /// As angles in radians: azimuth, and elevation in 3-D.
    Angles,
}

impl PathIntegrationSpec {
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            dimensions: self.dimensions.or(base.dimensions),
            steps: self.steps.or(base.steps),
            arena: self.arena.or(base.arena),
            speed: self.speed.or(base.speed),
            turn: self.turn.or(base.turn),
            start_steps: self.start_steps.or(base.start_steps),
            direction: self.direction.or(base.direction),
        }
    }

    pub(super) fn resolve(&self, place: &Place<'_>) -> Result<PathIntegration> {
        let dimensions = place.given("dimensions", &self.dimensions)? as usize;
        if !(2..=3).contains(&dimensions) {
            return Err(place.refuse("dimensions", dimensions, "must be 2 or 3"));
        }
        let path = PathIntegration {
            dimensions,
            steps: place.count("steps", self.steps)?,
            arena: place.between("arena", self.arena, 1e-6, 1e6)?,
            speed: place.between("speed", self.speed, 0.0, 1e6)?,
            turn: place.deviation("turn", self.turn)?,
            start_steps: place.count("start_steps", self.start_steps)?,
            direction: place.given("direction", &self.direction)?,
        };
        if path.start_steps >= path.steps {
            let allowed = format!("must be below steps = {}", path.steps);
            return Err(place.refuse("start_steps", path.start_steps, &allowed));
        }
        if path.speed > path.arena {
            return Err(place.refuse(
                "speed",
                path.speed,
                "must not be above arena: a step would cross it",
            ));
        }
        Ok(path)
    }
}

/// Inputs: direction, speed, start. Targets: position after the step.
#[derive(Clone, Debug)]
pub struct PathIntegration {
    dimensions: usize,
    steps: usize,
    arena: f64,
    speed: f64,
    turn: f64,
    start_steps: usize,
    direction: Direction,
}

impl PathIntegration {
    fn n_direction(&self) -> usize {
        match self.direction {
            Direction::Vector => self.dimensions,
            Direction::Angles => self.dimensions - 1,
        }
    }

    /// Zero where the task has no such axis.
    fn vector(&self, mut component: impl FnMut() -> f64) -> DVec3 {
        let (x, y) = (component(), component());
        DVec3::new(
            x,
            y,
            if self.dimensions == 3 {
                component()
            } else {
                0.0
            },
        )
    }

    /// Back into the arena, as a ball off its walls: the place, and the direction after it.
    fn reflected(&self, mut position: DVec3, mut direction: DVec3) -> (DVec3, DVec3) {
        for axis in 0..self.dimensions {
            let beyond = position[axis].abs() - self.arena;
            if beyond > 0.0 {
                position[axis] -= 2.0 * beyond * position[axis].signum();
                direction[axis] = -direction[axis];
            }
        }
        (position, direction)
    }
}

impl Generate for PathIntegration {
    fn shape(&self) -> TaskShape {
        TaskShape {
            n_steps: self.steps,
            n_inputs: self.n_direction() + 1 + self.dimensions,
            n_outputs: self.dimensions,
        }
    }

    fn conditions(&self) -> Vec<Condition> {
        vec![Condition {
            label: "standing still".to_owned(),
            input: vec![0.0; self.shape().n_inputs],
        }]
    }

    fn fill(&self, _trial: usize, mut draws: Draws, slot: TrialSlot<'_>) {
        let start = self.vector(|| self.arena * f64::from(2.0 * draws.uniform() - 1.0));
        let mut position = start;
        let mut direction = self
            .vector(|| f64::from(draws.normal()))
            .normalize_or(DVec3::X);
        let (n_direction, d) = (self.n_direction(), self.dimensions);
        let wide = n_direction + 1 + d;
        for step in 0..self.steps {
            let input = &mut slot.inputs[step * wide..][..wide];
            if step < self.start_steps {
                for axis in 0..d {
                    input[n_direction + 1 + axis] = (start[axis] / self.arena) as f32;
                }
                slot.mask[step * d..][..d].fill(0.0);
            } else {
                direction += self.vector(|| self.turn * f64::from(draws.normal()));
                direction = direction.normalize_or(DVec3::X);
                let speed = self.speed * f64::from(draws.uniform());
                // What is shown is what moves it: at a wall the reflected direction is the one that was gone.
                let (next, after) = self.reflected(position + speed * direction, direction);
                if after != direction && speed > 0.0 {
                    direction = (next - position).normalize_or(after);
                }
                let gone = next.distance(position);
                match self.direction {
                    Direction::Vector => {
                        for axis in 0..d {
                            input[axis] = direction[axis] as f32;
                        }
                    }
                    Direction::Angles => {
                        input[0] = direction.y.atan2(direction.x) as f32;
                        if d == 3 {
                            input[1] = direction.z.clamp(-1.0, 1.0).asin() as f32;
                        }
                    }
                }
                input[n_direction] = gone as f32;
                (position, direction) = (next, after);
            }
            for axis in 0..d {
                slot.targets[step * d + axis] = position[axis] as f32;
            }
        }
    }
}
