//! From the two files of a cell to everything the executors need.

use super::activation::Activation;
use super::graph::{Graph, Leaf, Node, Op};
use super::program::Programs;
use super::read::{Source, Value};
use super::sidecar::{self, CellSidecar, Term};
use crate::error::CellError;
use std::path::Path;

/// One pre-activation `P = W drive + V x + b` of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Name of the struct field, and the suffix of its tensors.
    pub name: String,
    /// Has `W drive`.
    pub recurrent: bool,
    /// Has `V x`.
    pub input: bool,
    /// Has `b`.
    pub bias: bool,
}

/// Gates that share a drive.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Name of the WGSL struct.
    pub name: String,
    /// Gates in the order of its fields.
    pub gates: Vec<Gate>,
    /// What the recurrent weights multiply.
    pub drive: Node,
}

/// A compiled cell with its activation.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Name.
    pub name: String,
    /// File the cell came from.
    pub file: String,
    /// WGSL text of the cell.
    pub wgsl: String,
    /// The sidecar.
    pub sidecar: CellSidecar,
    /// The activation linked in.
    pub activation: Activation,
    /// State fields; field 0 is what the readout sees unless the cell has an `output`.
    pub states: Vec<String>,
    /// Stages in the order in which they are computed.
    pub stages: Vec<Stage>,
    /// Noise variates.
    pub noise: Vec<String>,
    /// Scalar constants with their defaults, the activation's last.
    pub constants: Vec<(String, f64)>,
    /// Trainable per-unit parameters.
    pub unit_params: Vec<String>,
    /// The expressions.
    pub graph: Graph,
    /// State after the step, per field.
    pub next: Vec<Node>,
    /// What readout and loss see, as a function of the state.
    pub output: Node,
    /// The same as a function of what entered the step that made the state.
    pub output_next: Node,
    /// `c`, where field 0 of a one-field cell is `u h + (1 - u) c`: the fixed points are those of `c - h = 0`.
    pub candidate: Option<Node>,
    /// Bytecode.
    pub programs: Programs,
}

/// Bytes of a cell's file at most: compilers walk its expressions recursively.
const MOST_BYTES: usize = 16_384;

impl Cell {
    /// A cell of the library with an activation of the library.
    pub fn builtin(name: &str, activation: &str) -> Result<Self, CellError> {
        let found = chiliad_shaders::CELLS.iter().find(|f| f.name == name);
        let fragment = found.ok_or_else(|| super::unknown("cell", name, chiliad_shaders::CELLS))?;
        Self::compile(
            fragment.name,
            fragment.path,
            fragment.wgsl,
            fragment.sidecar,
            Activation::builtin(activation)?,
        )
    }

    /// A cell from a WGSL file; its sidecar is the `.ron` file of the same stem, if there is one.
    pub fn from_file(path: &Path, activation: &str) -> Result<Self, CellError> {
        let read = |p: &Path| {
            std::fs::read_to_string(p).map_err(|source| CellError::Read {
                file: p.display().to_string(),
                source,
            })
        };
        let wgsl = read(path)?;
        let beside = path.with_extension("ron");
        let sidecar = if beside.exists() {
            read(&beside)?
        } else {
            String::new()
        };
        let name = path
            .file_stem()
            .map_or_else(|| "cell".into(), |s| s.to_string_lossy().into_owned());
        Self::compile(
            &name,
            &path.display().to_string(),
            &wgsl,
            &sidecar,
            Activation::builtin(activation)?,
        )
    }

    /// A cell by name of the library, or by path when the name ends in `.wgsl`.
    pub fn find(name_or_path: &str, activation: &str) -> Result<Self, CellError> {
        if name_or_path.ends_with(".wgsl") {
            Self::from_file(Path::new(name_or_path), activation)
        } else {
            Self::builtin(name_or_path, activation)
        }
    }

    /// Compiles WGSL text and sidecar text; `file` is the name errors use.
    pub fn compile(
        name: &str,
        file: &str,
        wgsl: &str,
        sidecar_text: &str,
        mut activation: Activation,
    ) -> Result<Self, CellError> {
        if wgsl.len() > MOST_BYTES {
            return Err(CellError::Contract {
                file: file.into(),
                line: 1,
                message: format!("{} bytes; a cell has at most {MOST_BYTES}", wgsl.len()),
            });
        }
        let sidecar_file = file.replace(".wgsl", ".ron");
        let described: CellSidecar = sidecar::parse(&sidecar_file, sidecar_text)?;
        // The cell's own constants come first, so that linking another activation renumbers none of them.
        let own_constants = Source::parse(file, wgsl, Some(&activation))?
            .fields("Constants")?
            .unwrap_or_default();
        activation.constant_offset = own_constants.len() as u8;
        let source = Source::parse(file, wgsl, Some(&activation))?;
        let contract = |line: u32, message: String| CellError::Contract {
            file: file.into(),
            line,
            message,
        };
        let states = source
            .fields("State")?
            .filter(|s| !s.is_empty())
            .ok_or_else(|| {
                contract(
                    1,
                    "no `struct State { h: f32 }`: what a unit carries from step to step".into(),
                )
            })?;
        let noise = source.fields("Noise")?.unwrap_or_default();
        let unit_params = source.fields("UnitParams")?.unwrap_or_default();
        let unit = source.fields("Unit")?.unwrap_or_default();
        if let Some(other) = unit.iter().find(|f| *f != "index" && *f != "count") {
            return Err(contract(
                source.line_of("struct Unit"),
                format!("`Unit` has the fields `index` and `count`; there is no `{other}`"),
            ));
        }
        let mut constants = Vec::new();
        for constant in &own_constants {
            let value = described.constants.get(constant).copied();
            constants.push((constant.clone(), value.ok_or_else(|| contract(source.line_of(constant), format!("constant `{constant}` has no default: add `constants: {{ \"{constant}\": ... }}` to {sidecar_file}")))?));
        }
        for (constant, value) in &activation.constants {
            if own_constants.contains(constant) {
                return Err(contract(
                    source.line_of(constant),
                    format!(
                        "constant `{constant}` is also a constant of the activation `{}`: rename it",
                        activation.name
                    ),
                ));
            }
            constants.push((constant.clone(), *value));
        }
        let next_handle = source
            .function("next")
            .ok_or_else(|| contract(1, "no `fn next(s: State, ...) -> State`".into()))?;
        let next_types = source.argument_types(next_handle);
        let reserved = ["State", "Noise", "Constants", "UnitParams", "Unit"];
        let stage_names: Vec<String> = next_types
            .iter()
            .filter(|t| !reserved.contains(&t.as_str()))
            .cloned()
            .collect();
        if stage_names.is_empty() {
            return Err(contract(source.line_of("fn next"), "`next` takes no stage: declare `struct Input { a: f32 }`, `fn input_drive(s: State) -> f32`, and take it as an argument".into()));
        }

        let mut graph = Graph::default();
        let mut stages: Vec<Stage> = Vec::new();
        let arguments = |graph: &mut Graph,
                         stages: &[Stage],
                         handle: naga::Handle<naga::Function>|
         -> Result<Vec<Value>, CellError> {
            let function = source.module.functions[handle]
                .name
                .clone()
                .unwrap_or_default();
            source
                .argument_types(handle)
                .iter()
                .map(|ty| {
                    let leaves: Vec<Leaf> = match ty.as_str() {
                        "State" => (0..states.len()).map(|i| Leaf::State(i as u8)).collect(),
                        "Noise" => (0..noise.len()).map(|i| Leaf::Noise(i as u8)).collect(),
                        "Constants" => (0..own_constants.len()).map(|i| Leaf::Constant(i as u8)).collect(),
                        "UnitParams" => (0..unit_params.len()).map(|i| Leaf::UnitParam(i as u8)).collect(),
                        "Unit" => unit.iter().map(|f| if f == "index" { Leaf::UnitIndex } else { Leaf::UnitCount }).collect(),
                        stage => match stages.iter().position(|s| s.name == stage) {
                            Some(s) => (0..stages[s].gates.len()).map(|g| Leaf::Gate(s as u8, g as u8)).collect(),
                            None => return Err(contract(source.line_of(&format!("fn {function}")), format!("`{function}` takes a `{ty}`, which is neither State, Noise, Constants, UnitParams, Unit nor a stage computed before it"))),
                        },
                    };
                    Ok(Value::Struct(leaves.into_iter().map(|l| graph.leaf(l)).collect()))
                })
                .collect()
        };
        for stage in &stage_names {
            let drive_name = format!("{}_drive", snake_case(stage));
            let handle = source.function(&drive_name).ok_or_else(|| contract(source.line_of(&format!("struct {stage}")), format!("stage `{stage}` has no `fn {drive_name}(s: State) -> f32`: what its recurrent weights multiply")))?;
            let values = arguments(&mut graph, &stages, handle)?;
            let Value::Scalar(drive) = source.run(&mut graph, handle, &values)? else {
                return Err(contract(
                    source.line_of(&format!("fn {drive_name}")),
                    format!("`{drive_name}` must return an f32"),
                ));
            };
            let fields = source.fields(stage)?.unwrap_or_default();
            let gates = fields
                .into_iter()
                .map(|name| {
                    let lacks = |term| {
                        described
                            .lacks
                            .get(&name)
                            .is_some_and(|l| l.contains(&term))
                    };
                    Gate {
                        recurrent: !lacks(Term::Recurrent),
                        input: !lacks(Term::Input),
                        bias: !lacks(Term::Bias),
                        name,
                    }
                })
                .collect();
            stages.push(Stage {
                name: stage.clone(),
                gates,
                drive,
            });
        }
        let values = arguments(&mut graph, &stages, next_handle)?;
        let Value::Struct(next) = source.run(&mut graph, next_handle, &values)? else {
            return Err(contract(
                source.line_of("fn next"),
                "`next` must return a State".into(),
            ));
        };
        let output = match source.function("output") {
            None => graph.leaf(Leaf::State(0)),
            Some(handle) => {
                let values = arguments(&mut graph, &[], handle)?;
                match source.run(&mut graph, handle, &values)? {
                    Value::Scalar(node) => node,
                    _ => {
                        return Err(contract(
                            source.line_of("fn output"),
                            "`output` must return an f32".into(),
                        ));
                    }
                }
            }
        };
        let gate_names: Vec<&str> = stages
            .iter()
            .flat_map(|s| s.gates.iter().map(|g| g.name.as_str()))
            .collect();
        check_names(
            &described,
            &sidecar_file,
            &gate_names,
            &own_constants,
            &states,
            &unit_params,
        )?;
        if let Some(double) = gate_names
            .iter()
            .enumerate()
            .find(|(i, g)| gate_names[..*i].contains(g))
        {
            return Err(contract(
                source.line_of(double.1),
                format!(
                    "two gates are called `{}`: tensors are named by gate",
                    double.1
                ),
            ));
        }
        let copy = graph.clone();
        let output_next = graph.import(&copy, output, &mut |g, leaf| match leaf {
            Leaf::State(f) => next[f as usize],
            other => g.leaf(other),
        });
        let candidate = if next.len() == 1 {
            convex_candidate(&graph, next[0])
        } else {
            None
        };
        let programs = Programs::derive(
            &mut graph,
            &stages,
            &next,
            output,
            output_next,
            unit_params.len(),
        );
        Ok(Self {
            name: name.into(),
            file: file.into(),
            wgsl: wgsl.into(),
            sidecar: described,
            activation,
            states,
            stages,
            noise,
            constants,
            unit_params,
            graph,
            next,
            output,
            output_next,
            candidate,
            programs,
        })
    }

    /// All gates in the order of stages, with the stage's index.
    pub fn gates(&self) -> impl Iterator<Item = (usize, usize, &Gate)> {
        self.stages.iter().enumerate().flat_map(|(s, stage)| {
            stage
                .gates
                .iter()
                .enumerate()
                .map(move |(g, gate)| (s, g, gate))
        })
    }

    /// The state field a stage's drive simply is, if it is one.
    pub fn plain_drive(&self, stage: usize) -> Option<usize> {
        match self.graph.op(self.stages[stage].drive) {
            Op::Leaf(Leaf::State(f)) => Some(usize::from(f)),
            _ => None,
        }
    }

    /// The state field the readout simply sees, if it is one.
    pub fn plain_output(&self) -> Option<usize> {
        match self.graph.op(self.output) {
            Op::Leaf(Leaf::State(f)) => Some(usize::from(f)),
            _ => None,
        }
    }

    /// Default constants with some replaced; unknown names and values outside the sidecar's range are errors.
    pub fn constants_with(&self, given: &[(String, f64)]) -> Result<Vec<f32>, CellError> {
        let refuse = |name: &str, message: String| CellError::Constant {
            cell: self.name.clone(),
            name: name.into(),
            message,
        };
        let mut values: Vec<f32> = self.constants.iter().map(|c| c.1 as f32).collect();
        for (name, value) in given {
            let Some(i) = self.constants.iter().position(|c| c.0 == *name) else {
                let known: Vec<&str> = self.constants.iter().map(|c| c.0.as_str()).collect();
                return Err(refuse(
                    name,
                    format!("there is none of this name; known: [{}]", known.join(", ")),
                ));
            };
            let (low, high) = self
                .sidecar
                .ranges
                .get(name)
                .copied()
                .unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
            if !value.is_finite() || *value < low || *value > high {
                return Err(refuse(
                    name,
                    format!("{value} is outside the allowed range {low} to {high}"),
                ));
            }
            values[i] = *value as f32;
        }
        Ok(values)
    }
}

/// `c` where `node` is `u h + (1 - u) c` for the one state field `h`, whatever `u` is.
fn convex_candidate(graph: &Graph, node: Node) -> Option<Node> {
    let Op::Add(left, right) = graph.op(node) else {
        return None;
    };
    let factors = |n: Node| match graph.op(n) {
        Op::Mul(a, b) => Some([(a, b), (b, a)]),
        _ => None,
    };
    let one_minus = |n: Node| match graph.op(n) {
        Op::Sub(one, u) if graph.value(one) == Some(1.0) => Some(u),
        _ => None,
    };
    let is_state = |n: Node| matches!(graph.op(n), Op::Leaf(Leaf::State(0)));
    for (kept, fresh) in [(left, right), (right, left)] {
        for (weight, state) in factors(kept)? {
            if !is_state(state) {
                continue;
            }
            for (other, candidate) in factors(fresh)? {
                if one_minus(other) == Some(weight) || one_minus(weight) == Some(other) {
                    return Some(candidate);
                }
            }
        }
    }
    None
}

fn check_names(
    sidecar: &CellSidecar,
    file: &str,
    gates: &[&str],
    constants: &[String],
    states: &[String],
    unit_params: &[String],
) -> Result<(), CellError> {
    let refuse = |field: &str, name: &str, known: String| CellError::Contract {
        file: file.into(),
        line: 0,
        message: format!("{field}: there is no `{name}`; known: {known}"),
    };
    for (field, name) in sidecar
        .lacks
        .keys()
        .map(|k| ("lacks", k))
        .chain(sidecar.initial_bias.keys().map(|k| ("initial_bias", k)))
    {
        if !gates.contains(&name.as_str()) {
            return Err(refuse(field, name, gates.join(", ")));
        }
    }
    let sections: [(&str, Vec<&String>, &[String]); 4] = [
        ("constants", sidecar.constants.keys().collect(), constants),
        ("ranges", sidecar.ranges.keys().collect(), constants),
        ("box", sidecar.bounds.keys().collect(), states),
        (
            "initial_unit",
            sidecar.initial_unit.keys().collect(),
            unit_params,
        ),
    ];
    for (field, names, known) in sections {
        if let Some(name) = names.into_iter().find(|n| !known.contains(n)) {
            return Err(refuse(field, name, known.join(", ")));
        }
    }
    Ok(())
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compile_every_cell_with_every_activation() {
        for cell in super::super::names() {
            for activation in super::super::activations() {
                let cell = Cell::builtin(cell, activation).unwrap();
                println!(
                    "{} {}: tapes {}, taped gates {:?}, next {} backward {}",
                    cell.name,
                    activation,
                    cell.programs.n_tapes,
                    cell.programs.taped_gates,
                    cell.programs.next.instructions.len(),
                    cell.programs.next_adjoint.instructions.len()
                );
                assert!(!cell.programs.next.is_empty());
            }
        }
    }

    #[test]
    fn compile_sees_convex_updates() {
        for (name, convex) in [
            ("vanilla", false),
            ("ugrnn", true),
            ("gru", true),
            ("gru_reset_after", true),
            ("rate", true),
            ("lstm", false),
        ] {
            assert_eq!(
                Cell::builtin(name, "tanh").unwrap().candidate.is_some(),
                convex,
                "{name}"
            );
        }
    }
}
