//! A connection that no longer speaks HTTP: bytes go both ways until both sides have closed.
#![forbid(unsafe_code)]

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, PATIENCE};
use crate::pool::Connection;

/// How long it may stay open once the gateway is to stop.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long it may be silent before the system asks whether the other side is still there.
const SILENCE: Duration = Duration::from_secs(60);

/// Returns the bytes that went to the client.
pub async fn tunnel(client: &mut Client, upstream: &mut Connection, stopping: &CancellationToken) -> u64 {
    let keep_alive = TcpKeepalive::new().with_time(SILENCE);
    let _ = SockRef::from(&client.stream).set_tcp_keepalive(&keep_alive);
    let _ = SockRef::from(&upstream.stream).set_tcp_keepalive(&keep_alive);
    let early = upstream.inbox.split();
    let begun = async {
        client.stream.write_all(&early).await?;
        upstream.stream.write_all(&client.inbox.split()).await
    };
    if !matches!(timeout(PATIENCE, begun).await, Ok(Ok(()))) {
        return 0;
    }
    let copied = tokio::select! {
        copied = copy_bidirectional(&mut client.stream, &mut upstream.stream) => copied.map(|(_, down)| down),
        () = async { stopping.cancelled().await; tokio::time::sleep(LAST_WORDS).await } => Ok(0),
    };
    early.len() as u64 + copied.unwrap_or(0)
}
