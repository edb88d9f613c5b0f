//! Ranges and names.

use chiliad_engine::cell::Cell;

/// At least 1.
pub(super) fn positive(value: u64) -> Result<(), String> {
    if value == 0 {
        Err("0; allowed: 1 or more".into())
    } else {
        Ok(())
    }
}

/// Finite and above 0, or infinite where `infinite` allows it.
pub(super) fn above_zero(value: f64, infinite: bool) -> Result<(), String> {
    if value > 0.0 && ((value as f32).is_finite() || (infinite && value.is_infinite())) {
        Ok(())
    } else {
        Err(format!(
            "{value}; allowed: a number above 0 that an f32 holds{}",
            if infinite { ", or inf" } else { "" }
        ))
    }
}

/// From `low` to below `high`.
pub(super) fn within(value: f64, low: f64, high: f64) -> Result<(), String> {
    if (low..high).contains(&value) {
        Ok(())
    } else {
        Err(format!("{value}; allowed: {low} to below {high}"))
    }
}

/// `[name-]cell-activation-units`, fit for the name of a folder.
pub(super) fn label(name: Option<&str>, cell: &Cell, units: usize) -> String {
    let whole = format!(
        "{}{}-{}-{units}",
        name.map_or(String::new(), |n| format!("{n}-")),
        cell.name,
        cell.activation.name
    );
    whole
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect()
}
