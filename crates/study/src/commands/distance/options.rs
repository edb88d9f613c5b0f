//! What can be asked of `distance`.

use super::super::refuse;
use super::metric::Metric;
use chiliad_analysis::distances::attractor::Density;
use chiliad_analysis::distances::dsa::{Conjugation, Delays, Fit, Rank};
use chiliad_analysis::distances::geometry::{Comparison, Dissimilarity};
use chiliad_analysis::reconstruction::Binning;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct DistanceArguments {
    /// What is compared, and how (docs/distances.md).
    #[arg(value_enum)]
    pub(super) metric: Metric,
    /// npy files: [sample, unit] or [trial, time, unit], square matrices for `weights`, `spectrum` and `conjugation`. Or
    /// folders of populations and studies, all networks of which are taken.
    #[arg(required = true)]
    pub(super) paths: Vec<PathBuf>,
    /// npy for the symmetric matrix of all pairs; labels and statistics go beside it, as .json.
    #[arg(long)]
    pub(super) out: Option<PathBuf>,
    /// Label, where a study has several; without it, all of them.
    #[arg(long)]
    pub(super) population: Option<String>,
    /// npz with `inputs` [trial, time, channel] on which the networks of folders are compared [default: the study's task].
    #[arg(long)]
    pub(super) trials: Option<PathBuf>,
    /// Trials taken from the study's task where none are given (project default).
    #[arg(long, default_value_t = 16)]
    pub(super) n_trials: usize,
    /// All fields of the state, as an LSTM's h and c, instead of the one that the readout sees.
    #[arg(long)]
    pub(super) all_states: bool,
    /// Gate whose recurrent weights `weights` and `spectrum` take from folders [default: the candidate of a gated cell].
    #[arg(long)]
    pub(super) gate: Option<String>,
    /// Inputs that drove both networks of `dsa-input`, npy [trial, time, channel].
    #[arg(long)]
    pub(super) inputs: Option<PathBuf>,
    /// Principal components kept [default: 10 for `trajectories`, `selectivity`, `endpoints`].
    #[arg(long)]
    components: Option<usize>,
    /// Share of the variance that `svcca` keeps [default: 0.99, where --components is not given].
    #[arg(long, conflicts_with = "components")]
    variance: Option<f64>,
    /// 1: orthogonal Procrustes; 0: whitened [default: 1].
    #[arg(long)]
    alpha: Option<f64>,
    /// Keep the means of units in `procrustes`.
    #[arg(long)]
    pub(super) uncentred: bool,
    /// Of two samples in `rsa` [default: squared-euclidean].
    #[arg(long, value_enum)]
    pub(super) dissimilarity: Option<DissimilarityName>,
    /// Of two networks in `rsa` [default: cosine].
    #[arg(long, value_enum)]
    pub(super) comparison: Option<ComparisonName>,
    /// States per row of the delay embedding [default: 1].
    #[arg(long)]
    delays: Option<usize>,
    /// Steps between them [default: 1].
    #[arg(long)]
    delay_interval: Option<usize>,
    /// Rank of the operators [default: all that the data have].
    #[arg(long, group = "ranks")]
    rank: Option<usize>,
    /// Rank by singular values above this.
    #[arg(long, group = "ranks")]
    rank_threshold: Option<f64>,
    /// Rank by this share of the squared singular values.
    #[arg(long, group = "ranks")]
    rank_variance: Option<f64>,
    /// Ridge of the regression [default: 1e-8].
    #[arg(long)]
    ridge: Option<f64>,
    /// Reduced-rank regression instead of regression on principal components.
    #[arg(long)]
    reduced_rank: bool,
    /// Starts of a search [default: 16 random ones for `dsa-procrustes` and `conjugation`, 32 in all for `weights`, 60 for
    /// `selectivity`].
    #[arg(long)]
    starts: Option<usize>,
    /// Of the densities in `d-stsp` [default: extended for less than 11 units, else mixture].
    #[arg(long, value_enum)]
    density: Option<DensityName>,
    /// Bins per unit in `d-stsp` [default: 30].
    #[arg(long)]
    bins: Option<u32>,
    /// Variance of every Gaussian in `d-stsp --density mixture` [default: 1].
    #[arg(long)]
    mixture_variance: Option<f64>,
    /// Width of the smoothing of spectra in `d-hellinger`, in bins [default: 20].
    #[arg(long)]
    pub(super) sigma: Option<f64>,
    /// Gigabytes that networks made ready may take; more is refused before anything is compared.
    #[arg(long, default_value_t = 8.0)]
    pub(super) memory_gb: f64,
    /// Neighbours that vote on a network's population, fewer where the smallest population has no more other networks
    /// (project default).
    #[arg(long, default_value_t = 5)]
    pub(super) neighbours: usize,
    /// Permutations behind each p.
    #[arg(long, default_value_t = 999)]
    pub(super) permutations: usize,
    /// Bootstrap samples of networks behind each interval.
    #[arg(long, default_value_t = 1000)]
    pub(super) samples: usize,
    /// Of all random numbers.
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
}

/// As in the library.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum DissimilarityName {
    SquaredEuclidean,
    Euclidean,
    Correlation,
}

/// As in the library.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum ComparisonName {
    Cosine,
    Pearson,
    Spearman,
    RhoA,
    TauB,
    TauA,
    WhitenedCosine,
    WhitenedPearson,
    Bures,
}

/// Histograms over one of three ranges, or a Gaussian at every state.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
pub(super) enum DensityName {
    /// Bins over the range and a tenth of a standard deviation more.
    Extended,
    /// Bins over two standard deviations about zero.
    TwoDeviations,
    /// Bins over the range, the first one left out.
    WithoutFirst,
    Mixture,
}

impl From<DissimilarityName> for Dissimilarity {
    fn from(name: DissimilarityName) -> Self {
        match name {
            DissimilarityName::SquaredEuclidean => Self::SquaredEuclidean,
            DissimilarityName::Euclidean => Self::Euclidean,
            DissimilarityName::Correlation => Self::Correlation,
        }
    }
}

impl From<ComparisonName> for Comparison {
    fn from(name: ComparisonName) -> Self {
        match name {
            ComparisonName::Cosine => Self::Cosine,
            ComparisonName::Pearson => Self::Pearson,
            ComparisonName::Spearman => Self::Spearman,
            ComparisonName::RhoA => Self::RhoA,
            ComparisonName::TauB => Self::TauB,
            ComparisonName::TauA => Self::TauA,
            ComparisonName::WhitenedCosine => Self::WhitenedCosine,
            ComparisonName::WhitenedPearson => Self::WhitenedPearson,
            ComparisonName::Bures => Self::Bures,
        }
    }
}

impl DistanceArguments {
    /// Refuses what the metric would not look at, so that nobody thinks it did.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        use Metric::{
            Conjugation, DHellinger, DStsp, DsaInput, DsaProcrustes, DsaWasserstein, Endpoints,
            Procrustes, Rsa, Selectivity, Spectrum, Svcca, Trajectories, Weights,
        };
        let fits = &[DsaProcrustes, DsaWasserstein, DsaInput][..];
        let given: [(&str, bool, &[Metric]); 20] = [
            (
                "--components",
                self.components.is_some(),
                &[Svcca, Trajectories, Selectivity, Endpoints],
            ),
            ("--variance", self.variance.is_some(), &[Svcca]),
            ("--alpha", self.alpha.is_some(), &[Procrustes]),
            ("--uncentred", self.uncentred, &[Procrustes]),
            ("--dissimilarity", self.dissimilarity.is_some(), &[Rsa]),
            ("--comparison", self.comparison.is_some(), &[Rsa]),
            ("--delays", self.delays.is_some(), fits),
            ("--delay-interval", self.delay_interval.is_some(), fits),
            ("--rank", self.rank.is_some(), fits),
            ("--rank-threshold", self.rank_threshold.is_some(), fits),
            ("--rank-variance", self.rank_variance.is_some(), fits),
            ("--ridge", self.ridge.is_some(), fits),
            (
                "--reduced-rank",
                self.reduced_rank,
                &[DsaProcrustes, DsaWasserstein],
            ),
            (
                "--starts",
                self.starts.is_some(),
                &[DsaProcrustes, Conjugation, Weights, Selectivity],
            ),
            ("--inputs", self.inputs.is_some(), &[DsaInput]),
            ("--density", self.density.is_some(), &[DStsp]),
            ("--bins", self.bins.is_some(), &[DStsp]),
            (
                "--mixture-variance",
                self.mixture_variance.is_some(),
                &[DStsp],
            ),
            ("--sigma", self.sigma.is_some(), &[DHellinger]),
            ("--gate", self.gate.is_some(), &[Weights, Spectrum]),
        ];
        for (option, is_given, metrics) in given {
            if is_given && !metrics.contains(&self.metric) {
                let names: Vec<String> = metrics.iter().map(ToString::to_string).collect();
                return refuse(format!(
                    "{option}: `{}` does not use it; allowed with: {}",
                    self.metric,
                    names.join(", ")
                ));
            }
        }
        for (option, value) in [
            ("--n-trials", self.n_trials),
            ("--neighbours", self.neighbours),
            ("--samples", self.samples),
        ] {
            if value == 0 {
                return refuse(format!("{option} 0; allowed: 1 or more"));
            }
        }
        if self.memory_gb.is_nan() || self.memory_gb <= 0.0 {
            return refuse(format!("--memory-gb {}; allowed: above 0", self.memory_gb));
        }
        let mixture = self.density == Some(DensityName::Mixture);
        if self.bins.is_some() && (mixture || self.density.is_none()) {
            return refuse(
                "--bins: give --density extended, two-deviations or without-first".into(),
            );
        }
        if self.bins == Some(0) {
            return refuse("--bins 0; allowed: 1 or more".into());
        }
        if self.mixture_variance.is_some() && !mixture {
            return refuse("--mixture-variance: give --density mixture".into());
        }
        if let Some(v) = self
            .mixture_variance
            .filter(|v| !(v.is_finite() && *v > 0.0))
        {
            return refuse(format!("--mixture-variance {v}; allowed: above 0"));
        }
        if let Some(out) = &self.out {
            if out.is_dir() || out.extension().is_none_or(|e| e != "npy") {
                return refuse(format!(
                    "--out {}; allowed: a file that ends in .npy; labels go beside it as .json",
                    out.display()
                ));
            }
        }
        Ok(())
    }

    pub(super) fn alpha(&self) -> f64 {
        self.alpha.unwrap_or(1.0)
    }

    pub(super) fn components(&self) -> Option<usize> {
        self.components
    }

    pub(super) fn variance(&self) -> f64 {
        self.variance.unwrap_or(0.99)
    }

    pub(super) fn starts(&self, default: usize) -> usize {
        self.starts.unwrap_or(default)
    }

    pub(super) fn conjugation(&self) -> Conjugation {
        Conjugation {
            starts: self.starts(Conjugation::default().starts),
            seed: self.seed,
        }
    }

    pub(super) fn density(&self) -> Option<Density> {
        let bins = |binning| Density::Bins {
            binning,
            bins: self.bins.unwrap_or(30),
            smoothing: 1e-5,
        };
        self.density.map(|name| match name {
            DensityName::Extended => bins(Binning::Extended),
            DensityName::TwoDeviations => bins(Binning::TwoDeviations),
            DensityName::WithoutFirst => bins(Binning::WithoutFirst),
            DensityName::Mixture => Density::Mixture {
                variance: self.mixture_variance.unwrap_or(1.0),
                samples: 1000,
                seed: self.seed,
            },
        })
    }

    pub(super) fn fit(&self) -> Fit {
        let rank = match (self.rank, self.rank_threshold, self.rank_variance) {
            (Some(r), ..) => Rank::Number(r),
            (_, Some(least), _) => Rank::Threshold(least),
            (.., Some(share)) => Rank::Variance(share),
            _ => Rank::Full,
        };
        let default = Fit::default();
        Fit {
            delays: Delays {
                number: self.delays.unwrap_or(1),
                interval: self.delay_interval.unwrap_or(1),
            },
            rank,
            ridge: self.ridge.unwrap_or(default.ridge),
            reduced_rank: self.reduced_rank,
            ..default
        }
    }

    /// What was asked, for the record.
    pub(super) fn options(&self) -> Value {
        json!({
            "trials": self.trials, "n_trials": self.n_trials, "all_states": self.all_states, "gate": self.gate,
            "components": self.components, "variance": self.variance, "alpha": self.alpha, "uncentred": self.uncentred,
            "dissimilarity": self.dissimilarity.map(Dissimilarity::from), "comparison": self.comparison.map(Comparison::from),
            "delays": self.delays, "delay_interval": self.delay_interval, "rank": self.rank,
            "rank_threshold": self.rank_threshold, "rank_variance": self.rank_variance, "ridge": self.ridge,
            "density": self.density(), "sigma": self.sigma, "reduced_rank": self.reduced_rank, "starts": self.starts, "neighbours": self.neighbours,
            "permutations": self.permutations, "samples": self.samples, "seed": self.seed,
        })
    }
}
