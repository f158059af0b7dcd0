//! A resource server: two operations on orders, each for tokens with its scope, verified offline.
//! Not for: production as it is; TLS ends in front of it. `docs/verify/rust.md` says what to take from it.
//!
//! usage: `resource_server ISSUER AUDIENCE ADDRESS`

use std::convert::Infallible;
use std::error::Error;
use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use chancery::http::client::Client;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tower_service::Service;

mod guard;
mod keys;

use guard::{Guard, Refusal};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, audience, address] = arguments.as_slice() else {
        return Err("usage: resource_server ISSUER AUDIENCE ADDRESS".into());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(issuer, audience, address.parse()?))
}

async fn run(issuer: &str, audience: &str, address: SocketAddr) -> Outcome {
    let issuer = Client::new(None)?.discover(issuer).await?;
    let guard = Arc::new(Guard::new(issuer, audience));
    let orders = Router::new().route("/orders", get(list).post(add)).with_state(guard);
    let listener = TcpListener::bind(address).await?;
    writeln!(stdout(), "listens on {}", listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let orders = orders.clone();
        let service = service_fn(move |request: Request<_>| answer(orders.clone(), request.map(Body::new)));
        // With a timer, hyper gives a caller that sends no header fields half a minute.
        let mut builder = http1::Builder::new();
        tokio::spawn(builder.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(mut orders: Router, request: Request) -> Result<Response, Infallible> {
    orders.call(request).await
}

async fn list(State(guard): State<Arc<Guard>>, fields: HeaderMap) -> Result<String, Refusal> {
    let caller = guard.admit(&fields, "orders:read").await?;
    Ok(format!("the orders, for {}\n", caller.subject))
}

async fn add(State(guard): State<Arc<Guard>>, fields: HeaderMap) -> Result<(StatusCode, String), Refusal> {
    let caller = guard.admit(&fields, "orders:write").await?;
    Ok((StatusCode::CREATED, format!("an order by {}\n", caller.subject)))
}
