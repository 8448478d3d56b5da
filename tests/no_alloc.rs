//! G5: the parser allocates nothing and has a fixed, small size.
#![allow(unsafe_code, reason = "a global allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::{self, Write};

use badgateway::{
    Close, Event, Exchange, Fields, Forwarded, Level, Limits, Method, Outcome, Parser, Policy, Relax, Rule,
    Violation,
};

/// Counts what each thread asks for.
struct Counting;

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is left to the system's allocator; the counter has no destructor and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get() + 1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` asks for memory, and what it comes to.
fn allocations<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = ASKED.get();
    let done = work();
    (ASKED.get() - before, done)
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| Vec::<u8>::with_capacity(1).capacity()), (1, 1));
    assert_eq!(allocations(|| [0u8; 64].len()), (0, 64));
}

/// Where a log line goes that is only counted.
#[derive(Default)]
struct Sink(usize);

impl Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

/// What was met on the way, so that a test can tell that it was.
#[derive(Debug, Default, PartialEq)]
struct Met {
    notes: usize,
    interims: usize,
    heads: usize,
    content: usize,
    trailers: usize,
    ends: usize,
    refusals: usize,
}

/// Read a reply in pieces and look at everything that is handed out.
fn read_all(exchange: Exchange, policy: Policy, reply: &[u8], close: Close, piece: usize) -> Met {
    let mut met = Met::default();
    let mut log = Sink::default();
    let mut parser = Parser::new(policy);
    parser.begin(exchange);
    let mut end = 0usize;
    'reads: loop {
        end = reply.len().min(end.saturating_add(piece));
        let mut input = &reply[parser.offset() as usize..end];
        loop {
            match parser.next_event(&mut input) {
                Ok(None) => break,
                Ok(Some(event)) => {
                    assert!(met.notes <= 16 * Rule::COUNT, "it goes on for ever");
                    look_at(&event, &exchange, &mut met, &mut log);
                }
                Err(violation) => {
                    report(&violation, &mut log);
                    met.refusals += 1;
                    break 'reads;
                }
            }
        }
        if end == reply.len() {
            break;
        }
    }
    match parser.close(close) {
        Ok(end) => met.notes += end.note().iter().count(),
        Err(violation) => report(&violation, &mut log),
    }
    met
}

fn look_at(event: &Event<'_>, exchange: &Exchange, met: &mut Met, log: &mut Sink) {
    match event {
        Event::Note(violation) => {
            report(violation, log);
            met.notes += 1;
        }
        Event::Head(head) => {
            log.0 += head.reason().len() + head.get("date").map_or(0, <[u8]>::len);
            log.0 += look_at_fields(head.fields());
            for advisory in head.advisories(exchange).chain(head.trailer_advisory(Fields::NONE)) {
                report(&advisory, log);
            }
            *(if head.is_interim() { &mut met.interims } else { &mut met.heads }) += 1;
        }
        Event::Content(bytes) => met.content += bytes.len(),
        Event::Trailers(fields) => met.trailers += look_at_fields(fields.clone()),
        Event::End(_) => met.ends += 1,
        _ => {}
    }
}

fn look_at_fields(fields: Fields<'_>) -> usize {
    fields.map(|field| field.pieces().count().max(1)).sum()
}

fn report(violation: &Violation, log: &mut Sink) {
    write!(log, "{violation} {violation:?} {}", violation.proxy_status("gw")).expect("a sink takes all");
    violation.remedy(Forwarded::Part);
}

const WHOLE: usize = usize::MAX;

fn read_without_allocation(exchange: Exchange, policy: Policy, reply: &[u8], close: Close) -> Met {
    let (asked, whole) = allocations(|| read_all(exchange, policy, reply, close, WHOLE));
    assert_eq!(asked, 0, "whole: {}", reply.escape_ascii());
    for piece in [1, 7, 64] {
        let (asked, met) = allocations(|| read_all(exchange, policy, reply, close, piece));
        assert_eq!(asked, 0, "in pieces of {piece}: {}", reply.escape_ascii());
        assert_eq!(met, whole, "in pieces of {piece}: {}", reply.escape_ascii());
    }
    whole
}

#[test]
fn g5_replies_are_judged_without_allocation() {
    let everything = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n\
        HTTP/1.1 200 OK\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\nX-Folded : a\r\n b\r\nConnection: x-a, close\r\n\
        Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
        5;a=\"b\"\r\nhello\r\n6 \r\n world\r\n0\r\nX-Sum: 1\r\nDate: now\r\n\r\n\r\nmore";
    let met = read_without_allocation(Exchange::GET, Policy::observe(), everything, Close::Eof);
    assert!(met.notes >= 6, "{met:?}");
    assert_eq!(
        met,
        Met { notes: met.notes, interims: 1, heads: 1, content: 11, trailers: 1, ends: 1, refusals: 0 }
    );
}

#[test]
fn g5_long_replies_are_judged_without_allocation() {
    let field = format!("X-Long: {}\r\n", "v".repeat(8000));
    let fields = "Name: value\r\n".repeat(90);
    let reply =
        format!("HTTP/1.1 200 OK\r\n{field}{fields}Content-Length: 70000\r\n\r\n{}", "c".repeat(70_000));
    let met = read_without_allocation(Exchange::GET, Policy::STRICT, reply.as_bytes(), Close::Eof);
    assert_eq!(met, Met { heads: 1, content: 70_000, ends: 1, ..Met::default() });
}

/// Every rule, noted and refused, by the example that stands in the catalogue.
#[test]
fn g5_every_rule_is_told_without_allocation() {
    for rule in Rule::all() {
        let Some(example) = rule.example() else { continue };
        for policy in
            [Policy::STRICT, Policy::DEFAULT, Policy::observe(), Policy::DEFAULT.set(rule, Level::Deny)]
        {
            let small = policy.with_limits(Limits::EXAMPLE);
            let policy = if rule.relax() == Relax::Limit { small } else { policy };
            read_without_allocation(
                example.exchange,
                policy,
                example.reply,
                example.close.unwrap_or(Close::Eof),
            );
        }
    }
}

#[test]
fn g5_tunnels_and_outcomes_take_no_allocation() {
    let connect = Exchange::new(Method::Connect);
    let met = read_without_allocation(connect, Policy::DEFAULT, b"HTTP/1.1 200 OK\r\n\r\n", Close::Eof);
    assert_eq!(met.heads, 1);
    let upgrade = Exchange::GET.upgrade(b"websocket");
    let reply = b"HTTP/1.1 101 \r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(read_without_allocation(upgrade, Policy::STRICT, reply, Close::Reset).heads, 1);
    for outcome in Outcome::ALL {
        let (asked, ()) = allocations(|| report(&Violation::from(outcome), &mut Sink::default()));
        assert_eq!(asked, 0, "{outcome:?}");
    }
}

#[test]
fn g5_sizes_are_pinned() {
    assert!(size_of::<Parser>() < 1024, "Parser: {}", size_of::<Parser>());
    assert!(size_of::<Violation>() <= 160, "Violation: {}", size_of::<Violation>());
    assert!(size_of::<Policy>() <= 256, "Policy: {}", size_of::<Policy>());
}
