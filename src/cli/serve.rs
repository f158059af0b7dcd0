//! `chancery serve`: puts the parts together and runs them until told to stop.
//! Not for: the parts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::{Failure, Global, administration, flags::ServeFlags, log, signal, stream, workspace};
use crate::admin::Admin;
use crate::config::{ListenSettings, Settings};
use crate::http::open_files::raise_open_files;
use crate::http::server::{self, Answers, Server};
use crate::http::stop::Stop;
use crate::http::tls::Certificates;
use crate::http::{Front, Listener};
use crate::issuer::directory::FOLLOW_EVERY;
use crate::issuer::{Directory, Services};
use crate::keys::signing::Signing;
use crate::store::StoreError;
use crate::threads::Workers;

/// How long the last of what was noticed may take to be written down.
const WRITE_NOTES_WITHIN: Duration = Duration::from_secs(10);

/// Open files that are no connection of the public listener: 256 of the other one, the store's, the log.
const OTHER_FILES: u64 = 512;

/// How often last uses and counts are written down.
const WRITE_USAGE_EVERY: Duration = Duration::from_secs(5);

/// How often refusals are written down, so that whoever asks why soon after finds one.
const WRITE_REFUSALS_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked whether signing keys have to be made, sign, retire or go.
const ROTATE_EVERY: Duration = Duration::from_secs(10);

/// How often the store forgets what is past.
const FORGET_EVERY: Duration = Duration::from_mins(10);

/// Listeners that are open, with nothing behind them yet.
pub(super) struct Listeners {
    public: TcpListener,
    admin: TcpListener,
    /// Where callers connect, with the port the system chose if it was to choose.
    pub(super) public_address: SocketAddr,
    admin_address: SocketAddr,
}

pub(super) fn run(global: &Global, flags: &ServeFlags) -> Result<(), Failure> {
    let settings = workspace::settings(global, flags.given())?;
    log::start(settings.log);
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    runtime()?.block_on(async {
        let listeners = listen(&settings.listen)?;
        let admin = workspace::open(&settings).await?;
        workspace::ensure_default_tenant(&admin, &settings, &listeners.public_address.to_string()).await?;
        serve(&settings, listeners, admin, signal::stop_channel()?).await
    })
}

/// The runtime of a server's first worker.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| no_threads(&error))
}

fn no_threads(error: &std::io::Error) -> Failure {
    Failure::new(format!("the system gives no threads: {error}"))
}

/// Opens both listeners.
pub(super) fn listen(settings: &ListenSettings) -> Result<Listeners, Failure> {
    let open = |name: &str, address| {
        let failed = |error: std::io::Error| {
            let mend = if error.kind() == std::io::ErrorKind::AddrInUse {
                format!(": something listens there already; stop it, or choose another address with --{name}")
            } else {
                String::new()
            };
            Failure::new(format!("{}: {address}: {error}{mend}", name.replace('-', ".")))
        };
        let listener = server::bind(address).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        Ok::<_, Failure>((listener, bound))
    };
    let (public, public_address) = open("listen-public", settings.public)?;
    let (admin, admin_address) = open("listen-admin", settings.admin)?;
    Ok(Listeners { public, admin, public_address, admin_address })
}

/// Serves until told to stop, and then until the last request in flight is answered.
pub(super) async fn serve(
    settings: &Settings,
    listeners: Listeners,
    admin: Admin,
    stop: Stop,
) -> Result<(), Failure> {
    // At work until the last is written down: what belongs to them is used until then.
    let (workers, _at_work) = Workers::start(processors()).map_err(|error| no_threads(&error))?;
    let signing = Signing::new(workers.clone(), Arc::clone(&admin.clock));
    let Admin { store, clock, random, vault, .. } = admin.clone();
    let (issuance, writer) = stream::open(&settings.issuance, &clock)?;
    let services = Services::new(store, clock, random, vault, signing)
        .telling(issuance)
        .remembering(settings.memory.cache)
        .allowing(settings.memory.outage);
    let directory = Arc::new(Directory::open(services).await?);
    let certificates = match &settings.listen.tls {
        None => None,
        Some(files) => Some(Arc::new(Certificates::load(&files.certificate, &files.key)?)),
    };
    let https = certificates.is_some() || settings.listen.behind_proxy;
    let any_host = listeners.public_address.ip().is_loopback();
    let public = Front::new(Listener::Public { https, any_host }, Arc::clone(&directory));
    let public = Arc::new(public.behind_proxy(settings.listen.behind_proxy));
    let admin = Arc::new(Front::new(Listener::Admin(Box::new(admin)), Arc::clone(&directory)));
    let max_connections = settings.listen.max_connections;
    warn_of_few_files(max_connections);

    let mut chores = JoinSet::new();
    if let Some(certificates) = certificates.clone() {
        let stop = stop.clone();
        chores.spawn(async move { certificates.follow(stop).await });
    }
    spawn_chores(&mut chores, &directory, &workers);
    let (notes_stop, notes_stopped) = Stop::new();
    let notes = tokio::spawn(write_notes(Arc::clone(&directory), notes_stopped));
    // The admin listener stays while the public one empties, so that probes see why it is not ready.
    let (admin_stop, admin_stopped) = Stop::new();
    let administration = administration::serve(Arc::clone(&admin), listeners.admin, admin_stopped)?;
    let public_server = Server { front: public, certificates, max_connections, workers };
    let (public_address, admin_address) = (listeners.public_address, listeners.admin_address);
    tracing::info!(public = %public_address, admin = %admin_address, https, "chancery serves");

    let mut stopping = stop.clone();
    tokio::join!(public_server.serve(listeners.public, stop), async {
        stopping.said().await;
        admin.stop();
    });
    admin_stop.stop();
    let _ = administration.await;
    chores.abort_all();
    notes_stop.stop();
    let written = timeout(WRITE_NOTES_WITHIN, finish_notes(notes, &directory)).await;
    stream::finish(writer).await;
    written.unwrap_or_else(|_| {
        Err(Failure::new("the last counts could not be written down in time".to_owned()))
    })?;
    tracing::info!("stopped");
    Ok(())
}

/// Each connection is an open file, and so are the store's and the log's.
fn warn_of_few_files(max_connections: usize) {
    let needed = max_connections as u64 + OTHER_FILES;
    if let Some(allowed) = raise_open_files().filter(|allowed| *allowed < needed) {
        tracing::warn!(
            allowed,
            needed,
            "the system allows fewer open files than listen.max_connections needs"
        );
    }
}

/// Writes down the last of what was noticed. What is being written is written to its end, so that it is neither lost nor
/// counted twice.
async fn finish_notes(notes: JoinHandle<()>, directory: &Directory) -> Result<(), Failure> {
    let _ = notes.await;
    let written = (directory.write_usage().await, directory.write_refusals().await);
    match written.0.and(written.1) {
        // Nobody wants them there any more, and it is no failure of this server.
        Err(error @ StoreError::Moved) => {
            tracing::warn!(%error, "the last counts are not written down");
            Ok(())
        }
        written => Ok(written?),
    }
}

/// What goes on beside the requests: following the store, rotating keys, forgetting the past.
fn spawn_chores(chores: &mut JoinSet<()>, directory: &Arc<Directory>, workers: &Workers) {
    for number in 0..workers.count() {
        let watcher = Arc::clone(directory);
        workers.spawn(number, async move { watcher.watch_saturation().await });
    }
    let follower = Arc::clone(directory);
    chores.spawn(async move { follower.keep_following(FOLLOW_EVERY).await });
    let rotator = Arc::clone(directory);
    chores.spawn(every(ROTATE_EVERY, "the signing keys could not be rotated", move || {
        let directory = Arc::clone(&rotator);
        async move { directory.rotate_keys().await }
    }));
    let forgetter = Arc::clone(directory);
    chores.spawn(every(FORGET_EVERY, "the store could not forget what is past", move || {
        let directory = Arc::clone(&forgetter);
        async move { directory.forget_past().await }
    }));
}

/// Writes down what was noticed, until told to stop; never stops in the middle of a write.
async fn write_notes(directory: Arc<Directory>, mut stop: Stop) {
    let (now, period) = (Instant::now(), WRITE_USAGE_EVERY);
    let mut usage_ticks = interval_at(now + period, period);
    let mut refusal_ticks = interval_at(now + WRITE_REFUSALS_EVERY, WRITE_REFUSALS_EVERY);
    let mut usage =
        Trouble::new("last uses and counts could not be written down, or those of other servers read");
    let mut refusals = Trouble::new("refusals could not be written down");
    for ticks in [&mut usage_ticks, &mut refusal_ticks] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        tokio::select! {
            () = stop.said() => return,
            // While the store is away what was noticed waits, and grows no further than its bounds.
            _ = usage_ticks.tick() => if directory.store_away().is_none() {
                usage.note(&directory.write_usage().await);
            },
            _ = refusal_ticks.tick() => {
                directory.tell_overload();
                if directory.store_away().is_none() {
                    refusals.note(&directory.write_refusals().await);
                }
            },
        }
    }
}

/// Does something again and again, a period after the start for the first time: the server has just read the store, and a
/// machine's clock may be set right while it starts.
async fn every<F, E>(period: Duration, failure: &'static str, chore: impl Fn() -> F)
where
    F: Future<Output = Result<(), E>>,
    E: std::fmt::Display,
{
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut trouble = Trouble::new(failure);
    loop {
        ticks.tick().await;
        trouble.note(&chore().await);
    }
}

/// A failure that is logged when it begins and when it ends, not each time.
struct Trouble {
    failure: &'static str,
    lasts: bool,
}

impl Trouble {
    fn new(failure: &'static str) -> Self {
        Self { failure, lasts: false }
    }

    fn note<E: std::fmt::Display>(&mut self, done: &Result<(), E>) {
        let failure = self.failure;
        match done {
            Ok(()) if self.lasts => tracing::info!("over: {failure}"),
            Err(error) if !self.lasts => tracing::error!(%error, "{failure}"),
            Ok(()) | Err(_) => {}
        }
        self.lasts = done.is_err();
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
