//! A scripted upstream on plain threads: it does with every connection exactly what a test says.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use crate::client::Ending;
use crate::harness::PATIENCE;

#[derive(Clone, Debug)]
pub struct Request {
    /// Of the connection it came on: 0 for the first.
    pub connection: usize,
    pub method: String,
    pub target: String,
    /// The head as it came, empty line included.
    pub head: String,
    pub content: Vec<u8>,
}

#[derive(Default)]
struct Record {
    connections: AtomicUsize,
    requests: Mutex<Vec<Request>>,
    /// How connections ended that a script waited to see end.
    endings: Mutex<Vec<Ending>>,
    over: AtomicBool,
}

pub struct Upstream {
    pub address: SocketAddr,
    record: Arc<Record>,
}

/// What becomes of the connection after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Wait for another request.
    Keep,
    Fin,
    Rst,
}

impl Upstream {
    /// Call `script` for every connection, in a thread of its own.
    pub fn serve(script: impl Fn(Line) + Send + Sync + 'static) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = Upstream { address: listener.local_addr().unwrap(), record: Arc::default() };
        let record = upstream.record.clone();
        let script = Arc::new(script);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if record.over.load(Ordering::SeqCst) {
                    return;
                }
                let number = record.connections.fetch_add(1, Ordering::SeqCst);
                let (script, record) = (script.clone(), record.clone());
                thread::spawn(move || script(Line::new(stream.unwrap(), number, record)));
            }
        });
        upstream
    }

    /// Send what `reply` makes of each request, and then do what it says.
    pub fn reply(reply: impl Fn(&Request) -> (Vec<u8>, After) + Send + Sync + 'static) -> Upstream {
        Upstream::serve(move |mut line| {
            while let Some(request) = line.request() {
                let (bytes, after) = reply(&request);
                line.send(&bytes);
                match after {
                    After::Keep => {}
                    After::Fin => return line.fin(),
                    After::Rst => return line.reset(),
                }
            }
        })
    }

    /// The same bytes for every request.
    pub fn always(reply: &[u8], after: After) -> Upstream {
        let reply = reply.to_vec();
        Upstream::reply(move |_| (reply.clone(), after))
    }

    /// Answers 413 to the head of a request, and waits for what the gateway makes of that.
    pub fn refusing() -> Upstream {
        Upstream::serve(|mut line| {
            line.head();
            line.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
            line.hold();
        })
    }

    pub fn connections(&self) -> usize {
        self.record.connections.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.record.requests.lock().unwrap().clone()
    }

    /// How connections ended that a script waited to see end; waited for until there is one.
    pub fn endings(&self) -> Vec<Ending> {
        let until = Instant::now() + PATIENCE;
        loop {
            let endings = self.record.endings.lock().unwrap().clone();
            if !endings.is_empty() || Instant::now() > until {
                return endings;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.record.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

/// One connection from the gateway.
pub struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// 0 for the first.
    pub number: usize,
    record: Arc<Record>,
}

impl Line {
    fn new(stream: TcpStream, number: usize, record: Arc<Record>) -> Line {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Line { stream, buffer: Vec::new(), number, record }
    }

    /// Read a whole request; `None` if the connection ends instead.
    pub fn request(&mut self) -> Option<Request> {
        let mut request = self.head()?;
        request.content = self.content(&request)?;
        self.record.requests.lock().unwrap().push(request.clone());
        Some(request)
    }

    /// Read the head of a request and leave its content.
    pub fn head(&mut self) -> Option<Request> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.fill().ok()?;
        };
        let head = String::from_utf8_lossy(&self.take(end)).into_owned();
        let mut words = head.split(' ').map(str::to_string);
        let (method, target) = (words.next()?, words.next()?);
        Some(Request { connection: self.number, method, target, head, content: Vec::new() })
    }

    /// Read the content that goes with a head.
    pub fn content(&mut self, request: &Request) -> Option<Vec<u8>> {
        if let Some(length) = request.get("Content-Length") {
            return self.exactly(length.parse().unwrap());
        }
        if request.get("Transfer-Encoding").is_none() {
            return Some(Vec::new());
        }
        let mut content = Vec::new();
        loop {
            let size = self.line()?;
            let size = usize::from_str_radix(size.split(';').next().unwrap(), 16).unwrap();
            if size == 0 {
                while !self.line()?.is_empty() {}
                return Some(content);
            }
            content.extend(self.exactly(size)?);
            assert_eq!(self.line()?, "", "after the data of a chunk");
        }
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.buffer.windows(2).position(|window| window == b"\r\n") {
                let line = self.take(at + 2);
                return Some(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            self.fill().ok()?;
        }
    }

    /// Read so many bytes.
    pub fn exactly(&mut self, len: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < len {
            self.fill().ok()?;
        }
        Some(self.take(len))
    }

    /// False once the gateway no longer takes any.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    pub fn pause(&self, milliseconds: u64) {
        thread::sleep(Duration::from_millis(milliseconds));
    }

    /// Send FIN, and go on reading.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Send FIN, and wait for the gateway to do likewise.
    pub fn fin(mut self) {
        self.finish();
        self.drain();
    }

    /// Send RST, once what was sent before had time to be read.
    pub fn reset(self) {
        static RUNTIME: LazyLock<Runtime> =
            LazyLock::new(|| Builder::new_current_thread().enable_io().build().unwrap());
        self.pause(10);
        let _entered = RUNTIME.enter();
        self.stream.set_nonblocking(true).unwrap();
        // Only tokio says it without unsafe code.
        tokio::net::TcpStream::from_std(self.stream).unwrap().set_zero_linger().unwrap();
    }

    /// Wait for the gateway to end the connection, and record how it did.
    pub fn hold(&mut self) -> Ending {
        let ending = self.drain();
        self.record.endings.lock().unwrap().push(ending);
        ending
    }

    fn drain(&mut self) -> Ending {
        loop {
            if let Err(ending) = self.fill() {
                return ending;
            }
        }
    }

    fn fill(&mut self) -> Result<(), Ending> {
        let mut piece = [0; 16384];
        match self.stream.read(&mut piece) {
            Ok(0) => Err(Ending::Fin),
            Ok(n) => {
                self.buffer.extend_from_slice(&piece[..n]);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(Ending::Silent)
            }
            Err(_) => Err(Ending::Rst),
        }
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        self.buffer.drain(..len).collect()
    }
}

impl Request {
    /// The value of the first field of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).into_iter().next()
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }
}
