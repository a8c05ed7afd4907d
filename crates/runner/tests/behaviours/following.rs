//! Watching runs from processes that do not run them.

use std::time::Duration;

use riftwatch_domain::execution::{ExecutionId, ExecutionReason, ExecutionStatus, Progress};
use riftwatch_runner::manage::{self, LineFilter};
use riftwatch_runner::{Change, Changes, Follow, Followed, RunnerConfig};
use riftwatch_store::Db;
use riftwatch_testkit::TestDb;
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::children::{Child, Told};
use crate::toys::{
    PATIENCE, Playground, Toys, create, end_of, execute, manual, no_ticks, number, quick, start,
    trigger, until,
};

/// News, which must come in time.
async fn news(run: &mut Follow) -> Option<Followed> {
    timeout(PATIENCE, run.next()).await.expect("news in time").expect("the database answers")
}

async fn listening(changes: &Changes) {
    until("notifications arrive", async || changes.is_listening()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_runs_nothing_sees_lines_progress_and_end_of_another_ones_run() {
    let test = TestDb::new().await;
    let mut child = Child::start(&Told::to_work(test.url())).await;
    let db = Db::new(test.url(), 2);
    let changes = Changes::listen(&db);
    listening(&changes).await;
    let job = create(&db, manual("job", json!({ "does": "tell" }))).await;
    let id = trigger(&db, job).await;
    let mut run = Follow::new(&db, &changes, id, 0);
    let mut lines = Vec::new();
    let told = loop {
        match news(&mut run).await.expect("it goes on") {
            Followed::Lines(more) => lines.extend(more),
            Followed::Run(view) if view.execution.progress.is_some() && !lines.is_empty() => {
                break view.execution;
            }
            Followed::Run(_) => {}
        }
    };
    assert_eq!(told.status, ExecutionStatus::Running);
    assert_eq!(told.metrics, json!({ "toys": 5, "weight": 0.5 }));
    let sorting = Progress { done: 5, total: 5, message: "sorting".to_owned() };
    assert_eq!(told.progress, Some(sorting));
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].seq, lines[0].message.as_str()), (1, "a toy is missing"));
    manage::cancel(&db, id, &crate::toys::actor()).await.expect("it is asked to stop");
    let mut last = None;
    while let Some(item) = news(&mut run).await {
        last = Some(item);
    }
    let Some(Followed::Run(end)) = last else { panic!("the end comes last: {last:?}") };
    assert_eq!(end.execution.reason, Some(ExecutionReason::Cancelled));
    child.signal(rustix::process::Signal::TERM);
    assert_eq!(child.exit().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_seen_soon_after_it_was_logged() {
    let ground =
        Playground::new(RunnerConfig { log_flush: Duration::from_millis(100), ..no_ticks() }).await;
    let changes = ground.runner.changes();
    listening(&changes).await;
    let job = ground.manual("job", json!({ "does": "talk", "count": 10, "ms": 130 })).await;
    let id = ground.trigger(job).await;
    let mut run = Follow::new(ground.db(), &changes, id, 0);
    let mut late = Vec::new();
    while late.len() < 10 {
        if let Some(Followed::Lines(lines)) = news(&mut run).await {
            let now = number(
                ground.db(),
                "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint",
            )
            .await;
            late.extend(lines.iter().map(|line| now - line.at.timestamp_millis()));
        }
    }
    ground.toys.gate.add_permits(1);
    late.sort_unstable();
    // 300 ms are wanted of an idle machine; what is tested is that nothing waits for a poll.
    assert!(late[5] < 1000, "{late:?} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_comes_back_with_its_last_line_misses_none_and_sees_none_twice() {
    let ground = Playground::new(no_ticks()).await;
    let changes = ground.runner.changes();
    let job = ground.manual("job", json!({ "does": "talk", "count": 200, "ms": 2 })).await;
    let id = ground.trigger(job).await;
    ground.toys.gate.add_permits(1);
    let mut seqs: Vec<i32> = Vec::new();
    'follow: loop {
        // The connection breaks after every few lines.
        let mut run = Follow::new(ground.db(), &changes, id, seqs.last().copied().unwrap_or(0));
        loop {
            match news(&mut run).await {
                Some(Followed::Lines(lines)) => {
                    seqs.extend(lines.iter().map(|line| line.seq));
                    break;
                }
                Some(Followed::Run(_)) => {}
                None => break 'follow,
            }
        }
    }
    assert_eq!(seqs, (1..=200).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn b20_the_newest_lines_of_a_long_log_are_seen_while_it_goes_on_and_marked_where_some_are_not()
 {
    let ground = Playground::new(RunnerConfig { log_lines: 150, ..no_ticks() }).await;
    let db = ground.db();
    let job = ground.manual("job", json!({ "does": "talk", "count": 1000 })).await;
    let id = ground.trigger(job).await;
    let all = LineFilter::default();
    let page = async |after| manage::logs(db, id, after, &all, 2000).await.expect("its log");
    until("the newest line is seen", async || {
        page(0).await.items.last().is_some_and(|line| line.seq == 1000)
    })
    .await;
    let live = page(0).await;
    assert!(!live.ended);
    let seqs = |page: &manage::LogPage| page.items.iter().map(|line| line.seq).collect::<Vec<_>>();
    assert_eq!(seqs(&live), (1..=150).chain(900..=1000).collect::<Vec<_>>());
    assert_eq!(
        live.items[150].message,
        "750 lines are passed over here: a run that goes on shows its newest lines only"
    );
    // Whoever has some of them gets the rest, without a mark.
    assert_eq!(seqs(&page(950).await), (951..=1000).collect::<Vec<_>>());
    assert!(page(1000).await.items.is_empty());
    let word = LineFilter { text: Some("WORD 99".to_owned()), ..LineFilter::default() };
    let found = manage::logs(db, id, 0, &word, 2000).await.expect("its log");
    assert_eq!(seqs(&found), [99].into_iter().chain(990..=999).collect::<Vec<_>>());

    ground.toys.gate.add_permits(1);
    ground.end_of(id).await;
    let whole = page(0).await;
    assert_eq!(seqs(&whole), (1..=150).chain(850..=1000).collect::<Vec<_>>());
    assert_eq!(
        whole.items[150].message,
        "700 lines were cut here: the first 150 and the last 150 are kept"
    );
    assert_eq!(number(db, "SELECT count(*) FROM job_execution_tails").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn b21_the_newest_lines_of_a_dead_process_are_kept() {
    let test = TestDb::new().await;
    let db = &test.db;
    let child = Child::start(&Told::to_work(test.url())).await;
    let job = create(db, manual("job", json!({ "does": "talk", "count": 1500 }))).await;
    let id = trigger(db, job).await;
    let all = LineFilter::default();
    let log = async || manage::logs(db, id, 0, &all, 2000).await.expect("its log").items;
    until("the newest line is seen", async || {
        log().await.last().is_some_and(|line| line.seq == 1500)
    })
    .await;
    child.kill().await;
    let _rescuer = start(db, &Toys::new(), no_ticks()).await;
    assert_eq!(end_of(db, id).await.reason, Some(ExecutionReason::Lost));
    until("its tail is settled", async || {
        number(db, "SELECT count(*) FROM job_execution_tails").await == 0
    })
    .await;
    let lines = log().await;
    let seqs: Vec<i32> = lines.iter().map(|line| line.seq).collect();
    assert_eq!(seqs, (1..=1000).chain(1400..=1500).collect::<Vec<_>>());
    assert_eq!(lines[1000].message, "400 lines were lost here with the process");
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_are_told_of_runs_and_jobs_and_poll_where_notifications_do_not_arrive() {
    let test = TestDb::new().await;
    let toys = Toys::new();
    let runner = start(&test.db, &toys, quick()).await;
    let changes = runner.changes();
    listening(&changes).await;
    let mut watch = changes.watch();
    let hear = async |watch: &mut riftwatch_runner::Watch, wanted: Change| {
        let deadline = Instant::now() + PATIENCE;
        while watch.changed().await != wanted {
            assert!(Instant::now() < deadline, "{wanted:?} was not told");
        }
    };
    let job = create(&test.db, manual("job", json!({}))).await;
    hear(&mut watch, Change::Jobs).await;
    let id = trigger(&test.db, job).await;
    hear(&mut watch, Change::Run(id)).await;
    end_of(&test.db, id).await;
    // Of other runs nothing is told; that of the wanted one is.
    let mut other = changes.watch_run(ExecutionId(id.0 + 1));
    let next = trigger(&test.db, job).await;
    assert_eq!(next.0, id.0 + 1);
    hear(&mut other, Change::Run(next)).await;

    // Nobody answers at this address.
    let nowhere = "postgres://127.0.0.1:1/nothing?connect_timeout=1".parse().expect("a URL");
    let deaf = Changes::listen(&Db::new(&nowhere, 1));
    let mut watch = deaf.watch_run(id);
    let asked = Instant::now();
    for _ in 0..3 {
        assert_eq!(watch.changed().await, Change::Runs);
    }
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    assert!(!deaf.is_listening());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_goes_on_when_its_connection_is_cut() {
    let ground = Playground::new(no_ticks()).await;
    let changes = Changes::listen(&Db::new(ground.test.url(), 1));
    listening(&changes).await;
    let job = ground.manual("job", json!({ "does": "wait" })).await;
    let id = ground.trigger(job).await;
    until("it runs", async || ground.toys.begun() == 1).await;
    let mut run = Follow::new(ground.db(), &changes, id, 0);
    assert!(matches!(news(&mut run).await, Some(Followed::Run(_))));
    execute(
        ground.db(),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE '%pg_notify%'
           AND pid <> pg_backend_pid()",
    )
    .await;
    ground.toys.gate.add_permits(1);
    let Some(Followed::Run(end)) = news(&mut run).await else { panic!("the end") };
    assert_eq!(end.execution.status, ExecutionStatus::Success);
    assert_eq!(news(&mut run).await, None);
}
