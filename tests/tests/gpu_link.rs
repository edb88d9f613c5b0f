//! Ring 0, no device: every kernel of every cell at every kind of size links, validates and stays within WebGPU's limits.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_engine::cell::{self, Cell};
use chiliad_engine::executor::Order;
use chiliad_engine::gpu::{
    Geometry, Linked, Piece, Plan, Reflection, Stage, Variant, link, link_plain,
};
use chiliad_engine::population::{Architecture, Layout};
use chiliad_engine::recipe::Loss;
use std::sync::Arc;

fn architecture(cell: &str, activation: &str, units: usize) -> Architecture {
    Architecture {
        cell: Arc::new(Cell::builtin(cell, activation).unwrap()),
        units,
        inputs: 3,
        outputs: 2,
    }
}

#[test]
fn link_validates_every_kernel_of_every_cell() {
    for cell in cell::names() {
        for units in [1, 7, 32, 64, 255, 256] {
            for stage in Stage::ALL {
                let architecture = architecture(cell, "sigmoid", units);
                let layout = Layout::new(&architecture);
                let geometry = Geometry::new(&architecture, &layout, 64, stage.backward());
                let variant = Variant {
                    order: Order::Drawn,
                    ..Variant::default()
                };
                let linked = link(stage, &architecture, &layout, &geometry, &variant).unwrap();
                let reflection = Reflection::read(&linked)
                    .unwrap_or_else(|e| panic!("{cell} {units} {stage:?}: {e}"));
                reflection
                    .check(stage.name(), &wgpu::Limits::default())
                    .unwrap();
                assert!(
                    reflection
                        .slots
                        .iter()
                        .all(|s| s.name != "dims" || s.least_bytes == 96)
                );
                let unused: Vec<&str> = reflection
                    .slots
                    .iter()
                    .filter(|s| !s.used)
                    .map(|s| s.name.as_str())
                    .collect();
                // The constants and the noise of a network are read only by cells that have them.
                assert!(
                    unused.iter().all(|n| *n == "networks"),
                    "{cell} {stage:?}: {unused:?}"
                );
            }
        }
    }
}

#[test]
fn link_validates_every_variant_of_the_recipe() {
    let architecture = architecture("gru", "tanh", 33);
    let layout = Layout::new(&architecture);
    for stage in [
        Stage::Materialise,
        Stage::TrainStep,
        Stage::PullBack,
        Stage::Optimise,
        Stage::Evaluate,
    ] {
        for loss in [Loss::MaskedMean, Loss::AllMean, Loss::CrossEntropy] {
            for (constrained, activity) in [(true, false), (false, true), (true, true)] {
                // Forced states, and matrix programs, with one of the others each.
                let (forced, matrices) = (activity, constrained.then_some([9000, 70, 5]));
                let (batch, backward) = (64, stage.backward());
                let geometry = Geometry::forced(&architecture, &layout, batch, backward, forced);
                let variant = Variant {
                    order: Order::Drawn,
                    loss,
                    constrained,
                    activity,
                    dimension: activity && !constrained,
                    own: None,
                    matrices,
                };
                let linked = link(stage, &architecture, &layout, &geometry, &variant).unwrap();
                let reflection = Reflection::read(&linked)
                    .unwrap_or_else(|e| panic!("{stage:?} {variant:?}: {e}"));
                reflection
                    .check(stage.name(), &wgpu::Limits::default())
                    .unwrap();
            }
        }
    }
}

#[test]
fn link_error_names_fragment_and_line() {
    let header = Piece {
        path: "header".into(),
        wgsl: "const A: u32 = 1u;".into(),
    };
    let bad = |body: &str| Piece {
        path: "kernels/bad.wgsl".into(),
        wgsl: format!("// one\nfn bad() -> f32 {{\n    return {body};\n}}\n"),
    };
    for (body, line) in [("B", 3), ("1u", 3)] {
        let message = Linked::new("bad", &[header.clone(), bad(body)])
            .validate()
            .unwrap_err()
            .to_string();
        assert!(
            message.contains(&format!("kernels/bad.wgsl:{line}")),
            "{message}"
        );
    }
}

#[test]
fn reflect_refuses_what_is_above_the_limits() {
    let kernel = |floats: usize, lanes: usize| {
        let wgsl = format!(
            "var<workgroup> big: array<f32, {floats}>;\n@group(0) @binding(0) var<storage, read_write> out: array<f32>;\n\
             @compute @workgroup_size({lanes}) fn planted() {{ big[0] = 1.0; workgroupBarrier(); out[0] = big[0]; }}"
        );
        Reflection::read(&Linked::new(
            "planted",
            &[Piece {
                path: "planted".into(),
                wgsl,
            }],
        ))
        .unwrap()
    };
    let limits = wgpu::Limits::default();
    assert_eq!(kernel(5120, 64).workgroup_bytes, 20_480);
    let message = kernel(5120, 64)
        .check("planted", &limits)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("20480") && message.contains("16384"),
        "{message}"
    );
    kernel(4096, 256).check("planted", &limits).unwrap();
    assert!(
        kernel(16, 257)
            .check("planted", &limits)
            .unwrap_err()
            .to_string()
            .contains("257")
    );
    let nine: String = (0..9)
        .map(|i| format!("@group(0) @binding({i}) var<storage, read_write> b{i}: array<f32>;\n"))
        .collect();
    let uses: String = (0..9).map(|i| format!("b{i}[0] = 1.0; ")).collect();
    let wgsl = format!("{nine}@compute @workgroup_size(1) fn nine() {{ {uses} }}");
    let nine = Linked::new(
        "nine",
        &[Piece {
            path: "nine".into(),
            wgsl,
        }],
    );
    assert!(
        Reflection::read(&nine)
            .unwrap()
            .check("nine", &limits)
            .unwrap_err()
            .to_string()
            .contains("9 storage buffers")
    );
}

#[test]
fn reflect_names_what_it_does_not_bind() {
    let reflection = Reflection::read(&link_plain("threefry_words").unwrap()).unwrap();
    let message = reflection
        .slot("threefry_words", "wrods")
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("wrods") && message.contains("counters, words"),
        "{message}"
    );
}

/// 4,096 networks of 64 units on 64 trials of 100 steps: every binding within WebGPU's 128 MiB, and what is planned in all
/// is little more than the networks themselves and one binding of history.
#[test]
fn plan_of_a_large_population_stays_within_the_limits() {
    let limits = wgpu::Limits::default();
    let binding = limits.max_storage_buffer_binding_size as usize;
    assert_eq!(binding, 128 << 20);
    let (n, units, batch, n_steps) = (4096, 64, 64, 100);
    for cell in cell::names() {
        let architecture = architecture(cell, "tanh", units);
        let layout = Layout::new(&architecture);
        let geometry = Geometry::new(&architecture, &layout, batch, true);
        let plan = Plan::new(&geometry, n, batch, n_steps, &limits).unwrap();
        println!("{cell}: {plan}");
        assert!((1..=n).contains(&plan.chunk) && plan.slots >= 1);
        for per_binding in [
            plan.chunk * geometry.weights * 16,
            plan.chunk * layout.n_params * 8,
            plan.chunk * plan.tiles * (layout.n_params + 2) * 4,
            plan.slots * plan.bytes_per_slot,
        ] {
            assert!(per_binding <= binding, "{cell}: {per_binding}");
        }
        // Parameters, two moments, record and status for all; weights, partial gradients and history one binding each at most.
        let held = n * (layout.n_params * 12 + 64);
        assert!(
            plan.bytes <= held + 3 * binding + (1 << 20),
            "{cell}: {plan}"
        );
    }
}
