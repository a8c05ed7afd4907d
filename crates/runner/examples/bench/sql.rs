//! Statements of the bench's own, and what it prints of their answers.

use riftwatch_store::DatabaseUrl;

use crate::Fallible;

/// A connection for statements of the bench's own.
pub(crate) struct Sql {
    client: tokio_postgres::Client,
}

impl Sql {
    pub(crate) async fn open(url: &DatabaseUrl) -> Fallible<Self> {
        let (client, connection) = url.connect_raw().await?;
        tokio::spawn(connection);
        Ok(Self { client })
    }

    pub(crate) async fn run(&self, statements: &str) -> Fallible<()> {
        // One by one: VACUUM and CHECKPOINT take no company.
        for statement in statements.split(';') {
            self.client.batch_execute(statement).await?;
        }
        Ok(())
    }

    pub(crate) async fn number(&self, query: &str) -> Fallible<i64> {
        Ok(self.client.query_one(query, &[]).await?.get(0))
    }

    pub(crate) async fn float(&self, query: &str) -> Fallible<f64> {
        Ok(self.client.query_one(query, &[]).await?.get(0))
    }

    pub(crate) async fn text(&self, query: &str) -> Fallible<String> {
        Ok(self.client.query_one(query, &[]).await?.get(0))
    }

    pub(crate) async fn texts(&self, query: &str) -> Fallible<Vec<String>> {
        let rows = self.client.query(query, &[]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Prints percentiles of `ms`, an expression over `rows`.
    pub(crate) async fn print(&self, what: &str, ms: &str, rows: &str) -> Fallible<()> {
        let row = self
            .client
            .query_one(
                &format!(
                    "SELECT count(*), percentile_cont(ARRAY[0.5, 0.95, 0.99, 1])
                            WITHIN GROUP (ORDER BY ({ms})::float8) FROM {rows}"
                ),
                &[],
            )
            .await?;
        let (count, at): (i64, Option<Vec<f64>>) = (row.get(0), row.get(1));
        print(what, &at.unwrap_or_else(|| vec![0.0; 4]), count);
        Ok(())
    }
}

/// Prints percentiles of samples in milliseconds.
pub(crate) fn print_samples(what: &str, samples: &mut [f64]) {
    samples.sort_by(f64::total_cmp);
    let last = samples.len().saturating_sub(1);
    let at = [50, 95, 99, 100].map(|percent| {
        samples.get((samples.len() * percent / 100).min(last)).copied().unwrap_or(0.0)
    });
    print(what, &at, i64::try_from(samples.len()).unwrap_or(0));
}

fn print(what: &str, at: &[f64], count: i64) {
    println!(
        "{what:<52} p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, most {:.1} ms, of {count}",
        at[0], at[1], at[2], at[3]
    );
}
