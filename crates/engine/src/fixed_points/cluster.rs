//! States closer than a tolerance are one, whatever the order in which they come.

/// Single linkage: the group of every state, groups numbered by first member.
pub(crate) fn groups(states: &[&[f64]], tolerance: f64) -> Vec<usize> {
    let n = states.len();
    // Sorted along one direction, only neighbours within the tolerance can be close.
    let size = states.first().map_or(0, |s| s.len());
    let direction: Vec<f64> = (0..size)
        .map(|i| (1.0 + i as f64 * 0.754_877_666).fract() - 0.31)
        .collect();
    let length = super::solve::norm(&direction).max(f64::MIN_POSITIVE);
    let along: Vec<f64> = states
        .iter()
        .map(|s| s.iter().zip(&direction).map(|(x, d)| x * d).sum::<f64>() / length)
        .collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| along[a].total_cmp(&along[b]));
    let mut parent: Vec<usize> = (0..n).collect();
    for (rank, &a) in order.iter().enumerate() {
        for &b in &order[rank + 1..] {
            if along[b] - along[a] > tolerance * 1.000_001 {
                break;
            }
            if distance(states[a], states[b]) <= tolerance {
                let (a, b) = (root(&mut parent, a), root(&mut parent, b));
                parent[a.max(b)] = a.min(b);
            }
        }
    }
    let mut number = vec![usize::MAX; n];
    let mut next = 0;
    (0..n)
        .map(|i| {
            let r = root(&mut parent, i);
            if number[r] == usize::MAX {
                number[r] = next;
                next += 1;
            }
            number[r]
        })
        .collect()
}

/// Number of groups.
pub(crate) fn count(states: &[&[f64]], tolerance: f64) -> usize {
    groups(states, tolerance)
        .into_iter()
        .max()
        .map_or(0, |m| m + 1)
}

fn root(parent: &mut [usize], mut i: usize) -> usize {
    while parent[i] != i {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    i
}

pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y) * (x - y))
        .sum::<f64>()
        .sqrt()
}

/// A total order of states that does not see differences below a tolerance.
pub(crate) fn canonical(a: &[f64], b: &[f64], tolerance: f64) -> std::cmp::Ordering {
    let cell = |x: f64| (x / tolerance).round() + 0.0;
    let coarse = a
        .iter()
        .zip(b)
        .map(|(x, y)| cell(*x).total_cmp(&cell(*y)))
        .find(|o| o.is_ne());
    coarse
        .or_else(|| {
            a.iter()
                .zip(b)
                .map(|(x, y)| x.total_cmp(y))
                .find(|o| o.is_ne())
        })
        .unwrap_or(std::cmp::Ordering::Equal)
}
