//! Processes that die, stand still, or cannot reach the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use riftwatch_domain::execution::{ExecutionReason, ExecutionStatus};
use riftwatch_domain::job::JobId;
use riftwatch_runner::RunnerConfig;
use riftwatch_runner::manage;
use riftwatch_store::Db;
use riftwatch_testkit::{Proxy, TestDb};
use rustix::process::Signal;
use serde_json::json;

use crate::children::{Child, Told};
use crate::toys::{
    Playground, Toys, audit_of, create, end_of, execute, manual, no_ticks, number, quick, start,
    trigger, until,
};

const LEASE: Duration = Duration::from_millis(1500);

fn rescuer() -> RunnerConfig {
    RunnerConfig { lease: LEASE, ..no_ticks() }
}

async fn running(db: &Db, worker: &str) -> bool {
    let sql = format!(
        "SELECT count(*) FROM job_executions WHERE status = 'running' AND worker_id = '{worker}'"
    );
    number(db, &sql).await == 1
}

#[tokio::test(flavor = "multi_thread")]
async fn b21_a_killed_run_is_closed_within_the_lease_and_the_next_tick_runs() {
    let test = TestDb::new().await;
    let child = Child::start(&Told::to_work(test.url())).await;
    let job = create(&test.db, {
        let mut new = manual("job", json!({ "does": "wait" }));
        new.manual_only = false;
        new.interval_seconds = Some(1);
        new
    })
    .await;
    let toys = Toys::new();
    let _scheduler =
        start(&test.db, &toys, RunnerConfig { worker_enabled: false, lease: LEASE, ..quick() })
            .await;
    until("it runs", async || running(&test.db, &child.worker_id).await).await;
    let first = manage::find(&test.db, job).await.expect("the job").running_execution_id;
    let first = first.expect("its run");
    child.kill().await;
    let killed = Instant::now();
    let run = end_of(&test.db, first).await;
    let took = killed.elapsed();
    assert_eq!((run.status, run.reason), (ExecutionStatus::Failed, Some(ExecutionReason::Lost)));
    assert!(took <= LEASE + Duration::from_secs(5), "{took:?}");
    assert_eq!(
        run.log_data["error"],
        json!(
            "the process that ran it died, or could not reach the database for the length of its lease"
        )
    );
    let _second = Child::start(&Told::to_work(test.url())).await;
    until("the next tick's run", async || {
        let view = manage::find(&test.db, job).await.expect("the job");
        view.last_execution.is_some_and(|run| run.id > first && run.started_at.is_some())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_orphans_are_found_after_a_restart_without_worker_row_and_without_heartbeat() {
    let test = TestDb::new().await;
    let restarted = create(&test.db, manual("restarted", json!({ "does": "wait" }))).await;
    let child = Child::start(&Told::to_work(test.url())).await;
    let first = trigger(&test.db, restarted).await;
    until("it runs", async || running(&test.db, &child.worker_id).await).await;
    child.kill().await;
    // The same program on the same machine: a new start of it is another worker.
    let _again = Child::start(&Told::to_work(test.url())).await;

    let mut orphans = vec![first];
    for (name, worker, lease) in [
        ("the row of its worker is gone", "gen_random_uuid()", "now() - interval '1 ms'"),
        ("it died before its first heartbeat", "gen_random_uuid()", "now() + interval '1 s'"),
        ("nobody ever held it", "NULL", "NULL"),
    ] {
        let job = create(&test.db, manual(name, json!({ "does": "wait" }))).await;
        let client = crate::toys::client(&test.db).await.expect("the database answers");
        let row = client
            .query_one(
                &format!(
                    "INSERT INTO job_executions (job_id, job_name, job_type, status, started_at, worker_id, lease_until)
                     VALUES ({job}, '{name}', 'play', 'running', now(), {worker}, {lease}) RETURNING id"
                ),
                &[],
            )
            .await
            .expect("a row");
        orphans.push(riftwatch_domain::execution::ExecutionId(row.get(0)));
    }
    for id in orphans {
        assert_eq!(end_of(&test.db, id).await.reason, Some(ExecutionReason::Lost));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b23_a_late_finish_after_a_rescue_is_refused() {
    let test = TestDb::new().await;
    let child = Child::start(&Told::to_work(test.url())).await;
    let job = create(&test.db, manual("job", json!({ "does": "sleep", "ms": 400 }))).await;
    let id = trigger(&test.db, job).await;
    until("it runs", async || running(&test.db, &child.worker_id).await).await;
    // The process stands still, long enough to be taken for dead, and then ends its run.
    child.signal(Signal::STOP);
    let rescuer = start(&test.db, &Toys::new(), rescuer()).await;
    let rescued = end_of(&test.db, id).await;
    assert_eq!(rescued.reason, Some(ExecutionReason::Lost));
    rescuer.shutdown(Duration::ZERO).await;
    child.signal(Signal::CONT);
    let alive = format!(
        "SELECT count(*) FROM workers WHERE id::text = '{}' AND lease_until > clock_timestamp()",
        child.worker_id
    );
    until("it is alive again", async || number(&test.db, &alive).await == 1).await;
    // It works again, and by then has tried to write its end.
    let next = trigger(&test.db, job).await;
    let run = end_of(&test.db, next).await;
    assert_eq!(run.status, ExecutionStatus::Success);
    assert_eq!(run.worker_id.as_deref(), Some(child.worker_id.as_str()));
    assert_eq!(end_of(&test.db, id).await, rescued);
}

#[tokio::test(flavor = "multi_thread")]
async fn b24_a_healthy_run_of_ten_leases_is_never_rescued_under_full_load() {
    let test = TestDb::new().await;
    let lease = Duration::from_secs(1);
    let toys = Toys::new();
    let config = RunnerConfig { lease, ..no_ticks() };
    let _busy = start(&test.db, &toys, config.clone()).await;
    let job = create(&test.db, manual("job", json!({ "does": "sleep", "ms": 10_000 }))).await;
    let id = trigger(&test.db, job).await;
    until("it runs", async || toys.begun() == 1).await;
    let _rescuer = start(&Db::new(test.url(), 2), &Toys::new(), config).await;
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..2 * std::thread::available_parallelism().map_or(2, usize::from))
        .map(|_| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        })
        .collect();
    let run = end_of(&test.db, id).await;
    stop.store(true, Ordering::Relaxed);
    for thread in load {
        thread.join().expect("it spins and ends");
    }
    assert_eq!(run.status, ExecutionStatus::Success, "{:?}", run.error);
    assert!(run.duration_seconds() >= Some(10.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn b24_jobs_that_block_every_thread_do_not_stop_the_heartbeat() {
    let test = TestDb::new().await;
    let job = create(&test.db, {
        let mut new = manual("job", json!({ "does": "block", "ms": 3000 }));
        new.max_instances = 8;
        new
    })
    .await;
    let mut runs = Vec::new();
    for _ in 0..8 {
        runs.push(trigger(&test.db, job).await);
    }
    // One claim takes all of them. Nobody would be left to read the answer to a second one within the
    // lease: such a claim is lost on the way to the process, and rightly closed.
    let child = Child::start(&Told { lease_ms: 1000, ..Told::to_work(test.url()) }).await;
    let _rescuer =
        start(&test.db, &Toys::new(), RunnerConfig { worker_enabled: false, ..rescuer() }).await;
    for id in runs {
        let run = end_of(&test.db, id).await;
        assert_eq!(run.status, ExecutionStatus::Success, "{:?}", run.error);
    }
    drop(child);
}

#[tokio::test(flavor = "multi_thread")]
async fn b25_a_process_without_heartbeat_stops_its_runs_before_others_close_them() {
    let test = TestDb::new().await;
    let lease = Duration::from_secs(3);
    let proxy = Proxy::to_unix(test.socket()).await;
    let toys = Toys::new();
    let cut_off = Db::new(&proxy.url(test.name()), 4);
    let cut_off = start(&cut_off, &toys, RunnerConfig { lease, ..no_ticks() }).await;
    let job = create(&test.db, manual("job", json!({ "does": "wait" }))).await;
    let id = trigger(&test.db, job).await;
    until("it runs", async || toys.begun() == 1).await;
    let _rescuer =
        start(&test.db, &Toys::new(), RunnerConfig { lease, worker_enabled: false, ..no_ticks() })
            .await;
    proxy.blackhole();
    let silent = Instant::now();
    until("it stops its run", async || toys.cancelled.load(Ordering::SeqCst) == 1).await;
    let stopped = silent.elapsed();
    assert!(stopped < lease, "stopped after {stopped:?}");
    assert!(cut_off.status().fenced);
    let status =
        format!("SELECT count(*) FROM job_executions WHERE id = {id} AND status = 'running'");
    assert_eq!(number(&test.db, &status).await, 1, "nobody had closed it by then");
    let run = end_of(&test.db, id).await;
    assert_eq!(run.reason, Some(ExecutionReason::Lost));
    assert!(silent.elapsed() >= lease - Duration::from_millis(200), "{:?}", silent.elapsed());
    // It claims nothing while it is cut off, and goes on when it is not.
    let next = trigger(&test.db, job).await;
    toys.gate.add_permits(1);
    proxy.resume();
    until("the heartbeat is back", async || !cut_off.status().fenced).await;
    assert_eq!(end_of(&test.db, next).await.status, ExecutionStatus::Success);
}

#[tokio::test(flavor = "multi_thread")]
async fn b26_heartbeats_go_on_during_the_drain() {
    let ground = Playground::new(rescuer()).await;
    let _other = start(&Db::new(ground.test.url(), 2), &Toys::new(), rescuer()).await;
    let job = ground.manual("job", json!({ "does": "sleep", "ms": 4000 })).await;
    let id = ground.trigger(job).await;
    let view = async || manage::find_execution(ground.db(), id).await.expect("the run").execution;
    until("it runs", async || view().await.status == ExecutionStatus::Running).await;
    // Whichever of the two took it drains for more than two leases.
    let mine = view().await.worker_id == Some(ground.runner.worker_id().to_string());
    let draining = if mine { &ground.runner } else { &_other };
    draining.shutdown(Duration::from_secs(10)).await;
    assert_eq!(view().await.status, ExecutionStatus::Success, "{:?}", view().await.error);
}

#[tokio::test(flavor = "multi_thread")]
async fn b27_a_run_that_kills_its_process_is_quarantined() {
    let test = TestDb::new().await;
    let config = RunnerConfig { worker_enabled: false, lease: Duration::from_secs(1), ..quick() };
    let _scheduler = start(&test.db, &Toys::new(), config).await;
    let job = create(&test.db, {
        let mut new = manual("poison", json!({ "does": "abort" }));
        new.manual_only = false;
        new.interval_seconds = Some(1);
        new
    })
    .await;
    let told = Told { lease_ms: 600, ..Told::to_work(test.url()) };
    for _ in 0..3 {
        let mut child = Child::start(&told).await;
        assert_eq!(child.exit().await, None, "a signal ended it");
    }
    let paused = async |job: JobId| manage::find(&test.db, job).await.expect("the job").job.pause;
    until("it is paused", async || paused(job).await.is_some()).await;
    let reason = paused(job).await.expect("it is paused").reason;
    assert_eq!(reason.as_deref(), Some("quarantine: its last 3 runs were lost with their process"));
    let audit = audit_of(&test.db, job).await;
    assert_eq!((audit[0].actor.as_str(), audit[0].action.as_str()), ("riftwatch", "quarantine"));
    // The next process lives, and runs other jobs.
    execute(&test.db, "DELETE FROM job_executions WHERE unfinished").await;
    let _survivor = Child::start(&told).await;
    let other = create(&test.db, manual("other", json!({}))).await;
    let id = trigger(&test.db, other).await;
    assert_eq!(end_of(&test.db, id).await.status, ExecutionStatus::Success);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_is_given_back_is_run_by_another_as_the_same_attempt() {
    let test = TestDb::new().await;
    let job = create(&test.db, manual("job", json!({}))).await;
    let id = trigger(&test.db, job).await;
    let mut conn = test.db.get().await.expect("a connection");
    let worker = uuid::Uuid::new_v4();
    let claimant = riftwatch_store::job_executions::Claimant {
        worker,
        job_types: &["play".to_owned()],
        lease: Duration::from_secs(60),
        from_id: 0,
    };
    let claimed = riftwatch_store::job_executions::claim(&mut conn, claimant, 1).await;
    assert_eq!(claimed.expect("a claim")[0].id, id.0);
    riftwatch_store::job_executions::give_back(&mut conn, worker, &[id.0])
        .await
        .expect("it goes back");
    let _runner = start(&test.db, &Toys::new(), no_ticks()).await;
    let run = end_of(&test.db, id).await;
    assert_eq!((run.status, run.attempt), (ExecutionStatus::Success, 1));
    assert_ne!(run.worker_id, Some(worker.to_string()));
}
