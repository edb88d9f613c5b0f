//! Classes of networks: architecture, activation, task.

use super::DistanceMatrix;
use crate::distances::DistanceError;

/// How many networks each class has, classes numbered from 0.
///
/// # Errors
///
/// [`DistanceError::Array`] unless every network has a class and two classes or more have members.
pub(super) fn sizes(
    matrix: &DistanceMatrix,
    classes: &[usize],
) -> Result<Vec<usize>, DistanceError> {
    let refuse = |what: String, allowed: String| DistanceError::Array {
        name: "classes".into(),
        shape: vec![classes.len()],
        what,
        allowed,
    };
    if classes.len() != matrix.n() {
        return Err(refuse(
            format!("{} networks", matrix.n()),
            "a class for every network".into(),
        ));
    }
    // Numbers are indices: one beyond the networks is a mistake, not a class.
    if let Some(c) = classes.iter().find(|c| **c >= classes.len()) {
        return Err(refuse(
            format!("class {c}"),
            format!("numbers below {}", classes.len()),
        ));
    }
    let mut sizes = vec![0; classes.iter().max().map_or(0, |c| c + 1)];
    classes.iter().for_each(|c| sizes[*c] += 1);
    if sizes.iter().filter(|s| **s > 0).count() < 2 {
        return Err(refuse(
            "one class only".into(),
            "two classes or more".into(),
        ));
    }
    Ok(sizes)
}
