//! A recipe in words, for the methods paragraph.

use super::RecipePlan;
use chiliad_engine::population::initialise::Initial;
use chiliad_engine::recipe::{Loss, Optimiser, Schedule};

impl RecipePlan {
    /// Loss, optimiser and whatever differs from the defaults.
    pub fn words(&self) -> String {
        let loss = match self.loss {
            Loss::MaskedMean => "the masked mean-squared error",
            Loss::AllMean => "the mean-squared error over all entries, masked or not",
            Loss::CrossEntropy => "the cross-entropy of the softmax of the outputs",
        };
        let mut words = format!("{loss}; {}", optimiser(&self.optimiser));
        if self.schedule != Schedule::Constant {
            words += &format!(", step size scheduled as {:?}", self.schedule);
        }
        if self.noise_schedule != Schedule::Constant {
            words += &format!(", noise scheduled as {:?}", self.noise_schedule);
        }
        if let Some(value) = self.clip_value {
            words += &format!(", entries of the gradient limited to {value}");
        }
        for penalty in &self.penalties {
            words += &format!(", penalty {}", penalty.name());
        }
        if !self.observe.is_empty() {
            words += &format!(
                ", the last outputs being the states of units {:?}",
                self.observe
            );
        }
        if let Some(forcing) = &self.forcing {
            words += &format!(", teacher forcing {forcing:?}");
        }
        let r = &self.restriction;
        if let Some(dale) = r.dale {
            words += &format!(", Dale's law by {:?}", dale.by)
                .to_lowercase()
                .replace("dale", "Dale");
        }
        if let Some(areas) = &r.areas {
            words += &format!(", areas of {:?} units", areas.units);
        }
        if let Some(masks) = &r.masks {
            let given = [
                ("recurrent", masks.recurrent.is_some()),
                ("input", masks.input.is_some()),
                ("readout", masks.readout.is_some()),
            ];
            let names: Vec<&str> = given.iter().filter(|g| g.1).map(|g| g.0).collect();
            words += &format!(", weights masked: {}", names.join(", "));
        }
        if !r.autapses {
            words += ", no autapses";
        }
        for (what, parts) in [
            ("not negative", &r.non_negative),
            ("not trained", &r.frozen),
        ] {
            if !parts.is_empty() {
                words += &format!(", {what}: {parts:?}").to_lowercase();
            }
        }
        if r.antisymmetric {
            words += ", antisymmetric recurrent weights";
        }
        if !r.silenced.is_empty() {
            words += &format!(", silenced units {:?}", r.silenced);
        }
        if self.initial != Initial::VarianceScaled {
            words += &format!(", initial weights {:?}", self.initial);
        }
        words
    }
}

fn optimiser(optimiser: &Optimiser) -> String {
    match *optimiser {
        Optimiser::Adam {
            beta1,
            beta2,
            epsilon,
        }
        | Optimiser::AdamW {
            beta1,
            beta2,
            epsilon,
        }
        | Optimiser::RAdam {
            beta1,
            beta2,
            epsilon,
        } => format!("{} ({beta1}, {beta2}, {epsilon:e})", optimiser.name()),
        Optimiser::Sgd { momentum } => {
            format!("stochastic gradient descent with momentum {momentum}")
        }
        Optimiser::RmsProp { decay, epsilon } => format!("RMSProp ({decay}, {epsilon:e})"),
    }
}
