//! No request is refused for a reason of which `chancery explain` does not know how it is mended.

use std::collections::BTreeSet;
use std::fs;

use chancery::admin::mending::MENDING;

use crate::source;

/// Where requests are refused.
const PLACES: &[&str] = &["src/oauth", "src/http/read.rs", "src/http/asked.rs"];

/// What a resource server says of a token: no request is refused for it.
const NO_REFUSALS: &str = "src/oauth/verify.rs";

#[test]
fn every_reason_has_its_sentence_and_every_sentence_its_reason() {
    let mended: BTreeSet<String> = MENDING.iter().map(|(reason, _)| (*reason).to_owned()).collect();
    let given = reasons();
    let without: Vec<_> = given.difference(&mended).collect();
    assert!(without.is_empty(), "src/admin/mending.rs does not say how these are mended: {without:#?}");
    let stale: Vec<_> = mended.difference(&given).collect();
    assert!(stale.is_empty(), "nobody is refused for these any more: {stale:#?}");
}

/// Every sentence in the code of those places, tests aside: three words or more in quotes.
fn reasons() -> BTreeSet<String> {
    let root = source::repository();
    let files = PLACES.iter().flat_map(|place| match root.join(place) {
        file if file.is_file() => vec![file],
        folder => source::files_under(&folder, "rs"),
    });
    let files = files.filter(|file| *file != root.join(NO_REFUSALS));
    files.flat_map(|file| sentences(&fs::read_to_string(file).unwrap())).collect()
}

fn sentences(text: &str) -> Vec<String> {
    // A reason is constant, so what is filled in is none.
    let is_sentence =
        |quote: &String| quote.split(' ').filter(|word| word.len() > 1).count() > 2 && !quote.contains('{');
    source::quotes_in(text).into_iter().filter(is_sentence).collect()
}

#[test]
fn finds_a_sentence_however_it_is_written() {
    let text = "//! Not \"this one here\".\nconst A: &str = \"two words\";\n\
                f(r#\"{\"active\":true, \"a b c\": 1\"#, b'\"', \"one \\\n   two\", \"one \\\n   two three\");\n\
                #[cfg(test)]\nmod tests { const B: &str = \"not this one\"; }";
    assert_eq!(sentences(text), ["one two three"]);
}
