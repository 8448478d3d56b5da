//! The gateway as a process of its own: started, listened to, killed.

use std::io::{BufRead, BufReader, Read, pipe};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs};

use serde_json::Value;

use crate::client::{Client, Got};
use crate::upstream::Upstream;

/// No wait in these tests is longer.
pub const PATIENCE: Duration = Duration::from_secs(20);

type Lines = Arc<Mutex<Vec<String>>>;

pub struct Gateway {
    child: Child,
    pub address: SocketAddr,
    /// Of the admin listener, if there is one.
    pub metrics: Option<SocketAddr>,
    log: Lines,
    complaints: Lines,
}

/// What the gateway is started with, past `--listen`.
pub struct Setup {
    args: Vec<String>,
    read_log: bool,
    /// A pipe whose other end is closed is its standard error.
    is_unheard: bool,
    /// How many files it may have open.
    files: Option<u32>,
}

impl Setup {
    /// In front of the embedded gallery, unless `--upstream` follows.
    pub fn new(args: &[&str]) -> Setup {
        let args = args.iter().map(|arg| arg.to_string()).collect();
        Setup { args, read_log: true, is_unheard: false, files: None }
    }

    /// Leave its standard output a pipe that nobody reads.
    pub fn with_log_unread(mut self) -> Setup {
        self.read_log = false;
        self
    }

    /// Let nobody hear what it says on standard error.
    pub fn with_complaints_unheard(mut self) -> Setup {
        self.is_unheard = true;
        self
    }

    /// Let it have so many files open, sockets included.
    pub fn with_files(mut self, files: u32) -> Setup {
        self.files = Some(files);
        self
    }

    pub fn start(self) -> Gateway {
        if self.is_unheard {
            return self.start_unheard();
        }
        let mut child = self.spawn("127.0.0.1:0", Stdio::piped());
        let (log, complaints) = (Lines::default(), Lines::default());
        if self.read_log {
            gather(child.stdout.take().unwrap(), log.clone());
        }
        let said = gather(child.stderr.take().unwrap(), complaints.clone());
        let address = announced(&said, "listening on http://", &complaints);
        let has_admin = self.args.iter().any(|arg| arg == "--admin");
        let metrics = has_admin.then(|| announced(&said, "metrics on http://", &complaints));
        Gateway { child, address, metrics, log, complaints }
    }

    /// It cannot announce its address, so that it is told one.
    fn start_unheard(self) -> Gateway {
        // Other tests take their ports at 127.0.0.1.
        let address = TcpListener::bind("127.0.0.77:0").and_then(|listener| listener.local_addr()).unwrap();
        let (_, writer) = pipe().unwrap();
        let mut child = self.spawn(&address.to_string(), writer.into());
        let (log, complaints) = (Lines::default(), Lines::default());
        gather(child.stdout.take().unwrap(), log.clone());
        let gateway = Gateway { child, address, metrics: None, log, complaints };
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        gateway
    }

    fn spawn(&self, listen: &str, complaints: Stdio) -> Child {
        let mut command = match self.files {
            None => Command::new(binary()),
            Some(files) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\"")]).arg(binary());
                shell
            }
        };
        command
            .args(["--listen", listen])
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(complaints)
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", binary().display()))
    }
}

impl Gateway {
    /// In front of `upstream`, with a timeout of two seconds.
    pub fn before(upstream: &Upstream) -> Gateway {
        Gateway::with(upstream, &["--timeout", "2"])
    }

    /// In front of `upstream`, with a log in JSON.
    pub fn with(upstream: &Upstream, args: &[&str]) -> Gateway {
        Gateway::at(upstream.address, args)
    }

    pub fn at(upstream: SocketAddr, args: &[&str]) -> Gateway {
        let upstream = upstream.to_string();
        let mut all = vec!["--upstream", &upstream, "--access-log", "json"];
        all.extend(args);
        Setup::new(&all).start()
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// One GET on a connection of its own.
    pub fn get(&self, target: &str) -> Got {
        self.ask(&format!("GET {target} HTTP/1.1\r\nHost: gateway.test\r\n\r\n"))
    }

    /// One request on a connection of its own.
    pub fn ask(&self, request: &str) -> Got {
        let mut client = self.connect();
        client.send(request.as_bytes());
        client.read(request.split(' ').next().unwrap())
    }

    /// The line logged for `target`, waited for.
    pub fn logged(&self, target: &str) -> Value {
        let patience = Instant::now() + PATIENCE;
        while Instant::now() < patience {
            let found = self.log_lines().into_iter().find(|line| line["target"] == target);
            if let Some(line) = found {
                return line;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("nothing is logged for {target}: {:?}", self.log.lock().unwrap());
    }

    pub fn log_lines(&self) -> Vec<Value> {
        let parse = |line: &String| {
            assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "not plain ASCII: {line:?}");
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        };
        self.log.lock().unwrap().iter().map(parse).collect()
    }

    /// The lines as they are.
    pub fn raw_log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// The lines as they are, once there is one.
    pub fn begun_log(&self) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        while self.raw_log().is_empty() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        self.raw_log()
    }

    /// A line of /proc/PID/status, in KiB.
    pub fn memory(&self, key: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Open sockets and files.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    pub fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }

    /// How the process ended, waited for.
    pub fn ended(&mut self, patience: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + patience;
        loop {
            match self.child.try_wait().unwrap() {
                None if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
                status => return status,
            }
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let complaints = self.complaints.lock().unwrap().join("\n");
        if thread::panicking() {
            eprintln!("the gateway said:\n{complaints}");
        } else {
            assert!(!complaints.contains("panicked"), "the gateway panicked:\n{complaints}");
        }
    }
}

/// Collect lines in a thread, and pass each on as it comes.
fn gather(from: impl Read + Send + 'static, into: Lines) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            into.lock().unwrap().push(line.clone());
            let _ = sender.send(line);
        }
    });
    receiver
}

/// The address on the line that holds `words`.
fn announced(said: &Receiver<String>, words: &str, complaints: &Lines) -> SocketAddr {
    loop {
        let Ok(line) = said.recv_timeout(PATIENCE) else {
            panic!("no line has \"{words}\": {:?}", complaints.lock().unwrap());
        };
        if let Some((_, rest)) = line.split_once(words) {
            let address = rest.split('/').next().unwrap();
            return address.parse().unwrap_or_else(|_| panic!("no address: {line}"));
        }
    }
}

/// Run the gateway to its end, for calls that it refuses.
pub fn run(args: &[&str]) -> Output {
    let mut child = Command::new(binary())
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let until = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            let _ = child.kill();
            panic!("gateway {args:?} does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

/// Where cargo puts the example: beside `deps`, in which this test stands.
fn binary() -> PathBuf {
    if let Some(path) = env::var_os("GATEWAY_BIN") {
        return path.into();
    }
    let test = env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap().join("examples");
    let binary = folder.join(format!("gateway{}", env::consts::EXE_SUFFIX));
    assert!(is_up_to_date(&binary, &folder.join("gateway.d")), "{}", OUT_OF_DATE);
    binary
}

const OUT_OF_DATE: &str = "examples/gateway is not built, or older than its sources: \
    run cargo test without --test, or cargo build --example gateway first";

/// Is the binary younger than every source that cargo made it of?
fn is_up_to_date(binary: &Path, sources: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified());
    let (Ok(built), Ok(sources)) = (changed(binary), fs::read_to_string(sources)) else { return false };
    let age = |path| changed(Path::new(path)).unwrap_or(SystemTime::UNIX_EPOCH);
    sources.split_whitespace().skip(1).all(|source| age(source) <= built)
}
