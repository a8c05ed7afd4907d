//! A server on loopback that answers as a test says: real HTTP, written by hand so that it can also
//! misbehave.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Path and query as sent, the route being the first segment.
    pub(crate) target: String,
    /// Header lines, names in lower case.
    headers: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// Promises more than it sends, then closes the connection.
    CutOff,
    /// Closes the connection without a word.
    Hangup,
    /// Never answers.
    Silence,
}

/// Limits that are in nobody's way.
pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Reply {
    status(200, body)
}

pub(crate) fn status(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    let headers = vec![
        ("X-App-Rate-Limit", "3000:120,2000:1".to_owned()),
        ("X-App-Rate-Limit-Count", "1:1,1:120".to_owned()),
        ("X-Method-Rate-Limit", "2000:10".to_owned()),
        ("X-Method-Rate-Limit-Count", "1:10".to_owned()),
    ];
    Reply::Answer { status, headers, body: body.into() }
}

impl Reply {
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        let Self::Answer { headers, .. } = &mut self else { panic!("only answers have headers") };
        headers.retain(|(known, _)| *known != name);
        headers.push((name, value.to_owned()));
        self
    }
}

type Script = dyn Fn(usize, &Request) -> Reply + Send + Sync;

/// Ends with the test's runtime.
pub(crate) struct Server {
    /// `http://127.0.0.1:PORT/{route}`
    pub(crate) base_url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// `script` is told how many requests there were before.
    pub(crate) async fn start(
        script: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base_url = format!("http://{}/{{route}}", listener.local_addr().expect("bound"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Script> = Arc::new(script);
        tokio::spawn({
            let requests = requests.clone();
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, script.clone(), requests.clone()));
                }
            }
        });
        Self { base_url, requests }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("not poisoned").clone()
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.target).collect()
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Script>, requests: Arc<Mutex<Vec<Request>>>) {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await {
        let reply = {
            let mut requests = requests.lock().expect("not poisoned");
            let reply = script(requests.len(), &request);
            requests.push(request);
            reply
        };
        let sent = match reply {
            Reply::Answer { status, headers, body } => {
                let mut head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len());
                for (name, value) in headers {
                    head += &format!("{name}: {value}\r\n");
                }
                head += "\r\n";
                let mut bytes = head.into_bytes();
                bytes.extend(body);
                stream.write_all(&bytes).await
            }
            Reply::CutOff => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{").await;
                return;
            }
            Reply::Hangup => return,
            Reply::Silence => std::future::pending().await,
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer.drain(..end + 4).collect()).ok()?;
    let mut lines = head.split("\r\n");
    let target = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Some(Request { target, headers })
}
