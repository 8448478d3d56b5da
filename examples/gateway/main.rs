//! An example of how to embed badgateway: a reverse proxy in front of one upstream that judges every reply, answers an
//! honest 502 or 504 in place of a bad one, and lets nothing bad through.
//!
//! `cargo run --release --example gateway` starts it in front of a gallery of bad replies; `--help` tells the rest.
//!
//! To see how the crate is embedded, read `relay/reply.rs` and `relay/outgoing.rs`: bytes from the upstream, events of the
//! parser, bytes for the client. `relay/mod.rs` has one request from beginning to end, `client.rs` and `pool.rs` the
//! connections on both sides, `request/` what a client may ask. `gallery/` is the upstream of the demonstration.
#![forbid(unsafe_code)]

mod client;
mod gallery;
mod log;
mod metrics;
mod options;
mod pool;
mod relay;
mod request;
mod tunnel;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::log::Log;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::pool::Pool;

/// How long requests in flight may take once the gateway is to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How long cutting off what is left may take.
const LAST_GRACE: Duration = Duration::from_secs(1);

/// What all connections share.
pub struct Gateway {
    pool: Arc<Pool>,
    log: Log,
    /// In Proxy-Status.
    name: String,
    /// In Via.
    via: String,
    patience: Duration,
    /// No more requests are taken.
    stopping: CancellationToken,
    /// Those in flight have had their time.
    cutting: CancellationToken,
    /// There is no place for another client: one that is idle may go.
    crowded: Notify,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            tell(format_args!("gateway: {complaint}"));
            ExitCode::from(2)
        }
    }
}

async fn run(options: Options) -> Result<(), String> {
    let (policy, patience) = (options.judging()?, options.patience());
    let listener = listen(&options.listen).await?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let metrics = Arc::new(Metrics::new().map_err(|error| error.to_string())?);
    let gallery = options.upstream.is_none();
    let upstream = match options.upstream {
        Some(upstream) => upstream,
        None => {
            let origin = listen("127.0.0.1:0").await?;
            let upstream = origin.local_addr().map_err(|error| error.to_string())?;
            tokio::spawn(gallery::serve(origin, address));
            upstream.to_string()
        }
    };
    let admin = match (options.admin, gallery) {
        (Some(admin), _) => Some(listen(&admin).await?),
        // Nobody asked for it, so that nobody is kept from the gallery by it.
        (None, true) => listen("127.0.0.1:8503")
            .await
            .inspect_err(|complaint| tell(format_args!("no metrics: {complaint}")))
            .ok(),
        (None, false) => None,
    };
    tell(format_args!("gateway listening on http://{address}/"));
    if let Some(listener) = admin {
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        tell(format_args!("metrics on http://{address}/-/metrics"));
        tokio::spawn(metrics::serve(listener, metrics.clone()));
    }
    match gallery {
        true => tell(gallery_hints(&address.to_string(), patience)),
        false => tell(format_args!("upstream {upstream}")),
    }
    let gateway = Arc::new(Gateway {
        pool: Arc::new(Pool::new(upstream, policy, patience, metrics.clone())),
        log: Log::new(options.access_log, metrics),
        via: format!("{}:{}", options.name, address.port()),
        name: options.name,
        patience,
        stopping: CancellationToken::new(),
        cutting: CancellationToken::new(),
        crowded: Notify::new(),
    });
    accept(listener, &gateway).await?;
    gateway.log.finish();
    Ok(())
}

async fn listen(address: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))
}

/// To standard error, which may be closed.
fn tell(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn gallery_hints(gateway: &str, patience: Duration) -> String {
    format!(
        "\nIn front of the gallery, whose replies are bad on purpose. Try:\n  \
         curl -i http://{gateway}/news         an invalid reply: 502\n  \
         curl -i http://{gateway}/slow-news    no reply: 504 after {patience:?}\n  \
         curl -i http://{gateway}/rule/obs-fold    a folded field: 502\n  \
         or open http://{gateway}/ in a browser. Ctrl-C ends it.\n"
    )
}

/// Serve clients until a signal comes, and then those that are being served.
async fn accept(listener: TcpListener, gateway: &Arc<Gateway>) -> Result<(), String> {
    let signals = |kind| signal(kind).map_err(|error| error.to_string());
    let (mut interrupt, mut terminate) =
        (signals(SignalKind::interrupt())?, signals(SignalKind::terminate())?);
    let clients = TaskTracker::new();
    let places = Arc::new(Semaphore::new(places()));
    loop {
        if places.available_permits() == 0 {
            gateway.crowded.notify_one();
        }
        let place = tokio::select! {
            Ok(place) = places.clone().acquire_owned() => place,
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let gateway = gateway.clone();
                    clients.spawn(async move {
                        client::converse(gateway, stream, peer).await;
                        drop(place);
                    });
                }
                Err(error) => rest_after(&error).await,
            },
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    drop(listener);
    gateway.stopping.cancel();
    clients.close();
    tokio::select! {
        () = clients.wait() => return Ok(()),
        () = tokio::time::sleep(GRACE) => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    gateway.cutting.cancel();
    let _ = timeout(LAST_GRACE, clients.wait()).await;
    Ok(())
}

/// Each client takes a file descriptor, and its upstream connection another.
fn places() -> usize {
    const SPARE: u64 = 64;
    const MOST: u64 = 16_384;
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024);
    (limit.saturating_sub(SPARE) / 2).clamp(16, MOST) as usize
}

/// A connection that is gone already is no trouble; a system at its limits needs a moment.
async fn rest_after(error: &io::Error) {
    if error.kind() != io::ErrorKind::ConnectionAborted {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
