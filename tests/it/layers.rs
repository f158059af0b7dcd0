//! The dependency rule, as a table and a test: which module may use which, and which outside crate lives where.
//! It reads the source as text, so it needs nothing of the library; the compiler cannot say any of this within one package.

use std::fs;

use crate::source::{self, NamedPath};

/// Each top-level module of `src/` and the modules it may use. Arrows point down; a module may always use itself.
const MAY_USE: &[(&str, &[&str])] = &[
    ("crypto", &[]),
    ("domain", &["crypto"]),
    ("threads", &[]),
    ("store", &["crypto", "domain", "threads"]),
    ("keys", &["crypto", "domain", "store", "threads"]),
    ("issuer", &["crypto", "domain", "store", "keys"]),
    ("oauth", &["crypto", "domain", "store", "keys", "issuer"]),
    ("admin", &["crypto", "domain", "store", "keys", "issuer"]),
    ("http", &["crypto", "domain", "store", "issuer", "oauth", "admin", "threads"]),
    ("config", &["domain", "keys", "issuer", "http", "store"]),
    ("cli", &["crypto", "domain", "store", "keys", "issuer", "oauth", "admin", "http", "config", "threads"]),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// Outside crates that may be named in one module only, or in the few that have a row for them. `http` is the crate; our module is `crate::http`.
const ROOMS: &[(&str, &[&str])] = &[
    ("crypto", &["argon2", "aws_lc_rs", "base64_simd", "bcrypt", "scrypt", "siphasher"]),
    (
        "store",
        &[
            "deadpool_postgres",
            "rusqlite",
            "rustls",
            "rustls_native_certs",
            "rustls_pki_types",
            "tokio_postgres",
            "tokio_postgres_rustls",
        ],
    ),
    (
        "http",
        &[
            "axum",
            "http",
            "http_body",
            "http_body_util",
            "hyper",
            "hyper_util",
            "prometheus_client",
            "rustls",
            "rustls_native_certs",
            "rustls_pki_types",
            "socket2",
            "tokio_rustls",
            "tower_service",
        ],
    ),
    ("admin", &["schemars", "serde_saphyr"]),
    ("http", &["rustix", "schemars"]),
    ("threads", &["rustix"]),
    ("config", &["toml"]),
    ("cli", &["clap", "tracing_subscriber"]),
];

#[test]
fn every_module_uses_only_the_layers_below_it() {
    let root = source::repository();
    let mut faults = Vec::new();
    for path in source::files_under(&root.join("src"), "rs") {
        let relative = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        faults.extend(faults_in(&relative, &fs::read_to_string(&path).unwrap()));
    }
    assert!(faults.is_empty(), "the dependency rule is broken:\n{}", faults.join("\n"));
}

#[test]
fn every_row_of_the_table_is_a_module() {
    let source = source::repository().join("src");
    for (module, _) in MAY_USE {
        let there = source.join(module).is_dir() || source.join(format!("{module}.rs")).is_file();
        assert!(there, "tests/it/layers.rs has a row for `{module}`, which src/ does not");
    }
}

/// Everything wrong with one file, each as `file:line: rule`.
fn faults_in(file: &str, text: &str) -> Vec<String> {
    let module_path = module_path(file);
    let module = module_path[0].as_str();
    let Some((_, below)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
        return vec![format!("{file}:1: `{module}` has no row in tests/it/layers.rs")];
    };
    let paths = source::paths_in(&source::code_of(text), &module_path);
    let imports_our_http = paths.iter().any(|path| path.segments == ["crate", "http"]);
    let rule_broken = |path: &NamedPath| match path.segments[0].trim_start_matches("::") {
        "crate" if module == "main" => None,
        "crate" | "chancery" => wrong_layer(module, below, path),
        "http" if imports_our_http && path.segments[0] == "http" => None,
        outside => wrong_room(module, outside),
    };
    paths
        .iter()
        .filter_map(|path| rule_broken(path).map(|rule| format!("{file}:{}: {rule}", path.line)))
        .collect()
}

fn wrong_layer(module: &str, below: &[&str], path: &NamedPath) -> Option<String> {
    let other = path.segments.get(1).map_or("*", String::as_str);
    if other == module || below.contains(&other) {
        None
    } else if MAY_USE.iter().any(|(name, _)| *name == other) {
        Some(format!("`{module}` may not use `{other}`"))
    } else {
        Some(format!("`crate::{other}` is no module: import from the module that has it"))
    }
}

fn wrong_room(module: &str, outside: &str) -> Option<String> {
    let rooms = ROOMS.iter().filter(|(_, crates)| crates.contains(&outside));
    let rooms: Vec<&str> = rooms.map(|(room, _)| *room).collect();
    (!rooms.is_empty() && !rooms.contains(&module))
        .then(|| format!("the crate `{outside}` belongs in `{}`, not in `{module}`", rooms.join("` and `")))
}

/// `src/oauth/grant/mod.rs` is `[oauth, grant]`; `src/main.rs` and `src/lib.rs` go by their own names.
fn module_path(file: &str) -> Vec<String> {
    let inner = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    inner.split('/').map(str::to_owned).collect()
}

#[test]
fn finds_a_path_however_it_is_written() {
    for broken in [
        "use crate::http;",
        "use crate::{domain::scope, http::tls};",
        "fn f() { super::super::http::f() }",
        "use super::super::{store, http};",
        "mod inner { use super::super::super::http::tls; }",
        "type T = Vec<crate::http::T>;",
        "use axum::Router;",
        "fn f(_: ::http::Request<()>) {}",
        "fn f(_: http::Request<()>) {}",
        "use {std::fmt, rusqlite::params};",
        "#[derive(clap::Parser)] struct S;",
        "use crate as root;",
        "use super::super::*;",
        "pub(crate) use crate::Thing;",
        "impl From<rusqlite::Error> for E {}",
        "fn f() -> ::http::Method {}",
        "use crate::{domain::{scope, time}, store::{self}, config::{self}};",
    ] {
        let text = format!("//! Front.\n\n{broken}\n");
        let faults = faults_in("src/oauth/grant.rs", &text);
        assert_eq!(faults.len(), 1, "{broken}: {faults:?}");
        assert!(faults[0].starts_with("src/oauth/grant.rs:3: "), "{faults:?}");
    }
}

#[test]
fn lets_pass_what_the_table_allows() {
    for fine in [
        "use crate::{domain::{scope, time::Clock}, store};",
        "// use crate::http;\n/* crate::cli /* axum:: */ */",
        "const A: &str = r#\"crate::http \"quoted\" \"#; const B: char = '\"'; fn f<'a>(_: &'a str) {}",
        "#[cfg(test)]\nmod tests { use crate::http; }",
        "use super::{error, token::issue}; fn f() { self::g(); request.http::<u8>(); }",
        "pub(in crate::oauth) fn f() {} mod inner { use super::super::error; }",
    ] {
        assert_eq!(faults_in("src/oauth/grant.rs", fine), Vec::<String>::new(), "{fine}");
    }
    assert!(faults_in("src/main.rs", "use chancery::cli; fn main() { cli::run() }").is_empty());
    assert_eq!(faults_in("src/main.rs", "fn main() { chancery::store::open() }").len(), 1);
    assert_eq!(faults_in("src/newcomer/mod.rs", "").len(), 1);
}
