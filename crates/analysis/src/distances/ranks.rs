//! Ranks, and Kendall's rank correlation in O(m log m) (Knight 1966).

/// Ranks from 1; equal values share their mean.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let equal = order[from..]
            .iter()
            .take_while(|k| values[**k] == values[order[from]])
            .count();
        let mean = from as f64 + (equal as f64 + 1.0) / 2.0;
        order[from..from + equal]
            .iter()
            .for_each(|k| ranks[*k] = mean);
        from += equal;
    }
    ranks
}

/// tau-a and tau-b; tau-b is NaN where one list is constant.
pub(crate) fn kendall(x: &[f64], y: &[f64]) -> (f64, f64) {
    let pairs = |n: usize| n as f64 * (n as f64 - 1.0) / 2.0;
    let ties = |sorted: &mut dyn Iterator<Item = bool>| {
        // Runs of "same as the one before".
        let (mut total, mut run) = (0.0, 1);
        for same in sorted {
            if same {
                run += 1;
            } else {
                total += pairs(run);
                run = 1;
            }
        }
        total + pairs(run)
    };
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|a, b| x[*a].total_cmp(&x[*b]).then(y[*a].total_cmp(&y[*b])));
    let equal_x = |w: &[usize]| x[w[0]] == x[w[1]];
    let tied_x = ties(&mut order.windows(2).map(equal_x));
    let tied_both = ties(&mut order.windows(2).map(|w| equal_x(w) && y[w[0]] == y[w[1]]));
    let mut along: Vec<f64> = order.iter().map(|k| y[*k]).collect();
    let swaps = inversions(&mut along);
    let tied_y = ties(&mut along.windows(2).map(|w| w[0] == w[1]));
    let all = pairs(x.len());
    let score = all - tied_x - tied_y + tied_both - 2.0 * swaps as f64;
    (
        score / all,
        score / ((all - tied_x).sqrt() * (all - tied_y).sqrt()),
    )
}

/// Sorts, and counts the pairs that stood the wrong way round.
fn inversions(values: &mut [f64]) -> u64 {
    if values.len() < 2 {
        return 0;
    }
    let (left, right) = values.split_at_mut(values.len() / 2);
    let mut count = inversions(left) + inversions(right);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        if left[i] <= right[j] {
            merged.push(left[i]);
            i += 1;
        } else {
            merged.push(right[j]);
            count += (left.len() - i) as u64;
            j += 1;
        }
    }
    merged.extend_from_slice(&left[i..]);
    merged.extend_from_slice(&right[j..]);
    values.copy_from_slice(&merged);
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kendall_counts_pairs_with_ties() {
        let x = [1.0, 2.0, 2.0, 3.0, 5.0, 0.5];
        let y = [2.0, 1.0, 2.0, 2.0, 7.0, 0.1];
        let (mut score, mut all, mut free_x, mut free_y) = (0.0, 0.0, 0.0, 0.0);
        for i in 0..6 {
            for j in 0..i {
                let (p, q): (f64, f64) = (x[i] - x[j], y[i] - y[j]);
                all += 1.0;
                free_x += f64::from(u8::from(p != 0.0));
                free_y += f64::from(u8::from(q != 0.0));
                score += if p * q == 0.0 { 0.0 } else { (p * q).signum() };
            }
        }
        let (a, b) = kendall(&x, &y);
        assert!((a - score / all).abs() < 1e-15);
        assert!((b - score / f64::sqrt(free_x * free_y)).abs() < 1e-15);
        assert_eq!(ranks(&x), [2.0, 3.5, 3.5, 5.0, 6.0, 1.0]);
    }
}
