//! Tasks and the trials they produce: no GPU, no engine.
//!
//! Modules in the order in which data flows:
//!
//! | module | holds |
//! |---|---|
//! | [`random`] | Threefry-2x32-20 and streams of numbers keyed by seed and purpose |
//! | [`trials`] | [`Trials`]: inputs, targets, mask and condition of a set of trials |
//! | [`npz`] | named arrays on disk, as numpy reads and writes them |
//! | [`generators`] | the Rust generators that a task file names |
//! | [`task`] | [`Task`]: a RON file, resolved and checked |
//! | [`bank`] | [`TrialBank`]: the trials a training run draws from, generation by generation |
//! | [`plot`] | one trial as SVG |
//! | [`suggestion`] | "did you mean", for every message that names what is allowed |
//!
//! ```
//! let task = chiliad_tasks::Task::builtin("flip_flop")?;
//! let trials = task.sample("train", 64, 1)?;
//! assert_eq!((trials.n_trials, trials.n_steps, trials.n_inputs, trials.n_outputs), (64, 64, 3, 3));
//! # Ok::<(), chiliad_tasks::TaskError>(())
//! ```

pub mod bank;
mod error;
mod expression;
pub mod generators;
mod named;
pub mod npz;
pub mod plot;
pub mod random;
mod replace_file;
pub mod suggestion;
pub mod task;
pub mod trials;

pub use bank::{TrialBank, pick};
pub use error::{Result, TaskError};
pub use generators::Span;
pub use npz::{NpzArray, NpzData, read_npy, read_npz, write_npy, write_npz};
pub use random::{Draws, Stream, threefry2x32};
pub use task::{Condition, Lesson, Recipe, Task, builtin_names};
pub use trials::{ChannelNames, TaskShape, Trials};
