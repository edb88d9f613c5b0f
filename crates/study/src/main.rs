//! The `chiliad` command.

mod commands;
mod terminal;

use chiliad::error::StudyError;
use chiliad_engine::error::EngineError;
use chiliad_tasks::TaskError;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = commands::Arguments::parse();
    match commands::perform(arguments) {
        Ok(()) => match terminal::lost() {
            None => ExitCode::SUCCESS,
            Some(why) => {
                terminal::complain(&format!("error: cannot write to standard output: {why}"));
                ExitCode::from(1)
            }
        },
        Err(error) => {
            terminal::complain(&format!("error: {}", words(&error)));
            ExitCode::from(code(&error))
        }
    }
}

/// The chain of causes, without those that a message before them has told already.
fn words(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            let separator = if text.is_empty() { "" } else { ": " };
            text = text + separator + &cause;
        }
    }
    text
}

/// 2: usage or bad input; 75: worth another try; 1: the disk, or anything else.
fn code(error: &anyhow::Error) -> u8 {
    let of = |e: &(dyn std::error::Error + 'static)| {
        if let Some(e) = e.downcast_ref::<StudyError>() {
            return Some(e.exit_code());
        }
        if let Some(e) = e.downcast_ref::<TaskError>() {
            return Some(StudyError::task_code(e));
        }
        if let Some(e) = e.downcast_ref::<EngineError>() {
            return Some(if matches!(e, EngineError::DeviceLost { .. }) {
                75
            } else {
                2
            });
        }
        let bad = e.is::<chiliad_engine::error::CellError>()
            || e.is::<chiliad_analysis::distances::DistanceError>();
        bad.then_some(2)
    };
    error.chain().find_map(of).unwrap_or(1)
}
