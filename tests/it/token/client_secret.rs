//! Secrets, and the two ways to send them: CONFORMANCE C.

use chancery::admin::applications::{ApplicationChange, NewApplication};
use chancery::crypto::secret::looks_like_ours;
use chancery::domain::application::AuthMethod;
use data_encoding::BASE64;

use crate::support::ask::{Ask, raw, token_request};
use crate::support::server::{App, TestServer};

fn by_post(app: &App) -> Ask {
    token_request(&[("client_id", &app.client_id), ("client_secret", &app.secret)])
}

/// C01, C02, C05: a new application may use both ways, as in the reference; one that is narrowed may not.
#[tokio::test]
async fn a_secret_is_taken_by_the_ways_it_is_registered_for() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    assert_eq!(server.answer(token_request(&[]).of(&app)).await.status, 200);
    assert_eq!(server.answer(by_post(&app)).await.status, 200);
    let narrow = async |method| {
        let auth_methods = Some(vec![method]);
        server.change(&app, ApplicationChange { auth_methods, ..ApplicationChange::default() }).await;
        server.advance_a_second();
    };
    narrow(AuthMethod::ClientSecretBasic).await;
    assert_eq!(server.answer(token_request(&[]).of(&app)).await.status, 200);
    server.answer(by_post(&app)).await.expect_invalid_client();
    narrow(AuthMethod::ClientSecretPost).await;
    assert_eq!(server.answer(by_post(&app)).await.status, 200);
    server.answer(token_request(&[]).of(&app)).await.expect_invalid_client();
}

/// C06, C07, C08
#[tokio::test]
async fn id_and_secret_are_form_encoded_before_they_are_basic() {
    let server = TestServer::start().await;
    let (id, secret) = ("we ird%+x", "p:a&s=s+w %25");
    let app = server.app_with_secret(id, secret).await;
    assert_eq!(server.answer(token_request(&[]).of(&app)).await.status, 200);
    let encoded = token_request(&[]).basic_raw("we+ird%25%2Bx:p%3Aa%26s%3Ds%2Bw+%2525");
    assert_eq!(server.answer(encoded).await.status, 200);
    server.answer(token_request(&[]).basic_raw(format!("{id}:{secret}"))).await.expect_invalid_client();

    server.app_with_secret("a-b_c~d.e", "s-t_u~v.w").await;
    for escaped in
        ["a%2Db%5Fc%7Ed%2Ee:s%2Dt%5Fu%7Ev%2Ew", "a%2db%5fc%7ed%2ee:s-t_u~v.w", "a-b_c~d.e:s-t_u~v.w"]
    {
        let reply = server.answer(token_request(&[]).basic_raw(escaped)).await;
        assert_eq!(reply.status, 200, "{escaped}: {reply:?}");
    }
}

/// C07: a secret with a plus or a percent sign is not tried as it stands.
#[tokio::test]
async fn a_secret_sent_raw_is_not_the_secret() {
    let server = TestServer::start().await;
    for (id, secret) in [("plus", "a+b"), ("percent", "a%20b")] {
        let app = server.app_with_secret(id, secret).await;
        assert_eq!(server.answer(token_request(&[]).of(&app)).await.status, 200);
        server.answer(token_request(&[]).basic_raw(format!("{id}:{secret}"))).await.expect_invalid_client();
    }
}

/// C09
#[tokio::test]
async fn the_first_colon_splits() {
    let server = TestServer::start().await;
    server.app_with_secret("app", ":x:y:").await;
    assert_eq!(server.answer(token_request(&[]).basic_raw("app::x:y:")).await.status, 200);
    server.answer(token_request(&[]).basic_raw("app:x:y:")).await.expect_invalid_client();
}

/// C10
#[tokio::test]
async fn broken_basic_credentials_fail_like_wrong_ones() {
    let server = TestServer::start().await;
    let app = server.app(&[]).await;
    let good = format!("{}:{}", app.client_id, app.secret);
    for pair in ["", "app", ":", "app:", ":secret", "app:%zz", "a%2:b", "app:%ff", "app:%00"] {
        server.answer(token_request(&[]).basic_raw(pair)).await.expect_invalid_client();
    }
    let base64 = BASE64.encode(good.as_bytes());
    for field in [
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !!!!".to_owned(),
        format!("Basic {good}"),
        format!("Basic {base64}*"),
        format!("Basic {base64} {base64}"),
        format!("Basic {base64},"),
        format!("Basic\u{9}{base64}"),
    ] {
        server.answer(token_request(&[]).with("authorization", field)).await.expect_invalid_client();
    }
    assert_eq!(
        server.answer(token_request(&[]).with("authorization", format!("bAsIc   {base64}"))).await.status,
        200
    );
}

/// C13, C14
#[tokio::test]
async fn a_client_id_is_compared_byte_by_byte() {
    let server = TestServer::start().await;
    let app = server.app_with_secret("Caf-1 x", "secret").await;
    assert_eq!(server.answer(by_post(&app)).await.status, 200);
    let others = [
        "caf-1 x",
        "CAF-1 X",
        "Caf-1  x",
        " Caf-1 x",
        "Caf-1 x ",
        "Caf-1",
        "Caf-1\u{a0}x",
        "Caf\u{2d}1 x\0",
        "Caf\u{2010}1 x",
        "Caf-\u{ff11} x",
        "Caf-1 x\n",
        "C\u{430}f-1 x",
        "Caf-1 _",
        "Caf-1 %",
        "é",
        "\u{7f}",
        "",
    ];
    for client_id in others {
        let other = App { client_id: client_id.to_owned(), ..app.clone() };
        server.answer(token_request(&[]).of(&other)).await.expect_invalid_client();
        server.answer(by_post(&other)).await.expect_invalid_client();
    }
}

/// C18: what the server makes has 256 random bits, and a form that scanners know.
#[tokio::test]
async fn the_server_makes_secrets_that_cannot_be_guessed() {
    let server = TestServer::start().await;
    let mut secrets = Vec::new();
    for number in 0..20 {
        let app = server.add("default", &format!("app{number}"), &[], NewApplication::default()).await;
        secrets.push(app.secret);
    }
    assert!(secrets.iter().all(|secret| looks_like_ours(secret) && secret.len() == 53));
    secrets.sort();
    secrets.dedup();
    assert_eq!(secrets.len(), 20);
}

/// C20
#[tokio::test]
async fn every_byte_of_a_long_secret_counts() {
    let server = TestServer::start().await;
    let long = "x".repeat(1023);
    let app = server.app_with_secret("app", &format!("{long}a")).await;
    assert_eq!(server.answer(token_request(&[]).of(&app)).await.status, 200);
    for other in [format!("{long}b"), long.clone(), format!("{long}aa"), "x".repeat(72)] {
        server.answer(token_request(&[]).basic("app", &other)).await.expect_invalid_client();
    }
}

/// C21: refused by its length; the time it takes is measured in `one_answer.rs`.
#[tokio::test]
async fn a_giant_secret_is_refused_for_known_and_unknown_callers_alike() {
    let server = TestServer::start().await;
    server.app(&[]).await;
    let giant = "s".repeat(1 << 20);
    let mut answers = Vec::new();
    for client_id in ["app", "nobody"] {
        let ask = raw(format!("grant_type=client_credentials&client_id={client_id}&client_secret={giant}"));
        let in_form = server.answer(ask).await;
        let in_field = server.answer(token_request(&[]).basic(client_id, &giant)).await;
        assert_eq!(in_form.status, 413, "{in_form:?}");
        in_field.expect_invalid_client();
        let as_long_as_a_form_can_be = &giant[..64 * 1024 - 100];
        let request = [("client_id", client_id), ("client_secret", as_long_as_a_form_can_be)];
        server.answer(token_request(&request)).await.expect_invalid_client();
        answers.push((in_form, in_field));
    }
    assert_eq!(answers[0].0.without_request_id(), answers[1].0.without_request_id());
    assert_eq!(answers[0].1.without_request_id(), answers[1].1.without_request_id());
}
