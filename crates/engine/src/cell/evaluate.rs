//! Runs a program over blocks of values, in f32 or f64.

use super::graph::{Leaf, Node, Op, Primitive};
use super::program::{Array, Code, Program};
use super::{Cell, graph::Graph};
use crate::numerics::Real;
use std::collections::BTreeMap;
use std::ops::DerefMut;

/// Where an array of a program lies: which vector of the storage, from which element.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// Index into the storage.
    pub storage: usize,
    /// First element.
    pub offset: usize,
}

/// Storage of one array: a `Vec`, or one that begins where the executor wants it to.
pub trait Vector<T>: DerefMut<Target = [T]> + Default {}

impl<T, V: DerefMut<Target = [T]> + Default> Vector<T> for V {}

/// Values computed before any is stored: an instruction may overwrite its own operands.
const CHUNK: usize = 32;

/// Values that go through a function together: four registers of the widest kind.
const TOGETHER: usize = 64;

/// Runs a program over `len` values of every array; `places[i]` is where `program.arrays[i]` lies.
#[inline(always)]
pub fn run<T: Real, V: Vector<T>>(
    program: &Program,
    storage: &mut [V],
    places: &[Place],
    len: usize,
) {
    for i in &program.instructions {
        let (to, a, b, c) = (places[i.to], places[i.a], places[i.b], places[i.c]);
        match i.code {
            Code::Copy => unary(storage, to, a, len, |x| x),
            Code::Add => binary(storage, to, a, b, len, T::add),
            Code::Sub => binary(storage, to, a, b, len, T::sub),
            Code::Mul => binary(storage, to, a, b, len, T::mul),
            Code::Div => binary(storage, to, a, b, len, T::div),
            Code::Min => binary(storage, to, a, b, len, |x, y| if y < x { y } else { x }),
            Code::Max => binary(storage, to, a, b, len, |x, y| if x < y { y } else { x }),
            Code::Less => binary(storage, to, a, b, len, |x, y| {
                T::from_f64(if x < y { 1.0 } else { 0.0 })
            }),
            Code::LessEqual => binary(storage, to, a, b, len, |x, y| {
                T::from_f64(if x <= y { 1.0 } else { 0.0 })
            }),
            Code::Select => ternary(storage, to, [a, b, c], len, |x, y, z| {
                if x == T::default() { z } else { y }
            }),
            Code::MulAdd => ternary(storage, to, [a, b, c], len, T::mul_add),
            Code::NegMulAdd => ternary(storage, to, [a, b, c], len, |x, y, z| {
                T::default().sub(x).mul_add(y, z)
            }),
            Code::MulSub => ternary(storage, to, [a, b, c], len, |x, y, z| {
                x.mul_add(y, T::default().sub(z))
            }),
            Code::Call(Primitive::Tanh) => {
                unary(storage, to, a, len, |x| T::call(Primitive::Tanh, x));
            }
            Code::Call(Primitive::Sigmoid) => {
                unary(storage, to, a, len, |x| T::call(Primitive::Sigmoid, x));
            }
            Code::Call(Primitive::Softplus) => {
                unary(storage, to, a, len, |x| T::call(Primitive::Softplus, x));
            }
            Code::Call(Primitive::Exp) => {
                unary(storage, to, a, len, |x| T::call(Primitive::Exp, x));
            }
            Code::Call(Primitive::Log) => {
                unary(storage, to, a, len, |x| T::call(Primitive::Log, x));
            }
            Code::Call(Primitive::Sqrt) => {
                unary(storage, to, a, len, |x| T::call(Primitive::Sqrt, x));
            }
            Code::Call(Primitive::Erf) => {
                unary(storage, to, a, len, |x| T::call(Primitive::Erf, x));
            }
        }
    }
}

#[inline(always)]
fn unary<T: Real, V: Vector<T>>(
    storage: &mut [V],
    to: Place,
    a: Place,
    len: usize,
    f: impl Fn(T) -> T,
) {
    ternary(storage, to, [a, a, a], len, |x, _, _| f(x));
}

#[inline(always)]
fn binary<T: Real, V: Vector<T>>(
    storage: &mut [V],
    to: Place,
    a: Place,
    b: Place,
    len: usize,
    f: impl Fn(T, T) -> T,
) {
    ternary(storage, to, [a, b, b], len, |x, y, _| f(x, y));
}

#[inline(always)]
fn ternary<T: Real, V: Vector<T>>(
    storage: &mut [V],
    to: Place,
    operands: [Place; 3],
    len: usize,
    f: impl Fn(T, T, T) -> T,
) {
    if operands.iter().any(|p| p.storage == to.storage) {
        return in_place(storage, to, operands, len, f);
    }
    // The result's vector leaves the storage while it is written: no operand lies in it.
    let mut vector = std::mem::take(&mut storage[to.storage]);
    let [a, b, c] = operands;
    let x = &storage[a.storage][a.offset..][..len];
    let y = &storage[b.storage][b.offset..][..len];
    let z = &storage[c.storage][c.offset..][..len];
    let out = &mut vector[to.offset..][..len];
    // Long chains of dependent operations, as in tanh, leave the units idle unless several registers go through together.
    let mut chunks = out.chunks_exact_mut(TOGETHER);
    let operands = x
        .chunks_exact(TOGETHER)
        .zip(y.chunks_exact(TOGETHER))
        .zip(z.chunks_exact(TOGETHER));
    for (out, ((x, y), z)) in chunks.by_ref().zip(operands) {
        for k in 0..TOGETHER {
            out[k] = f(x[k], y[k], z[k]);
        }
    }
    let rest = len - len % TOGETHER;
    let out = chunks.into_remainder();
    for (((out, x), y), z) in out
        .iter_mut()
        .zip(&x[rest..])
        .zip(&y[rest..])
        .zip(&z[rest..])
    {
        *out = f(*x, *y, *z);
    }
    storage[to.storage] = vector;
}

/// The same where an operand lies in the result's vector: chunk by chunk through registers.
#[inline(always)]
fn in_place<T: Real, V: Vector<T>>(
    storage: &mut [V],
    to: Place,
    operands: [Place; 3],
    len: usize,
    f: impl Fn(T, T, T) -> T,
) {
    let [a, b, c] = operands;
    let mut start = 0;
    while start + CHUNK <= len {
        let mut out = [T::default(); CHUNK];
        let x = storage[a.storage][a.offset + start..].first_chunk::<CHUNK>();
        let y = storage[b.storage][b.offset + start..].first_chunk::<CHUNK>();
        let z = storage[c.storage][c.offset + start..].first_chunk::<CHUNK>();
        if let (Some(x), Some(y), Some(z)) = (x, y, z) {
            for k in 0..CHUNK {
                out[k] = f(x[k], y[k], z[k]);
            }
        }
        if let Some(target) = storage[to.storage][to.offset + start..].first_chunk_mut::<CHUNK>() {
            *target = out;
        }
        start += CHUNK;
    }
    for k in start..len {
        let value = f(
            storage[a.storage][a.offset + k],
            storage[b.storage][b.offset + k],
            storage[c.storage][c.offset + k],
        );
        storage[to.storage][to.offset + k] = value;
    }
}

/// The value of an expression at one point: the plain definition that everything else is held against.
pub fn at<T: Real>(graph: &Graph, root: Node, leaf: &dyn Fn(Leaf) -> T) -> T {
    let mut values: BTreeMap<Node, T> = BTreeMap::new();
    for node in graph.reachable(&[root]) {
        let v = |n: Node| values.get(&n).copied().unwrap_or_default();
        let truth = |holds: bool| T::from_f64(f64::from(u8::from(holds)));
        let value = match graph.op(node) {
            Op::Leaf(l) => leaf(l),
            Op::Literal(bits) => T::from_f64(f64::from_bits(bits)),
            Op::Add(a, b) => v(a).add(v(b)),
            Op::Sub(a, b) => v(a).sub(v(b)),
            Op::Mul(a, b) => v(a).mul(v(b)),
            Op::Div(a, b) => v(a).div(v(b)),
            Op::Min(a, b) => {
                if v(b) < v(a) {
                    v(b)
                } else {
                    v(a)
                }
            }
            Op::Max(a, b) => {
                if v(a) < v(b) {
                    v(b)
                } else {
                    v(a)
                }
            }
            Op::Less(a, b) => truth(v(a) < v(b)),
            Op::LessEqual(a, b) => truth(v(a) <= v(b)),
            Op::Select {
                condition,
                accept,
                reject,
            } => {
                if v(condition) == T::default() {
                    v(reject)
                } else {
                    v(accept)
                }
            }
            Op::Call(primitive, a) => T::call(primitive, v(a)),
        };
        values.insert(node, value);
    }
    values.get(&root).copied().unwrap_or_default()
}

/// Storage for programs without a time axis: one vector per distinct array, `len` values each.
#[derive(Clone, Debug)]
pub struct Workspace<T> {
    /// One vector per array.
    pub storage: Vec<Vec<T>>,
    index: BTreeMap<Array, usize>,
    len: usize,
}

impl<T: Real> Workspace<T> {
    /// Empty storage for blocks of `len` values.
    pub fn new(len: usize) -> Self {
        Self {
            storage: Vec::new(),
            index: BTreeMap::new(),
            len,
        }
    }

    /// Position of an array, made on first use; literals are filled in.
    pub fn array(&mut self, array: Array) -> usize {
        let (storage, len) = (&mut self.storage, self.len);
        *self.index.entry(array).or_insert_with(|| {
            let fill = match array {
                Array::Literal(bits) => T::from_f64(f64::from_bits(bits)),
                _ => T::default(),
            };
            storage.push(vec![fill; len]);
            storage.len() - 1
        })
    }

    /// Fills the arrays of constants (and unit index and count) of a cell.
    pub fn set_constants<C: Copy + Into<f64>>(
        &mut self,
        cell: &Cell,
        constants: &[C],
        units: usize,
    ) {
        for (i, &value) in constants.iter().enumerate().take(cell.constants.len()) {
            let at = self.array(Array::Leaf(Leaf::Constant(i as u8)));
            self.storage[at].fill(T::from_f64(value.into()));
        }
        let at = self.array(Array::Leaf(Leaf::UnitCount));
        self.storage[at].fill(T::from_f64(units as f64));
        let at = self.array(Array::Leaf(Leaf::UnitIndex));
        for (i, value) in self.storage[at].iter_mut().enumerate() {
            *value = T::from_f64((i % units) as f64);
        }
    }

    /// Places of a program's arrays in this workspace.
    pub fn places(&mut self, program: &Program) -> Vec<Place> {
        program
            .arrays
            .iter()
            .map(|&a| Place {
                storage: self.array(a),
                offset: 0,
            })
            .collect()
    }
}
