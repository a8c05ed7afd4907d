//! Work on all cores whose result does not depend on how many there are.

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};

/// What `work` makes of each number below `count`, in their order.
pub(crate) fn map<T: Send>(count: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(64);
    let size = (count / (8 * threads as u64)).clamp(1, 64);
    let next = AtomicU64::new(0);
    let mut chunks: Vec<(u64, Vec<T>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut done = Vec::new();
                    loop {
                        let start = next.fetch_add(size, Ordering::Relaxed);
                        if start >= count {
                            return done;
                        }
                        let end = (start + size).min(count);
                        done.push((start, (start..end).map(&work).collect()));
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a worker's panic is ours"))
            .collect()
    });
    chunks.sort_unstable_by_key(|(start, _)| *start);
    chunks.into_iter().flat_map(|(_, chunk)| chunk).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_come_in_order_whatever_the_threads_did() {
        assert_eq!(super::map(1000, |n| n * n), (0..1000).map(|n| n * n).collect::<Vec<_>>());
        assert_eq!(super::map(0, |n| n), Vec::<u64>::new());
    }
}
