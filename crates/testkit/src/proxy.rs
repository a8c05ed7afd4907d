//! A network between a program and PostgreSQL that can be broken at will.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use riftwatch_store::DatabaseUrl;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A TCP port on loopback that leads to a Unix socket. Connections end with the value.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    link: Arc<watch::Sender<Link>>,
    accepting: JoinHandle<()>,
}

/// The state of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Link {
    /// Bytes get through.
    flowing: bool,
    /// Counts the cuts: a connection ends when the number moves on.
    cuts: u64,
}

impl Proxy {
    /// Opens the port. Needs a tokio runtime, and lives on it.
    ///
    /// # Panics
    ///
    /// When loopback has no free port.
    pub async fn to_unix(socket: impl AsRef<Path>) -> Self {
        let socket = socket.as_ref().to_path_buf();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port has an address");
        let link = Arc::new(watch::Sender::new(Link { flowing: true, cuts: 0 }));
        let accepting = tokio::spawn(accept(listener, socket, Arc::clone(&link)));
        Self { address, link, accepting }
    }

    /// The port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of `database` by way of this proxy.
    ///
    /// # Panics
    ///
    /// When `database` makes no URL.
    pub fn url(&self, database: &str) -> DatabaseUrl {
        format!("postgresql://riftwatch@{}/{database}?sslmode=disable", self.address)
            .parse()
            .expect("a database URL")
    }

    /// From now on nothing gets through in either direction, and nobody is told: what a pulled cable
    /// or a dead machine looks like. New connections are accepted, and silent.
    pub fn blackhole(&self) {
        self.link.send_modify(|link| link.flowing = false);
    }

    /// Lets bytes through again, those that were held back first.
    pub fn resume(&self) {
        self.link.send_modify(|link| link.flowing = true);
    }

    /// Resets every connection that is open now. New ones work.
    pub fn cut(&self) {
        self.link.send_modify(|link| link.cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, socket: PathBuf, link: Arc<watch::Sender<Link>>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { return };
        tokio::spawn(serve(client, socket.clone(), link.subscribe()));
    }
}

/// One connection's life. Its errors are what the proxy is for: both ends notice by themselves.
async fn serve(client: TcpStream, socket: PathBuf, mut link: watch::Receiver<Link>) {
    // Closing then sends a reset instead of a farewell.
    let _ = client.set_zero_linger();
    let cuts = link.borrow().cuts;
    let carried = link.clone();
    let carry = async move {
        let server = UnixStream::connect(socket).await?;
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        tokio::try_join!(
            pump(&mut from_client, &mut to_server, carried.clone()),
            pump(&mut from_server, &mut to_client, carried)
        )?;
        io::Result::Ok(())
    };
    tokio::select! {
        _ = carry => {}
        // An error means that the proxy is gone.
        _ = link.wait_for(|link| link.cuts != cuts) => {}
    }
}

async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut link: watch::Receiver<Link>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let length = from.read(&mut buffer).await?;
        link.wait_for(|link| link.flowing).await.map_err(io::Error::other)?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
    }
}
