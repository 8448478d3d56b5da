//! 1000 clients at once with good and bad replies: nothing is lost, nothing is crossed, memory stays bounded.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::harness::Gateway;

const CLIENTS: usize = 1000;
const ROUNDS: usize = 4;

/// What the upstream does with the request whose target ends in that number.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Length,
    Chunked,
    ToClose,
    Poisoned,
    Malformed,
    Cut,
}

fn kind_of(number: usize) -> Kind {
    [
        Kind::Length,
        Kind::Chunked,
        Kind::Length,
        Kind::ToClose,
        Kind::Poisoned,
        Kind::Malformed,
        Kind::Length,
        Kind::Cut,
    ][number % 8]
}

fn reply_to(target: &str) -> (Vec<u8>, bool) {
    let number = target.trim_start_matches("/").split('-').map(|part| part.parse::<usize>().unwrap()).sum();
    let (length, content) = (target.len() + 1000, format!("{target}{}", ".".repeat(1000)));
    let (text, close) = match kind_of(number) {
        Kind::Length => (format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{content}"), false),
        Kind::Chunked => {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            (format!("{head}{length:x}\r\n{content}\r\n0\r\n\r\n"), false)
        }
        Kind::ToClose => (format!("HTTP/1.1 200 OK\r\n\r\n{content}"), true),
        Kind::Poisoned => {
            let poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
            (format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{content}{poison}"), false)
        }
        Kind::Malformed => (format!("HTTP/1.1 200 OK\r\nContent-Length: {length}x\r\n\r\n{content}"), false),
        Kind::Cut => (format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{content}", length + 1), true),
    };
    (text.into_bytes(), close)
}

async fn serve(listener: TcpListener) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let mut received = Vec::new();
            while stream.read_buf(&mut received).await? > 0 {
                while let Some(at) = received.windows(4).position(|window| window == b"\r\n\r\n") {
                    let head = String::from_utf8_lossy(&received[..at]).into_owned();
                    received.drain(..at + 4);
                    let (reply, close) = reply_to(head.split(' ').nth(1).unwrap());
                    stream.write_all(&reply).await?;
                    if close {
                        return stream.shutdown().await;
                    }
                }
            }
            io::Result::Ok(())
        });
    }
}

/// Ask `ROUNDS` times, on one connection as long as it lasts; count the replies that came whole.
async fn client(address: SocketAddr, id: usize) -> Result<usize, String> {
    let mut whole = 0;
    let mut stream = None;
    for round in 0..ROUNDS {
        let target = format!("/{id}-{round}");
        let kind = kind_of(id + round);
        let mut connection = match stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(address).await.map_err(|error| format!("{target}: {error}"))?,
        };
        let request = format!("GET {target} HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
        connection.write_all(request.as_bytes()).await.map_err(|error| format!("{target}: {error}"))?;
        let reply = timeout(Duration::from_secs(25), read(&mut connection)).await;
        let reply = reply.map_err(|_| format!("{target}: no reply"))?;
        match (kind, reply) {
            (Kind::Malformed, Some((502, content))) if !content.contains(&target) => {
                stream = Some(connection);
            }
            (Kind::Cut, None) => {}
            (Kind::Cut, Some((502, content))) if !content.contains(&target) => stream = Some(connection),
            (Kind::Length | Kind::Chunked | Kind::ToClose | Kind::Poisoned, Some((200, content))) => {
                if content != format!("{target}{}", ".".repeat(1000)) {
                    return Err(format!("{target} got {content}"));
                }
                whole += 1;
                stream = Some(connection);
            }
            (_, other) => return Err(format!("{target} got {other:?}")),
        }
    }
    Ok(whole)
}

/// Status and content of a whole reply.
async fn read(stream: &mut TcpStream) -> Option<(u16, String)> {
    let mut received = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let status = head.get(9..12)?.parse().ok()?;
            let head = head.to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).map(|rest| rest.lines().next().unwrap());
            match length.map(|length| length.parse::<usize>().unwrap()) {
                Some(length) if rest.len() == length => return Some((status, rest.to_string())),
                None if rest.ends_with("\r\n0\r\n\r\n") => return Some((status, join(rest))),
                _ => {}
            }
        }
        if stream.read_buf(&mut received).await.ok()? == 0 {
            return None;
        }
    }
}

/// Chunks of which no data holds a line end.
fn join(chunks: &str) -> String {
    chunks.split("\r\n").skip(1).step_by(2).collect()
}

#[test]
fn a_thousand_clients_get_what_is_theirs() {
    rlimit::increase_nofile_limit(16_384).unwrap();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = listener.local_addr().unwrap();
        tokio::spawn(serve(listener));
        let gateway = Gateway::at(upstream, &["--timeout", "20"]);
        let address = gateway.address;
        let mut clients = JoinSet::new();
        for id in 0..CLIENTS {
            clients.spawn(client(address, id));
        }
        let (mut whole, mut complaints) = (0, Vec::new());
        while let Some(done) = clients.join_next().await {
            match done.unwrap() {
                Ok(count) => whole += count,
                Err(complaint) => complaints.push(complaint),
            }
        }
        let first: Vec<&String> = complaints.iter().take(10).collect();
        assert!(complaints.is_empty(), "{} complaints, among them {first:#?}", complaints.len());
        let good = (0..CLIENTS).flat_map(|id| (0..ROUNDS).map(move |round| kind_of(id + round)));
        let good = good.filter(|kind| !matches!(kind, Kind::Malformed | Kind::Cut)).count();
        assert_eq!(whole, good);
        let most = gateway.memory("VmHWM");
        assert!(most < 200 << 10, "{most} KiB");
    });
}
