//! The blocks of code in the pages, for the tests that run them: so what a page says is what works.
//!
//! In a `console` block, a line that begins with `$ ` is a command, with what follows it up to the `END` of a here-document;
//! the other lines are its output. There, `…` stands for what differs from one time to the next. The line before such a
//! block names the test that runs it (`pages.rs` sees to it).

use std::{fs, process::Command};

use crate::support::root;

/// What stands between two fences.
pub struct Block {
    /// The number of the line of its first fence.
    pub line: usize,
    /// What the fence says it is.
    pub language: String,
    /// The last line before it that is not empty.
    pub before: String,
    pub text: String,
}

/// A command, and what the page says that it prints.
#[derive(Clone)]
pub struct Step {
    pub command: String,
    pub output: String,
}

/// A page's text.
pub fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// All blocks of a page.
pub fn blocks(page: &str) -> Vec<Block> {
    let (mut blocks, mut before, mut open) = (Vec::new(), String::new(), None::<Block>);
    for (line, number) in read(page).lines().zip(1..) {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block {
                    line: number,
                    language: language.into(),
                    before: before.clone(),
                    text: String::new(),
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text += &format!("{line}\n"),
            (None, None) if !line.is_empty() => before = line.to_string(),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{page}: a block has no end");
    blocks
}

impl Block {
    pub fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        let mut in_document = false;
        for line in self.text.lines() {
            match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) if !in_document => {
                    in_document = command.contains("<<'END'");
                    steps.push(Step { command: command.to_string(), output: String::new() });
                }
                (_, Some(step)) if in_document => {
                    in_document = line != "END";
                    step.command += &format!("\n{line}");
                }
                (_, Some(step)) => step.output += &format!("{line}\n"),
                (_, None) => panic!("line {}: the block begins with output", self.line),
            }
        }
        steps
    }
}

/// The commands of the first block of `page` one of whose commands has `mark` in it.
pub fn steps(page: &str, mark: &str) -> Vec<Step> {
    let all = blocks(page).into_iter().filter(|block| block.language == "console").map(|block| block.steps());
    let found = all.into_iter().find(|steps| steps.iter().any(|step| step.command.contains(mark)));
    found.unwrap_or_else(|| panic!("{page} has no command with {mark}"))
}

/// The same without what they print.
pub fn commands(page: &str, mark: &str) -> Vec<String> {
    steps(page, mark).into_iter().map(|step| step.command).collect()
}

/// The first command of `page` that has `mark` in it.
pub fn step(page: &str, mark: &str) -> Step {
    steps(page, mark).into_iter().find(|step| step.command.contains(mark)).unwrap()
}

/// Runs each `curl` of a page by a shell in the repository's folder, with `address` (`127.0.0.1:8080`) in place of the
/// page's, asserts that what the page prints under it is what comes out, and gives that.
pub fn run_curl_lines(page: &str, address: &str) -> Vec<String> {
    let console = blocks(page).into_iter().filter(|block| block.language == "console");
    let steps: Vec<Step> = console.flat_map(|block| block.steps()).collect();
    let curls = steps.iter().filter(|step| step.command.starts_with("curl "));
    let answers: Vec<String> = curls.map(|step| run_curl(step, address)).collect();
    assert!(!answers.is_empty(), "{page} has no curl");
    answers
}

/// The same with one of them.
pub fn run_curl(step: &Step, address: &str) -> String {
    let command = step.command.replacen("curl", "curl -sS", 1).replace("localhost:8080", address);
    let output = Command::new("bash").args(["-c", &command]).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    let answer = String::from_utf8(output.stdout).unwrap();
    assert_prints(step, &answer);
    answer
}

/// Fails unless `answer` is what the page says that comes out, if it says it.
pub fn assert_prints(step: &Step, answer: &str) {
    let (expected, answer) = (step.output.trim_end(), answer.trim_end());
    assert!(expected.is_empty() || fits(expected, answer), "{}\nprints\n{answer}\nand not\n{expected}", step.command);
}

/// Whether `text` is `pattern`, with anything in the place of each `…`.
pub fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, pattern)) = pattern.split_once('…') else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    let mut rest = text.chars();
    while !fits(pattern, rest.as_str()) {
        if rest.next().is_none() {
            return false;
        }
    }
    true
}
