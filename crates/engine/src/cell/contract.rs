//! From the two files of a cell to a [`Cell`]: what the contract asks of them is checked by name and line.

use super::activation::Activation;
use super::compile::{Cell, Gate, Stage};
use super::graph::{Graph, Leaf, Node, Op};
use super::programs::Programs;
use super::read::Source;
use super::run::Value;
use super::sidecar::{self, CellSidecar, Term};
use crate::error::CellError;
use naga::{Function, Handle};

/// Bytes of a cell's file at most: compilers walk its expressions recursively.
const MOST_BYTES: usize = 16_384;

/// What `next` may take besides its stages.
const RESERVED: [&str; 5] = ["State", "Noise", "Constants", "UnitParams", "Unit"];

impl Cell {
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
        let sidecar = sidecar::parse(&sidecar_file, sidecar_text)?;
        // The cell's own constants come first, so that linking another activation renumbers none of them.
        let own_constants = Source::parse(file, wgsl, Some(&activation))?
            .fields("Constants")?
            .unwrap_or_default();
        activation.constant_offset = own_constants.len() as u8;
        let source = Source::parse(file, wgsl, Some(&activation))?;
        let files = Files::read(&source, &sidecar, &sidecar_file, own_constants)?;
        let constants = files.constants_with(&activation)?;

        let mut graph = Graph::default();
        let (stages, next) = files.step(&mut graph)?;
        let output = files.output(&mut graph)?;
        files.check_names(&stages)?;
        let copy = graph.clone();
        let output_next = graph.import(&copy, output, &mut |g, leaf| match leaf {
            Leaf::State(f) => next[f as usize],
            other => g.leaf(other),
        });
        let candidate = match next[..] {
            [next] => convex_candidate(&graph, next),
            _ => None,
        };
        let n_unit_params = files.unit_params.len();
        let programs = Programs::derive(
            &mut graph,
            &stages,
            &next,
            output,
            output_next,
            n_unit_params,
        );
        let Files {
            states,
            noise,
            unit_params,
            ..
        } = files;
        Ok(Self {
            name: name.into(),
            file: file.into(),
            wgsl: wgsl.into(),
            sidecar,
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
}

/// What the two files declare.
struct Files<'a> {
    source: &'a Source<'a>,
    sidecar: &'a CellSidecar,
    sidecar_file: &'a str,
    states: Vec<String>,
    noise: Vec<String>,
    unit_params: Vec<String>,
    unit: Vec<String>,
    own_constants: Vec<String>,
}

impl<'a> Files<'a> {
    fn read(
        source: &'a Source<'a>,
        sidecar: &'a CellSidecar,
        sidecar_file: &'a str,
        own_constants: Vec<String>,
    ) -> Result<Self, CellError> {
        let declared = |name: &str| source.fields(name).map(Option::unwrap_or_default);
        let files = Self {
            states: declared("State")?,
            noise: declared("Noise")?,
            unit_params: declared("UnitParams")?,
            unit: declared("Unit")?,
            own_constants,
            source,
            sidecar,
            sidecar_file,
        };
        if files.states.is_empty() {
            let lacking = "no `struct State { h: f32 }`: what a unit carries from step to step";
            return Err(files.broken(1, lacking.into()));
        }
        if let Some(other) = files.unit.iter().find(|f| *f != "index" && *f != "count") {
            let message =
                format!("`Unit` has the fields `index` and `count`; there is no `{other}`");
            return Err(files.broken(source.line_of("struct Unit"), message));
        }
        Ok(files)
    }

    fn broken(&self, line: u32, message: String) -> CellError {
        CellError::Contract {
            file: self.source.file.into(),
            line,
            message,
        }
    }

    /// Constants with their defaults, the activation's last.
    fn constants_with(&self, activation: &Activation) -> Result<Vec<(String, f64)>, CellError> {
        let mut constants = Vec::new();
        for constant in &self.own_constants {
            let Some(&value) = self.sidecar.constants.get(constant) else {
                let message = format!(
                    "constant `{constant}` has no default: add `constants: {{ \"{constant}\": ... }}` to {}",
                    self.sidecar_file
                );
                return Err(self.broken(self.source.line_of(constant), message));
            };
            constants.push((constant.clone(), value));
        }
        for (constant, value) in &activation.constants {
            if self.own_constants.contains(constant) {
                let message = format!(
                    "constant `{constant}` is also a constant of the activation `{}`: rename it",
                    activation.name
                );
                return Err(self.broken(self.source.line_of(constant), message));
            }
            constants.push((constant.clone(), *value));
        }
        Ok(constants)
    }

    /// What a function is called with.
    fn arguments(
        &self,
        graph: &mut Graph,
        stages: &[Stage],
        handle: Handle<Function>,
    ) -> Result<Vec<Value>, CellError> {
        let all =
            |n: usize, leaf: &dyn Fn(u8) -> Leaf| (0..n as u8).map(leaf).collect::<Vec<Leaf>>();
        let mut values = Vec::new();
        for ty in self.source.argument_types(handle) {
            let leaves = match ty.as_str() {
                "State" => all(self.states.len(), &Leaf::State),
                "Noise" => all(self.noise.len(), &Leaf::Noise),
                "Constants" => all(self.own_constants.len(), &Leaf::Constant),
                "UnitParams" => all(self.unit_params.len(), &Leaf::UnitParam),
                "Unit" => {
                    let leaf = |f: &String| match f.as_str() {
                        "index" => Leaf::UnitIndex,
                        _ => Leaf::UnitCount,
                    };
                    self.unit.iter().map(leaf).collect()
                }
                stage => {
                    let Some(s) = stages.iter().position(|s| s.name == stage) else {
                        let function = &self.source.module.functions[handle].name;
                        let function = function.as_deref().unwrap_or_default();
                        return Err(self.broken(
                            self.source.line_of(&format!("fn {function}")),
                            format!("`{function}` takes a `{ty}`, which is neither State, Noise, Constants, UnitParams, Unit nor a stage computed before it"),
                        ));
                    };
                    all(stages[s].gates.len(), &|g| Leaf::Gate(s as u8, g))
                }
            };
            values.push(Value::Struct(
                leaves.into_iter().map(|l| graph.leaf(l)).collect(),
            ));
        }
        Ok(values)
    }

    /// The stages that `next` takes, and the state it returns, per field.
    fn step(&self, graph: &mut Graph) -> Result<(Vec<Stage>, Vec<Node>), CellError> {
        let next = self
            .source
            .function("next")
            .ok_or_else(|| self.broken(1, "no `fn next(s: State, ...) -> State`".into()))?;
        let line = self.source.line_of("fn next");
        let types = self.source.argument_types(next);
        let names: Vec<&String> = types
            .iter()
            .filter(|t| !RESERVED.contains(&t.as_str()))
            .collect();
        if names.is_empty() {
            return Err(self.broken(line, "`next` takes no stage: declare `struct Input { a: f32 }`, `fn input_drive(s: State) -> f32`, and take it as an argument".into()));
        }
        let mut stages = Vec::new();
        for name in names {
            let stage = self.stage(graph, &stages, name)?;
            stages.push(stage);
        }
        let values = self.arguments(graph, &stages, next)?;
        match self.source.run(graph, next, &values)? {
            Value::Struct(fields) => Ok((stages, fields)),
            _ => Err(self.broken(line, "`next` must return a State".into())),
        }
    }

    fn stage(&self, graph: &mut Graph, before: &[Stage], name: &str) -> Result<Stage, CellError> {
        let function = format!("{}_drive", snake_case(name));
        let handle = self.source.function(&function).ok_or_else(|| {
            self.broken(
                self.source.line_of(&format!("struct {name}")),
                format!("stage `{name}` has no `fn {function}(s: State) -> f32`: what its recurrent weights multiply"),
            )
        })?;
        let values = self.arguments(graph, before, handle)?;
        let Value::Scalar(drive) = self.source.run(graph, handle, &values)? else {
            return Err(self.broken(
                self.source.line_of(&format!("fn {function}")),
                format!("`{function}` must return an f32"),
            ));
        };
        let gate = |name: String| {
            let lacks = |term| {
                self.sidecar
                    .lacks
                    .get(&name)
                    .is_some_and(|l| l.contains(&term))
            };
            let sum = self.sidecar.sums.contains(&name);
            Gate {
                recurrent: sum || !lacks(Term::Recurrent),
                sum,
                input: !sum && !lacks(Term::Input),
                bias: !sum && !lacks(Term::Bias),
                name,
            }
        };
        let fields = self.source.fields(name)?.unwrap_or_default();
        Ok(Stage {
            name: name.to_owned(),
            gates: fields.into_iter().map(gate).collect(),
            drive,
        })
    }

    /// What the readout sees of a state.
    fn output(&self, graph: &mut Graph) -> Result<Node, CellError> {
        let Some(handle) = self.source.function("output") else {
            return Ok(graph.leaf(Leaf::State(0)));
        };
        let values = self.arguments(graph, &[], handle)?;
        match self.source.run(graph, handle, &values)? {
            Value::Scalar(node) => Ok(node),
            _ => Err(self.broken(
                self.source.line_of("fn output"),
                "`output` must return an f32".into(),
            )),
        }
    }

    /// Every name in the sidecar must be one of the cell's, and no two gates may share one.
    fn check_names(&self, stages: &[Stage]) -> Result<(), CellError> {
        let gates = stages.iter().flat_map(|s| &s.gates);
        let gates: Vec<String> = gates.map(|g| g.name.clone()).collect();
        fn keys<V>(map: &std::collections::BTreeMap<String, V>) -> Vec<&String> {
            map.keys().collect()
        }
        let sections: [(&str, Vec<&String>, &[String]); 7] = [
            ("sums", self.sidecar.sums.iter().collect(), &gates),
            ("lacks", keys(&self.sidecar.lacks), &gates),
            ("initial_bias", keys(&self.sidecar.initial_bias), &gates),
            (
                "constants",
                keys(&self.sidecar.constants),
                &self.own_constants,
            ),
            ("ranges", keys(&self.sidecar.ranges), &self.own_constants),
            ("box", keys(&self.sidecar.bounds), &self.states),
            (
                "initial_unit",
                keys(&self.sidecar.initial_unit),
                &self.unit_params,
            ),
        ];
        for (field, names, known) in sections {
            if let Some(name) = names.into_iter().find(|n| !known.contains(n)) {
                let known = known.join(", ");
                return Err(CellError::Contract {
                    file: self.sidecar_file.into(),
                    line: 0,
                    message: format!("{field}: there is no `{name}`; known: {known}"),
                });
            }
        }
        let double = gates
            .iter()
            .enumerate()
            .find(|(i, g)| gates[..*i].contains(g));
        match double {
            Some((_, name)) => Err(self.broken(
                self.source.line_of(name),
                format!("two gates are called `{name}`: tensors are named by gate"),
            )),
            None => Ok(()),
        }
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
