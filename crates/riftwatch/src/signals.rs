//! Being asked to stop.

use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGTERM or Ctrl-C.
pub(crate) async fn stop_asked() {
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened for");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Ends the process at once when asked a second time: somebody does not want to wait.
pub(crate) async fn exit_when_asked_again() {
    stop_asked().await;
    tracing::warn!("asked to stop a second time: stopping at once");
    std::process::exit(130);
}
