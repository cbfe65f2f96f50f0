//! Prometheus' text format (version 0.0.4), as every Prometheus since 2014 reads it. Knows no metric.

use std::fmt::{Display, Write};

use super::histogram::{BOUNDS, Histogram, Seconds};

/// The media type.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Names and values of labels.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

/// Metrics, as they are written.
#[derive(Default)]
pub struct Text(String);

impl Text {
    /// What `name` means; its samples follow. `kind` is `counter`, `gauge` or `histogram`.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One value.
    pub fn sample(&mut self, name: &str, labels: Labels, value: impl Display) {
        self.line(name, "", labels, None, &value);
    }

    /// A family of one value.
    pub fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// The values of a histogram.
    pub fn histogram(&mut self, name: &str, labels: Labels, histogram: &Histogram) {
        let (ranges, count) = histogram.cumulative();
        for (bound, value) in BOUNDS.iter().zip(ranges) {
            let bound = Seconds(*bound).to_string();
            let bound = bound.trim_end_matches('0').trim_end_matches('.');
            self.line(name, "_bucket", labels, Some(bound), &value);
        }
        self.line(name, "_bucket", labels, Some("+Inf"), &count);
        self.line(name, "_sum", labels, None, &histogram.sum());
        self.line(name, "_count", labels, None, &count);
    }

    /// All that was written.
    pub fn into_string(self) -> String {
        self.0
    }

    fn line(&mut self, name: &str, suffix: &str, labels: Labels, bound: Option<&str>, value: &dyn Display) {
        let text = &mut self.0;
        let _ = write!(text, "{name}{suffix}");
        let mut separator = '{';
        for (name, value) in labels.iter().copied().chain(bound.map(|bound| ("le", bound))) {
            let _ = write!(text, "{separator}{name}=\"");
            for character in value.chars() {
                match character {
                    '\\' => text.push_str("\\\\"),
                    '"' => text.push_str("\\\""),
                    '\n' => text.push_str("\\n"),
                    character => text.push(character),
                }
            }
            text.push('"');
            separator = ',';
        }
        let _ = writeln!(text, "{} {value}", if separator == ',' { "}" } else { "" });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_label_s_value_may_be_anything() {
        let mut text = Text::default();
        text.family("things", "gauge", "How many.");
        text.sample("things", &[("name", "a\\b\"c\nd{é}"), ("kind", "")], 7);
        text.single("age_seconds", "gauge", "Since when.", Seconds(1_000_001));

        let expected = "# HELP things How many.\n# TYPE things gauge\n\
            things{name=\"a\\\\b\\\"c\\nd{é}\",kind=\"\"} 7\n\
            # HELP age_seconds Since when.\n# TYPE age_seconds gauge\nage_seconds 1.000001\n";
        assert_eq!(text.into_string(), expected);
    }

    #[test]
    fn a_histogram_is_written_with_what_is_below_each_bound() {
        let histogram = Histogram::default();
        histogram.observe(Duration::from_millis(2));
        histogram.observe(Duration::from_secs(11));
        let mut text = Text::default();
        text.histogram("wait_seconds", &[("host", "a:80")], &histogram);

        let text = text.into_string();
        assert_eq!(text.lines().count(), BOUNDS.len() + 3);
        for line in [
            "wait_seconds_bucket{host=\"a:80\",le=\"0.001\"} 0",
            "wait_seconds_bucket{host=\"a:80\",le=\"0.0025\"} 1",
            "wait_seconds_bucket{host=\"a:80\",le=\"1\"} 1",
            "wait_seconds_bucket{host=\"a:80\",le=\"10\"} 1",
            "wait_seconds_bucket{host=\"a:80\",le=\"+Inf\"} 2",
            "wait_seconds_sum{host=\"a:80\"} 11.002000",
            "wait_seconds_count{host=\"a:80\"} 2",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
        }
    }
}
