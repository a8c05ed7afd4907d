//! The server: the routes behind the edge, on a socket.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use tokio::runtime::Handle;

use crate::edge::edge;
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
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(2, usize::from).min(8),
            max_connections: 10_000,
            head_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(15),
            shutdown_grace: Duration::from_secs(5),
        }
    }
}

/// Starts to serve on `listener`. The caller awaits the server, and stops it by its handle; it does
/// not listen to signals.
///
/// Call it on a multi-thread tokio runtime: what must outlive the server's workers runs there.
///
/// # Errors
///
/// When the socket cannot be used.
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn server(listener: TcpListener, state: ApiState, config: HttpConfig) -> io::Result<Server> {
    let api = Data::new(Api::new(state, Handle::current()));
    let server = HttpServer::new(move || {
        App::new().wrap(from_fn(edge)).app_data(Data::clone(&api)).configure(routes::configure)
    })
    .workers(config.workers)
    .max_connections(config.max_connections)
    .client_request_timeout(config.head_timeout)
    .keep_alive(config.keep_alive)
    .shutdown_timeout(config.shutdown_grace.as_secs())
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(server)
}
