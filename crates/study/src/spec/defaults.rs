//! Every default of a study file.
#![allow(
    missing_docs,
    reason = "each is the default of the field of the same name"
)]

use super::{OneOrMany, Until};
use chiliad_engine::files::FileLayout;
use chiliad_engine::recipe::Part;

pub const LEARNING_RATE: f64 = 0.01;

pub fn activation() -> OneOrMany<String> {
    OneOrMany::One("tanh".into())
}
pub fn one_activation() -> String {
    "tanh".into()
}
pub fn layout() -> FileLayout {
    FileLayout::Chiliad
}
pub fn seeds() -> OneOrMany<u64> {
    OneOrMany::One(16)
}
pub fn batch() -> usize {
    64
}
pub fn beta1() -> f64 {
    0.9
}
pub fn beta2() -> f64 {
    0.999
}
pub fn epsilon() -> f64 {
    1e-8
}
pub fn rms_decay() -> f64 {
    0.99
}
pub fn yes() -> bool {
    true
}
pub fn alpha() -> f64 {
    0.8
}
pub fn hops() -> usize {
    6
}
pub fn ratio() -> OneOrMany<f64> {
    OneOrMany::One(4.0)
}
pub fn clip_norm() -> f64 {
    1.0
}
pub fn until() -> Until {
    Until::Loss(1e-3)
}
pub fn max_steps() -> u64 {
    2000
}
pub fn eval_every() -> u64 {
    25
}
pub fn eval_trials() -> usize {
    512
}
pub fn variant() -> String {
    "train".into()
}
pub fn bank_trials() -> usize {
    4096
}
pub fn noise() -> OneOrMany<f64> {
    OneOrMany::One(0.0)
}
pub fn directions() -> usize {
    64
}
pub fn amplitude() -> f64 {
    1e-3
}
pub fn judged() -> usize {
    256
}
pub fn grace() -> usize {
    3
}
pub fn weights() -> Vec<Part> {
    Part::WEIGHTS.to_vec()
}
pub fn mean_of() -> usize {
    5
}
pub fn anneal_every() -> u64 {
    5
}
pub fn anneal_keep() -> f64 {
    0.999
}
pub fn state_noise() -> Vec<f64> {
    vec![0.05, 0.1, 0.2]
}
pub fn silenced() -> Vec<f64> {
    vec![0.05, 0.1, 0.2]
}
pub fn draws() -> usize {
    8
}
pub fn pilots() -> u64 {
    3
}
