//! Bodies of token requests: their type, their length, how they are announced.
//! Not for: what is in the form (`token`).

use std::fmt::Write as _;

use super::{FORM, SITE};
use crate::support::binary::Installation;
use crate::support::wire::{Answer, Connection};

/// A08, A09
#[test]
fn only_a_form_is_read_and_the_refusal_says_what_would_be() {
    let types: [&[&str]; 8] = [
        &["Content-Type: application/json"],
        &["Content-Type: multipart/form-data; boundary=x"],
        &["Content-Type: text/plain"],
        &["Content-Type: application/x-www-form-urlencoded2"],
        &["Content-Type:"],
        &[FORM, FORM],
        &["Content-Type: application/json", FORM],
        &[],
    ];
    for fields in types {
        let answer = SITE.ask(SITE.post(fields, &SITE.form()));
        assert_eq!((answer.status, answer.error().as_str()), (415, "invalid_request"), "{fields:?}");
        assert_eq!(answer.field("accept-post"), Some("application/x-www-form-urlencoded"), "{fields:?}");
    }
}

/// A10, A11
#[test]
fn the_type_is_compared_without_case_and_only_utf_8_is_read() {
    let ask = |value: &str| SITE.ask(SITE.post(&[&format!("Content-Type: {value}")], &SITE.form())).status;
    assert_eq!(ask("APPLICATION/X-WWW-FORM-URLENCODED"), 200);
    let form = "application/x-www-form-urlencoded";
    for charset in ["charset=UTF-8", "charset=utf-8", "CHARSET=\"Utf-8\""] {
        assert_eq!(ask(&format!("{form}; {charset}")), 200, "{charset}");
        assert_eq!(ask(&format!("{form};{charset}")), 200, "{charset}");
    }
    for charset in ["charset=ISO-8859-1", "charset=latin1", "charset=utf-16", "charset="] {
        assert_eq!(ask(&format!("{form}; {charset}")), 415, "{charset}");
    }
}

fn too_long(bytes: &str) {
    let answer = SITE.ask_last(bytes);
    super::assert_ours(&answer);
    assert_eq!((answer.status, answer.error().as_str()), (413, "invalid_request"));
}

/// A12, B19
#[test]
fn a_body_over_64_kib_is_refused_however_it_is_announced() {
    let exact = |length: usize| format!("{}&x={}", SITE.form(), "y".repeat(length - SITE.form().len() - 3));
    let fits = exact(64 * 1024);
    let (half, other_half) = fits.split_at(fits.len() / 2);
    assert_eq!(SITE.ask(SITE.post(&[FORM], &fits)).status, 200);
    assert_eq!(SITE.ask(SITE.post_chunked(&[half, other_half])).status, 200);

    too_long(&SITE.post(&[FORM], &exact(64 * 1024 + 1)));
    too_long(&SITE.post_chunked(&[half, other_half, "z"]));
    too_long(&SITE.post(&[FORM], &exact(300 * 1024)));
    too_long(&SITE.post_chunked(&vec!["a=1&b=2&"; 300 * 1024 / 8]));
    // What is announced is refused before it comes.
    too_long(&SITE.request("POST", "/oauth2/token", &[FORM, "Content-Length: 65537"]));
    too_long(&SITE.request("POST", "/oauth2/token", &[FORM, "Content-Length: 18446744073709551613"]));
}

/// A12
#[test]
fn reading_stops_where_a_chunked_body_becomes_too_long() {
    let mut connection = SITE.connect();
    connection.send(SITE.request("POST", "/oauth2/token", &[FORM, "Transfer-Encoding: chunked"]));
    // 16 GiB are announced, and a little more than the limit is sent.
    connection.send(format!("400000000\r\n{}", "y".repeat(64 * 1024 + 1)));
    let answer = connection.answer();
    assert_eq!((answer.status, answer.field("connection")), (413, Some("close")));
    assert_eq!(connection.rest(), "");
}

/// B19
#[test]
fn a_form_of_very_many_parameters_costs_next_to_nothing() {
    const REQUESTS: u32 = 50;
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let many = "a&".repeat(20_000);
    assert_eq!(SITE.ask(SITE.post(&[FORM], &many)).error(), "invalid_request");
    assert_eq!(SITE.ask(SITE.post(&[FORM], &format!("{}{}", "a=1&".repeat(100), SITE.form()))).status, 400);
    let Some(before) = processor_ticks(server.id()) else {
        return;
    };
    for _ in 0..REQUESTS {
        let mut connection = Connection::open(server.public);
        connection.send(SITE.post(&[FORM], &many));
        assert_eq!(connection.answer().status, 400);
    }
    // A tick is 10 ms: fewer ticks than requests is less than 10 ms for each.
    let ticks = processor_ticks(server.id()).unwrap() - before;
    assert!(ticks < u64::from(REQUESTS), "{ticks} ticks for {REQUESTS} requests");
}

/// User and system time of a process in hundredths of a second, where the system tells.
fn processor_ticks(id: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// B27
#[test]
fn a_form_in_chunks_is_as_good_as_one_in_one_piece() {
    let form = SITE.form();
    let (start, end) = form.split_at(20);
    let characters: Vec<&str> = form.split_inclusive(|_| true).collect();
    for chunks in [&[form.as_str()][..], &[start, end], &characters] {
        assert_eq!(SITE.ask(SITE.post_chunked(chunks)).status, 200);
    }
    // Extensions and trailers are read past; a trailer is no part of the form or the head.
    let head = SITE.request("POST", "/oauth2/token", &[FORM, "Transfer-Encoding: Chunked"]);
    let trailer = "Authorization: Basic eDp5";
    let body =
        format!("{:X};name=value;other=\"a;b\"\r\n{form}\r\n000;last\r\n{trailer}\r\n\r\n", form.len());
    let mut connection = SITE.connect();
    connection.send(format!("{head}{body}"));
    assert_eq!(connection.answer().status, 200);
    // The connection is where it should be.
    connection.send(SITE.post(&[FORM], &form));
    assert_eq!(connection.answer().status, 200);
}

/// A20
#[test]
fn a_caller_that_waits_for_100_continue_gets_it_when_its_body_is_wanted() {
    let form = SITE.form();
    let length = format!("Content-Length: {}", form.len());
    let mut connection = SITE.connect();
    for expect in ["Expect: 100-continue", "expect: 100-Continue"] {
        connection.send(SITE.request("POST", "/oauth2/token", &[FORM, &length, expect]));
        let go = connection.answer();
        assert_eq!((go.status, go.fields.len()), (100, 0));
        connection.send(&form);
        assert_eq!(connection.answer().status, 200);
    }
    // A body that is not wanted is not asked for.
    for fields in [[&length, "Content-Type: text/plain"], [FORM, "Content-Length: 70000"]] {
        let fields = [&fields[..], &["Expect: 100-continue"]].concat();
        let answer = SITE.ask(SITE.request("POST", "/oauth2/token", &fields));
        assert!([413, 415].contains(&answer.status), "{answer:?}");
    }
    // RFC 9110 §10.1.1 lets another expectation be refused or ignored.
    let answer = SITE.ask(SITE.post(&[FORM, "Expect: 200-ok"], &form));
    assert!([200, 417].contains(&answer.status), "{answer:?}");
}

/// A12: what a caller did not manage to send before it was refused is not taken for its next request.
#[test]
fn the_rest_of_a_refused_body_is_no_request() {
    let smuggled = SITE.request("GET", "/oauth2/jwks", &[]);
    let mut request = SITE.request("POST", "/oauth2/token", &[FORM, "Content-Length: 70000"]);
    for _ in 0..20 {
        write!(request, "{smuggled}").unwrap();
    }
    let answer: Answer = SITE.ask_last(request);
    assert_eq!(answer.status, 413);
}
