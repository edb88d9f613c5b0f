//! A few states that stand for many: each as far as possible from those before.

/// Euclidean norm.
pub(super) fn norm(x: &[f64]) -> f64 {
    x.iter().map(|a| a * a).sum::<f64>().sqrt()
}

/// Euclidean distance.
pub(super) fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y).powi(2))
        .sum::<f64>()
        .sqrt()
}

/// Largest distance between two states.
pub(super) fn diameter(states: &[Vec<f64>]) -> f64 {
    let pairs = states
        .iter()
        .enumerate()
        .flat_map(|(i, a)| states[..i].iter().map(move |b| distance(a, b)));
    pairs.fold(0.0, f64::max)
}

/// Mean of some states.
pub(super) fn centre(states: &[Vec<f64>]) -> Vec<f64> {
    let mut mean = vec![0.0; states.first().map_or(0, Vec::len)];
    for state in states {
        for (m, x) in mean.iter_mut().zip(state) {
            *m += x / states.len() as f64;
        }
    }
    mean
}

/// Root mean square distance from the centre.
pub(super) fn extent(states: &[Vec<f64>]) -> f64 {
    let mean = centre(states);
    let squares: f64 = states.iter().map(|s| distance(s, &mean).powi(2)).sum();
    (squares / states.len().max(1) as f64).sqrt()
}

/// States closer to a landmark than this share of the farthest one's distance from the centre add nothing.
const SAME: f64 = 1e-6;

/// Indices of at most `most` states by farthest-point sampling, from the one farthest from the centre; of equals the first.
/// States that are not finite are passed over.
pub fn farthest_points(states: &[Vec<f64>], most: usize) -> Vec<usize> {
    let finite: Vec<usize> = (0..states.len())
        .filter(|i| states[*i].iter().all(|x| x.is_finite()))
        .collect();
    let sound: Vec<Vec<f64>> = finite.iter().map(|i| states[*i].clone()).collect();
    let mean = centre(&sound);
    let mut away: Vec<f64> = sound.iter().map(|s| distance(s, &mean)).collect();
    let mut chosen: Vec<usize> = Vec::new();
    let mut least = 0.0;
    while chosen.len() < most.min(sound.len()) {
        let (mut at, mut farthest) = (0, f64::NEG_INFINITY);
        for (i, d) in away.iter().enumerate() {
            if *d > farthest {
                (at, farthest) = (i, *d);
            }
        }
        if chosen.is_empty() {
            least = SAME * farthest;
            away.fill(f64::INFINITY);
        } else if farthest <= least {
            break;
        }
        chosen.push(at);
        for (d, s) in away.iter_mut().zip(&sound) {
            *d = d.min(distance(s, &sound[at]));
        }
    }
    chosen.into_iter().map(|i| finite[i]).collect()
}
