//! What may be asked for, and what is granted: CONFORMANCE D.

use chancery::admin::applications::{ApplicationChange, NewApplication};
use serde_json::json;

use crate::support::ask::{raw, token_request};
use crate::support::reply::claims;
use crate::support::server::{App, TestServer, names};

async fn server() -> (TestServer, App) {
    let server = TestServer::start().await;
    let app = server.app(&["read", "write", "delete"]).await;
    (server, app)
}

/// D01: every character that a scope may have, and in every place.
#[tokio::test]
async fn every_character_of_the_grammar_is_granted() {
    let server = TestServer::start().await;
    let all: String = (0x21..=0x7e).filter(|byte| ![0x22, 0x5c].contains(byte)).map(char::from).collect();
    let app =
        server.app(&[&all, "!", "~", "urn:example:orders#read", "https://api.example.com/orders.read"]).await;
    let asked = format!("{all} ~ ! https://api.example.com/orders.read");
    let reply = server.answer(token_request(&[("scope", &asked)]).of(&app)).await;
    assert_eq!(reply.scope().unwrap(), asked);
    let granted: Vec<&str> = asked.split(' ').collect();
    assert_eq!(claims(&reply.token())["scope"], json!(granted));
}

/// D01, D02, D03
#[tokio::test]
async fn what_breaks_the_grammar_is_refused() {
    let (server, app) = server().await;
    for scope in [
        "read\twrite",
        "read\n",
        "re\"ad",
        "re\\ad",
        "read\u{7f}",
        "réad",
        "ｒead",
        "read\u{a0}write",
        "read\0",
        "read\r\nwrite",
        "read  write",
        " read",
        "read ",
        " ",
        "  ",
        "\"",
        "\\",
        "read,write\u{200b}",
    ] {
        server.answer(token_request(&[("scope", scope)]).of(&app)).await.expect_refused("invalid_scope");
    }
    for body in [
        "scope=read++write",
        "scope=+read",
        "scope=read+",
        "scope=%20",
        "scope=read%20%20write",
        "scope=read%0awrite",
    ] {
        let reply = server.answer(raw(format!("grant_type=client_credentials&{body}")).of(&app)).await;
        reply.expect_refused("invalid_scope");
    }
}

/// D04, D07: all that is asked, or nothing; whether a scope exists and is not granted, or does not exist, is one answer.
#[tokio::test]
async fn one_scope_that_is_not_granted_spoils_the_request() {
    let (server, app) = server().await;
    server.add("default", "other", &["admin"], NewApplication::default()).await;
    let mut answers = Vec::new();
    for scope in [
        "admin",
        "frob",
        "READ",
        "Read",
        "read admin",
        "admin read",
        "read frob write",
        "rea",
        "reads",
        "read,write",
    ] {
        let reply = server.answer(token_request(&[("scope", scope)]).of(&app)).await;
        reply.expect_refused("invalid_scope");
        answers.push(reply.body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

/// D05, D06, D08, D10: exactly what was asked, each once, in the order asked, in the answer as in the token.
#[tokio::test]
async fn a_subset_gives_exactly_that_subset() {
    let (server, app) = server().await;
    for (asked, granted) in [
        ("read", "read"),
        ("delete read", "delete read"),
        ("read delete", "read delete"),
        ("read read", "read"),
        ("write read write read", "write read"),
        ("read write delete", "read write delete"),
    ] {
        let reply = server.answer(token_request(&[("scope", asked)]).of(&app)).await;
        assert_eq!(reply.scope().unwrap(), granted);
        let in_token: Vec<&str> = granted.split(' ').collect();
        assert_eq!(claims(&reply.token())["scope"], json!(in_token));
    }
}

/// D08, D09, D10: all it may have unless narrowed; a scope that is no default may still be asked for.
#[tokio::test]
async fn asking_for_nothing_gives_the_defaults() {
    let (server, app) = server().await;
    let ask = async |scope: &[(&str, &str)]| server.answer(token_request(scope).of(&app)).await;
    assert_eq!(ask(&[]).await.scope().unwrap(), "read write delete");
    let narrow = async |default_scopes: &[&str]| {
        let default_scopes = Some(names(default_scopes));
        server.change(&app, ApplicationChange { default_scopes, ..ApplicationChange::default() }).await;
        server.advance_a_second();
    };
    narrow(&["write", "read"]).await;
    let reply = ask(&[]).await;
    assert_eq!(reply.scope().unwrap(), "write read");
    assert_eq!(claims(&reply.token())["scope"], json!(["write", "read"]));
    assert_eq!(ask(&[("scope", "delete")]).await.scope().unwrap(), "delete");
    narrow(&[]).await;
    assert_eq!(ask(&[]).await.scope(), None);
    assert_eq!(ask(&[("scope", "delete")]).await.scope().unwrap(), "delete");
}

/// D09, D10: an application without scopes gets a token without scopes, and no `scope` in the answer.
#[tokio::test]
async fn where_nothing_is_granted_nothing_is_said() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    let reply = server.answer(token_request(&[]).of(&app)).await;
    assert_eq!(reply.scope(), None);
    assert_eq!(claims(&reply.token())["scope"], json!([]));
    server.answer(token_request(&[("scope", "read")]).of(&app)).await.expect_refused("invalid_scope");
}

/// D11: a list that no token could hold is refused by its length before it is taken apart.
#[tokio::test]
async fn ten_thousand_scopes_are_refused_by_length() {
    let (server, app) = server().await;
    for scope in
        ["read ".repeat(10_000).trim_end(), &"a ".repeat(10_000), &"x".repeat(60_000), &"\u{7}".repeat(4_097)]
    {
        let reply = server.answer(token_request(&[("scope", scope)]).of(&app)).await;
        reply.expect_refused("invalid_scope");
        assert_eq!(reply.json()["error_description"], "The scope is longer than any grant can be.");
    }
    let as_long_as_may_be = "read ".repeat(819);
    let reply = server.answer(token_request(&[("scope", as_long_as_may_be.trim_end())]).of(&app)).await;
    assert_eq!(reply.scope().unwrap(), "read");
}
