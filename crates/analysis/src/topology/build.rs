//! From fixed points to the graph.

use super::Options;
use super::closure::missing;
use super::flow::{Flow, distance};
use super::graph::{Edge, EdgeKind, Graph, Node, NodeKind};
use super::inputs::{self, Move};
use super::manifold::{Manifold, Points, follow};
use chiliad_engine::error::EngineError;
use chiliad_engine::fixed_points::FixedPoints;
use chiliad_engine::map::Map;
use chiliad_engine::population::Population;
use chiliad_tasks::random::Stream;
use std::collections::BTreeSet;

/// Purpose word of the directions on unstable spheres.
const DIRECTIONS: u32 = 0x380;

/// What a fixed-point search left of one network at one constant input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Landscape {
    /// The constant input, `[channel]`.
    pub input: Vec<f32>,
    /// Fixed points, `[field, unit]` each.
    pub points: Vec<Vec<f64>>,
    /// Unstable directions of each.
    pub unstable: Vec<usize>,
    /// Root mean square norm of the visited states.
    pub state_scale: f64,
    /// End states of trials, `[field, unit]` each; none where nothing was driven.
    pub driven: Vec<Vec<f64>>,
}

impl Landscape {
    /// Of a search, with the end states of the trials.
    #[must_use]
    pub fn of(found: &FixedPoints, driven: Vec<Vec<f64>>) -> Self {
        Self {
            input: found.input.clone(),
            points: found.points.iter().map(|p| p.state.clone()).collect(),
            unstable: found.points.iter().map(|p| p.spectrum.n_unstable).collect(),
            state_scale: found.state_scale,
            driven,
        }
    }

    /// Distance of every point to the nearest other one, at most the state scale.
    fn nearest(&self) -> Vec<f64> {
        let points = &self.points;
        (0..points.len())
            .map(|a| {
                (0..points.len())
                    .filter(|&b| b != a)
                    .map(|b| distance(&points[a], &points[b]))
                    .fold(self.state_scale, f64::min)
            })
            .collect()
    }

    /// The network at this input, with its stable points for attractors.
    pub(crate) fn flow<'a>(&self, map: &'a Map, options: &'a Options) -> Flow<'a> {
        let stable: Vec<usize> = (0..self.points.len())
            .filter(|&p| self.unstable[p] == 0)
            .collect();
        Flow::new(
            map,
            &self.points,
            &stable,
            &self.nearest(),
            self.state_scale,
            options,
        )
    }
}

/// The graph of network `network`, one landscape per constant input. A pure function of its arguments: networks are
/// independent, build many in parallel.
///
/// Under a single constant input the edges of inputs are unit pulses on every channel, else changes of the input.
///
/// # Errors
///
/// Those of [`Map::new`], and [`EngineError::Shape`] where a state has the wrong length.
pub fn build(
    population: &Population,
    network: usize,
    landscapes: &[Landscape],
    options: &Options,
) -> Result<Graph, EngineError> {
    let maps = landscapes
        .iter()
        .map(|l| Map::new(population, network, &l.input))
        .collect::<Result<Vec<Map>, _>>()?;
    // The same draws for all points and networks: the same network in another order of its units gets the same graph.
    let stream = Stream::new(options.seed, DIRECTIONS);
    let (mut flows, mut manifolds, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    for (c, (map, landscape)) in maps.iter().zip(landscapes).enumerate() {
        check(map, landscape)?;
        let points = Points {
            states: &landscape.points,
            unstable: &landscape.unstable,
            nearest: landscape.nearest(),
        };
        let mut flow = landscape.flow(map, options);
        let mut of_points = vec![Manifold::default(); landscape.points.len()];
        let mut by_index: Vec<usize> = (0..landscape.points.len())
            .filter(|&p| landscape.unstable[p] > 0)
            .collect();
        by_index.sort_by_key(|&p| (landscape.unstable[p], p));
        let of_condition = stream.child(c as u32, 0);
        for p in by_index {
            of_points[p] = follow(&mut flow, &points, p, &of_points, &of_condition, options);
        }
        ended.push(flow.ends(&landscape.driven));
        flows.push(flow);
        manifolds.push(of_points);
    }
    let moves = match &mut flows[..] {
        [one] => inputs::pulses(one, population, network, &landscapes[0].input)?,
        several => inputs::changes(several),
    };
    let mut graph = Graph::default();
    let mut places = Vec::new();
    for (c, flow) in flows.iter_mut().enumerate() {
        let of_points = &manifolds[c];
        places.push(condition(
            &mut graph,
            c,
            flow,
            &landscapes[c],
            of_points,
            &ended[c],
            options,
        ));
    }
    let kind = if flows.len() == 1 {
        EdgeKind::Pulse
    } else {
        EdgeKind::Condition
    };
    graph.edges.extend(moves.into_iter().map(|m: Move| Edge {
        from: places[m.from.0].attractors[m.from.1],
        to: places[m.to.0].attractors[m.to.1],
        kind,
        share: None,
        input: Some(m.input),
    }));
    graph
        .edges
        .sort_by(|a, b| (a.from, a.kind, &a.input, a.to).cmp(&(b.from, b.kind, &b.input, b.to)));
    Ok(graph)
}

fn check(map: &Map, landscape: &Landscape) -> Result<(), EngineError> {
    let n = map.n_state();
    let wrong = landscape
        .points
        .iter()
        .chain(&landscape.driven)
        .find(|s| s.len() != n || s.iter().any(|x| !x.is_finite()));
    if wrong.is_none() && landscape.unstable.len() == landscape.points.len() {
        return Ok(());
    }
    Err(EngineError::Shape {
        operation: "topology",
        what: "a state".into(),
        found: format!(
            "{} numbers, or one that is not finite",
            wrong.map_or(landscape.unstable.len(), Vec::len)
        ),
        expected: format!("{n} finite numbers (state fields times units)"),
    })
}

/// Where points and attractors of a condition stand among the nodes.
struct Places {
    attractors: Vec<usize>,
}

/// Nodes of one condition, and the edges of its unstable manifolds.
fn condition(
    graph: &mut Graph,
    c: usize,
    flow: &mut Flow,
    landscape: &Landscape,
    manifolds: &[Manifold],
    ended: &[usize],
    options: &Options,
) -> Places {
    let first = graph.nodes.len();
    let share =
        |a: usize| ended.iter().filter(|e| **e == a).count() as f64 / ended.len().max(1) as f64;
    for (p, state) in landscape.points.iter().enumerate() {
        let readout = flow.map.readout(&mut flow.scratch, state);
        graph.nodes.push(node(c, readout, options));
        let node = &mut graph.nodes[first + p];
        node.index = landscape.unstable[p];
        (node.kind, node.period, node.point) = (NodeKind::Saddle, 1, Some(p));
    }
    let mut attractors = Vec::with_capacity(flow.attractors.len());
    for a in 0..flow.attractors.len() {
        let attractor = flow.attractors[a].clone();
        let place = match attractor.point {
            Some(p) => first + p,
            None => {
                let mut mean: Vec<f64> = Vec::new();
                for state in &attractor.orbit {
                    let y = flow.map.readout(&mut flow.scratch, state);
                    mean.resize(y.len(), 0.0);
                    mean.iter_mut()
                        .zip(y)
                        .for_each(|(m, y)| *m += y / attractor.orbit.len() as f64);
                }
                graph.nodes.push(node(c, mean, options));
                graph.nodes.len() - 1
            }
        };
        attractors.push(place);
        let node = &mut graph.nodes[place];
        node.kind = attractor.kind;
        node.share = share(a);
        node.reached = (!ended.is_empty()).then_some(node.share > 0.0);
        match attractor.kind {
            NodeKind::Stable => node.period = 1,
            NodeKind::Cycle => {
                node.period = attractor.orbit.len();
                node.label = format!("period-{} {}", node.period, node.label);
            }
            NodeKind::Diverged => node.label = "diverged".into(),
            NodeKind::Other | NodeKind::Saddle => {
                node.period = 0;
                (node.readout, node.rounded) = (Vec::new(), Vec::new());
                node.label = "not settled".into();
            }
        }
        let missed = attractor.kind == NodeKind::Stable && attractor.point.is_none();
        graph.missed_by_search += usize::from(missed);
    }
    graph.joined += flow.joined;
    for (p, manifold) in manifolds.iter().enumerate() {
        if landscape.unstable[p] == 0 {
            continue;
        }
        graph.unresolved += manifold.unresolved;
        let ends = || manifold.ends.iter().map(|a| attractors[*a]);
        let labels: BTreeSet<&str> = ends().map(|n| graph.nodes[n].label.as_str()).collect();
        let label = labels.into_iter().collect::<Vec<_>>().join("|");
        let all_reached = ends().all(|n| graph.nodes[n].reached == Some(true));
        let driven = !ended.is_empty();
        let is_point = |a: usize| flow.attractors[a].kind == NodeKind::Stable;
        let missing = missing(p, manifold, manifolds, &landscape.unstable, &is_point);
        let node = &mut graph.nodes[first + p];
        node.label = label;
        node.missing = missing;
        node.reached = driven.then_some(all_reached && !manifold.ends.is_empty());
        for a in &manifold.ends {
            let to = attractors[*a];
            let share = manifold.shares.get(a).copied().unwrap_or(0.0);
            let kind = match graph.nodes[to].kind {
                NodeKind::Stable if landscape.unstable[p] == 1 => EdgeKind::End,
                NodeKind::Stable => EdgeKind::Share,
                _ => EdgeKind::LeadsToCycle,
            };
            graph.edges.push(edge(first + p, to, kind, Some(share)));
        }
        for &link in &manifold.links {
            let kind = if link == p {
                EdgeKind::Homoclinic
            } else {
                EdgeKind::Link
            };
            graph.edges.push(edge(first + p, first + link, kind, None));
        }
    }
    Places { attractors }
}

fn edge(from: usize, to: usize, kind: EdgeKind, share: Option<f64>) -> Edge {
    Edge {
        from,
        to,
        kind,
        share,
        input: None,
    }
}

fn node(condition: usize, readout: Vec<f64>, options: &Options) -> Node {
    let sign = |y: &f64| match y {
        y if y.abs() < options.none_within => '0',
        y if *y < 0.0 => '-',
        _ => '+',
    };
    Node {
        condition,
        kind: NodeKind::Saddle,
        index: 0,
        period: 1,
        point: None,
        label: readout.iter().map(sign).collect(),
        reached: None,
        share: 0.0,
        missing: None,
        rounded: readout.iter().map(|y| round(*y)).collect(),
        readout,
    }
}

/// The nearest of -1, 0 and 1.
pub(crate) fn round(y: f64) -> i8 {
    y.round().clamp(-1.0, 1.0) as i8
}
