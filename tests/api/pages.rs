//! The pages hold what they promise: each command in them is run by a test, each excerpt stands in the file that it names,
//! each link leads somewhere.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    blocks::{Block, blocks, fits, read},
    support::root,
};

/// Every page, by its path.
fn pages() -> Vec<String> {
    let mut pages = Vec::new();
    let folders =
        ["", "docs", "deploy/kubernetes", "template"].into_iter().filter(|folder| root().join(folder).exists());
    for folder in folders {
        pages.extend(files_in(folder).into_iter().filter(|path| path.ends_with(".md")));
    }
    let crates = files_in("crates").into_iter().map(|folder| format!("{folder}/README.md"));
    pages.extend(crates.filter(|page| root().join(page).exists()));
    assert!(pages.len() > 5, "{pages:?}");
    pages
}

fn files_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    entries.map(|entry| Path::new(folder).join(entry.unwrap().file_name()).to_str().unwrap().to_string()).collect()
}

/// `<!-- run by MODULE::TEST -->` names a test whose file takes the commands from the page. `<!-- run by .ci/run -->` stands
/// before commands of the Makefile that CI runs as they stand, or with `test-` before their name; another script that is
/// named so has each command as a line.
#[test]
fn every_command_in_the_pages_is_run_by_a_test() {
    let mut faults = Vec::new();
    for page in pages() {
        for block in blocks(&page) {
            if let Err(fault) = is_run(&page, &block) {
                faults.push(format!("{page}:{}: {fault}", block.line));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn is_run(page: &str, block: &Block) -> Result<(), String> {
    if block.language != "console" {
        let is_shell = ["bash", "sh", "shell"].contains(&block.language.as_str());
        let has_commands = block.text.lines().any(|line| line.starts_with("$ "));
        return if is_shell || has_commands { Err("commands stand in a console block".into()) } else { Ok(()) };
    }
    let runner = block.before.strip_prefix("<!-- run by ").and_then(|rest| rest.strip_suffix(" -->"));
    let runner = runner.ok_or("the line before it does not say which test runs it")?;
    if runner == ".ci/run" {
        let ci = read(".ci/run");
        let runs = |target: &str| {
            ci.lines().filter_map(|line| line.strip_prefix("run ")).any(|line| line.split(' ').next() == Some(target))
        };
        let commands = block.steps().into_iter().map(|step| step.command);
        let others: Vec<String> = commands
            .filter(|command| {
                let target = command.strip_prefix("make ").and_then(|rest| rest.split(' ').next());
                !target.is_some_and(|target| runs(target) || runs(&format!("test-{target}")))
            })
            .collect();
        return if others.is_empty() { Ok(()) } else { Err(format!(".ci/run has no {others:?}")) };
    }
    if runner.ends_with(".sh") {
        let script = read(runner);
        let has = |command: &str| script.lines().any(|line| line.trim() == command);
        let others: Vec<String> =
            block.steps().into_iter().map(|step| step.command).filter(|command| !has(command)).collect();
        return if others.is_empty() { Ok(()) } else { Err(format!("{runner} has no {others:?}")) };
    }
    let (module, test) = runner.rsplit_once("::").ok_or(format!("{runner} is no test"))?;
    let files = test_files(module);
    let file = files.iter().find(|text| text.contains(&format!("]\nfn {test}()")));
    let file = file.ok_or(format!("there is no test {runner}"))?;
    let takes_from_page = file.contains(&format!("\"{page}\""));
    if takes_from_page { Ok(()) } else { Err(format!("{runner} does not take its commands from this page")) }
}

/// The texts of the files with tests of this module, of which there may be one in each folder.
fn test_files(module: &str) -> Vec<String> {
    let path = module.replace("::", "/");
    let folders = ["api", "api/orders", "faults", "peers", "deploy"];
    let files = folders.iter().flat_map(|folder| [".rs", "/mod.rs"].map(|end| format!("tests/{folder}/{path}{end}")));
    files.filter_map(|file| fs::read_to_string(root().join(file)).ok()).collect()
}

/// "From [name](path):" before a block says where it is from.
#[test]
fn every_excerpt_in_the_pages_stands_in_the_file_that_it_is_from() {
    let mut excerpts = 0;
    for page in pages() {
        for block in blocks(&page) {
            let Some((_, path)) = block.before.strip_prefix("From [").and_then(|rest| rest.split_once("](")) else {
                continue;
            };
            excerpts += 1;
            let file = root().join(&page).parent().unwrap().join(path.strip_suffix("):").unwrap());
            let source =
                fs::read_to_string(&file).unwrap_or_else(|error| panic!("{page}: {}: {error}", file.display()));
            let is_there = bare(&source).contains(&bare(&block.text));
            assert!(is_there, "{page}:{}: {} has no\n{}", block.line, file.display(), block.text);
        }
    }
    assert!(excerpts > 0);
}

/// Without what the formatter adds when a line is too long.
fn bare(code: &str) -> String {
    code.replace([' ', '\n', ',', '{', '}'], "")
}

#[test]
fn every_link_in_the_pages_leads_to_a_file_and_a_heading_that_are_there() {
    let mut faults = Vec::new();
    for page in pages() {
        for link in links(&read(&page)) {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let here = root().join(&page);
            let target = if path.is_empty() { here } else { here.parent().unwrap().join(path) };
            if !target.exists() {
                faults.push(format!("{page}: {link}: there is no such file"));
            } else if !anchor.is_empty() && !anchors(&fs::read_to_string(&target).unwrap()).contains(anchor) {
                faults.push(format!("{page}: {link}: there is no such heading"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// By way of other pages, too, and of a folder to what is in it.
#[test]
fn readme_leads_to_every_page() {
    let pages = pages();
    let here = |path: &Path| fs::canonicalize(root().join(path)).unwrap_or_default();
    let mut reached = vec![here(Path::new("README.md"))];
    let mut read_so_far = 0;
    while let Some(page) = reached.get(read_so_far).cloned() {
        read_so_far += 1;
        for link in links(&fs::read_to_string(&page).unwrap()) {
            let target = here(&page.parent().unwrap().join(link.split('#').next().unwrap()));
            let leads_to = |page: &PathBuf| *page == target || page.parent() == Some(&target);
            let more: Vec<PathBuf> = pages.iter().map(|page| here(Path::new(page))).filter(leads_to).collect();
            reached.extend(more.into_iter().filter(|page| !reached.contains(page)).collect::<Vec<_>>());
        }
    }
    for page in pages {
        assert!(reached.contains(&here(Path::new(&page))), "nobody who begins at README comes to {page}");
    }
}

/// The links of a page that lead to files, as they are written.
fn links(text: &str) -> Vec<String> {
    let text = without_code(text);
    let markdown = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let html = ["src=\"", "srcset=\"", "href=\""].into_iter().flat_map(|attribute| {
        text.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()).collect::<Vec<_>>()
    });
    markdown.chain(html).filter(|link| !link.contains("://")).map(str::to_string).collect()
}

/// What a page says outside of its code, where a bracket means something else.
fn without_code(text: &str) -> String {
    let (mut is_code, mut prose) = (false, String::new());
    for line in text.lines() {
        is_code ^= line.starts_with("```");
        if !is_code && !line.starts_with("```") {
            let parts = line.split('`').enumerate().filter(|(place, _)| place % 2 == 0);
            prose.extend(parts.map(|(_, part)| part));
            prose.push('\n');
        }
    }
    prose
}

/// The anchors that a page's headings get where it is shown (GitHub's rule).
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        heading.chars().filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn what_a_page_prints_is_compared_but_for_what_differs_each_time() {
    assert!(fits("{\"id\":\"…\",\"b\":1}", "{\"id\":\"5f\",\"b\":1}"));
    assert!(fits("a…", "a") && fits("a…", "abc") && fits("…c", "abc") && fits("a…b…c", "a-b-b-c"));
    for (pattern, text) in [("{\"id\":\"…\",\"b\":1}", "{\"id\":\"5f\",\"b\":2}"), ("1", "1,"), ("a…b", "abc")] {
        assert!(!fits(pattern, text), "{pattern} {text}");
    }
}
