//! Prometheus' text format, version 0.0.4.

use std::fmt::Write as _;

/// A label and its value.
pub(super) type Label<'a> = (&'a str, &'a str);

/// One value of a metric, with its labels.
pub(super) type Sample<'a> = (&'a [Label<'a>], f64);

/// A page in the making.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// A metric that goes up and down.
    pub(super) fn gauge(&mut self, name: &str, help: &str, samples: &[Sample<'_>]) {
        self.metric(name, help, "gauge", samples);
    }

    /// A metric that only goes up while the process lives; its name ends in `_total`.
    pub(super) fn counter(&mut self, name: &str, help: &str, samples: &[Sample<'_>]) {
        self.metric(name, help, "counter", samples);
    }

    fn metric(&mut self, name: &str, help: &str, kind: &str, samples: &[Sample<'_>]) {
        self.head(name, help, kind);
        for (labels, value) in samples {
            self.sample(name, labels, *value);
        }
    }

    pub(super) fn head(&mut self, name: &str, help: &str, kind: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    pub(super) fn sample(&mut self, name: &str, labels: &[Label<'_>], value: f64) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            self.0.push(if index == 0 { '{' } else { ',' });
            let _ = write!(self.0, "{label}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// One histogram of a metric whose head is written: how many fell below each upper end but
    /// above the one before, the last above all; and their sum.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        labels: &[Label<'_>],
        upper: &[f64],
        counts: &[u64],
        sum: f64,
    ) {
        let bucket = format!("{name}_bucket");
        let mut below = 0;
        for (index, count) in counts.iter().enumerate() {
            below += count;
            let end = upper.get(index).map_or_else(|| "+Inf".to_owned(), ToString::to_string);
            let mut all = labels.to_vec();
            all.push(("le", &end));
            self.sample(&bucket, &all, number(below));
        }
        self.sample(&format!("{name}_sum"), labels, sum);
        self.sample(&format!("{name}_count"), labels, number(below));
    }

    pub(super) fn end(self) -> String {
        self.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "nothing is counted up to 2^52")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_prometheus() {
        let mut text = Text::default();
        text.gauge("a", "Is a.", &[(&[], 1.0), (&[("b", "c\"\\\n"), ("d", "é")], 0.5)]);
        text.head("h", "Is h.", "histogram");
        text.histogram("h", &[("x", "y")], &[0.1, 1.0], &[2, 3, 4], 7.5);
        insta::assert_snapshot!(text.end(), @r#"
        # HELP a Is a.
        # TYPE a gauge
        a 1
        a{b="c\"\\\n",d="é"} 0.5
        # HELP h Is h.
        # TYPE h histogram
        h_bucket{x="y",le="0.1"} 2
        h_bucket{x="y",le="1"} 5
        h_bucket{x="y",le="+Inf"} 9
        h_sum{x="y"} 7.5
        h_count{x="y"} 9
        "#);
    }
}
