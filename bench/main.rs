//! `make bench`: the service native, compiled and interpreted, side by side on this machine.
//!
//! - [`subject`]: starts a build of it and reads its memory.
//! - [`load`]: wrk and h2load.
//! - [`rows`]: what is measured, and what it must reach.
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

mod chart;
mod load;
mod report;
mod rows;
mod subject;
#[allow(dead_code)]
#[path = "../tests/api/support.rs"]
mod support;

use std::process::ExitCode;

use report::Report;
use rows::Plan;
use subject::Subject;

/// What compiled must reach of native in the short run. A ratio, so that a slow machine does not matter.
const LEAST: f64 = 0.8;

fn main() -> ExitCode {
    let mut report = Report::new();
    if std::env::args().any(|argument| argument == "--short") {
        return short(&mut report);
    }
    let subjects = [Subject::Native, Subject::Compiled, Subject::Interpreted];
    rows::requests(&mut report, &Plan { rounds: 5, seconds: 3 }, &subjects);
    rows::floors(&mut report);
    rows::module(&mut report);
    rows::connections(&mut report, &Plan { rounds: 3, seconds: 2 });
    rows::sizes(&mut report, &Plan { rounds: 3, seconds: 2 });
    rows::instances(&mut report, &Plan { rounds: 1, seconds: 3 });
    report.save();
    ExitCode::SUCCESS
}

fn short(report: &mut Report) -> ExitCode {
    rows::get_order(report, &Plan { rounds: 5, seconds: 3 }, &[Subject::Native, Subject::Compiled]);
    let figures = report.figures("get_order");
    let ratio = figures.ratio().unwrap_or_default();
    let (native, compiled) = (figures.native.unwrap_or_default(), figures.compiled.unwrap_or_default());
    println!("GET /orders/{{id}}: native {native:.0}/s, compiled {compiled:.0}/s, ratio {ratio:.2}");
    if ratio < LEAST {
        println!("That is less than {LEAST}: something has become slow on WasmEdge. `make bench` shows what.");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
