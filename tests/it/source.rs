//! The repository as text, for the tests that hold rules against it: its files, and the paths their code names.
//! It knows as much of Rust's syntax as those tests need, and no rule.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder whose name ends so (all of them for `""`), sorted; none if there is no such folder.
pub(crate) fn files_under(folder: &Path, extension: &str) -> Vec<PathBuf> {
    const NOT_OURS: &[&str] =
        &[".git", ".venv", "node_modules", "target", "corpus", "artifacts", "__pycache__"];
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !NOT_OURS.contains(&name) {
            files.extend(files_under(&path, extension));
        } else if path.is_file() && (extension.is_empty() || name.ends_with(&format!(".{extension}"))) {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// A path that the code names, from the crate's root if it is one of ours, and the line it stands on.
pub(crate) struct NamedPath {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
}

/// Every path that the code names, in imports and elsewhere, with `super` and `self` resolved to `crate::…`.
pub(crate) fn paths_in(code: &str, module_path: &[String]) -> Vec<NamedPath> {
    let tokens = tokens(code);
    let mut inline_modules: Vec<(String, usize)> = Vec::new();
    let (mut depth, mut at) = (0, 0);
    let mut found = Vec::new();
    while at < tokens.len() {
        let token = tokens[at].0.as_str();
        let after = |n: usize| tokens.get(at + n).map_or("", |token| token.0.as_str());
        match token {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                inline_modules.retain(|(_, opened_at)| *opened_at < depth + 1);
            }
            "mod" if after(2) == "{" => inline_modules.push((after(1).to_owned(), depth + 1)),
            _ => {}
        }
        let in_use = token == "use";
        let follows_a_path = at > 0 && (tokens[at - 1].0 == "." || tokens[at - 1].0 == "::");
        let starts_a_path = !follows_a_path && is_word(token) && after(1) == "::";
        let starts_with_colons =
            token == "::" && (at == 0 || !ends_a_path(&tokens[at - 1].0)) && is_word(after(1));
        if !in_use && !starts_a_path && !starts_with_colons {
            at += 1;
            continue;
        }
        let mut here = module_path.to_vec();
        here.extend(inline_modules.iter().map(|(name, _)| name.clone()));
        let mut tree = Tree {
            tokens: &tokens,
            at: if in_use { at + 1 } else { at },
            grouped: in_use,
            found: Vec::new(),
        };
        tree.read(&[]);
        at = tree.at.max(at + 1);
        found.extend(
            tree.found.into_iter().map(|path| NamedPath { segments: resolve(path.segments, &here), ..path }),
        );
    }
    found
}

/// Reads a path, and in a `use` also its groups: `a::{b, c::d}` is `a::b` and `a::c::d`.
struct Tree<'a> {
    tokens: &'a [(String, usize)],
    at: usize,
    grouped: bool,
    found: Vec<NamedPath>,
}

impl Tree<'_> {
    fn token(&self) -> &str {
        self.tokens.get(self.at).map_or("", |token| token.0.as_str())
    }

    fn read(&mut self, before: &[String]) {
        let mut path = before.to_vec();
        let mut from_outside = false;
        loop {
            match self.token().to_owned().as_str() {
                "::" => from_outside = path.is_empty(),
                "{" if self.grouped => return self.read_group(&path),
                "*" if self.grouped => path.push("*".to_owned()),
                word if is_word(word) => {
                    path.push(if from_outside { format!("::{word}") } else { word.to_owned() });
                    from_outside = false;
                }
                _ => break,
            }
            self.at += 1;
            let goes_on = self.token() == "::" || self.tokens[self.at - 1].0 == "::";
            if !goes_on {
                break;
            }
        }
        self.found.push(NamedPath { segments: path, line: self.tokens[self.at - 1].1 });
    }

    fn read_group(&mut self, path: &[String]) {
        self.at += 1;
        while !matches!(self.token(), "}" | "") {
            if is_word(self.token()) || matches!(self.token(), "::" | "{" | "*") {
                self.read(path);
            }
            while !matches!(self.token(), "," | "}" | "") {
                self.at += 1;
            }
            if self.token() == "," {
                self.at += 1;
            }
        }
        self.at += 1;
    }
}

/// Turns `super`, `self` and a group's `self` into a path from the crate's root; `main.rs` is a crate of its own.
fn resolve(segments: Vec<String>, here: &[String]) -> Vec<String> {
    let is_root = here[0] == "lib" || here[0] == "main";
    let mut base: Vec<String> = if is_root { here[1..].to_vec() } else { here.to_vec() };
    let climbs = segments.iter().take_while(|segment| matches!(segment.as_str(), "self" | "super")).count();
    let mut path = segments;
    if climbs > 0 {
        for segment in path.drain(..climbs) {
            if segment == "super" {
                base.pop();
            }
        }
        base.insert(0, "crate".to_owned());
        path = base.into_iter().chain(path).collect();
    }
    if path.len() > 1 && path.last().is_some_and(|segment| segment == "self") {
        path.pop();
    }
    path
}

fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

fn ends_a_path(token: &str) -> bool {
    is_word(token)
        && !matches!(token, "use" | "as" | "in" | "return" | "mut" | "dyn" | "impl" | "for" | "match" | "if")
        || token == ">"
}

/// Words, `::`, arrows and single signs, each with its line.
fn tokens(code: &str) -> Vec<(String, usize)> {
    let mut tokens = Vec::new();
    for (index, text) in code.lines().enumerate() {
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let is_part = |c: char| c.is_alphanumeric() || c == '_';
            let length = match first {
                ':' | '-' | '=' if ["::", "->", "=>"].iter().any(|sign| rest.starts_with(sign)) => 2,
                _ if is_part(first) => rest.find(|c| !is_part(c)).unwrap_or(rest.len()),
                _ => first.len_utf8(),
            };
            tokens.push((rest[..length].to_owned(), index + 1));
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// The code alone: no comments, no insides of literals, no items under `#[cfg(test)]`; lines stay where they are.
pub(crate) fn code_of(text: &str) -> String {
    without_tests(&without_comments_and_strings(text, |_| {}))
}

/// What stands in quotes before the tests of a file, each on one line; raw strings and characters aside.
pub(crate) fn quotes_in(text: &str) -> Vec<String> {
    let mut quotes = Vec::new();
    without_comments_and_strings(text.split("#[cfg(test)]").next().unwrap_or_default(), |blanked| {
        if let Some(quote) = blanked.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            let lines = quote.split("\\\n").enumerate();
            quotes.push(lines.map(|(at, line)| if at == 0 { line } else { line.trim_start() }).collect());
        }
    });
    quotes
}

/// The text with comments and the insides of literals blanked; lines stay where they are. Each thing that is blanked is
/// shown.
fn without_comments_and_strings(text: &str, mut show: impl FnMut(&str)) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_word = kept.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let blanked = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if first == '"' {
            quoted(rest, '"')
        } else if !after_word && raw_string(rest).is_some() {
            raw_string(rest).unwrap()
        } else if first == '\'' && is_character(rest) {
            quoted(rest, '\'')
        } else {
            0
        };
        let length = blanked.max(first.len_utf8());
        if blanked == 0 {
            kept.push(first);
        } else {
            show(&rest[..length]);
            kept.push(' ');
            kept.extend(rest[..length].chars().filter(|c| *c == '\n'));
        }
        rest = &rest[length..];
    }
    kept
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let step = match text.as_bytes().get(at..at + 2) {
            Some(b"/*") => 1,
            Some(b"*/") => -1,
            _ => 0,
        };
        depth += step;
        at += if step == 0 { 1 } else { 2 };
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

/// The length of a raw string that starts here (`r"…"`, `br#"…"#`, `cr"…"`), if one does.
fn raw_string(text: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| {
        text.strip_prefix(prefix).is_some_and(|rest| rest.trim_start_matches('#').starts_with('"'))
    })?;
    let hashes = text[prefix.len()..].find('"')?;
    let start = prefix.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(text[start..].find(&end).map_or(text.len(), |at| start + at + end.len()))
}

/// A quote that opens a character rather than a lifetime.
fn is_character(text: &str) -> bool {
    let mut after = text.chars().skip(1);
    after.next() == Some('\\') || after.next() == Some('\'')
}

/// The code with every item under `#[cfg(test)]` blanked; lines stay where they are.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let Some(start) = code.find(MARK) else {
        return code.to_owned();
    };
    let after = start + MARK.len();
    let mut depth = 0;
    let end = code[after..].char_indices().find_map(|(at, c)| {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            _ => {}
        }
        (depth == 0 && matches!(c, '}' | ';')).then_some(after + at + 1)
    });
    let end = end.unwrap_or(code.len());
    let lines = "\n".repeat(code[start..end].matches('\n').count());
    format!("{}{lines}{}", &code[..start], without_tests(&code[end..]))
}
