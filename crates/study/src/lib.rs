//! A study: from its file to trained networks, their fixed points and a report.
//!
//! In data-flow order: [`spec`] is the file as written, [`resolve`] makes a [`study::Study`] of it, [`run`] goes through its
//! stages with the engine behind [`engine_calls`], [`manifest`] and [`folder`] keep what was done, [`results`],
//! [`points`], [`topology`], [`dynamics`], [`linear`], [`tables`] and [`checkpoint`] are its files, [`merge`] joins parts, [`parity`]
//! does some of it again on two devices, [`gather`] reads them for the [`report`].

pub mod checkpoint;
pub mod comparison;
pub mod connections;
pub mod distances;
pub mod dynamics;
pub mod engine_calls;
pub mod error;
pub mod fixed_points_plan;
pub mod folder;
pub mod gather;
pub mod known_points;
pub mod linear;
mod locate;
pub mod manifest;
pub mod merge;
pub mod parity;
pub mod points;
pub mod population_folder;
pub mod psychometric;
pub mod recipe;
pub mod report;
pub mod resolve;
pub mod results;
pub mod run;
pub mod settings;
pub mod spec;
pub mod study;
pub mod tables;
pub mod topology;
