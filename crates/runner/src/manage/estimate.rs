//! When a run may be done.

use riftwatch_domain::execution::Progress;
use riftwatch_store::job_executions::History;

/// Below this share of the work, in percent, a run's own pace says too little to stand alone.
const TELLING: u8 = 5;

/// How many seconds a run has left, as far as one can say. The pace of former runs counts at the
/// beginning, its own at the end, and in between both by the share of the work that is done.
/// Without progress, it will take as long as former runs did.
pub(super) fn left_s(elapsed_s: f64, progress: Option<&Progress>, history: History) -> Option<f64> {
    if let Some(progress) = progress
        && let Some(item_s) = pace(elapsed_s, progress, history.item_s)
    {
        return Some((items(progress.total) - items(progress.done)) * item_s);
    }
    history.duration_s.map(|duration_s| (duration_s - elapsed_s).max(0.0))
}

/// Seconds that an item takes.
fn pace(elapsed_s: f64, progress: &Progress, former: Option<f64>) -> Option<f64> {
    let own = (progress.done > 0).then(|| elapsed_s / items(progress.done));
    match (own, former) {
        (Some(own), Some(former)) => {
            let share = f64::from(progress.percent()) / 100.0;
            Some(own * share + former * (1.0 - share))
        }
        (Some(own), None) => (progress.percent() >= TELLING).then_some(own),
        (None, former) => former,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of items stay far below 2^52")]
fn items(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(done: u64, total: u64) -> Progress {
        Progress { done, total, message: String::new() }
    }

    #[test]
    fn the_pace_is_that_of_former_runs_first_and_its_own_later() {
        // Former runs took 2 s an item, this one takes 4 s.
        let history = History { duration_s: Some(200.0), item_s: Some(2.0) };
        let left = |elapsed_s, done| left_s(elapsed_s, Some(&progress(done, 100)), history);
        assert_eq!(left(0.0, 0), Some(200.0));
        assert_eq!(left(40.0, 10), Some(90.0 * 2.2));
        assert_eq!(left(200.0, 50), Some(50.0 * 3.0));
        assert_eq!(left(400.0, 100), Some(0.0));
    }

    #[test]
    fn without_former_runs_its_own_pace_counts_from_five_percent_on() {
        let left = |done| left_s(30.0, Some(&progress(done, 100)), History::default());
        assert_eq!((left(0), left(4), left(10)), (None, None, Some(270.0)));
    }

    #[test]
    fn without_progress_it_takes_as_long_as_former_runs() {
        let history = History { duration_s: Some(20.0), item_s: None };
        assert_eq!(left_s(5.0, None, history), Some(15.0));
        assert_eq!(left_s(25.0, None, history), Some(0.0));
        assert_eq!(left_s(5.0, None, History::default()), None);
    }
}
