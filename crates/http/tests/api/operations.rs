//! The dashboard and the alert rules that we hand out ask for metrics that there are.

use std::collections::BTreeSet;
use std::path::Path;

use crate::harness::Harness;

/// Every word that begins with our prefix.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c: char| !is_part(c))
        .filter(|word| word.starts_with("riftwatch_"))
        .map(|word| word.trim_end_matches("_bucket").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_of_the_dashboard_and_the_alerts_is_exported() {
    let api = Harness::with_runner().await;
    api.get("/api/v1/jobs/").await;
    let page = api.get("/metrics").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let exported: BTreeSet<String> = page
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next().map(str::to_owned))
        .collect();
    // What only a real Riot client has: this server's is in memory.
    let source = include_str!("../../src/metrics/snapshot.rs");
    let known: BTreeSet<String> = exported.union(&metrics_in(source)).cloned().collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations");
    for file in ["grafana-dashboard.json", "alerts.yml"] {
        let asked = metrics_in(&std::fs::read_to_string(folder.join(file)).unwrap());
        assert!(asked.len() > 10, "{file}");
        let missing: Vec<_> = asked.difference(&known).collect();
        assert!(missing.is_empty(), "{file} asks for {missing:?}");
    }
    for name in [
        "riftwatch_http_requests_total",
        "riftwatch_jobs_active",
        "riftwatch_scheduler_ticks_total",
    ] {
        assert!(exported.contains(name), "{name} in {exported:?}");
    }
    assert!(
        page.text.contains(
            r#"riftwatch_http_requests_total{method="GET",route="/api/v1/jobs",status="200"} 1"#
        ),
        "{}",
        page.text
    );
    assert!(page.text.contains("riftwatch_database_up 1\n"));
}
