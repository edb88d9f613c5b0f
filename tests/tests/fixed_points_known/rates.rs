//! Rate networks: eigenvalues of the flow, many stable points.

use super::networks::{assert_held, assert_states, by_unstable, near, population, search};
use chiliad_engine::fixed_points::{Options, Verdict, Visited, find};

#[test]
fn a_rate_network_has_the_eigenvalues_of_its_flow() {
    let w = [
        0.0,
        0.108215145067,
        0.431397319744,
        -0.764847394097,
        0.148639500938,
        0.0,
        0.497871649325,
        -0.382391555644,
        0.108215145067,
        0.431397319744,
        0.0,
        -0.200003917380,
        0.244116900360,
        0.497871649325,
        0.191195777822,
        0.0,
    ];
    let w_in = [
        0.716120922347,
        0.333541265381,
        0.333541265381,
        0.238542551655,
        0.104003001360,
        0.884068114660,
        0.238542551655,
        0.441799986477,
    ];
    let b = [
        0.084147098481,
        0.090929742683,
        0.014112000806,
        -0.075680249531,
    ];
    type Known = (&'static str, [f64; 4], Vec<[f64; 2]>, f64);
    let known: [Known; 2] = [
        (
            "relu",
            [0.351047414, 0.370971005, 0.385524285, 0.498144191],
            vec![
                [-0.762765172, 0.533407510],
                [-0.762765172, -0.533407510],
                [-1.052361592, 0.0],
                [-1.422108064, 0.0],
            ],
            0.925262292,
        ),
        (
            "tanh",
            [0.359079771, 0.363833520, 0.372612378, 0.457450861],
            vec![
                [-0.794151960, 0.433465213],
                [-0.794151960, -0.433465213],
                [-1.046040245, 0.0],
                [-1.365655834, 0.0],
            ],
            0.921604743,
        ),
    ];
    for (activation, state, eigenvalues, radius) in known {
        let rate = population(
            "rate",
            activation,
            4,
            2,
            1,
            &[("w_rec.a", &w), ("w_in.a", &w_in), ("bias.a", &b)],
        );
        let found = find(
            &rate,
            0,
            &[0.5, 0.25],
            0,
            &Visited::none(),
            &Options::default(),
        )
        .expect("the search runs");
        assert_states(&found, &[state.to_vec()], 1e-6);
        near(found.points[0].spectrum.radius, radius, 1e-6);
        for value in eigenvalues {
            let of_map = [1.0 + 0.1 * value[0], 0.1 * value[1]];
            assert!(
                found.points[0]
                    .spectrum
                    .eigenvalues
                    .iter()
                    .any(|v| (v[0] - of_map[0]).hypot(v[1] - of_map[1]) < 1e-6),
                "{of_map:?}"
            );
        }
        assert_eq!(
            found.certificate.verdict,
            if activation == "relu" {
                Verdict::NotApplicable
            } else {
                Verdict::Held
            }
        );
    }
}

#[test]
fn a_steep_sigmoid_rate_network_has_the_eigenvalues_of_its_flow() {
    let w = [
        0.0,
        0.108215145067,
        0.431397319744,
        -0.764847394097,
        0.148639500938,
        0.0,
        0.497871649325,
        -0.382391555644,
        0.108215145067,
        0.431397319744,
        0.0,
        -0.200003917380,
        0.244116900360,
        0.497871649325,
        0.191195777822,
        0.0,
    ];
    let w_in = [
        0.716120922347,
        0.333541265381,
        0.333541265381,
        0.238542551655,
        0.104003001360,
        0.884068114660,
        0.238542551655,
        0.441799986477,
    ];
    let b = [
        0.084147098481,
        0.090929742683,
        0.014112000806,
        -0.075680249531,
    ];
    let mut rate = population(
        "rate",
        "sigmoid",
        4,
        2,
        1,
        &[("w_rec.a", &w), ("w_in.a", &w_in), ("bias.a", &b)],
    );
    rate.constants = rate
        .architecture
        .cell
        .constants_with(&[("slope".into(), 7.5)])
        .expect("the constant exists");
    let found = find(
        &rate,
        0,
        &[0.5, 0.25],
        0,
        &Visited::none(),
        &Options::default(),
    )
    .expect("the search runs");
    assert_states(
        &found,
        &[vec![0.901137028, 0.985422952, 0.989785646, 0.999630912]],
        1e-6,
    );
    near(found.points[0].spectrum.radius, 0.908257725, 1e-6);
    for value in [
        [-0.917422754, 0.0],
        [-0.999314057, 0.0],
        [-1.041631594, 0.016593060],
    ] {
        assert!(
            found.points[0]
                .spectrum
                .eigenvalues
                .iter()
                .any(|v| (v[0] - 1.0 - 0.1 * value[0]).hypot(v[1] - 0.1 * value[1]) < 1e-6)
        );
    }
    assert_held(&found);
}

#[test]
fn multistable_rate_networks_have_nine_points() {
    let square = |w: &[f64]| search(&population("rate", "tanh", 2, 1, 1, &[("w_rec.a", w)]));
    let found = square(&[2.0, 0.0, 0.0, 2.0]);
    assert_eq!(by_unstable(&found), [4, 4, 1]);
    assert!(
        found
            .points
            .iter()
            .flat_map(|p| &p.state)
            .all(|x| x.abs() < 1e-9 || (x.abs() - 0.957_504_024_077_269).abs() < 1e-7)
    );
    near(
        found.points[0].spectrum.radius,
        1.0 - 0.083_362_791_224_8,
        1e-6,
    );
    assert_held(&found);
    let found = square(&[1.8, 0.4, 0.4, 1.8]);
    let (a, b, c, d) = (0.972_688_031, 0.814_528_531, 0.882_351_805, 0.504_860_047);
    let expected = [
        [a, a],
        [-a, -a],
        [b, -b],
        [-b, b],
        [c, -d],
        [-c, d],
        [d, -c],
        [-d, c],
        [0.0, 0.0],
    ]
    .map(|p| p.to_vec());
    assert_states(&found, &expected, 1e-6);
    assert_held(&found);
}
