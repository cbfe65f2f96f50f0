//! What was measured: medians, the tables, report.json, and the sections of README and docs/performance.md.

use std::{collections::BTreeMap, fs, io::Write, time::Instant};

use serde_json::json;

use crate::{chart, measure, rows, subject::Subject, support::root};

/// What compiled must reach. The first two are factors of native's figure in the same run.
#[derive(Clone, Copy)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// So much more than another row's figure at most.
    AtMostAbove(&'static str, f64),
    /// So many times another row's figure at most.
    AtMostTimes(&'static str, f64),
    Below(f64),
    /// Of another row's figure, which shall take so many times this row's at most.
    TimesMore(&'static str, f64),
}

/// A row's medians.
#[derive(Clone, Copy, Default)]
pub struct Figures {
    pub native: Option<f64>,
    pub compiled: Option<f64>,
    pub interpreted: Option<f64>,
}

impl Figures {
    /// Compiled in units of native.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.compiled? / self.native?)
    }
}

/// Everything measured so far.
pub struct Report {
    started: Instant,
    order: Vec<String>,
    samples: BTreeMap<(String, &'static str), Vec<f64>>,
}

impl Report {
    pub fn new() -> Report {
        Report { started: Instant::now(), order: Vec::new(), samples: BTreeMap::new() }
    }

    /// Says what is being done, and since when.
    pub fn progress(&self, what: &str) {
        eprintln!("\x1b[1m==>\x1b[0m {:4} s  {what}", self.started.elapsed().as_secs());
    }

    pub fn add(&mut self, row: &str, subject: Subject, value: f64) {
        if !self.order.iter().any(|known| known == row) {
            self.order.push(row.to_string());
        }
        self.samples.entry((row.to_string(), subject.name())).or_default().push(value);
    }

    /// The medians of a row.
    pub fn figures(&self, row: &str) -> Figures {
        let median = |subject: Subject| {
            let mut values = self.samples.get(&(row.to_string(), subject.name()))?.clone();
            values.sort_by(f64::total_cmp);
            Some(values[values.len() / 2])
        };
        Figures {
            native: median(Subject::Native),
            compiled: median(Subject::Compiled),
            interpreted: median(Subject::Interpreted),
        }
    }

    /// Prints the table; saves it, and the picture, under bench/.
    pub fn save(&self) {
        let rows: Vec<_> = self.order.iter().map(|row| (row.as_str(), self.figures(row))).collect();
        let json: Vec<_> = rows
            .iter()
            .map(|(row, figures)| {
                json!({
                    "row": row,
                    "unit": rows::unit(row),
                    "native": figures.native.map(rounded),
                    "compiled": figures.compiled.map(rounded),
                    "interpreted": figures.interpreted.map(rounded),
                })
            })
            .collect();
        let folder = root().join("bench");
        fs::write(folder.join("report.json"), serde_json::to_string_pretty(&json).unwrap() + "\n").unwrap();
        fs::write(folder.join("report.svg"), chart::draw(self)).unwrap();
        let (targets, curves) = self.order.iter().partition(|row| rows::is_of_interest(row));
        let (targets, curves) = (self.table(targets), self.table(curves));
        let _ = std::io::stdout().write_all(format!("{targets}\n{curves}").as_bytes());
        put_into("README.md", "summary", &self.summary());
        put_into("docs/performance.md", "targets", &format!("{}\n\n{targets}", machine()));
        put_into("docs/performance.md", "curves", &curves);
    }

    /// The few rows that README shows, as Markdown.
    fn summary(&self) -> String {
        let mut table = String::from(
            "| what | unit | native | compiled | interpreted | compiled/native |\n| --- | --- | --: | --: | --: | --: |\n",
        );
        for row in rows::SUMMARY {
            let figures = self.figures(row);
            let cell = |value: Option<f64>| value.map(number).unwrap_or_default();
            table += &format!(
                "| {} | {} | {} | {} | {} | {} |\n",
                rows::title(row),
                rows::unit(row),
                cell(figures.native),
                cell(figures.compiled),
                cell(figures.interpreted),
                figures.ratio().map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
            );
        }
        table
    }

    /// As Markdown.
    fn table(&self, rows: Vec<&String>) -> String {
        let mut table = String::from(
            "| what | unit | native | compiled | interpreted | compiled/native | target |\n| --- | --- | --: | --: | --: | --: | --- |\n",
        );
        for row in rows {
            let figures = self.figures(row);
            let cell = |value: Option<f64>| value.map(number).unwrap_or_default();
            let ratio = figures.ratio().map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
            table += &format!(
                "| {} | {} | {} | {} | {} | {ratio} | {} |\n",
                rows::title(row),
                rows::unit(row),
                cell(figures.native),
                cell(figures.compiled),
                cell(figures.interpreted),
                self.verdict(row, figures).unwrap_or_default(),
            );
        }
        table
    }

    fn verdict(&self, row: &str, figures: Figures) -> Option<String> {
        let (text, met) = match rows::target(row)? {
            Target::AtLeast(least) => (format!("≥ {least} of native"), figures.ratio()? >= least),
            Target::AtMost(most) => (format!("≤ {most} × native"), figures.ratio()? <= most),
            Target::Below(most) => (format!("≤ {most}"), figures.compiled? <= most),
            Target::TimesMore(other, most) => {
                let factor = self.figures(other).compiled? / figures.native?;
                (format!("service takes {factor:.2} of it, ≤ {most}"), factor <= most)
            }
            Target::AtMostTimes(other, most) => {
                let factor = figures.compiled? / self.figures(other).compiled?;
                (format!("{factor:.2} × without, ≤ {most}"), factor <= most)
            }
            Target::AtMostAbove(other, more) => {
                let most = self.figures(other).compiled? + more;
                (format!("≤ {}", number(most)), figures.compiled? <= most)
            }
        };
        Some(format!("{text} {}", if met { "✓" } else { "✗" }))
    }
}

/// Three digits that matter.
fn number(value: f64) -> String {
    match value {
        value if value >= 1000.0 => {
            let text = format!("{value:.0}");
            let (head, tail) = text.split_at(text.len() - 3);
            format!("{head},{tail}")
        }
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The machine and the versions, in a sentence.
fn machine() -> String {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let release = read("/etc/os-release");
    let system =
        release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("Linux").trim_matches('"');
    let date = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
    format!(
        "Measured on {}, {cores} cores of {}, {system}, {}, MariaDB {}, everything on the one machine.",
        date.split('T').next().unwrap_or_default(),
        model.unwrap_or("an unnamed processor"),
        measure::wasmedge_version(),
        measure::database_version(),
    )
}

/// Replaces what stands between the two marks of a section in a page.
fn put_into(page: &str, section: &str, text: &str) {
    let (begin, end) = (format!("<!-- made by `make bench`: {section} -->\n"), "<!-- end -->");
    let file = root().join(page);
    let before = fs::read_to_string(&file).unwrap();
    let (head, rest) = before.split_once(&begin).unwrap();
    let (_, tail) = rest.split_once(end).unwrap();
    fs::write(file, format!("{head}{begin}\n{text}\n{end}{tail}")).unwrap();
}
