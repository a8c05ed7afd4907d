//! The jobs on whose behalf calls are made, and their shares of the turns.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::shares::Stride;

/// A job's weight when none was given.
const USUAL: u64 = 1;

/// A job of a route, by its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct JobId(usize);

#[derive(Debug)]
pub(super) struct Job {
    pub(super) name: Arc<str>,
    pub(super) weight: u64,
    pub(super) sent: u64,
}

/// All jobs that a route has seen. Job types are few and never end, so none is ever removed.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    jobs: Vec<Job>,
    weights: Arc<BTreeMap<String, u32>>,
    /// By class, since turns of one class are not paid for in another.
    strides: [Stride; 3],
}

impl Jobs {
    pub(super) fn new(weights: Arc<BTreeMap<String, u32>>) -> Self {
        Self { weights, ..Self::default() }
    }

    /// The job of this name, from now on known.
    pub(super) fn of(&mut self, name: &str) -> JobId {
        if let Some(index) = self.jobs.iter().position(|job| *job.name == *name) {
            return JobId(index);
        }
        let weight = self.weights.get(name).map_or(USUAL, |weight| u64::from(*weight).max(1));
        self.jobs.push(Job { name: name.into(), weight, sent: 0 });
        JobId(self.jobs.len() - 1)
    }

    pub(super) fn get_mut(&mut self, id: JobId) -> &mut Job {
        &mut self.jobs[id.0]
    }

    pub(super) fn weight(&self, id: JobId) -> u64 {
        self.jobs[id.0].weight
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (JobId, &Job)> {
        self.jobs.iter().enumerate().map(|(index, job)| (JobId(index), job))
    }

    /// Whose turn it is among jobs that wait in a class.
    pub(super) fn pick(&mut self, class: usize, wants: &[JobId]) -> Option<JobId> {
        let wants = wants.iter().map(|id| (id.0, self.jobs[id.0].weight));
        self.strides[class].pick(wants).map(JobId)
    }
}
