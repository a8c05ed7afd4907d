//! The list that reviewers work through, and how often what is said comes true.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use futures::TryStreamExt as _;
use riftwatch_app::reliability::{self, Month, Report};
use riftwatch_app::reviews;
use riftwatch_domain::rank::Tier;
use riftwatch_domain::routing::Platform;
use riftwatch_store::assessments::{self, Band, ListFilter, ListKey, Listed, Sort};

use crate::args::Args;
use crate::charts::{self, Bin};
use crate::cx::{Cx, Section, Shell};
use crate::error::PageError;
use crate::markup::Markup;
use crate::words;

/// Assessments on a page.
const ROWS: i64 = 50;

/// A verdict in words that accuse nobody.
pub(crate) fn verdict_words(key: &str) -> &str {
    match key {
        "not_enough_games" => "not enough games",
        "nothing_unusual" => "nothing unusual for the displayed rank",
        "inconclusive" => "inconclusive",
        "unusual_pattern" => "account pattern unusual for its displayed rank",
        other => other,
    }
}

/// A review in words.
pub(crate) fn review_words(key: &str) -> &str {
    match key {
        "confirmed" => "pattern confirmed",
        "false_positive" => "false alarm",
        "unsure" => "unsure",
        other => other,
    }
}

struct Row {
    listed: Listed,
    name: String,
    p: String,
    interval: String,
    band: &'static str,
    said: String,
    at: Markup,
}

#[derive(Template)]
#[template(path = "assessments.html")]
struct Page {
    shell: Shell,
    rows: Vec<Row>,
    next: Option<String>,
    first: Option<String>,
    bands: Vec<super::runs::Chip>,
    sorts: Vec<super::runs::Chip>,
    reviewed: Vec<super::runs::Chip>,
    platforms: Vec<(&'static str, bool)>,
    tiers: Vec<(String, String, bool)>,
    since: String,
    hidden: Vec<(String, String)>,
    filtered: bool,
    export: String,
}

fn filter(args: &Args) -> ListFilter {
    ListFilter {
        bands: args.all("band").filter_map(|band| band.parse().ok()).collect(),
        verdicts: args.all("verdict").map(ToOwned::to_owned).collect(),
        platform: args.read("platform"),
        tier: args.get("tier").map(str::to_uppercase),
        since: args.get("since").and_then(|since| {
            let day = NaiveDate::parse_from_str(since, "%Y-%m-%d").ok()?;
            Some(day.and_hms_opt(0, 0, 0)?.and_utc())
        }),
        reviewed: match args.text("reviewed") {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        },
    }
}

fn sort(args: &Args) -> Sort {
    if args.text("sort") == "time" { Sort::Time } else { Sort::Probability }
}

/// `GET /assessments`
pub(crate) async fn list(cx: Cx) -> Result<HttpResponse, PageError> {
    let filter = filter(&cx.args);
    let sort = sort(&cx.args);
    let after: Option<ListKey> =
        cx.args.get("after").and_then(|after| serde_json::from_str(after).ok());
    let mut found = {
        let mut conn = cx.conn().await?;
        assessments::list(&mut conn, &filter, sort, after.as_ref(), ROWS + 1).await?
    };
    let more = i64::try_from(found.len()).is_ok_and(|count| count > ROWS);
    found.truncate(usize::try_from(ROWS).unwrap_or(50));
    let next = found.last().filter(|_| more).and_then(|last| {
        let after = serde_json::to_string(&last.key()).ok()?;
        Some(cx.args.with("after", &after).href("/assessments"))
    });
    let now = cx.now();
    let chip = |key: &str, value: &str, text: &str| {
        let chosen = cx.args.text(key) == value;
        super::runs::Chip {
            text: text.to_owned(),
            count: None,
            href: cx.args.with(key, value).href("/assessments"),
            chosen,
        }
    };
    let tier = cx.args.text("tier").to_uppercase();
    let page = Page {
        shell: cx.shell(Section::Assessments, "Assessments"),
        rows: found.into_iter().map(|listed| row(listed, now)).collect(),
        next,
        first: after.map(|_| cx.args.without("after").href("/assessments")),
        bands: vec![
            chip("band", "", "any"),
            chip("band", Band::High.as_str(), "80 % and more"),
            chip("band", Band::Medium.as_str(), "50 to 80 %"),
            chip("band", Band::Low.as_str(), "20 to 50 %"),
            chip("band", Band::Minimal.as_str(), "below 20 %"),
        ],
        sorts: vec![chip("sort", "", "probability"), chip("sort", "time", "newest")],
        reviewed: vec![
            chip("reviewed", "", "any"),
            chip("reviewed", "no", "not reviewed"),
            chip("reviewed", "yes", "reviewed"),
        ],
        platforms: Platform::ACTIVE
            .iter()
            .map(|known| (known.as_str(), filter.platform == Some(*known)))
            .collect(),
        tiers: Tier::LADDER
            .iter()
            .map(|known| {
                (known.as_str().to_owned(), charts::tier_title(known), known.as_str() == tier)
            })
            .collect(),
        since: cx.args.text("since").to_owned(),
        hidden: cx.args.without("platform").without("tier").without("since").pairs().to_vec(),
        filtered: filter != ListFilter::default(),
        export: cx.args.without("after").href("/assessments/export"),
    };
    cx.page(&page)
}

fn row(listed: Listed, now: DateTime<Utc>) -> Row {
    let name = listed.game_name.as_ref().zip(listed.tag_line.as_ref());
    Row {
        name: name
            .map_or_else(|| "no name known".to_owned(), |(name, tag)| format!("{name}#{tag}")),
        p: listed.probability.map_or_else(|| "–".to_owned(), words::probability),
        interval: listed
            .interval_low
            .zip(listed.interval_high)
            .map_or_else(String::new, |(low, high)| {
                format!("{} to {}", words::probability(low), words::probability(high))
            }),
        band: listed.probability.map_or("", |p| Band::of(p).as_str()),
        said: verdict_words(&listed.verdict).to_owned(),
        at: words::when(listed.created_at, now),
        listed,
    }
}

/// `GET /assessments/export`
pub(crate) async fn export(cx: Cx) -> Result<HttpResponse, PageError> {
    let lines = reviews::csv(cx.api().deps.clone(), filter(&cx.args), sort(&cx.args));
    // The connections that are used belong to the program's runtime, not to this worker's.
    let lines = lines.map_ok(actix_web::web::Bytes::from).map_err(|error| {
        tracing::warn!(error = %error, "an export broke off");
        PageError::Store(error)
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"assessments.csv\""))
        .streaming(Box::pin(lines)))
}

#[derive(Template)]
#[template(path = "reliability.html")]
struct Reliability {
    shell: Shell,
    report: Report,
    chart: Option<Markup>,
    months: Vec<MonthRow>,
}

struct MonthRow {
    month: Month,
    predicted: String,
    happened: String,
    error: String,
}

/// Within which a share of `of` lies four times in five, by Wilson.
#[expect(clippy::cast_precision_loss, reason = "counts of assessments")]
fn wilson(hits: i64, of: i64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let (n, z) = (of as f64, 1.281_551_6);
    let p = hits as f64 / n;
    let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let reach = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    ((middle - reach).max(0.0), (middle + reach).min(1.0))
}

/// All months' bins in one.
#[expect(clippy::cast_precision_loss, reason = "counts of assessments")]
fn bins(months: &[Month]) -> Vec<Bin> {
    let mut sums: Vec<(f64, f64, i64, i64)> = Vec::new();
    for bin in months.iter().flat_map(|month| &month.bins) {
        let said = bin.predicted * bin.assessments as f64;
        match sums.iter_mut().find(|(from, ..)| *from == bin.from) {
            Some(sum) => {
                sum.1 += said;
                sum.2 += bin.gained;
                sum.3 += bin.assessments;
            }
            None => sums.push((bin.from, said, bin.gained, bin.assessments)),
        }
    }
    sums.sort_by(|a, b| a.0.total_cmp(&b.0));
    sums.into_iter()
        .filter(|(.., count)| *count > 0)
        .map(|(_, said, gained, count)| {
            let (low, high) = wilson(gained, count);
            Bin {
                predicted: said / count as f64,
                observed: gained as f64 / count as f64,
                low,
                high,
                count,
            }
        })
        .collect()
}

/// `GET /assessments/reliability`
pub(crate) async fn reliability(cx: Cx) -> Result<HttpResponse, PageError> {
    let report = {
        let mut conn = cx.conn().await?;
        reliability::report(&mut conn, 12, cx.now()).await?
    };
    let bins = bins(&report.months);
    let say = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), words::probability);
    let page = Reliability {
        shell: cx.shell(Section::Assessments, "Reliability"),
        chart: (!bins.is_empty()).then(|| charts::reliability(&bins)),
        months: report
            .months
            .iter()
            .map(|month| MonthRow {
                predicted: say(month.predicted),
                happened: say(month.happened),
                error: month
                    .expected_calibration_error
                    .map_or_else(|| "–".to_owned(), |error| format!("{error:.3}")),
                month: month.clone(),
            })
            .collect(),
        report,
    };
    cx.page(&page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_of_a_share_holds_it_and_stays_within_bounds() {
        let (low, high) = wilson(0, 10);
        assert!(low == 0.0 && high > 0.05 && high < 0.3);
        let (low, high) = wilson(50, 100);
        assert!(low > 0.43 && low < 0.5 && high > 0.5 && high < 0.57);
    }
}
