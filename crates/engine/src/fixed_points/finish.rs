//! What a search found, in its final order.

use super::certificate::Certificate;
use super::cluster::{canonical, count};
use super::search::Search;
use super::{FixedPoints, Point, reached};

impl Search<'_> {
    /// `fates` says on which point each driven state settled, if any; `quiet` how many of the last rounds
    /// added nothing. The seconds are left to the caller.
    pub(super) fn finish(
        mut self,
        network: usize,
        input: &[f32],
        fates: Vec<Option<usize>>,
        quiet: usize,
    ) -> FixedPoints {
        let slow = self.slow_points();
        let census = [0.1, 1.0, 10.0].map(|factor| {
            let states: Vec<&[f64]> = self.polished.iter().map(Vec::as_slice).collect();
            (
                self.options.tolerance * factor,
                count(&states, self.options.tolerance * factor * self.source.scale),
            )
        });

        // Final order, and everything that refers to it.
        let coarse = self.options.tolerance * self.source.scale;
        let mut order: Vec<usize> = (0..self.points.len()).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (&self.points[a], &self.points[b]);
            a.spectrum
                .n_unstable
                .cmp(&b.spectrum.n_unstable)
                .then_with(|| canonical(&a.state, &b.state, coarse))
        });
        let mut place = vec![0; order.len()];
        order
            .iter()
            .enumerate()
            .for_each(|(new, &old)| place[old] = new);
        let fates: Vec<Option<usize>> = fates.into_iter().map(|f| f.map(|p| place[p])).collect();
        let points: Vec<Point> = order.iter().map(|&i| self.points[i].clone()).collect();
        let certificate = Certificate::of(
            &points,
            self.solver.map.half_widths().is_some(),
            self.round + 1,
            quiet,
            quiet >= self.options.quiet_rounds,
        );
        let reached = reached::table(&points, &fates, self.endings, self.options);
        FixedPoints {
            network,
            input: input.to_vec(),
            points,
            slow,
            rejected: self.rejected,
            seeds: self.seeds,
            state_scale: self.source.scale,
            census: census.to_vec(),
            certificate,
            reached,
            seconds: (0.0, 0.0),
        }
    }
}
