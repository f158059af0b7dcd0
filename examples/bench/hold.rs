//! Very many connections that each get a token and then are kept open.
//! Not for: how long that takes.

use std::io::{Write, stdin, stdout};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::Connection;
use super::load::Kind;
use super::{BUSY, Outcome, secure};

/// Of so many connections one is asked again in the end.
const ASKED_AGAIN: usize = 100;

/// What a connection is over.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

type Held = Connection<Box<dyn Stream>>;

/// Opens `count` connections, over TLS if there is a folder with the server's certificate, and prints "held"; when a line is
/// read asks on some of them again, and prints "alive".
pub(super) fn run(address: SocketAddr, folder: Option<&Path>, count: usize) -> Outcome {
    let request: Arc<str> = Kind::Token.request(address)?.into();
    let tls = folder.map(secure::client).transpose()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let tasks: Vec<_> = (0..BUSY)
            .map(|number| {
                let (request, tls) = (Arc::clone(&request), tls.clone());
                let share = count / BUSY + usize::from(number < count % BUSY);
                tokio::spawn(async move {
                    let mut held = Vec::new();
                    for _ in 0..share {
                        let mut connection = match &tls {
                            None => Held::over(Box::new(secure::tcp(address, false).await?)),
                            Some(tls) => Held::over(Box::new(secure::open(tls, address, false).await?)),
                        };
                        ask(&mut connection, &request).await?;
                        held.push(connection);
                    }
                    Ok::<_, String>(held)
                })
            })
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await??);
        }
        writeln!(stdout(), "held")?;
        stdin().read_line(&mut String::new())?;
        for connection in all.iter_mut().step_by(ASKED_AGAIN) {
            ask(connection, &request).await?;
        }
        writeln!(stdout(), "alive")?;
        Ok(())
    })
}

async fn ask(connection: &mut Held, request: &str) -> Result<(), String> {
    let answer = connection.ask(request).await?;
    let is_token = Kind::Token.is_answered_by(answer);
    if is_token { Ok(()) } else { Err(String::from_utf8_lossy(answer).into_owned()) }
}
