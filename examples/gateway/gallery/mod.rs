//! The upstream that the example brings along: an HTTP/1.1 server that sends broken replies on purpose, and
//! valid ones to compare them with.
//!
//! It stands behind the gateway and trusts what comes from there: requests are read as written, never judged.
#![forbid(unsafe_code)]

mod cases;
mod markup;
mod page;
mod play;
mod request;
mod valid;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use play::{Ending, Play};
use request::Request;

/// The connection from the gateway.
type Peer = BufReader<TcpStream>;

/// How long an upstream that fell silent keeps its connection.
const SILENCE: Duration = Duration::from_secs(60);

/// How long to wait for the peer's own close after ours.
const LINGER: Duration = Duration::from_secs(5);

/// Serve the gallery, for ever; people reach it through the gateway at that address.
pub async fn serve(listener: TcpListener, gateway: SocketAddr) {
    let index: Arc<str> = page::index(gateway).into();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(converse(stream, Arc::clone(&index)))),
            // Too many open files, say: some may be closed soon.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// One connection. Whatever fails on it ends it, and nobody needs to know.
async fn converse(stream: TcpStream, index: Arc<str>) {
    // Each write is to leave as it was made.
    let _ = stream.set_nodelay(true);
    let mut peer = BufReader::new(stream);
    while let Ok(Some(request)) = Request::read(&mut peer).await {
        let Ok(Ending::KeepOpen) = answer(&mut peer, request, &index).await else { break };
    }
}

/// What a request is answered with.
enum Answer {
    Play(Play),
    Echo,
    Switch,
}

fn choose(request: &Request, index: &str) -> Answer {
    if let Some(id) = request.path.strip_prefix("/rule/") {
        return Answer::Play(cases::find(id).map_or_else(|| valid::not_found(request), |case| case.play()));
    }
    match (request.path.as_str(), request.method.as_str()) {
        ("/news", _) => Answer::Play(cases::news()),
        ("/slow-news", _) => Answer::Play(Play::new(Ending::Silence)),
        ("/valid/echo", "POST") => Answer::Echo,
        ("/valid/upgrade", "GET") if request.offers_echo => Answer::Switch,
        ("/", "GET" | "HEAD") => Answer::Play(valid::page(index, request)),
        (path, _) => {
            let name = path.strip_prefix("/valid/").unwrap_or_default();
            Answer::Play(valid::play(name, request).unwrap_or_else(|| valid::not_found(request)))
        }
    }
}

/// Answer one request and end the connection as it is due. Only `KeepOpen` leaves it open for another.
async fn answer(peer: &mut Peer, mut request: Request, index: &str) -> io::Result<Ending> {
    let ending = match choose(&request, index) {
        Answer::Play(play) if play.early => {
            // A 100 after the reply would be one more broken thing.
            request.expects_continue = false;
            perform(peer, play).await?
        }
        Answer::Play(play) => {
            request.skip_content(peer).await?;
            perform(peer, play).await?
        }
        Answer::Echo => echo(peer, &mut request).await?,
        Answer::Switch => {
            request.skip_content(peer).await?;
            switch(peer, &request).await?
        }
    };
    end(peer, request, ending).await
}

async fn perform(peer: &mut Peer, play: Play) -> io::Result<Ending> {
    for step in &play.steps {
        step.perform(peer).await?;
    }
    Ok(play.ending)
}

async fn end(peer: &mut Peer, mut request: Request, ending: Ending) -> io::Result<Ending> {
    match ending {
        Ending::KeepOpen if request.is_closing => close(peer).await?,
        Ending::KeepOpen => {
            request.skip_content(peer).await?;
            return Ok(Ending::KeepOpen);
        }
        Ending::Close => close(peer).await?,
        Ending::Reset => peer.get_ref().set_zero_linger()?,
        Ending::Silence => drain(peer, SILENCE).await?,
        Ending::Stall => sleep(SILENCE).await,
    }
    Ok(Ending::Close)
}

/// FIN. What still comes is read, or the kernel would answer it with a reset, which may overtake the reply.
async fn close(peer: &mut Peer) -> io::Result<()> {
    peer.shutdown().await?;
    drain(peer, LINGER).await
}

async fn drain(peer: &mut Peer, limit: Duration) -> io::Result<()> {
    let until_the_end = async {
        loop {
            let came = peer.fill_buf().await?.len();
            if came == 0 {
                return Ok(());
            }
            peer.consume(came);
        }
    };
    timeout(limit, until_the_end).await.unwrap_or(Ok(()))
}

/// Give the content back as it comes, framed as it came.
async fn echo(peer: &mut Peer, request: &mut Request) -> io::Result<Ending> {
    request.promise_to_read(peer).await?;
    let is_chunked = request.content.is_chunked();
    let mut output = valid::echo_head(request);
    loop {
        let piece = request.content.piece(peer).await?;
        if is_chunked {
            output.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        }
        output.extend_from_slice(&piece);
        if is_chunked {
            output.extend_from_slice(b"\r\n");
        }
        peer.write_all(&output).await?;
        output.clear();
        if piece.is_empty() {
            return Ok(Ending::KeepOpen);
        }
    }
}

/// Switch to the protocol `echo`, which gives every byte back.
async fn switch(peer: &mut Peer, request: &Request) -> io::Result<Ending> {
    peer.write_all(&valid::switching_head(request)).await?;
    loop {
        let bytes = peer.fill_buf().await?.to_vec();
        if bytes.is_empty() {
            return Ok(Ending::Close);
        }
        peer.consume(bytes.len());
        peer.write_all(&bytes).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    async fn start() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, address));
        address
    }

    /// Everything that comes back for these bytes until the server closes.
    async fn ask(request: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(start().await).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await?;
        Ok(String::from_utf8_lossy(&reply).into_owned())
    }

    #[tokio::test]
    async fn requests_follow_each_other_on_one_connection() {
        let reply = ask("GET /rule/bare-lf HTTP/1.1\r\nHost: a\r\n\r\n\
            POST /valid/keep-alive HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET \
            POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
            3;a=b\r\nabc\r\n0\r\nA: b\r\n\r\n\
            GET /valid/no-content HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\nServer: tiny\n"), "{reply}");
        let others: Vec<&str> =
            reply.match_indices("HTTP/1.1 ").map(|(at, _)| &reply[at + 9..at + 12]).collect();
        assert_eq!(others, ["200", "405", "404", "204"], "{reply}");
    }

    #[tokio::test]
    async fn content_comes_back_as_it_was_framed() {
        let by_length =
            ask("POST /valid/echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\n\
            Content-Length: 5\r\n\r\nhello")
            .await
            .unwrap();
        assert!(by_length.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "{by_length}");
        assert!(
            by_length.contains("Content-Length: 5\r\n") && by_length.ends_with("\r\n\r\nhello"),
            "{by_length}"
        );
        let chunked = ask("POST /valid/echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
            Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")
        .await
        .unwrap();
        assert!(!chunked.contains("100 Continue"), "{chunked}");
        assert!(chunked.ends_with("\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), "{chunked}");
    }

    #[tokio::test]
    async fn the_upgrade_is_taken_up_where_it_was_offered() {
        let mut stream = TcpStream::connect(start().await).await.unwrap();
        let offer =
            "GET /valid/upgrade HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello";
        stream.write_all(offer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        assert!(reply.starts_with("HTTP/1.1 101 ") && reply.ends_with("\r\n\r\nhello"), "{reply}");
        let plain = ask("GET /valid/upgrade HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
        assert!(plain.starts_with("HTTP/1.1 426 ") && plain.contains("Upgrade: echo\r\n"), "{plain}");
    }

    #[tokio::test]
    async fn a_reset_is_a_reset() {
        let error = ask("GET /rule/connection-reset HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn silence_lasts_until_the_peer_leaves() {
        let mut stream = TcpStream::connect(start().await).await.unwrap();
        stream.write_all(b"GET /slow-news HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut byte = [0];
        assert!(timeout(Duration::from_millis(200), stream.read(&mut byte)).await.is_err());
        stream.shutdown().await.unwrap();
        assert_eq!(timeout(Duration::from_secs(2), stream.read(&mut byte)).await.unwrap().unwrap(), 0);
    }
}
