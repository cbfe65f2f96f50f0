//! `make bench`: the service native, compiled and interpreted, side by side on this machine.
//!
//! - [`subject`]: starts a build of it and reads its memory.
//! - [`load`]: wrk and h2load.
//! - [`measure`]: how each row is measured; [`calls`]: those with other services.
//! - [`rows`]: what each row means, and what compiled must reach.
//! - [`report`], [`chart`]: medians, table, JSON, picture.
//!
//! usage: bench           everything, some ten minutes
//!        bench --short   `GET /orders/{id}` only; fails when compiled is too slow
// No request reaches this: a panic is how it says what went wrong.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used
)]

mod calls;
#[allow(dead_code)]
#[path = "../crates/wasmedge_rustls_api/tests/support/mod.rs"]
mod certificates;
mod chart;
#[allow(dead_code)]
#[path = "../tests/api/https.rs"]
mod https;
mod load;
mod measure;
#[allow(dead_code)]
#[path = "../tests/api/peer.rs"]
mod peer;
mod report;
mod rows;
mod subject;
#[allow(dead_code)]
#[path = "../tests/api/support.rs"]
mod support;

use std::process::ExitCode;

use measure::Plan;
use report::Report;
use subject::Subject;

/// What compiled must reach of native in the short run. A ratio, so that a slow machine does not matter.
const LEAST: f64 = 0.8;

fn main() -> ExitCode {
    let mut report = Report::new();
    if std::env::args().any(|argument| argument == "--short") {
        return short(&mut report);
    }
    let subjects = [Subject::Native, Subject::Compiled, Subject::Interpreted];
    measure::requests(&mut report, &Plan { rounds: 5, seconds: 3 }, &subjects);
    measure::floors(&mut report);
    measure::module(&mut report);
    measure::connections(&mut report, &Plan { rounds: 3, seconds: 2 });
    measure::sizes(&mut report, &Plan { rounds: 3, seconds: 2 });
    measure::instances(&mut report, &Plan { rounds: 1, seconds: 3 });
    report.save();
    ExitCode::SUCCESS
}

fn short(report: &mut Report) -> ExitCode {
    let plan = Plan { rounds: 5, seconds: 3 };
    let mut ratio = 0.0;
    // What else runs on the machine can make it look slow once; not three times, unless it is.
    for _ in 0..3 {
        measure::get_order(report, &plan, &[Subject::Native, Subject::Compiled]);
        let figures = report.figures("get_order");
        ratio = figures.ratio().unwrap_or_default();
        let (native, compiled) = (figures.native.unwrap_or_default(), figures.compiled.unwrap_or_default());
        println!("GET /orders/{{id}}: native {native:.0}/s, compiled {compiled:.0}/s, ratio {ratio:.2}");
        if ratio >= LEAST {
            return ExitCode::SUCCESS;
        }
    }
    println!("{ratio:.2} is less than {LEAST}: something has become slow on WasmEdge. `make bench` shows what.");
    ExitCode::FAILURE
}
