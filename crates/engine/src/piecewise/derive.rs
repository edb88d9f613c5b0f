//! The piecewise linear form of a network, read off its cell's expressions and weights.
//!
//! Every expression of every unit is carried as `z . x + kinks . r + c`, with `r_k = max(a_k, 0)`. Sums, products with
//! constants, `max`, `min` and continuous `select`s stay in that form; anything else is refused by name.

use super::PiecewiseLinear;
use crate::cell::graph::{Graph, Leaf, Node, Op};
use crate::cell::program::Array;
use crate::error::EngineError;
use crate::map::Map;
use crate::numerics::Real;
use std::collections::BTreeMap;

/// `z . x + kinks . r + constant`; kinks that were found later weigh 0.
#[derive(Clone, Debug, Default)]
struct Affine {
    z: Vec<f64>,
    kinks: Vec<f64>,
    constant: f64,
}

impl Affine {
    fn number(constant: f64) -> Self {
        Self {
            constant,
            ..Self::default()
        }
    }

    fn as_number(&self) -> Option<f64> {
        (self.is_smooth() && self.z.iter().all(|x| *x == 0.0)).then_some(self.constant)
    }

    fn is_smooth(&self) -> bool {
        self.kinks.iter().all(|x| *x == 0.0)
    }

    fn add(&mut self, factor: f64, other: &Self) {
        for (to, from) in [(&mut self.z, &other.z), (&mut self.kinks, &other.kinks)] {
            if to.len() < from.len() {
                to.resize(from.len(), 0.0);
            }
            to.iter_mut().zip(from).for_each(|(x, y)| *x += factor * y);
        }
        self.constant += factor * other.constant;
    }

    fn minus(&self, other: &Self) -> Self {
        let mut difference = self.clone();
        difference.add(-1.0, other);
        difference
    }

    fn times(&self, factor: f64) -> Self {
        let mut scaled = Self::default();
        scaled.add(factor, self);
        scaled
    }

    /// All coefficients, for comparisons.
    fn coefficients(&self) -> impl Iterator<Item = f64> {
        let kinks = self.kinks.iter().copied();
        self.z.iter().copied().chain(kinks).chain([self.constant])
    }
}

/// Kinks found so far: `C` and `d`, row by row.
#[derive(Default)]
struct Kinks {
    rows: Vec<Affine>,
}

impl Kinks {
    /// `max(argument, 0)`
    fn ramp(&mut self, argument: &Affine, n_state: usize) -> Result<Affine, String> {
        if let Some(value) = argument.as_number() {
            return Ok(Affine::number(value.max(0.0)));
        }
        if !argument.is_smooth() {
            return Err("has a kink whose place depends on another kink".into());
        }
        let mut argument = argument.clone();
        argument.z.resize(n_state, 0.0);
        argument.kinks.clear();
        // One orientation per hyperplane: max(-a, 0) = max(a, 0) - a.
        let flipped = argument
            .z
            .iter()
            .find(|x| **x != 0.0)
            .is_some_and(|x| *x < 0.0);
        if flipped {
            argument = argument.times(-1.0);
        }
        let known = self
            .rows
            .iter()
            .position(|r| r.z == argument.z && r.constant.to_bits() == argument.constant.to_bits());
        let index = known.unwrap_or_else(|| {
            self.rows.push(argument.clone());
            self.rows.len() - 1
        });
        let mut ramp = Affine::default();
        ramp.kinks.resize(index + 1, 0.0);
        ramp.kinks[index] = 1.0;
        if flipped {
            ramp.add(-1.0, &argument);
        }
        Ok(ramp)
    }

    /// `accept` where `a < b`, else `reject`: continuous only if they differ by a multiple of `b - a`.
    fn select(
        &mut self,
        (a, b): (&Affine, &Affine),
        accept: &Affine,
        reject: &Affine,
        n_state: usize,
    ) -> Result<Affine, String> {
        let (gap, change) = (b.minus(a), accept.minus(reject));
        let largest = |x: &Affine| x.coefficients().fold(0.0_f64, |m, v| m.max(v.abs()));
        let size = largest(&gap);
        let slope = gap
            .z
            .iter()
            .chain([&gap.constant])
            .zip(change.z.iter().chain([&change.constant]))
            .find(|(g, _)| g.abs() == size)
            .map_or(0.0, |(g, c)| c / g);
        let rest = largest(&change.minus(&gap.times(slope)));
        if rest > 1e-12 * (largest(accept) + largest(reject)) {
            return Err("has a `select` that jumps".into());
        }
        let mut value = reject.clone();
        value.add(slope, &self.ramp(&gap, n_state)?);
        Ok(value)
    }
}

impl PiecewiseLinear {
    /// The form of a network at a constant input. Refused, with the reason, where a cell is not piecewise linear or has
    /// kinks of kinks (two layers of them in one step).
    pub fn of(map: &Map) -> Result<Self, EngineError> {
        let refuse = |what: String| EngineError::Unsupported {
            executor: "the piecewise linear form",
            what: format!(
                "cell `{}` with `{}` {what}",
                map.cell().name,
                map.cell().activation.name
            ),
            allowed:
                "one layer of kinks: sums, products with constants, max, min, continuous select"
                    .into(),
        };
        let (cell, n) = (map.cell(), map.n_units());
        let n_state = map.n_state();
        let graph = &cell.graph;
        let mut leaves = map.template();
        let mut kinks = Kinks::default();
        let mut gates: BTreeMap<(u8, u8), Vec<Affine>> = BTreeMap::new();
        let mut of_units = |roots: &[Node],
                            gates: &BTreeMap<(u8, u8), Vec<Affine>>,
                            kinks: &mut Kinks|
         -> Result<Vec<Vec<Affine>>, String> {
            let order = graph.reachable(roots);
            let mut values: Vec<Vec<Affine>> = vec![Vec::with_capacity(n); roots.len()];
            for unit in 0..n {
                let mut known: BTreeMap<Node, Affine> = BTreeMap::new();
                for &node in &order {
                    let value = match graph.op(node) {
                        Op::Leaf(Leaf::State(f)) => {
                            let mut z = vec![0.0; n_state];
                            z[usize::from(f) * n + unit] = 1.0;
                            Affine {
                                z,
                                ..Affine::default()
                            }
                        }
                        Op::Leaf(Leaf::Gate(s, g)) => gates
                            .get(&(s, g))
                            .map(|g| g[unit].clone())
                            .ok_or("reads a gate before its stage")?,
                        Op::Leaf(Leaf::Noise(_)) => Affine::number(0.0),
                        Op::Leaf(leaf) => {
                            let at = leaves.array(Array::Leaf(leaf));
                            Affine::number(leaves.storage[at][unit])
                        }
                        _ => match combine(graph, node, &known, kinks, n_state)? {
                            Some(value) => value,
                            None => continue,
                        },
                    };
                    known.insert(node, value);
                }
                for (to, root) in values.iter_mut().zip(roots) {
                    to.push(known.get(root).cloned().unwrap_or_default());
                }
            }
            Ok(values)
        };
        let names: Vec<(usize, usize)> = cell.gates().map(|(s, g, _)| (s, g)).collect();
        for (s, stage) in cell.stages.iter().enumerate() {
            let drive = of_units(&[stage.drive], &gates, &mut kinks)
                .map_err(refuse)?
                .remove(0);
            for (weights, &(of, g)) in map.weights().iter().zip(&names) {
                if of != s {
                    continue;
                }
                let stride = crate::map::dense::stride(n);
                let rows = (0..n).map(|i| {
                    let mut sum = Affine::number(weights.constant[i]);
                    if !weights.rows.is_empty() {
                        for (w, d) in weights.rows[i * stride..].iter().zip(&drive) {
                            sum.add(*w, d);
                        }
                    }
                    sum
                });
                gates.insert((s as u8, g as u8), rows.collect());
            }
        }
        let next = of_units(&cell.next, &gates, &mut kinks)
            .map_err(refuse)?
            .concat();
        // A kink of a branch that is taken nowhere weighs nothing, and would double the regions for nothing.
        let weight = |row: &Affine, k: usize| row.kinks.get(k).copied().unwrap_or(0.0);
        let used: Vec<usize> = (0..kinks.rows.len())
            .filter(|&k| next.iter().any(|row| weight(row, k) != 0.0))
            .collect();
        let mut form = (Vec::new(), Vec::new(), Vec::new());
        for mut row in next {
            row.z.resize(n_state, 0.0);
            form.2.extend(used.iter().map(|&k| weight(&row, k)));
            form.0.extend(row.z);
            form.1.push(row.constant);
        }
        let kinks = || used.iter().map(|&k| &kinks.rows[k]);
        let normals: Vec<f64> = kinks().flat_map(|r| r.z.clone()).collect();
        let offsets: Vec<f64> = kinks().map(|r| r.constant).collect();
        Self::new(&form.0, &form.1, &form.2, &normals, &offsets)
    }
}

/// The value of a node whose operands are known; `None` for a comparison that depends on the state: only `select` may use it.
fn combine(
    graph: &Graph,
    node: Node,
    known: &BTreeMap<Node, Affine>,
    kinks: &mut Kinks,
    n_state: usize,
) -> Result<Option<Affine>, String> {
    let at = |n: Node| {
        let value = known.get(&n).cloned();
        value.ok_or_else(|| "uses a comparison of states as a number".to_owned())
    };
    let op = graph.op(node);
    Ok(Some(match op {
        Op::Leaf(_) => Affine::default(),
        Op::Literal(bits) => Affine::number(f64::from_bits(bits)),
        Op::Add(a, b) => {
            let mut sum = at(a)?;
            sum.add(1.0, &at(b)?);
            sum
        }
        Op::Sub(a, b) => at(a)?.minus(&at(b)?),
        Op::Mul(a, b) => {
            let (a, b) = (at(a)?, at(b)?);
            match (a.as_number(), b.as_number()) {
                (Some(x), _) => b.times(x),
                (_, Some(x)) => a.times(x),
                _ => return Err("multiplies two values that depend on the state".into()),
            }
        }
        Op::Div(a, b) => match at(b)?.as_number() {
            Some(x) => at(a)?.times(1.0 / x),
            None => return Err("divides by a value that depends on the state".into()),
        },
        Op::Max(a, b) => {
            let (a, mut larger) = (at(a)?, at(b)?);
            larger.add(1.0, &kinks.ramp(&a.minus(&larger), n_state)?);
            larger
        }
        Op::Min(a, b) => {
            let mut smaller = at(a)?;
            smaller.add(-1.0, &kinks.ramp(&smaller.minus(&at(b)?), n_state)?);
            smaller
        }
        Op::Less(a, b) | Op::LessEqual(a, b) => match at(a)?.minus(&at(b)?).as_number() {
            Some(x) => {
                let holds = x < 0.0 || (x == 0.0 && matches!(op, Op::LessEqual(..)));
                Affine::number(f64::from(u8::from(holds)))
            }
            None => return Ok(None),
        },
        Op::Select {
            condition,
            accept,
            reject,
        } => {
            let (accept, reject) = (at(accept)?, at(reject)?);
            match (known.get(&condition), graph.op(condition)) {
                (Some(value), _) => match value.as_number() {
                    Some(0.0) => reject,
                    Some(_) => accept,
                    None => return Err("has a `select` that jumps".into()),
                },
                (None, Op::Less(a, b) | Op::LessEqual(a, b)) => {
                    kinks.select((&at(a)?, &at(b)?), &accept, &reject, n_state)?
                }
                _ => return Err("has a `select` without a plain comparison".into()),
            }
        }
        Op::Call(primitive, a) => match at(a)?.as_number() {
            Some(x) => Affine::number(<f64 as Real>::call(primitive, x)),
            None => return Err(format!("applies {primitive:?} to the state")),
        },
    }))
}
