//! What the scanner makes of a head, wherever its bytes fall in the blocks that it works in.

use arbitrary::{Arbitrary, Result, Unstructured};
use badgateway::{Event, Exchange, Parser, Policy};

use super::closure::{is_tchar, lines, trim};
use super::scene::{Next, Scene};
use super::transcript::{OwnField, OwnHead, Pull, Said, transcribe};

/// With it each head that is looked at begins.
const START: &[u8] = b"HTTP/1.1 200 ";
/// Bytes in a block of the scanner, and in the vectors that it is made of.
const BLOCKS: [usize; 3] = [16, 32, 64];

/// A head built from the bytes of the reply, and the reply itself if it begins like one.
pub fn scan(data: &[u8]) {
    let scene =
        Scene { exchange: Exchange::GET, next: Next::Rest, writes_on: false, close: None, ..Scene::of(data) };
    let built = built(scene.reply);
    for reply in [scene.reply, &built] {
        let cuts = scene.cuts_of(reply.len());
        let scene = Scene { reply, ..scene.clone() };
        for policy in [Policy::STRICT, Policy::COMPAT] {
            let whole = transcribe::<Pull>(&scene, policy, &[]);
            assert_eq!(whole, transcribe::<Pull>(&scene, policy, &cuts), "in pieces that end at {cuts:?}");
            if policy == Policy::STRICT && reply.starts_with(START) {
                let refused_at = whole.end.err().map(|violation| violation.decided_at() as usize);
                check_lines(reply, head_of(&whole.said), refused_at);
            }
        }
        check_repairs(reply);
        check_places(&scene, [Policy::STRICT, Policy::COMPAT][scene.pause % 2]);
    }
}

fn head_of(said: &[Said]) -> Option<&OwnHead> {
    said.iter().find_map(|event| if let Said::Head(head) = event { Some(head) } else { None })
}

// Heads

/// Any bytes make a head.
fn built(data: &[u8]) -> Vec<u8> {
    let mut input = Unstructured::new(data);
    head(&mut input).unwrap_or_else(|_| unreachable!("no choice refuses a byte"))
}

/// A reason, names and values that end at the edge of a block or near it, then a few bytes that are changed.
fn head(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut head = START.to_vec();
    add(input, &mut head, |byte| if byte.is_ascii_control() { b' ' } else { byte })?;
    head.extend_from_slice(b"\r\n");
    for _ in 0..input.int_in_range(0..=9_u8)? {
        // No name that means something begins so.
        head.push(b'z');
        add(input, &mut head, |byte| if is_tchar(byte) { byte } else { b'-' })?;
        head.extend_from_slice(input.choose(&[&b": "[..], b":", b":\t "])?);
        add(input, &mut head, |byte| if byte.is_ascii_control() { b'\t' } else { byte })?;
        head.extend_from_slice(input.choose(&[&b"\r\n"[..], b" \r\n"])?);
    }
    head.extend_from_slice(input.choose(&[&b"\r\n"[..], b"\r\nhi", b""])?);
    for _ in 0..input.int_in_range(0..=3_u8)? {
        change(input, &mut head)?;
    }
    Ok(head)
}

/// Up to a place near the next edge of some block, or just a few.
fn add(input: &mut Unstructured<'_>, head: &mut Vec<u8>, made_fit: fn(u8) -> u8) -> Result<()> {
    let len = match input.int_in_range(0..=3_usize)? {
        0 => input.int_in_range(0..=20)?,
        which => {
            let wanted = BLOCKS[which - 1] + input.int_in_range(0..=6)? - 3;
            (wanted + 64 - head.len() % 64) % BLOCKS[which - 1]
        }
    };
    let (first, step) = (u8::arbitrary(input)?, u8::arbitrary(input)?);
    let bytes = (0..len).map(|at| made_fit(first.wrapping_add(step.wrapping_mul(at as u8))));
    head.extend(bytes);
    Ok(())
}

fn change(input: &mut Unstructured<'_>, head: &mut Vec<u8>) -> Result<()> {
    if head.len() == START.len() {
        return Ok(());
    }
    let places = head.len() - START.len();
    let at = START.len() + usize::from(u16::arbitrary(input)?) % places;
    let byte = *input.choose(b"\r\n:\0\t \x01\x08\x0b\x0c\x0e\x1f\x7f\x80\xff(a")?;
    if bool::arbitrary(input)? {
        head[at] = byte
    } else {
        head.insert(at, byte)
    }
    Ok(())
}

// Lines

/// What a head comes to that is split by hand.
enum Split {
    /// At this byte there is no saving it.
    Fault(usize),
    Open,
    /// Of this length, with these fields.
    Head(usize, Vec<OwnField>),
}

/// Fields by the letter: the line ends at the first CRLF, the name at the first colon; nothing is forgiven.
fn split(head: &[u8]) -> Split {
    let mut fields = Vec::new();
    let Ok(mut at) = line_end(head, START.len()) else { return stopped(head, START.len()) };
    while !head[at..].starts_with(b"\r\n") {
        let Some(len) = head[at..].iter().position(|&byte| !is_tchar(byte)) else { return Split::Open };
        let colon = at + len;
        if len == 0 || head[colon] != b':' {
            return if head[colon..] == *b"\r" { Split::Open } else { Split::Fault(colon) };
        }
        let Ok(end) = line_end(head, colon) else { return stopped(head, colon) };
        fields.push((head[at..colon].to_vec(), trim(&head[colon + 1..end - 2]).to_vec()));
        at = end;
    }
    Split::Head(at + 2, fields)
}

/// Behind the CRLF of a line of text; or the octet that is none.
fn line_end(head: &[u8], from: usize) -> std::result::Result<usize, usize> {
    let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    let control = head[from..].iter().position(is_control).map_or(head.len(), |len| from + len);
    if head[control..].starts_with(b"\r\n") { Ok(control + 2) } else { Err(control) }
}

/// Of a CR the octet behind it decides.
fn stopped(head: &[u8], from: usize) -> Split {
    match line_end(head, from) {
        Err(at) if head.get(at) == Some(&b'\r') && at + 1 < head.len() => Split::Fault(at + 1),
        Err(at) if at < head.len() && head[at] != b'\r' => Split::Fault(at),
        _ => Split::Open,
    }
}

/// Under STRICT: the same lines, or the same fault.
fn check_lines(reply: &[u8], head: Option<&OwnHead>, refused_at: Option<usize>) {
    let shown = || reply.escape_ascii();
    match split(reply) {
        // How many lines there may be is another question.
        Split::Head(_, fields) if fields.len() > 100 => {}
        Split::Head(len, fields) => match head {
            Some(head) => {
                assert_eq!(head.wire.len(), len, "{}", shown());
                assert_eq!(head.fields, fields, "{}", shown());
            }
            // What the fields mean is settled by the last byte of the head.
            None => assert_eq!(refused_at, Some(len - 1), "{}", shown()),
        },
        Split::Open => assert!(head.is_none() && refused_at.is_none_or(|_| is_long(reply)), "{}", shown()),
        Split::Fault(at) => {
            let Some(refused_at) = refused_at else { panic!("fault at {at} of {}", shown()) };
            // A CR in a name: it, or what comes behind it.
            let agreed = refused_at == at || reply[at] == b'\r' && refused_at == at + 1;
            assert!(agreed || is_long(&reply[..at]), "{refused_at} is not {at}: {}", shown());
        }
    }
}

/// Could there be more lines than the limit allows?
fn is_long(head: &[u8]) -> bool {
    head.iter().filter(|&&byte| byte == b'\n').count() > 100
}

/// Under COMPAT: what is tolerated is repaired as it is by hand.
fn check_repairs(reply: &[u8]) {
    let mut parser = Parser::new(Policy::COMPAT);
    parser.begin(Exchange::GET);
    let mut input = reply;
    while let Ok(Some(event)) = parser.next_event(&mut input) {
        let Event::Head(head) = event else { continue };
        let fields: Vec<OwnField> =
            head.fields().map(|field| (field.name().to_vec(), field.repaired().to_vec())).collect();
        assert_eq!(fields, lines(head.wire()), "{}", head.wire().escape_ascii());
    }
}

// Places

/// Where a reply lies in memory, and what lies around it, is nothing to the parser.
fn check_places(scene: &Scene<'_>, policy: Policy) {
    let len = scene.reply.len();
    let wanted = transcribe::<Pull>(scene, policy, &[]);
    // The last place ends with the allocation, where the sanitizer sees a read past it.
    let mut memory = vec![b'\n'; len + 63].into_boxed_slice();
    for place in 0..64 {
        memory.fill(b"\na"[place % 2]);
        memory[place..place + len].copy_from_slice(scene.reply);
        let moved = Scene { reply: &memory[place..place + len], ..scene.clone() };
        assert_eq!(transcribe::<Pull>(&moved, policy, &[]), wanted, "{place} bytes on");
    }
}
