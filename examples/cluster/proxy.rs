//! A TCP proxy between a node and its database, which can be told to fail in the ways in which networks do.
//! Not for: what the two say to each other.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use super::Done;

/// What the proxy does with connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: all passes.
    Pass,
    /// All passes, so much later in either direction.
    Latency(Duration),
    /// Connections that there are, and those that come, are reset.
    Reset,
    /// Connections are accepted, and whatever is sent over any is swallowed. Those of which something was swallowed stay
    /// silent for ever, as behind a firewall that forgot them: neither end learns that the other is gone.
    Blackhole,
    /// Connections that there are end, and nobody listens.
    Refuse,
}

/// A proxy at work.
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    fault: watch::Sender<Fault>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a port that the system chooses, for connections to `target`.
    pub(crate) async fn start(target: SocketAddr) -> Done<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (fault, told) = watch::channel(Fault::Pass);
        let task = tokio::spawn(serve(listener, target, told));
        Ok(Self { address, fault, task })
    }

    /// From now on it does this.
    pub(crate) fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, target: SocketAddr, mut told: watch::Receiver<Fault>) {
    let Ok(address) = listener.local_addr() else { return };
    let (mut listening, mut connections) = (Some(listener), JoinSet::new());
    loop {
        let refuses = *told.borrow_and_update() == Fault::Refuse;
        let Some(listener) = listening.take().filter(|_| !refuses) else {
            if refuses {
                if told.changed().await.is_err() {
                    return;
                }
            } else {
                listening = TcpListener::bind(address).await.ok();
                if listening.is_none() {
                    sleep(Duration::from_millis(10)).await;
                }
            }
            continue;
        };
        tokio::select! {
            changed = told.changed() => if changed.is_err() { return },
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(carry(stream, target, told.clone()));
            },
        }
        while connections.try_join_next().is_some() {}
        listening = Some(listener);
    }
}

/// One connection, from its first byte to its end.
async fn carry(mut client: TcpStream, target: SocketAddr, told: watch::Receiver<Fault>) {
    let now = *told.borrow();
    match now {
        Fault::Reset => return reset(&client),
        Fault::Blackhole => return swallow(client, told).await,
        Fault::Latency(delay) => sleep(delay).await,
        Fault::Pass | Fault::Refuse => {}
    }
    let Ok(mut server) = TcpStream::connect(target).await else { return reset(&client) };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let is_silent = AtomicBool::new(false);
    let ended = {
        let ((client_reader, client_writer), (server_reader, server_writer)) =
            (client.split(), server.split());
        let both = async {
            tokio::join!(
                pump(client_reader, server_writer, &told, &is_silent),
                pump(server_reader, client_writer, &told, &is_silent)
            )
        };
        tokio::select! {
            _ = both => Fault::Pass,
            fault = is_cut(told.clone()) => fault,
        }
    };
    if ended == Fault::Reset {
        reset(&client);
        reset(&server);
    }
}

/// Waits until connections are to be cut, and says how.
async fn is_cut(mut told: watch::Receiver<Fault>) -> Fault {
    let is_cut = |fault: &Fault| matches!(fault, Fault::Reset | Fault::Refuse);
    match told.wait_for(is_cut).await {
        Ok(fault) => *fault,
        Err(_) => Fault::Refuse,
    }
}

/// A connection that was accepted and leads nowhere.
async fn swallow(mut client: TcpStream, told: watch::Receiver<Fault>) {
    let mut bytes = [0; 4096];
    let reading = async { while client.read(&mut bytes).await.is_ok_and(|count| count > 0) {} };
    tokio::select! {
        () = reading => {}
        _ = is_cut(told) => {}
    }
}

/// What is dropped now ends with a reset rather than in order.
fn reset(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// One direction of a connection.
async fn pump(
    mut reader: ReadHalf<'_>,
    mut writer: WriteHalf<'_>,
    told: &watch::Receiver<Fault>,
    is_silent: &AtomicBool,
) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let taking = async move {
        let mut bytes = [0; 16 * 1024];
        loop {
            let count = reader.read(&mut bytes).await.unwrap_or(0);
            let delay = match *told.borrow() {
                Fault::Latency(delay) => delay,
                Fault::Blackhole => {
                    is_silent.store(true, Ordering::Relaxed);
                    Duration::ZERO
                }
                Fault::Pass | Fault::Reset | Fault::Refuse => Duration::ZERO,
            };
            if is_silent.load(Ordering::Relaxed) {
                if count == 0 {
                    // That one end has gone is swallowed as well.
                    std::future::pending::<()>().await;
                }
                continue;
            }
            let part = bytes.get(..count).unwrap_or_default().to_vec();
            if count == 0 || sender.send((Instant::now() + delay, part)).is_err() {
                return;
            }
        }
    };
    let giving = async move {
        while let Some((at, part)) = receiver.recv().await {
            sleep_until(at).await;
            if writer.write_all(&part).await.is_err() {
                return;
            }
        }
        let _ = writer.shutdown().await;
    };
    tokio::join!(taking, giving);
}

#[cfg(test)]
mod tests {
    use super::*;

    use tokio::time::timeout;

    /// A server that says back what it hears, and a connection to it through a proxy.
    async fn world() -> (Proxy, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap()).await.unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut reader, mut writer) = stream.split();
                    tokio::io::copy(&mut reader, &mut writer).await
                });
            }
        });
        let stream = TcpStream::connect(proxy.address).await.unwrap();
        (proxy, stream)
    }

    async fn echoes(stream: &mut TcpStream) -> bool {
        let mut bytes = [0; 1];
        stream.write_all(b"x").await.is_ok() && stream.read_exact(&mut bytes).await.is_ok()
    }

    #[tokio::test]
    async fn passes_everything_and_later_when_told_so() {
        let (proxy, mut stream) = world().await;
        assert!(echoes(&mut stream).await);
        proxy.set(Fault::Latency(Duration::from_millis(50)));
        let asked = Instant::now();
        assert!(echoes(&mut stream).await);
        assert!(asked.elapsed() >= Duration::from_millis(100));
    }

    #[tokio::test]
    async fn resets_what_there_is_and_what_comes() {
        let (proxy, mut stream) = world().await;
        assert!(echoes(&mut stream).await);
        proxy.set(Fault::Reset);
        let error = stream.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        let mut next = TcpStream::connect(proxy.address).await.unwrap();
        assert!(!echoes(&mut next).await);
        proxy.set(Fault::Pass);
        assert!(echoes(&mut TcpStream::connect(proxy.address).await.unwrap()).await);
    }

    #[tokio::test]
    async fn swallows_and_stays_silent_where_it_has_swallowed() {
        let (proxy, mut stream) = world().await;
        assert!(echoes(&mut stream).await);
        proxy.set(Fault::Blackhole);
        let a_while = Duration::from_millis(100);
        assert!(timeout(a_while, echoes(&mut stream)).await.is_err());
        let mut next = TcpStream::connect(proxy.address).await.unwrap();
        assert!(timeout(a_while, echoes(&mut next)).await.is_err());
        proxy.set(Fault::Pass);
        assert!(timeout(a_while, echoes(&mut stream)).await.is_err());
        assert!(echoes(&mut TcpStream::connect(proxy.address).await.unwrap()).await);
    }

    #[tokio::test]
    async fn refuses_and_listens_again() {
        let (proxy, mut stream) = world().await;
        assert!(echoes(&mut stream).await);
        proxy.set(Fault::Refuse);
        assert!(!echoes(&mut stream).await);
        while TcpStream::connect(proxy.address).await.is_ok() {
            sleep(Duration::from_millis(5)).await;
        }
        proxy.set(Fault::Pass);
        while TcpStream::connect(proxy.address).await.is_err() {
            sleep(Duration::from_millis(5)).await;
        }
        assert!(echoes(&mut TcpStream::connect(proxy.address).await.unwrap()).await);
    }
}
