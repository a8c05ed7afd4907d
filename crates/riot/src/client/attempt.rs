//! One request and its answer, on the wire.

use std::error::Error;

use bytes::{Bytes, BytesMut};
use reqwest::{Client, Request};

use crate::limiter::{Answer, Permit};

/// The largest answer that is read. A match has about 100 KB; this only keeps a runaway answer
/// from filling the memory.
const LARGEST_BODY: usize = 16 << 20;

/// Riot's answer to one request.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) answer: Answer,
    pub(super) body: Bytes,
}

/// The answer is larger than any should be.
#[derive(Debug, thiserror::Error)]
#[error("the answer has more than {LARGEST_BODY} bytes")]
pub(super) struct TooLarge;

/// Sends the request, with `count` just before. To be run in a task of its own: a caller who goes
/// away must not take the permit along while the request can still arrive at Riot. `None`: the
/// permit does not hold any more, and nothing was sent.
pub(super) async fn send(
    http: Client,
    request: Request,
    mut permit: Permit,
    count: impl FnOnce() + Send,
) -> Result<Option<Reply>, Box<dyn Error + Send + Sync>> {
    if !permit.sending() {
        return Ok(None);
    }
    count();
    let mut response = match http.execute(request).await {
        Ok(response) => response,
        Err(error) => {
            if error.is_connect() {
                permit.not_sent();
            }
            return Err(error.without_url().into());
        }
    };
    let status = response.status().as_u16();
    let headers = response.headers();
    let answer = Answer::read(status, |name| headers.get(name)?.to_str().ok());
    permit.answered(&answer);

    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(TooLarge.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(Reply { status, answer, body: body.freeze() }))
}
