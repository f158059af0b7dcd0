//! HTTP/2 through hyper's client, and answers in the same shape as those of HTTP/1.1.
//! Not for: frames that no honest client sends; those are written by hand where they are needed.

use std::error::Error;
use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::{Body, Bytes};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::header::{HeaderName, HeaderValue};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::binary::PATIENCE;
use super::wire::Answer;

/// A connection that speaks HTTP/2.
pub(crate) struct Http2<B = Full<Bytes>>(SendRequest<B>);

impl<B> Http2<B>
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static,
{
    /// A new connection without TLS, known to speak HTTP/2 (RFC 9113 §3.3).
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap()).await
    }

    /// Speaks over something that is connected already.
    pub(crate) async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// The same connection, to ask on it at the same time.
    pub(crate) fn again(&self) -> Self {
        Self(self.0.clone())
    }

    /// Asks.
    pub(crate) async fn ask(&mut self, request: Request<B>) -> Answer {
        self.ask_unless_closed(request)
            .await
            .unwrap_or_else(|| panic!("it was closed before the request was sent"))
    }

    /// Asks, and does not care whether it is answered.
    pub(crate) async fn try_ask(&mut self, request: Request<B>) {
        if self.0.ready().await.is_ok() {
            let _ = self.0.send_request(request).await;
        }
    }

    /// Asks, unless the server takes no more requests on this connection. What it took must be answered.
    pub(crate) async fn ask_unless_closed(&mut self, request: Request<B>) -> Option<Answer> {
        timeout(PATIENCE, async {
            self.0.ready().await.ok()?;
            let response = match self.0.try_send_request(request).await {
                Ok(response) => response,
                Err(mut error) => {
                    let was_sent = error.take_message().is_none();
                    // RFC 9113 §6.8: what GOAWAY says was not taken was not begun, and can be sent elsewhere.
                    let was_taken = was_sent && !format!("{:?}", error.error()).contains("NO_ERROR, Remote");
                    assert!(!was_taken, "a request was lost: {:?}", error.error());
                    return None;
                }
            };
            let (head, body) = response.into_parts();
            let field = |(name, value): (&HeaderName, &HeaderValue)| {
                (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
            };
            Some(Answer {
                status: head.status.as_u16(),
                fields: head.headers.iter().map(field).collect(),
                body: String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap(),
            })
        })
        .await
        .unwrap()
    }
}
