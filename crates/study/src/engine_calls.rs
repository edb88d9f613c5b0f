//! Every call into the engine that a study makes, in one place.

mod accepted;
mod cost;
mod device;
mod search;
mod training;

pub use accepted::{Refusal, refused};
pub use cost::{memory, minutes, operations, seconds_per_step, work};
pub use device::{Device, GPU_WORK, any_gpu, measure, open};
pub use search::{Search, driven_trials, fixed_points, trials_of};
pub use training::{Training, initial, losses, losses_as, roll_out, train, untrained};
