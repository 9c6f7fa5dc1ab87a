//! An experiment: every policy on every instance, or on random subsets of its pods, from every seed within every budget, one
//! run after the other so that they do not disturb each other. Each plan is checked, outside of the time that is measured.

use std::hash::{DefaultHasher, Hasher};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use dovetail_packing::draw;
use dovetail_packing::instance::{Instance, Kind};
use dovetail_packing::run::{Effort, Key, Run};
use dovetail_scheduler::cost::Memory;
use dovetail_scheduler::instance_type::Price;
use dovetail_scheduler::plan::Plan;
use dovetail_scheduler::policy::{Policy, Search};
use dovetail_scheduler::verify::verify;

use super::errors::BenchError;
use super::journal::Journal;
use super::memory;
use crate::commands::search::Terms;
use crate::output::progress::Steps;

/// What is run on each instance.
pub(crate) struct Experiment {
    /// The policies.
    pub(crate) policies: Vec<&'static dyn Policy>,
    /// Where chance begins.
    pub(crate) seeds: Vec<u64>,
    /// How long policies may take; without any, what is usual for so many pods.
    pub(crate) budgets: Vec<Duration>,
    /// How many pods of each instance are drawn how often, if not all are taken.
    pub(crate) draws: Option<(usize, u64)>,
    /// What holds for every search.
    pub(crate) terms: Terms,
    /// The journal, to go on from and to write to.
    pub(crate) journal: Option<PathBuf>,
}

impl Experiment {
    /// Does all runs that the journal does not have yet; the answer has them all, in the order of the instances.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub(crate) fn run(&self, instances: &[Instance]) -> Result<Vec<Run>, BenchError> {
        let mut journal = self.journal.as_deref().map(Journal::open).transpose()?;
        let draws: Vec<Option<u64>> = self.draws.map_or(vec![None], |(_, n)| (0..n).map(Some).collect());
        let each = self.policies.len() * self.seeds.len() * self.budgets.len().max(1);
        let progress = Steps::new(instances.len() * draws.len() * each);
        let mut runs = vec![];
        for instance in instances {
            // Only a journal asks whether a run is the same as one of another day.
            let fingerprint = if journal.is_some() { self.fingerprint(instance) } else { String::new() };
            for draw in &draws {
                let drawn = draw.zip(self.draws).map(|(draw, (pods, _))| draw::subset(instance, pods, draw));
                let instance = drawn.as_ref().unwrap_or(instance);
                for (policy, seed, budget) in self.jobs(instance) {
                    let (name, milliseconds) = (policy.name(), u64::try_from(budget.as_millis()).unwrap_or(u64::MAX));
                    progress.step(&format!("{}, {name}, {milliseconds} ms", instance.name));
                    let key = Key {
                        instance: instance.name.clone(),
                        draw: *draw,
                        policy: name.to_owned(),
                        seed,
                        budget: milliseconds,
                        fingerprint: fingerprint.clone(),
                    };
                    if let Some(known) = journal.as_ref().and_then(|j| j.finished(&key)) {
                        runs.push(known.clone());
                        continue;
                    }
                    let run = self.measure(instance, policy, budget, key);
                    if let Some(journal) = &mut journal {
                        journal.add(&run)?;
                    }
                    runs.push(run);
                }
            }
        }
        Ok(runs)
    }

    /// The runs on an instance: policies last, so that what is compared was measured close together.
    fn jobs(&self, instance: &Instance) -> impl Iterator<Item = (&'static dyn Policy, u64, Duration)> {
        let usual = Duration::from_millis(Search::usual_milliseconds(instance.problem.pods.len()));
        let budgets = if self.budgets.is_empty() { vec![usual] } else { self.budgets.clone() };
        let seeds = self.seeds.iter().flat_map(move |seed| budgets.clone().into_iter().map(|b| (*seed, b)));
        seeds.flat_map(|(seed, budget)| self.policies.iter().map(move |policy| (*policy, seed, budget)))
    }

    fn measure(&self, instance: &Instance, policy: &'static dyn Policy, budget: Duration, key: Key) -> Run {
        memory::forget_peak();
        let start = Instant::now();
        let plan: Plan = self.terms.search(budget, key.seed, |search| {
            // Bins have a cost and nothing besides.
            let node_cost = if instance.kind == Kind::Cluster { search.node_cost } else { Price::ZERO };
            policy.plan(&instance.problem, &Search { node_cost, ..*search }, &mut Memory::default())
        });
        let effort = Effort { seconds: start.elapsed().as_secs_f64(), peak_memory: memory::peak() };
        let violations = verify(&instance.problem, &plan).err().unwrap_or_default();
        Run::of(key, instance, &plan, effort, violations.iter().map(ToString::to_string).collect())
    }

    /// A number that changes with whatever the figures of an instance depend on and its runs' keys do not say.
    fn fingerprint(&self, instance: &Instance) -> String {
        let mut hash = Hashed(DefaultHasher::new());
        let pods = self.draws.map(|(pods, _)| pods);
        // Hashing does not fail.
        let _ = write!(hash, "{:?} {:?} {:?} {:?}", instance.kind, self.terms, pods, instance.problem);
        format!("{:016x}", hash.0.finish())
    }
}

/// A hash of what is written.
struct Hashed(DefaultHasher);

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use dovetail_packing::triplets::{Family, Triplets};
    use dovetail_scheduler::policy;

    #[derive(Debug, Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        terms: Terms,
    }

    /// Forgets every pod, and remembers on which terms it was asked.
    struct Forgetful;

    impl Policy for Forgetful {
        fn name(&self) -> &'static str {
            "forgetful"
        }

        fn summary(&self) -> &'static str {
            "does nothing at all"
        }

        fn plan(&self, _: &dovetail_scheduler::problem::Problem, search: &Search<'_>, _: &mut Memory) -> Plan {
            assert_eq!(search.node_cost, Price::ZERO, "bins have a cost and nothing besides");
            assert_eq!(search.steps, 50 * Search::STEPS_PER_MILLISECOND);
            Plan::default()
        }
    }

    fn experiment(policies: Vec<&'static dyn Policy>) -> Experiment {
        Experiment {
            policies,
            seeds: vec![0, 1],
            budgets: vec![Duration::from_millis(50)],
            draws: None,
            terms: Line::try_parse_from(["--deterministic"]).expect("a flag").terms,
            journal: None,
        }
    }

    fn triplets() -> Instance {
        Triplets { items: 30, dimensions: 3, family: Family::Caprara, seed: 1 }.instance()
    }

    #[test]
    fn every_plan_is_checked_and_a_wrong_one_is_told() {
        let runs = experiment(vec![&Forgetful]).run(&[triplets()]).expect("no journal");
        assert_eq!(runs.len(), 2, "one for each seed");
        assert!(runs.iter().all(|run| run.placed == 0 && run.violations.len() == 30));
        assert!(runs[0].violations[0].contains("neither placed nor listed as unplaced"), "{:?}", runs[0].violations);
    }

    #[test]
    fn what_is_compared_is_measured_close_together() {
        let karpenter = policy::by_name("karpenter").expect("it is always there");
        let runs = experiment(vec![karpenter, &Forgetful]).run(&[triplets()]).expect("no journal");
        let order: Vec<(u64, &str)> = runs.iter().map(|r| (r.key.seed, r.key.policy.as_str())).collect();
        assert_eq!(order, [(0, "karpenter"), (0, "forgetful"), (1, "karpenter"), (1, "forgetful")]);
        assert_eq!((runs[0].bound, runs[0].violations.len()), (Some(10.0), 0));
    }

    #[test]
    fn a_fingerprint_tells_apart_content_terms_and_size_of_draws() {
        let (experiment, instance) = (experiment(vec![]), triplets());
        let print = experiment.fingerprint(&instance);
        assert_eq!(print, experiment.fingerprint(&triplets()));
        let mut heavier = triplets();
        heavier.problem.classes[0].requests.set("cpu", 1);
        assert_ne!(print, experiment.fingerprint(&heavier));
        assert_ne!(print, Experiment { draws: Some((5, 1)), ..experiment }.fingerprint(&instance));
    }
}
