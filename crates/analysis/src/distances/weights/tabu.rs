//! Robust tabu search over permutations (Taillard 1991): always the best exchange that is not forbidden, downhill or not, so
//! that the search leaves the ends of [`super::swaps`].

use chiliad_tasks::Stream;
use faer::Mat;

/// Exchanges per unit, and at least (project defaults).
const PER_UNIT: usize = 20;
const LEAST: usize = 1000;
/// Exchanges per pair of units after which a pair is due (project default).
const DUE: usize = 2;

/// The best permutation met from `p` on.
pub(super) fn search(a: &Mat<f64>, b: &Mat<f64>, p: &[usize], stream: &Stream) -> Vec<usize> {
    let n = p.len();
    let mut best = p.to_vec();
    if n < 3 {
        return best;
    }
    let mut p = p.to_vec();
    let mut draws = stream.draws(n as u32);
    // By how much each exchange raises `<A, B[p, p]>`.
    let mut gains = vec![0.0; n * n];
    for r in 0..n {
        for s in r + 1..n {
            gains[r * n + s] = gain(a, b, &p, r, s);
        }
    }
    // Until which exchange unit r may not be matched with unit u again. Pairs that have not met for long are due: they are made
    // whatever they gain, so that no part of the space is left out.
    let mut forbidden: Vec<isize> = (0..n * n).map(|e| -(e as isize)).collect();
    let long = (DUE * n * n) as isize;
    let (mut now, mut most) = (0.0, 0.0);
    for step in 1..=(PER_UNIT * n).max(LEAST) as isize {
        let mut chosen: Option<(bool, f64, usize, usize)> = None;
        for r in 0..n {
            for s in r + 1..n {
                let g = gains[r * n + s];
                let until = [forbidden[r * n + p[s]], forbidden[s * n + p[r]]];
                let due = until.iter().all(|t| t + long < step);
                let allowed = until.iter().any(|t| *t <= step)
                    || now + g > most + 1e-12 * (1.0 + f64::abs(most));
                let better = chosen.is_none_or(|c| (due, g) > (c.0, c.1));
                if allowed && better {
                    chosen = Some((due, g, r, s));
                }
            }
        }
        let Some((_, g, u, v)) = chosen else { continue };
        let mut tenure =
            || step + (n as f64 * (0.9 + 0.2 * f64::from(draws.uniform()))) as isize + 1;
        forbidden[u * n + p[u]] = tenure();
        forbidden[v * n + p[v]] = tenure();
        p.swap(u, v);
        now += g;
        if now > most + 1e-12 * (1.0 + f64::abs(most)) {
            most = now;
            best.copy_from_slice(&p);
        }
        for r in 0..n {
            for s in r + 1..n {
                let apart = r != u && r != v && s != u && s != v;
                gains[r * n + s] = if apart {
                    gains[r * n + s] + change(a, b, &p, [r, s], [u, v])
                } else {
                    gain(a, b, &p, r, s)
                };
            }
        }
    }
    best
}

/// The best of all permutations.
pub(super) fn all(a: &Mat<f64>, b: &Mat<f64>, n: usize) -> Vec<usize> {
    // Heap's algorithm: each permutation is an exchange away from the one before.
    let mut p: Vec<usize> = (0..n).collect();
    let (mut best, mut now, mut most) = (p.clone(), 0.0, 0.0);
    let mut counters = vec![0; n];
    let mut i = 1;
    while i < n {
        if counters[i] < i {
            let j = if i % 2 == 0 { 0 } else { counters[i] };
            now += gain(a, b, &p, j, i);
            p.swap(j, i);
            if now > most {
                most = now;
                best.copy_from_slice(&p);
            }
            counters[i] += 1;
            i = 1;
        } else {
            counters[i] = 0;
            i += 1;
        }
    }
    best
}

/// By how much `<A, B[p, p]>` rises when p exchanges r and s.
pub(super) fn gain(a: &Mat<f64>, b: &Mat<f64>, p: &[usize], r: usize, s: usize) -> f64 {
    let (u, v) = (p[r], p[s]);
    let mut product = 0.0;
    for k in (0..p.len()).filter(|k| *k != r && *k != s) {
        let w = p[k];
        product += (a[(r, k)] - a[(s, k)]) * (b[(v, w)] - b[(u, w)])
            + (a[(k, r)] - a[(k, s)]) * (b[(w, v)] - b[(w, u)]);
    }
    product
        + (a[(r, r)] - a[(s, s)]) * (b[(v, v)] - b[(u, u)])
        + (a[(r, s)] - a[(s, r)]) * (b[(v, u)] - b[(u, v)])
}

/// What the exchange of u and v, which p has made, changed of the gain of exchanging r and s; all four differ.
fn change(a: &Mat<f64>, b: &Mat<f64>, p: &[usize], [r, s]: [usize; 2], [u, v]: [usize; 2]) -> f64 {
    let [pr, ps, pu, pv] = [p[r], p[s], p[u], p[v]];
    (a[(r, u)] - a[(r, v)] + a[(s, v)] - a[(s, u)])
        * (b[(ps, pu)] - b[(ps, pv)] + b[(pr, pv)] - b[(pr, pu)])
        + (a[(u, r)] - a[(v, r)] + a[(v, s)] - a[(u, s)])
            * (b[(pu, ps)] - b[(pv, ps)] + b[(pv, pr)] - b[(pu, pr)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(n: usize, seed: u64) -> Mat<f64> {
        let stream = Stream::new(seed, 0x9f2);
        Mat::from_fn(n, n, |i, j| f64::from(stream.normal_at(i as u32, j as u32)))
    }

    #[test]
    fn gains_after_an_exchange_are_those_computed_anew() {
        let (a, b) = (random(7, 1), random(7, 2));
        let mut p = vec![3, 1, 4, 0, 6, 5, 2];
        let before = gain(&a, &b, &p, 0, 5);
        p.swap(2, 6);
        let now = before + change(&a, &b, &p, [0, 5], [2, 6]);
        assert!((now - gain(&a, &b, &p, 0, 5)).abs() < 1e-12);
    }

    /// From anywhere the search meets what trying everything finds.
    #[test]
    fn the_search_finds_the_best_of_all() {
        for seed in 0..20 {
            let (a, b) = (random(7, 10 + seed), random(7, 40 + seed));
            let value = |p: &[usize]| super::super::relabelled(&a, &b, p);
            let start: Vec<usize> = (0..7).rev().collect();
            let found = search(&a, &b, &start, &Stream::new(seed, 0x9f2));
            let best = value(&all(&a, &b, 7));
            assert!(
                (value(&found) - best).abs() < 1e-12,
                "{seed}: {} {best}",
                value(&found)
            );
            assert!(best <= value(&start));
        }
    }
}
