//! What the server holds in memory while it sends long downloads.

use std::time::{Duration, Instant};

use crate::load::number;
use crate::serve::Process;
use crate::{Outcome, Size};

/// How often the memory is looked at.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) async fn measure(api: &Process, token: &str, size: &Size) -> Outcome<()> {
    println!();
    let log = format!("/api/v1/jobs/executions/{}/logs?format=jsonl", size.executions);
    let csv = "/api/v1/player-analysis?format=csv".to_owned();
    for (name, path) in [("log, JSONL", log), ("review list, CSV", csv)] {
        let client = reqwest::Client::builder().tls_certs_only([]).build()?;
        let before = api.resident_kib()?;
        let (mut most, mut looked) = (before, Instant::now());
        let began = Instant::now();
        let answer = client.get(api.url(&path)).bearer_auth(token).send().await?;
        let mut answer = answer.error_for_status()?;
        let (mut bytes, mut lines, mut first) = (0, 0, None);
        while let Some(chunk) = answer.chunk().await? {
            first.get_or_insert(began.elapsed());
            bytes += chunk.len();
            lines += chunk.iter().filter(|byte| **byte == b'\n').count();
            if looked.elapsed() > LOOK {
                most = most.max(api.resident_kib()?);
                looked = Instant::now();
            }
        }
        println!(
            "{name}: {lines} lines, {} MiB in {:.1?}, the first after {:.0?}; resident memory {:.0} MiB before, {:.0} MiB at most",
            bytes / 1024 / 1024,
            began.elapsed(),
            first.unwrap_or_default(),
            number(before) / 1024.0,
            number(most) / 1024.0
        );
    }
    Ok(())
}
