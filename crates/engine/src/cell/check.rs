//! Holds the derived adjoint of a cell against finite differences, in f64, and its box against the map.

use super::Cell;
use super::evaluate::at;
use super::graph::{Leaf, Node, Op};
use super::program::Array;
use chiliad_tasks::random::Stream;
use std::collections::BTreeMap;

/// Purpose word of the stream of test points.
const POINTS: u32 = 0x102;

/// What a check found.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Check {
    /// Points at which derivatives were compared.
    pub points: usize,
    /// Points left out because a kink lay within ten step sizes.
    pub near_kinks: usize,
    /// Largest |adjoint - finite difference| / max(1, |adjoint|).
    pub worst_error: f64,
    /// Which derivative that was.
    pub worst: String,
    /// Whether every derivative is finite at arguments of +-1e4 and at 0.
    pub finite_at_extremes: bool,
    /// Largest error of the f32 evaluation (the executors' formulas) against the f64 one, relative to max(1, |value|).
    pub worst_f32_error: f64,
}

impl Check {
    /// Whether the adjoint is right: compared somewhere, error below 1e-6, finite everywhere, f32 within 2e-5.
    pub fn passed(&self) -> bool {
        self.points > 0
            && self.worst_error < 1e-6
            && self.finite_at_extremes
            && self.worst_f32_error < 2e-5
    }
}

/// Compares, at `points` random points, the adjoints of state, drives and readout with central differences.
pub fn check(cell: &Cell, points: usize) -> Check {
    let mut result = Check {
        points: 0,
        near_kinks: 0,
        worst_error: 0.0,
        worst: "-".into(),
        finite_at_extremes: true,
        worst_f32_error: 0.0,
    };
    let roots = roots(cell);
    let leaves = leaves(cell);
    for i in 0..points {
        let point = random_point(cell, &leaves, i as u32);
        match compare(cell, &roots, &leaves, &point) {
            None => result.near_kinks += 1,
            Some((error, worst)) => {
                result.points += 1;
                if error > result.worst_error {
                    (result.worst_error, result.worst) = (error, worst);
                }
            }
        }
        for root in &roots {
            let exact = at::<f64>(&cell.graph, root.1, &|l| value(&point, l));
            let single = at::<f32>(&cell.graph, root.1, &|l| value(&point, l) as f32);
            result.worst_f32_error = result
                .worst_f32_error
                .max((f64::from(single) - exact).abs() / exact.abs().max(1.0));
        }
    }
    for extreme in [-1e4, -89.0, 0.0, 89.0, 1e4] {
        let point: BTreeMap<Leaf, f64> = leaves
            .iter()
            .map(|&l| {
                (
                    l,
                    if is_argument(l) {
                        extreme
                    } else {
                        base_value(cell, l)
                    },
                )
            })
            .collect();
        for (_, node) in cell
            .programs
            .next_adjoint_outputs
            .iter()
            .chain(cell.programs.drive_adjoint_outputs.iter().flatten())
        {
            let derivative = at::<f32>(&cell.graph, *node, &|l| value(&point, l) as f32);
            result.finite_at_extremes &= derivative.is_finite();
        }
    }
    result
}

/// The scalar functions of a step: L = sum of seed x next state + seed x output, and each drive times its seed.
fn roots(cell: &Cell) -> Vec<(Option<usize>, Node)> {
    let mut roots: Vec<(Option<usize>, Node)> = cell.next.iter().map(|&n| (None, n)).collect();
    roots.push((None, cell.output_next));
    roots.extend(
        cell.stages
            .iter()
            .enumerate()
            .map(|(s, stage)| (Some(s), stage.drive)),
    );
    roots
}

fn is_argument(leaf: Leaf) -> bool {
    matches!(leaf, Leaf::State(_) | Leaf::Gate(..) | Leaf::Noise(_))
}

fn leaves(cell: &Cell) -> Vec<Leaf> {
    let all: Vec<Node> = cell
        .programs
        .next_adjoint_outputs
        .iter()
        .chain(cell.programs.drive_adjoint_outputs.iter().flatten())
        .map(|o| o.1)
        .chain(roots(cell).into_iter().map(|r| r.1))
        .collect();
    let mut leaves: Vec<Leaf> = cell
        .graph
        .reachable(&all)
        .into_iter()
        .filter_map(|n| match cell.graph.op(n) {
            Op::Leaf(l) => Some(l),
            _ => None,
        })
        .collect();
    leaves.sort_unstable();
    leaves
}

fn base_value(cell: &Cell, leaf: Leaf) -> f64 {
    match leaf {
        Leaf::Constant(i) => cell.constants[usize::from(i)].1,
        Leaf::UnitCount => 7.0,
        Leaf::UnitIndex => 3.0,
        _ => 1.0,
    }
}

fn random_point(cell: &Cell, leaves: &[Leaf], index: u32) -> BTreeMap<Leaf, f64> {
    let stream = Stream::new(1, POINTS);
    let draw = |(k, &leaf): (usize, &Leaf)| {
        let normal = f64::from(stream.normal_at(index, k as u32));
        let value = match leaf {
            Leaf::Constant(_) | Leaf::UnitCount => base_value(cell, leaf),
            // Every unit in turn: what depends on the index is compared on both sides of it.
            Leaf::UnitIndex => f64::from(index) % base_value(cell, Leaf::UnitCount),
            _ => 1.5 * normal,
        };
        (leaf, value)
    };
    leaves.iter().enumerate().map(draw).collect()
}

fn value(point: &BTreeMap<Leaf, f64>, leaf: Leaf) -> f64 {
    point.get(&leaf).copied().unwrap_or(0.0)
}

/// Largest relative error at a point; `None` where a kink is near.
fn compare(
    cell: &Cell,
    roots: &[(Option<usize>, Node)],
    leaves: &[Leaf],
    point: &BTreeMap<Leaf, f64>,
) -> Option<(f64, String)> {
    let step = 1e-5;
    for node in cell
        .graph
        .reachable(&roots.iter().map(|r| r.1).collect::<Vec<_>>())
    {
        if let Op::Min(a, b) | Op::Max(a, b) | Op::Less(a, b) | Op::LessEqual(a, b) =
            cell.graph.op(node)
        {
            // Which unit it is and what the constants are moves nobody across: only arguments and parameters do.
            let moves = cell.graph.reachable(&[a, b]).into_iter().any(|n| {
                matches!(cell.graph.op(n), Op::Leaf(l) if is_argument(l) || matches!(l, Leaf::UnitParam(_)))
            });
            let distance = at::<f64>(&cell.graph, a, &|l| value(point, l))
                - at::<f64>(&cell.graph, b, &|l| value(point, l));
            if moves && distance.abs() < 100.0 * step {
                return None;
            }
        }
    }
    let step_value = |p: &BTreeMap<Leaf, f64>| -> f64 {
        let next: f64 = cell
            .next
            .iter()
            .enumerate()
            .map(|(f, &n)| {
                value(p, Leaf::AdjointState(f as u8)) * at::<f64>(&cell.graph, n, &|l| value(p, l))
            })
            .sum();
        next + value(p, Leaf::AdjointOutput)
            * at::<f64>(&cell.graph, cell.output_next, &|l| value(p, l))
    };
    let difference = |of: &dyn Fn(&BTreeMap<Leaf, f64>) -> f64, leaf: Leaf| {
        let moved = |by: f64| {
            let mut p = point.clone();
            *p.entry(leaf).or_insert(0.0) += by;
            of(&p)
        };
        (moved(step) - moved(-step)) / (2.0 * step)
    };
    let mut worst = (0.0, String::from("-"));
    let mut hold = |name: String, derived: f64, numeric: f64| {
        let error = (derived - numeric).abs() / derived.abs().max(1.0);
        if error >= worst.0 || error.is_nan() {
            worst = (if error.is_nan() { f64::INFINITY } else { error }, name);
        }
    };
    for (array, node) in &cell.programs.next_adjoint_outputs {
        if let Some(leaf) = leaf_of(*array) {
            let derived = at::<f64>(&cell.graph, *node, &|l| value(point, l));
            hold(
                format!("d next / d {leaf:?}"),
                derived,
                difference(&step_value, leaf),
            );
        }
    }
    for (s, outputs) in cell.programs.drive_adjoint_outputs.iter().enumerate() {
        let drive = cell.stages[s].drive;
        let seeded = |p: &BTreeMap<Leaf, f64>| {
            value(p, Leaf::AdjointDrive(s as u8)) * at::<f64>(&cell.graph, drive, &|l| value(p, l))
        };
        for (array, node) in outputs {
            if let Some(leaf) = leaf_of(*array) {
                let derived = at::<f64>(&cell.graph, *node, &|l| value(point, l));
                hold(
                    format!("d drive {s} / d {leaf:?}"),
                    derived,
                    difference(&seeded, leaf),
                );
            }
        }
    }
    debug_assert!(!leaves.is_empty());
    Some(worst)
}

/// The forward leaf whose adjoint an array holds.
fn leaf_of(array: Array) -> Option<Leaf> {
    match array {
        Array::AdjointPrevious(f) => Some(Leaf::State(f)),
        Array::Leaf(Leaf::AdjointGate(s, g)) => Some(Leaf::Gate(s, g)),
        Array::AdjointUnitParam(i) => Some(Leaf::UnitParam(i)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_passes_for_every_cell_and_activation() {
        for name in super::super::names() {
            for activation in super::super::activations() {
                let result = check(&Cell::builtin(name, activation).unwrap(), 50);
                println!("{name} {activation}: {result:?}");
                assert!(
                    result.passed() && result.points > 30,
                    "{name} {activation}: {result:?}"
                );
            }
        }
    }

    #[test]
    fn check_catches_a_wrong_adjoint() {
        let mut cell = Cell::builtin("gru", "tanh").unwrap();
        let (first, second) = (
            cell.programs.next_adjoint_outputs[0].1,
            cell.programs.next_adjoint_outputs[2].1,
        );
        cell.programs.next_adjoint_outputs[0].1 = second;
        assert!(first != second && !check(&cell, 20).passed());
    }

    #[test]
    fn compile_refuses_what_a_cell_may_not_contain() {
        let body = |next: &str| {
            format!(
                "struct State {{ h: f32 }}\nstruct Input {{ a: f32 }}\nfn input_drive(s: State) -> f32 {{ return s.h; }}\nfn next(s: State, p: Input) -> State {{\n{next}\n}}\n"
            )
        };
        let tanh = || super::super::Activation::builtin("tanh").unwrap();
        let error = |next: &str| {
            Cell::compile("mine", "mine.wgsl", &body(next), "", tanh())
                .unwrap_err()
                .to_string()
        };
        for (next, words) in [
            (
                "var x = 0.0;\nfor (var i = 0; i < 3; i++) { x += s.h; }\nreturn State(x);",
                ["mine.wgsl:6", "loop", "instead"],
            ),
            (
                "var x = 0.0;\nif (s.h > 0.0) { x = 1.0; }\nreturn State(x);",
                ["mine.wgsl:6", "if", "select"],
            ),
            ("return State(sin(p.a));", ["mine.wgsl:5", "sin", "instead"]),
            ("return State(p.b);", ["mine.wgsl:5", "b", ""]),
            ("return State(p.a)", ["mine.wgsl", ":", ""]),
        ] {
            let message = error(next);
            println!("{message}");
            assert!(words.iter().all(|w| message.contains(w)), "{message}");
        }
    }
}
