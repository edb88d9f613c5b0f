//! Linear assignment in f64: shortest augmenting paths with potentials (Kuhn 1955; Jonker & Volgenant 1987), O(n^3).
//!
//! Written here because no crate does it for floating-point costs.

use super::DistanceError;
use super::singular::failed;
use faer::MatRef;

/// The column of every row, for which the sum of costs is least.
///
/// # Errors
///
/// [`DistanceError::Numerics`] where the matrix is not square or a cost is not finite.
pub fn least(cost: MatRef<'_, f64>) -> Result<Vec<usize>, DistanceError> {
    assign(cost, 1.0)
}

/// The column of every row, for which the sum of gains is greatest.
///
/// # Errors
///
/// As [`least`].
pub fn greatest(gain: MatRef<'_, f64>) -> Result<Vec<usize>, DistanceError> {
    assign(gain, -1.0)
}

fn assign(matrix: MatRef<'_, f64>, sign: f64) -> Result<Vec<usize>, DistanceError> {
    let n = matrix.nrows();
    let finite = (0..n).all(|i| (0..matrix.ncols()).all(|j| matrix[(i, j)].is_finite()));
    if !finite || matrix.ncols() != n {
        return Err(failed("assignment", "a matrix of costs"));
    }
    // Column n stands for the row that is being placed.
    let mut row_of = vec![usize::MAX; n + 1];
    let (mut row_potential, mut column_potential) = (vec![0.0; n], vec![0.0; n + 1]);
    for row in 0..n {
        row_of[n] = row;
        let mut column = n;
        let mut slack = vec![f64::INFINITY; n];
        let mut before = vec![n; n];
        let mut visited = vec![false; n + 1];
        while row_of[column] != usize::MAX {
            visited[column] = true;
            let at = row_of[column];
            let (mut step, mut next) = (f64::INFINITY, n);
            for j in 0..n {
                if visited[j] {
                    continue;
                }
                let reduced = sign * matrix[(at, j)] - row_potential[at] - column_potential[j];
                if reduced < slack[j] {
                    slack[j] = reduced;
                    before[j] = column;
                }
                if slack[j] < step {
                    (step, next) = (slack[j], j);
                }
            }
            if next == n {
                return Err(failed("assignment", "costs that overflow"));
            }
            for j in 0..=n {
                if visited[j] {
                    row_potential[row_of[j]] += step;
                    column_potential[j] -= step;
                } else {
                    slack[j] -= step;
                }
            }
            column = next;
        }
        while column != n {
            row_of[column] = row_of[before[column]];
            column = before[column];
        }
    }
    let mut columns = vec![0; n];
    for (column, row) in row_of[..n].iter().enumerate() {
        columns[*row] = column;
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chiliad_tasks::Stream;
    use faer::Mat;

    #[test]
    fn assignment_is_the_best_of_all_permutations() {
        for trial in 0..40 {
            let stream = Stream::new(trial, 0x900);
            let n = 2 + (trial as usize % 5);
            let cost = Mat::from_fn(n, n, |i, j| f64::from(stream.normal_at(i as u32, j as u32)));
            let total =
                |p: &[usize]| -> f64 { p.iter().enumerate().map(|(i, j)| cost[(i, *j)]).sum() };
            let mut order: Vec<usize> = (0..n).collect();
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            permutations(&mut order, 0, &mut |p| {
                low = low.min(total(p));
                high = high.max(total(p));
            });
            assert!((total(&least(cost.as_ref()).unwrap()) - low).abs() < 1e-12);
            assert!((total(&greatest(cost.as_ref()).unwrap()) - high).abs() < 1e-12);
        }
    }

    fn permutations(order: &mut [usize], from: usize, see: &mut dyn FnMut(&[usize])) {
        if from == order.len() {
            return see(order);
        }
        for k in from..order.len() {
            order.swap(from, k);
            permutations(order, from + 1, see);
            order.swap(from, k);
        }
    }

    #[test]
    fn costs_that_are_no_numbers_are_refused() {
        let cost = Mat::from_fn(3, 3, |i, j| if i == j { f64::NAN } else { 1.0 });
        assert!(least(cost.as_ref()).is_err());
        assert!(least(Mat::<f64>::zeros(2, 3).as_ref()).is_err());
        assert!(least(Mat::<f64>::zeros(0, 0).as_ref()).unwrap().is_empty());
    }
}
