//! The server: the routes behind the edge, on a socket.

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::dev;
use actix_web::middleware::from_fn;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpServer};
use riftwatch_runner::Changes;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::access::{Access, AccessConfig, AuthMode};
use crate::edge::edge;
use crate::events::Feed;
use crate::metrics::Metrics;
use crate::routes;
use crate::state::{Api, ApiState};

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Threads that answer requests.
    pub workers: usize,
    /// The most connections of each worker; more wait in the socket's queue.
    pub max_connections: usize,
    /// How long a client may take for the head of a request.
    pub head_timeout: Duration,
    /// How long a connection may be idle.
    pub keep_alive: Duration,
    /// How long requests may go on after the server was told to stop.
    pub shutdown_grace: Duration,
    /// The most event streams that are open at a time.
    pub max_streams: usize,
    /// Who may ask, and how often.
    pub access: AccessConfig,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(2, usize::from).min(8),
            max_connections: 25_000,
            head_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(15),
            shutdown_grace: Duration::from_secs(5),
            max_streams: 12_000,
            access: AccessConfig::default(),
        }
    }
}

/// Where the server answers.
#[derive(Debug)]
pub enum Listener {
    /// A port.
    Tcp(TcpListener),
    /// A file: who may open it, the file system says.
    Unix(UnixListener),
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self::Unix(listener)
    }
}

/// A running server: a future that ends with it.
pub struct Server {
    server: dev::Server,
    handle: ServerHandle,
}

impl Server {
    /// What stops it.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }
}

impl Future for Server {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.server).poll(cx)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

/// Stops a [`Server`].
#[derive(Debug, Clone)]
pub struct ServerHandle {
    server: dev::ServerHandle,
    streams: CancellationToken,
}

impl ServerHandle {
    /// Takes no more requests, and returns when all that go on have ended: within the grace of the
    /// configuration if `graceful`, else at once. Event streams, which have no end of their own, end
    /// at once; their readers come back, to another process or the next.
    pub async fn stop(&self, graceful: bool) {
        self.streams.cancel();
        self.server.stop(graceful).await;
    }
}

/// Starts to serve on `listener`. The caller awaits the server, and stops it by its handle; it does
/// not listen to signals.
///
/// Call it on a multi-thread tokio runtime: what must outlive the server's workers runs there.
///
/// `pages` registers what else is served behind the same door.
///
/// # Errors
///
/// When the socket cannot be used, or others than this machine could reach it while nobody has to
/// log in.
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn server(
    listener: impl Into<Listener>,
    state: ApiState,
    config: HttpConfig,
    pages: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> io::Result<Server> {
    let listener = listener.into();
    if let Listener::Tcp(listener) = &listener
        && config.access.mode == AuthMode::Off
    {
        let addr = listener.local_addr()?;
        if !addr.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "without access control, the server answers on loopback addresses only, not on {addr}"
                ),
            ));
        }
    }
    let runtime = Handle::current();
    let changes = match &state.runner {
        Some(runner) => runner.changes(),
        None => Changes::listen(&state.deps.store),
    };
    let streams = CancellationToken::new();
    let feed =
        Feed::start(&state.deps.store, changes, &runtime, config.max_streams, streams.clone());
    let feed = Data::new(Arc::new(feed));
    let follower = match (&state.riot_key, &state.secret_key) {
        (Some(switch), Some(secret_key)) => {
            let following = switch.clone().follow(state.deps.store.clone(), secret_key.clone());
            Some(AbortOnDrop(runtime.spawn(following)))
        }
        _ => None,
    };
    let follower = Data::new(follower);
    let metrics = Data::new(Metrics::default());
    let access = Data::new(Access::new(config.access, state.deps.store.clone()));
    let state = Data::new(state);
    let api = Data::new(Api::new(&state, runtime));
    let server = HttpServer::new(move || {
        App::new()
            .wrap(from_fn(edge))
            .app_data(Data::clone(&access))
            .app_data(Data::clone(&state))
            .app_data(Data::clone(&api))
            .app_data(Data::clone(&feed))
            .app_data(Data::clone(&follower))
            .app_data(Data::clone(&metrics))
            .configure(routes::configure)
            .configure(pages.clone())
    })
    .workers(config.workers)
    .max_connections(config.max_connections)
    .client_request_timeout(config.head_timeout)
    .keep_alive(config.keep_alive)
    .shutdown_timeout(config.shutdown_grace.as_secs())
    .disable_signals();
    let server = match listener {
        Listener::Tcp(listener) => server.listen(listener)?,
        Listener::Unix(listener) => server.listen_uds(listener)?,
    }
    .run();
    let handle = ServerHandle { server: server.handle(), streams };
    Ok(Server { server, handle })
}

/// A task that goes on as long as this is held.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
