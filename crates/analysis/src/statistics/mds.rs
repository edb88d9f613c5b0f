//! Classical multidimensional scaling (Torgerson 1952).

use super::DistanceMatrix;
use crate::distances::DistanceError;
use crate::distances::singular::symmetric;
use faer::Mat;
use serde::Serialize;

/// An embedding and how much of the distances it shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Classical {
    /// `[network][dimension]`.
    pub coordinates: Vec<Vec<f64>>,
    /// Of the doubly centred matrix of squared distances, falling; negative ones mean that the distances are not Euclidean.
    pub eigenvalues: Vec<f64>,
    /// Sum of the eigenvalues shown over the sum of absolute values of all.
    pub shown: f64,
}

/// Into so many dimensions; one whose eigenvalue is not positive stays at zero.
///
/// # Errors
///
/// [`DistanceError`] for no dimension or more than networks, or where the eigenvalues fail.
pub fn classical(matrix: &DistanceMatrix, dimensions: usize) -> Result<Classical, DistanceError> {
    let n = matrix.n();
    if dimensions == 0 || dimensions > n {
        return Err(DistanceError::Setting {
            option: "dimensions",
            value: dimensions.to_string(),
            allowed: format!("1 to {n}"),
        });
    }
    let squares: Vec<f64> = matrix.values().iter().map(|d| d * d).collect();
    let means: Vec<f64> = squares
        .chunks(n)
        .map(|row| row.iter().sum::<f64>() / n as f64)
        .collect();
    let mean = means.iter().sum::<f64>() / n as f64;
    let gram = Mat::from_fn(n, n, |i, j| {
        -0.5 * (squares[i * n + j] - means[i] - means[j] + mean)
    });
    let (eigenvalues, vectors) = symmetric(gram.as_ref(), "distances")?;
    let scale: Vec<f64> = eigenvalues[..dimensions]
        .iter()
        .map(|v| v.max(0.0).sqrt())
        .collect();
    let all: f64 = eigenvalues.iter().map(|v| v.abs()).sum();
    let shown: f64 = eigenvalues[..dimensions].iter().map(|v| v.max(0.0)).sum();
    Ok(Classical {
        coordinates: (0..n)
            .map(|i| {
                (0..dimensions)
                    .map(|k| vectors[(i, k)] * scale[k])
                    .collect()
            })
            .collect(),
        eigenvalues,
        // Of networks that are all the same everything is shown.
        shown: if all > 0.0 { shown / all } else { 1.0 },
    })
}
