#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]
use chiliad::known_points::KnownPoints;
use chiliad::study::TopologyPlan;
use chiliad::topology::{Measure, measure};
use chiliad_analysis::topology::Landscape;
use chiliad_engine::{cpu::CpuExecutor, files::own};
use std::path::PathBuf;
fn main() {
    let executor = CpuExecutor::new(None).unwrap();
    let task = chiliad_tasks::Task::builtin("flip_flop").unwrap();
    let driven = chiliad::engine_calls::trials_of(&task, 256, 0).unwrap();
    let judged = task.sample("train", 256, 0x6a75_6467_6564).unwrap();
    let plan = TopologyPlan {
        directions: 64,
        amplitude: 1e-3,
        trials: 256,
        grace: 3,
    };
    for label in std::env::args().skip(2) {
        let folder = PathBuf::from(std::env::args().nth(1).unwrap())
            .join("populations")
            .join(&label);
        let population = own::load(&folder.join("weights.safetensors")).unwrap();
        let known = KnownPoints::read(&folder, &population).unwrap();
        let table = chiliad::tables::Table::from_bytes(
            std::fs::read(folder.join("fixed_points.parquet")).unwrap(),
            &folder,
        )
        .unwrap();
        let arrays = chiliad_tasks::read_npz(folder.join("fixed_points.npz")).unwrap();
        let census =
            serde_json::from_slice(&std::fs::read(folder.join("census.json")).unwrap()).unwrap();
        let all: Vec<Vec<Landscape>> =
            chiliad::topology::of_files(&table, &arrays, &census).unwrap();
        let _ = known;
        for n in 0..population.n_networks {
            let one = population.select(&[n]);
            let start = cpu();
            let what = Measure {
                plan: &plan,
                driven: Some(&driven),
                judged: Some(&judged),
                seed: 0,
            };
            let file = measure(
                &executor,
                &one,
                &[n],
                vec![all[n].clone()],
                &what,
                &mut |_| (),
            )
            .unwrap();
            let text = serde_json::to_string(&file).unwrap();
            let g = &file.networks[0];
            println!(
                "{label} {n} cpu {:.2} nodes {} edges {} unresolved {} fidelity {:?} hash {:x}",
                cpu() - start,
                g.graph.nodes.len(),
                g.graph.edges.len(),
                g.graph.unresolved,
                g.automaton_fidelity,
                hash(&text)
            );
        }
    }
}
fn hash(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut h = DefaultHasher::new();
    text.hash(&mut h);
    h.finish()
}
/// Seconds of CPU of this process.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let rest: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    (rest[11].parse::<f64>().unwrap() + rest[12].parse::<f64>().unwrap()) / 100.0
}
