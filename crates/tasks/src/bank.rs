//! The trial bank: what a training run draws its batches from, generation by generation.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::error::{Result, TaskError};
use crate::random::{Stream, purpose};
use crate::task::Task;
use crate::trials::Trials;

/// The trial that a network sees in slot `slot` of the batch of step `step`: an index below `bank_trials` (0 where that
/// is 0).
///
/// To the word, so that a kernel can do the same: the key is that of `Stream::new(data_seed, purpose::PICK)`, that is
/// `threefry2x32(key: [low word of data_seed, high word], counter: [4, 0])`, computed once per network; then
/// `threefry2x32(key, counter: [low word of step, slot])[0] % bank_trials`.
#[must_use]
pub fn pick(data_seed: u64, step: u64, slot: u32, bank_trials: u32) -> u32 {
    let word = Stream::new(data_seed, purpose::PICK).words(step as u32, slot)[0];
    word.checked_rem(bank_trials).unwrap_or(0)
}

/// A bank of fresh trials: values of all arrays (256 MB), trials (what a kernel can number), and steps served, at most.
const MOST_FRESH_VALUES: usize = 1 << 26;
const MOST_FRESH_TRIALS: usize = (1 << 24) - 1;
const MOST_FRESH_STEPS: usize = 64;

type Source = Arc<dyn Fn(u64) -> Arc<Trials> + Send + Sync>;

struct Generation {
    number: u64,
    trials: Arc<Trials>,
}

struct Prepared {
    current: Option<Generation>,
    next: Option<(u64, JoinHandle<Arc<Trials>>)>,
}

/// Generation g holds the trials of the steps g R to (g + 1) R - 1 of every network, R the refresh interval. It is a pure
/// function of task, variant, seed and g; the one after the last one asked for is prepared on a thread of its own.
pub struct TrialBank {
    bank_trials: usize,
    refresh_interval: u64,
    source: Source,
    prepared: Mutex<Prepared>,
}

impl TrialBank {
    /// A bank of `bank_trials` trials, from which every network draws `batch` per step.
    ///
    /// R is 2 `bank_trials` / `batch`, at least 1: a network sees each trial twice on average. Where the trials are the
    /// user's own, the bank is the file, whatever `bank_trials` says, and one generation serves for ever.
    ///
    /// # Errors
    ///
    /// [`TaskError::Request`] where `batch` is 0 or `bank_trials` does not fit in 32 bits, and those of [`Task::sample`].
    pub fn new(
        task: Arc<Task>,
        variant: &str,
        seed: u64,
        bank_trials: usize,
        batch: usize,
    ) -> Result<Self> {
        let refuse = |message: &str| TaskError::Request {
            task: task.name.clone(),
            message: message.to_owned(),
        };
        if batch == 0 {
            return Err(refuse("a batch of 0 trials; at least 1"));
        }
        if task.is_external() {
            let trials = Arc::new(task.sample_all(variant, seed)?);
            return Ok(Self::from_source(
                trials.n_trials,
                u64::MAX,
                Arc::new(move |_| Arc::clone(&trials)),
            ));
        }
        if u32::try_from(bank_trials).is_err() {
            return Err(refuse("a bank of more trials than 32 bits can number"));
        }
        // Checked here, once: what can be wrong with the request is known before a thread needs it.
        let generator = task.checked(variant, 0, bank_trials)?.clone();
        let generations = Stream::new(seed, purpose::BANK);
        let source = move |number: u64| {
            let [low, high] = generations.words(number as u32, (number >> 32) as u32);
            let seed = (u64::from(high) << 32) | u64::from(low);
            Arc::new(generator.generate(0, bank_trials, Stream::new(seed, purpose::TRIALS)))
        };
        let refresh_interval = (2 * bank_trials as u64 / batch as u64).max(1);
        Ok(Self::from_source(
            bank_trials,
            refresh_interval,
            Arc::new(source),
        ))
    }

    /// A bank of trials of its own for every network: those of network n are trials 0, 1, ... of a stream of `data_seeds[n]`
    /// alone, `batch` per step, whatever the other networks are; each is seen once. Laid out `[network][step][slot]`, for
    /// networks that take their own in turn. A stream begins again after 2^32 trials.
    ///
    /// # Errors
    ///
    /// [`TaskError::Request`] where `batch` is 0 or the trials are the user's own, and those of [`Task::sample`].
    pub fn fresh(task: Arc<Task>, variant: &str, data_seeds: &[u64], batch: usize) -> Result<Self> {
        let refuse = |message: &str| TaskError::Request {
            task: task.name.clone(),
            message: message.to_owned(),
        };
        if batch == 0 {
            return Err(refuse("a batch of 0 trials; at least 1"));
        }
        if task.is_external() {
            return Err(refuse(
                "fresh trials for every network, of trials that are given",
            ));
        }
        let generator = task.checked(variant, 0, batch)?.clone();
        let shape = task.shape(variant)?;
        let values = shape.n_steps * (shape.n_inputs + 2 * shape.n_outputs);
        let per_step = data_seeds.len().max(1) * batch;
        if per_step > MOST_FRESH_TRIALS {
            return Err(refuse(
                "more trials per step of all networks than a bank may hold",
            ));
        }
        // How many steps a generation serves changes no trial: a number of the stream belongs to a step.
        let steps = (MOST_FRESH_VALUES / (per_step * values).max(1))
            .min(MOST_FRESH_TRIALS / per_step)
            .clamp(1, MOST_FRESH_STEPS);
        let seeds = data_seeds.to_vec();
        let source = move |number: u64| {
            let first = (number as usize).wrapping_mul(steps * batch);
            let of = |seed, n| generator.generate(first, n, Stream::new(seed, purpose::FRESH));
            let mut all = of(0, 0);
            for &seed in &seeds {
                all.append(of(seed, steps * batch));
            }
            Arc::new(all)
        };
        let bank_trials = per_step * steps;
        Ok(Self::from_source(
            bank_trials,
            steps as u64,
            Arc::new(source),
        ))
    }

    fn from_source(bank_trials: usize, refresh_interval: u64, source: Source) -> Self {
        Self {
            bank_trials,
            refresh_interval,
            source,
            prepared: Mutex::new(Prepared {
                current: None,
                next: None,
            }),
        }
    }

    /// Trials in each generation.
    #[must_use]
    pub fn bank_trials(&self) -> usize {
        self.bank_trials
    }

    /// R: the steps that one generation serves.
    #[must_use]
    pub fn refresh_interval(&self) -> u64 {
        self.refresh_interval
    }

    /// The generation that serves `step`.
    #[must_use]
    pub fn generation_of(&self, step: u64) -> u64 {
        step / self.refresh_interval
    }

    /// The trials of generation `number`. In order, each but the first is ready or on its way; a late one is waited for,
    /// never skipped. Out of order, it is made on the spot.
    pub fn generation(&self, number: u64) -> Arc<Trials> {
        let mut prepared = self.prepared();
        let current = match prepared.current.take() {
            Some(current) if current.number == number => current.trials,
            _ => match prepared.next.take() {
                // A generator that panicked is run again here, where the panic has somebody to go to.
                Some((ready, thread)) if ready == number => {
                    thread.join().unwrap_or_else(|_| (self.source)(number))
                }
                _ => (self.source)(number),
            },
        };
        prepared.current = Some(Generation {
            number,
            trials: Arc::clone(&current),
        });
        if self.refresh_interval != u64::MAX {
            self.prepare(&mut prepared, number + 1);
        }
        current
    }

    /// Begins `number` unless it is on its way; where no thread can be had, it is made when it is asked for.
    fn prepare(&self, prepared: &mut Prepared, number: u64) {
        if prepared
            .next
            .as_ref()
            .is_some_and(|(next, _)| *next == number)
        {
            return;
        }
        let source = Arc::clone(&self.source);
        let thread = thread::Builder::new()
            .name("trial bank".to_owned())
            .spawn(move || source(number));
        prepared.next = thread.ok().map(|thread| (number, thread));
    }

    fn prepared(&self) -> std::sync::MutexGuard<'_, Prepared> {
        // What the lock guards is replaced whole, so a panic elsewhere leaves nothing half done.
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::*;

    fn bank(seed: u64) -> TrialBank {
        TrialBank::new(
            Arc::new(Task::builtin("flip_flop").unwrap()),
            "train",
            seed,
            64,
            16,
        )
        .unwrap()
    }

    #[test]
    fn a_generation_is_a_function_of_task_seed_and_number() {
        let in_order = bank(5);
        let generations: Vec<_> = (0..4).map(|g| in_order.generation(g)).collect();
        let any_order = bank(5);
        for g in [3, 0, 2, 1, 1, u64::MAX - 1] {
            let trials = any_order.generation(g);
            if let Some(expected) = generations.get(g as usize) {
                assert_eq!(&trials, expected);
            }
        }
        assert_ne!(generations[0], generations[1]);
        assert_ne!(bank(6).generation(0), generations[0]);
        assert_eq!(generations[0].n_trials, 64);
    }

    #[test]
    fn the_interval_shows_each_trial_about_twice() {
        let bank = bank(1);
        assert_eq!((bank.refresh_interval(), bank.bank_trials()), (8, 64));
        assert_eq!((bank.generation_of(7), bank.generation_of(8)), (0, 1));
        let task = Arc::new(Task::builtin("sine").unwrap());
        assert_eq!(
            TrialBank::new(Arc::clone(&task), "train", 1, 2, 64)
                .unwrap()
                .refresh_interval(),
            1
        );
        assert!(TrialBank::new(Arc::clone(&task), "train", 1, 2, 0).is_err());
        assert!(TrialBank::new(Arc::clone(&task), "train", 1, 0, 1).is_err());
        assert!(TrialBank::new(task, "none", 1, 2, 1).is_err());
    }

    #[test]
    fn a_late_generation_is_waited_for_and_made_once() {
        let made = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&made);
        let slow = move |number: u64| {
            thread::sleep(Duration::from_millis(30));
            counter.fetch_add(1, Ordering::SeqCst);
            Arc::new(
                Task::builtin("flip_flop")
                    .unwrap()
                    .sample("train", 1, number)
                    .unwrap(),
            )
        };
        let bank = TrialBank::from_source(1, 1, Arc::new(slow));
        let task = Task::builtin("flip_flop").unwrap();
        for number in 0..6 {
            assert_eq!(
                *bank.generation(number),
                task.sample("train", 1, number).unwrap()
            );
        }
        // Six asked for; the seventh may be on its way.
        assert!((6..=7).contains(&made.load(Ordering::SeqCst)));
    }

    #[test]
    fn threads_that_ask_at_once_get_the_same() {
        let bank = bank(2);
        let expected: Vec<_> = (0..3).map(|g| bank.generation(g)).collect();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    (0..3).for_each(|g| assert_eq!(bank.generation(g), expected[g as usize]));
                });
            }
        });
    }

    #[test]
    fn pick_is_the_documented_word() {
        let seed = 0x0123_4567_89ab_cdef;
        let key = crate::threefry2x32([0x89ab_cdef, 0x0123_4567], [4, 0]);
        assert_eq!(
            pick(seed, (1 << 32) + 7, 3, 1000),
            crate::threefry2x32(key, [7, 3])[0] % 1000
        );
        assert_eq!(pick(seed, 7, 3, 0), 0);
        // Fair over the bank: chi-squared with 15 degrees of freedom is below 50 but for 1 seed in 80,000.
        let mut counts = [0.0_f64; 16];
        (0..16_000).for_each(|step| counts[pick(1, step, 0, 16) as usize] += 1.0);
        assert!(
            counts
                .iter()
                .map(|c| (c - 1000.0).powi(2) / 1000.0)
                .sum::<f64>()
                < 50.0
        );
    }
}
