//! The rules of the house that no compiler holds: lengths, the map, stray words, migrations, and which line of the
//! conformance list is proved by which test. What clippy can hold stands in `clippy.toml` instead.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::source;

const LINES_OF_A_SOURCE_FILE: usize = 400;
const LINES_OF_THE_MAP: usize = 150;
const LINES_OF_A_SCRIPT: usize = 59;
const SOURCES: &[&str] = &["src", "tests", "fuzz", "examples", "benches"];

/// The sections of the conformance list that are asked for now; each of their lines is proved, or waits below.
const SECTIONS: &str = "ABCDEFHIJKOPR";

/// Lines that cannot be proved yet. The number only goes down: a line that a test names must leave the list.
const WAITING: [(&str, &str); 5] = [
    ("J07", "every type of token there is can be revoked"),
    ("R03", "there is no listener for client certificates yet"),
    ("O03", "the admin API refuses unknown members; RFC 7591's endpoint, which ignores them, is not offered"),
    ("O05", "there is no PUT that replaces (RFC 7592): changes are merge patches"),
    ("O07", "no metadata holds a URL that anybody would follow"),
];

#[test]
fn keeps_source_files_short() {
    let sources = sources();
    let too_long = sources.iter().filter_map(|file| longer_than(LINES_OF_A_SOURCE_FILE, file));
    refuse("split the file", too_long);
}

#[test]
fn keeps_scripts_short() {
    let mut scripts = source::files_under(&folder("scripts"), "");
    scripts.push(folder(".ci/run"));
    let too_long = scripts.iter().filter_map(|file| longer_than(LINES_OF_A_SCRIPT, file));
    refuse("a script sets up and calls; move the work into the program", too_long);
}

#[test]
fn the_map_is_short_and_names_every_part() {
    let map = folder("ARCHITECTURE.md");
    refuse("the map is one screen or two", longer_than(LINES_OF_THE_MAP, &map).into_iter());
    let text = read(&map);
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.');
    let words: BTreeSet<&str> = words.map(|word| word.trim_end_matches('.')).collect();
    let parts = source::files_under(&folder("src"), "rs").into_iter().flat_map(|file| {
        let inner = file.strip_prefix(folder("src")).unwrap().to_path_buf();
        let folders = inner.ancestors().skip(1).filter_map(|folder| folder.file_name());
        let top = inner.file_name().filter(|_| inner.components().count() == 1);
        folders.chain(top).map(|name| name.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    });
    let parts: BTreeSet<String> = parts.collect();
    let unnamed = parts.into_iter().filter(|part| !words.contains(part.as_str()));
    refuse("ARCHITECTURE.md does not mention", unnamed);
}

#[test]
fn leaves_nothing_for_later_in_the_sources() {
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let calls = [concat!("to", "do!("), concat!("unimple", "mented!(")];
    let found = sources().into_iter().flat_map(|file| {
        lines_where(&file, &read(&file), |line| {
            let mut in_line = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            in_line.any(|word| words.contains(&word)) || calls.iter().any(|call| line.contains(call))
        })
    });
    refuse("do it now, or open an issue", found);
}

#[test]
fn never_unwraps_outside_tests() {
    let declared_as_test = files_that_are_tests();
    let files = source::files_under(&folder("src"), "rs").into_iter();
    let found = files.filter(|file| !declared_as_test.contains(file)).flat_map(|file| {
        lines_where(&file, &source::code_of(&read(&file)), |line| {
            line.contains(".unwrap()") || line.contains(".expect(")
        })
    });
    refuse("return an error instead", found);
}

#[test]
fn every_source_file_says_first_what_it_is_for() {
    let files = source::files_under(&folder("src"), "rs").into_iter();
    refuse(
        "begin with a `//!` line",
        files.filter(|file| !read(file).starts_with("//! ")).map(|file| shown(&file)),
    );
}

#[test]
fn migrations_are_numbered_without_gaps() {
    let mut faults = Vec::new();
    let files = source::files_under(&folder("migrations"), "sql");
    assert!(!files.is_empty(), "there are no migrations");
    for backend in files.iter().map(|file| file.parent().unwrap()).collect::<BTreeSet<_>>() {
        for (index, file) in files.iter().filter(|file| file.parent() == Some(backend)).enumerate() {
            let wanted = format!("{:04}_", index + 1);
            if !file.file_name().unwrap().to_str().unwrap().starts_with(&wanted) {
                faults.push(format!("{} should begin with {wanted}", shown(file)));
            }
        }
    }
    refuse("number the migrations 0001_, 0002_, …", faults.into_iter());
}

/// A path of the machine it was written on means nothing to a reader, and a fixed name in the temporary folder is
/// anybody's to take first.
#[test]
fn speaks_of_no_particular_machine() {
    let places = ["root", "home", "Users", "work", "tmp"].map(|place| format!("/{place}/"));
    let top = fs::read_dir(source::repository()).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) =
        top.filter(|path| path.is_dir() || path.is_file()).partition(|p| p.is_dir());
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        !matches!(name, ".git" | "target" | "chancery-data")
    };
    let inner = folders.into_iter().filter(is_ours).flat_map(|folder| source::files_under(&folder, ""));
    let found = files.into_iter().filter(is_ours).chain(inner).flat_map(|file| {
        let text = fs::read_to_string(&file).unwrap_or_default();
        lines_where(&file, &text, |line| places.iter().any(|place| line.contains(place.as_str())))
    });
    refuse("name no place on a particular machine", found);
}

#[test]
fn every_line_of_the_conformance_list_is_proved_or_waits() {
    let listed = include_str!("conformance.txt").lines().filter(|line| !line.starts_with('#'));
    let listed: BTreeSet<&str> = listed.flat_map(str::split_whitespace).collect();
    let proved = proved_lines();
    let waiting: BTreeSet<&str> = WAITING.iter().map(|(id, _)| *id).collect();

    let missing = listed.iter().filter(|id| SECTIONS.contains(&id[..1]));
    let missing =
        missing.filter(|id| !waiting.contains(**id) && !proved.iter().any(|(proved, _)| proved == *id));
    let mut faults: Vec<String> = missing.map(|id| format!("{id} is proved by no test")).collect();
    for id in waiting.iter().filter(|id| !listed.contains(**id)) {
        faults.push(format!("{id} waits, but is not in conformance.txt"));
    }
    for (id, place) in &proved {
        if waiting.contains(id.as_str()) {
            faults.push(format!("{place}: {id} is proved now: take it off the waiting list"));
        } else if !listed.contains(id.as_str()) {
            faults.push(format!("{place}: {id} is not in conformance.txt"));
        }
    }
    refuse("name each line in the doc comment of the test that proves it, `/// C15`", faults.into_iter());
}

/// The ids that the doc comments of tests begin with (`/// C15, C16: …`), each with its place. A comment that stands
/// over anything but a test proves nothing.
fn proved_lines() -> BTreeSet<(String, String)> {
    let mut proved = BTreeSet::new();
    let tests = source::files_under(&folder("tests"), "rs").into_iter();
    for file in tests.chain(source::files_under(&folder("src"), "rs")) {
        let mut named = Vec::new();
        for (index, line) in read(&file).lines().map(str::trim).enumerate() {
            if let Some(comment) = line.strip_prefix("///") {
                let words = comment
                    .split([' ', ',', '.', ':', ';'])
                    .filter(|word| !word.is_empty() && *word != "and");
                let ids = words.take_while(|word| is_id(word));
                named.extend(ids.map(|id| (id.to_owned(), format!("{}:{}", shown(&file), index + 1))));
            } else if line.starts_with("#[") && (line.contains("test]") || line.contains("test(")) {
                proved.extend(named.drain(..));
            } else if !line.starts_with("#[") {
                named.clear();
            }
        }
    }
    proved
}

fn is_id(word: &str) -> bool {
    matches!(word.as_bytes(), [b'A'..=b'R', b'0'..=b'9', b'0'..=b'9'])
}

/// Files and folders declared as `#[cfg(test)] mod name;` are tests as a whole.
fn files_that_are_tests() -> BTreeSet<PathBuf> {
    let mut tests = BTreeSet::new();
    for file in source::files_under(&folder("src"), "rs") {
        let text = read(&file);
        for after in text.split("#[cfg(test)]").skip(1) {
            let declaration = after.trim_start().split(['\n', '{']).next().unwrap();
            let name = declaration.rsplit("mod ").next().unwrap().trim_end().strip_suffix(';');
            if let Some(name) = name.filter(|_| declaration.contains("mod ")) {
                tests.insert(file.with_file_name(format!("{name}.rs")));
                tests.extend(source::files_under(&file.with_file_name(name), "rs"));
            }
        }
    }
    tests
}

fn sources() -> Vec<PathBuf> {
    SOURCES.iter().flat_map(|name| source::files_under(&folder(name), "rs")).collect()
}

fn longer_than(limit: usize, file: &Path) -> Option<String> {
    let lines = read(file).lines().count();
    (lines > limit).then(|| format!("{} has {lines} lines, {limit} are allowed", shown(file)))
}

fn lines_where(file: &Path, text: &str, is_fault: impl Fn(&str) -> bool) -> Vec<String> {
    let faulty = text.lines().enumerate().filter(|(_, line)| is_fault(line));
    faulty.map(|(index, line)| format!("{}:{}: {}", shown(file), index + 1, line.trim())).collect()
}

fn refuse(rule: &str, faults: impl Iterator<Item = String>) {
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "{rule}:\n{}", faults.join("\n"));
}

fn folder(name: &str) -> PathBuf {
    source::repository().join(name)
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", shown(file)))
}

fn shown(file: &Path) -> String {
    file.strip_prefix(source::repository()).unwrap().display().to_string()
}
