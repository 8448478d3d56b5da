//! A connection that no longer speaks HTTP: bytes go both ways until both sides have closed.
#![forbid(unsafe_code)]

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio_util::sync::CancellationToken;

use crate::client::{Client, Next, ROOM};
use crate::pool::Connection;

/// How long it may stay open once the gateway is to stop.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long it may be silent before the system asks whether the other side is still there.
const SILENCE: Duration = Duration::from_secs(60);

/// Returns the bytes that went to the client, and how its connection is to end: as the upstream's did.
pub async fn tunnel(
    client: &mut Client,
    upstream: &mut Connection,
    stopping: &CancellationToken,
) -> (u64, Next) {
    let keep_alive = TcpKeepalive::new().with_time(SILENCE);
    let _ = SockRef::from(&client.stream).set_tcp_keepalive(&keep_alive);
    let _ = SockRef::from(&upstream.stream).set_tcp_keepalive(&keep_alive);
    let (down, up) = (AtomicU64::new(0), AtomicU64::new(0));
    let (from_client, to_client) = client.stream.split();
    let (from_upstream, to_upstream) = upstream.stream.split();
    let both = async {
        tokio::try_join!(
            carry(&upstream.inbox, from_upstream, to_client, &down),
            carry(&client.inbox, from_client, to_upstream, &up),
        )
    };
    let ended = tokio::select! {
        ended = both => ended.is_ok(),
        () = async { stopping.cancelled().await; tokio::time::sleep(LAST_WORDS).await } => false,
    };
    if ended {
        return (down.into_inner(), Next::Close);
    }
    let _ = SockRef::from(&upstream.stream).set_linger(Some(Duration::ZERO));
    (down.into_inner(), Next::Reset)
}

/// One direction, up to its end: what came early, then what comes.
async fn carry(
    early: &[u8],
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    carried: &AtomicU64,
) -> io::Result<()> {
    to.write_all(early).await?;
    carried.fetch_add(early.len() as u64, Ordering::Relaxed);
    let mut bytes = vec![0; ROOM];
    loop {
        match from.read(&mut bytes).await? {
            0 => return to.shutdown().await,
            count => {
                to.write_all(&bytes[..count]).await?;
                carried.fetch_add(count as u64, Ordering::Relaxed);
            }
        }
    }
}
