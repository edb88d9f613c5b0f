//! How a population is trained, besides its trials: the optimiser and its schedule, the loss, what restricts the weights,
//! what is penalised. Everything that may differ between networks is a vector, one entry per network: one population can
//! sweep it. `docs/training.md` lists every option with its equation, default and source.

mod constraint;
mod forcing;
mod loss;
mod optimiser;
mod penalty;
mod schedule;

pub use constraint::{Constraint, Form, Projection};
pub(crate) use forcing::Share;
pub use forcing::{Forcing, JacobianNorm};
pub use loss::Loss;
pub use optimiser::{Optimiser, Update};
pub use penalty::{OwnPenalty, Part, Penalty, Regulariser};
pub use schedule::Schedule;
