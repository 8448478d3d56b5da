//! The command-line tool, run as a user would.
#![cfg(feature = "cli")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use badgateway::{Detection, Level, Policy, Relax, Rule};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

fn badgateway(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_badgateway"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = badgateway(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // A tool that needs no input may end before it is written.
    let _ = writer.join().unwrap();
    output
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn scratch_file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[cfg(target_os = "linux")]
fn full_disk() -> fs::File {
    fs::OpenOptions::new().write(true).open("/dev/full").unwrap()
}

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const BAD: &[u8] = b"HTTP/1.1 200 OK\r\nA\x1b[31m/b: c\r\n\r\n";

#[test]
fn the_rule_reference_is_current() {
    let output = run(&["rules", "--format", "markdown"], b"");
    let kept = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rule/RULES.md")).unwrap();
    let hint = "run `cargo run --features cli -- rules --format markdown > src/rule/RULES.md`";
    assert!(text(&output.stdout) == kept, "src/rule/RULES.md is out of date: {hint}");
}

#[test]
fn exit_status_tells_the_worst() {
    let good = scratch_file("good.http", GOOD);
    let bad = scratch_file("bad.http", BAD);
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    assert_eq!(code(&run(&["check", good], b"")), 0);
    assert_eq!(code(&run(&["check", good, bad], b"")), 1);
    assert_eq!(code(&run(&["check", "--end", "open"], b"HTTP/1.1 200")), 1);
    assert_eq!(code(&run(&["check", "--no-such-flag"], b"")), 2);
    let output = run(&["check", "--format", "short", "no/such/file", ".", good], b"");
    assert_eq!(code(&output), 3);
    assert!(text(&output.stderr).contains("no/such/file: "), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains(".: "), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout)
            .ends_with("good.http: valid: missing-date at byte 38, content-type-problem at byte 38\n")
    );
}

#[test]
fn carets_stand_under_the_byte_and_nothing_unprintable_comes_out() {
    let output = run(&["check"], BAD);
    let out = text(&output.stdout);
    let lines: Vec<&str> = out.lines().collect();
    let shown = lines.iter().position(|line| line.starts_with("  00017  A\\x1b[31m/b: c\\r\\n")).unwrap();
    assert_eq!(lines[shown + 1], "          ^^^^ 0x1b");
    assert!(out.bytes().all(|byte| byte == b'\n' || (0x20..0x7f).contains(&byte)), "{out:?}");
}

#[test]
fn reports_for_people_have_an_empty_line_between_them() {
    let good = scratch_file("between.http", GOOD);
    let output = run(&["check", good.to_str().unwrap(), "-", good.to_str().unwrap()], BAD);
    let out = text(&output.stdout);
    let reports: Vec<&str> = out.split("\n\n").collect();
    assert_eq!(reports.len(), 3, "{out}");
    assert!(!out.starts_with('\n') && reports[0].contains("between.http: valid"), "{out}");
    assert!(reports[1].starts_with("stdin: invalid"), "{out}");
    assert!(reports[2].ends_with('\n') && reports[2].contains("between.http: valid"), "{out}");
}

/// Whoever read the output may have seen enough; nobody was told that the replies are fit.
#[test]
fn output_that_nobody_reads_ends_as_a_closed_pipe_does() {
    let reply = scratch_file("unread.http", BAD);
    let line = format!("{{\"reply\":\"{}\"}}\n", STANDARD.encode(BAD));
    let lines = scratch_file("unread.jsonl", line.as_bytes());
    let (reply, lines) = (reply.to_str().unwrap(), lines.to_str().unwrap());
    for arguments in [
        &["check", reply, reply][..],
        &["check", "--format", "json", reply],
        &["check", "--format", "short", reply],
        &["check", "--jsonl", lines],
        &["rules"],
        &["rules", "--format", "json"],
        &["explain", "bare-cr"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = badgateway(arguments).stdout(writer).output().unwrap();
        assert_eq!((code(&output), text(&output.stderr)), (141, ""), "{arguments:?}");
    }
}

/// A disk that is full is another matter.
#[cfg(target_os = "linux")]
#[test]
fn output_that_is_lost_is_a_failure() {
    let output = badgateway(&["rules"]).stdout(full_disk()).output().unwrap();
    assert_eq!(code(&output), 3);
    assert!(text(&output.stderr).starts_with("badgateway: cannot write: "), "{}", text(&output.stderr));
}

/// An error that cannot be told is still an error, and no panic.
#[cfg(target_os = "linux")]
#[test]
fn the_exit_status_stands_where_errors_cannot_be_told() {
    for (arguments, status) in [
        (&["check", "no/such/file"][..], 3),
        (&["check", "--jsonl", "no/such/file"], 3),
        (&["rules"], 3),
        (&["explain", "no-such-rule"], 2),
    ] {
        let output = badgateway(arguments).stdout(full_disk()).stderr(full_disk()).output().unwrap();
        assert_eq!(code(&output), status, "{arguments:?}");
    }
}

#[test]
fn in_short_each_reply_is_one_line() {
    let short = |end, reply: &[u8]| {
        let output = run(&["check", "--format", "short", "--end", end], reply);
        text(&output.stdout).to_string()
    };
    assert_eq!(
        short("open", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"),
        "stdin: incomplete (more bytes are due): missing-date at byte 38, content-type-problem at byte 38\n"
    );
    assert_eq!(
        short("eof", b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"),
        "stdin: invalid: obs-fold at byte 23 (0x20) in the header section: \
         a field value is continued on a second line; answer 502\n"
    );
}

#[test]
fn programs_get_one_line_for_each_reply() {
    let good = scratch_file("line.http", GOOD);
    for format in ["short", "json"] {
        let output = run(&["check", "--format", format, good.to_str().unwrap(), "-"], BAD);
        let lines: Vec<&str> = text(&output.stdout).lines().collect();
        assert!(
            lines.len() == 2 && lines[0].contains("line.http") && lines[1].contains("stdin"),
            "{lines:?}"
        );
    }
}

fn object_of(arguments: &[&str], reply: &[u8]) -> Value {
    let output = run(&[&["check", "--format", "json"], arguments].concat(), reply);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn json_has_its_keys() {
    let object = object_of(&[], b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n");
    assert_eq!(object["verdict"], "invalid");
    assert_eq!(object["status"], 200);
    assert_eq!(object["framing"], Value::Null);
    assert_eq!(object["content"], 0);
    assert_eq!(
        (&object["reuse"], &object["reuse_reason"]),
        (&false.into(), &"conflicting-content-length".into())
    );
    let violation = &object["violation"];
    for (key, value) in [
        ("rule", json!("conflicting-content-length")),
        ("class", json!("core")),
        ("offset", json!(36)),
        ("span", json!([36, 37])),
        ("related", json!([33, 34])),
        ("decided_at", json!(40)),
        ("phase", json!("header")),
        ("clause", json!("RFC 9112 6.3")),
        ("title", json!(Rule::ConflictingContentLength.title())),
        ("detail", Value::Null),
        ("proxy_error", json!("http_protocol_error")),
        ("answer", json!(502)),
        ("remedy", json!({"before_head": "respond", "after_head": "abort"})),
        ("retry", json!("never")),
    ] {
        assert_eq!(violation[key], value, "{key}");
    }
    assert_eq!(violation.as_object().unwrap().len(), 14);
    let object = object_of(&[], GOOD);
    assert_eq!(object["verdict"], "valid");
    assert_eq!(object["content"], 5);
    assert_eq!(object["violation"], Value::Null);
    assert_eq!((&object["reuse"], &object["reuse_reason"]), (&true.into(), &Value::Null));
    assert_eq!(object["content_sha256"], "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    let all = [
        "content",
        "content_sha256",
        "file",
        "framing",
        "notes",
        "reuse",
        "reuse_reason",
        "status",
        "verdict",
        "violation",
    ];
    assert_eq!(keys(&object), all);
}

#[test]
fn json_tells_what_the_gateway_may_do() {
    let object = object_of(&[], b"");
    assert_eq!(object["violation"]["rule"], "closed-before-first-byte");
    assert_eq!(object["violation"]["retry"], "idempotent");
    let object = object_of(&["--policy", "strict"], &[GOOD, b"x"].concat());
    assert_eq!(object["violation"]["remedy"], json!({"before_head": "respond", "after_head": "discard"}));
    let object = object_of(&[], b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(object["reuse_reason"], "HTTP/1.0 without keep-alive");
}

/// Nothing is answered for what is let pass.
#[test]
fn a_note_in_json_answers_nothing() {
    let object = object_of(&["--set", "obs-fold=note"], b"HTTP/1.1 204 N\r\nA: b\r\n c\r\n\r\n");
    assert_eq!(object["verdict"], "tolerated");
    let notes = object["notes"].as_array().unwrap();
    let told: Vec<(&Value, &Value)> = notes.iter().map(|note| (&note["rule"], &note["class"])).collect();
    assert_eq!(told, [(&json!("obs-fold"), &json!("core")), (&json!("missing-date"), &json!("advisory"))]);
    let all =
        ["class", "clause", "decided_at", "detail", "offset", "phase", "related", "rule", "span", "title"];
    assert!(notes.iter().all(|note| keys(note) == all), "{notes:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn json_holds_the_name_of_the_file_as_it_is() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    for (name, told) in [
        (&b"a \\ \"b\" \t\x7f.http"[..], "a \\ \"b\" \t\u{7f}.http"),
        ("caf\u{e9}.http".as_bytes(), "caf\u{e9}.http"),
        (b"not \xff UTF-8.http", "not \u{fffd} UTF-8.http"),
    ] {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(OsStr::from_bytes(name));
        fs::write(&path, GOOD).unwrap();
        let output = badgateway(&["check", "--format", "json"]).arg(&path).output().unwrap();
        assert_eq!(code(&output), 0, "{told}");
        assert!(output.stdout.is_ascii(), "{told}");
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(object["file"].as_str().unwrap().ends_with(&format!("/{told}")), "{object}");
    }
    assert_eq!(object_of(&[], GOOD)["file"], "stdin");
}

#[test]
fn offsets_in_json_count_from_the_message() {
    let reply = b"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 2x0 OK\r\n";
    let output = run(&["check", "--format", "json"], reply);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["violation"]["offset"], 10);
    assert_eq!(object["violation"]["span"], serde_json::json!([28, 29]));
    // What follows an interim reply and is no reply counts as content of the interim one.
    let output = run(&["check", "--format", "json"], b"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 103 E\r\n\r\nabc");
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["violation"]["rule"], "interim-response-with-content");
    assert_eq!(object["violation"]["offset"], 18);
    assert_eq!(object["violation"]["span"], serde_json::json!([36, 37]));
}

#[test]
fn options_bear_on_the_verdict() {
    let verdict = |arguments: &[&str], reply: &[u8]| {
        let mut all = vec!["check", "--format", "json"];
        all.extend(arguments);
        let output = run(&all, reply);
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        object["verdict"].as_str().unwrap().to_string()
    };
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    assert_eq!(verdict(&[], head), "incomplete");
    assert_eq!(verdict(&["--method", "HEAD"], head), "valid");
    let fold = b"HTTP/1.1 204 N\r\nA: b\r\n c\r\n\r\n";
    assert_eq!(verdict(&[], fold), "invalid");
    assert_eq!(verdict(&["--policy", "compat"], fold), "tolerated");
    assert_eq!(verdict(&["--set", "obs-fold=allow"], fold), "valid");
    let switch = b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\x81\x00";
    assert_eq!(verdict(&[], switch), "invalid");
    assert_eq!(verdict(&["--upgrade", "websocket"], switch), "valid");
    let until_close = b"HTTP/1.1 200 OK\r\n\r\nhello";
    assert_eq!(verdict(&["--end", "eof"], until_close), "tolerated");
    assert_eq!(verdict(&["--end", "reset"], until_close), "incomplete");
    assert_eq!(verdict(&["--end", "truncated"], until_close), "incomplete");
    assert_eq!(verdict(&["--end", "timeout"], until_close), "incomplete");
    assert_eq!(verdict(&["--end", "open"], until_close), "incomplete");
}

#[test]
fn a_setting_that_cannot_be_is_refused_with_its_reason() {
    let said = |setting: &str| {
        let output = run(&["check", "--set", setting], GOOD);
        assert_eq!(code(&output), 2, "{setting}");
        text(&output.stderr).to_string()
    };
    assert!(said("not-http=note").contains("not-http is locked: it can only be set to deny"));
    assert!(said("obs-fould=note").contains("did you mean obs-fold?"));
    assert!(said("OBS-FOLD=Note").contains("did you mean obs-fold?"));
    assert!(said("obs-fold=Note").contains("a level is deny, note or allow"));
    assert!(said("obs-fold=maybe").contains("a level is deny, note or allow"));
    assert!(said("obs-fold").contains("RULE=LEVEL"));
}

#[test]
fn jsonl_keeps_the_order_and_survives_bad_lines() {
    let mut input = String::new();
    for id in 0..2000 {
        let reply = STANDARD.encode(if id % 2 == 0 { GOOD } else { BAD });
        input += &format!("{{\"id\":{id},\"method\":\"GET\",\"reply\":\"{reply}\",\"end\":\"eof\"}}\n");
    }
    input += "not json\n\n{\"id\":\"x\",\"reply\":\"@\"}\n{\"id\":[1,{\"a\":null}]}\n";
    input +=
        "{\"id\":\"e\",\"reply\":\"\",\"end\":\"never\"}\n{\"id\":\"p\",\"reply\":\"\",\"policy\":\"lax\"}\n";
    let upgraded = b"HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n";
    let upgraded = STANDARD.encode(upgraded);
    input += &format!("{{\"id\":\"u\",\"reply\":\"{upgraded}\",\"upgrade\":\"h2c\",\"policy\":\"strict\"}}");
    let output = run(&["check", "--jsonl"], input.as_bytes());
    assert_eq!(code(&output), 2);
    let objects: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2006);
    for (id, object) in objects[..2000].iter().enumerate() {
        assert_eq!(object["id"], id);
        assert_eq!(object["verdict"], if id % 2 == 0 { "valid" } else { "invalid" });
    }
    assert!(text(&output.stdout).lines().all(|line| line.starts_with("{\"id\":")));
    let error = |at: usize| objects[at]["error"].as_str().unwrap();
    assert!(objects[2000]["id"].is_null() && error(2000).starts_with("line 2001: "));
    assert!(objects[2001]["id"] == "x" && error(2001).contains("not base64"));
    assert!(objects[2002]["id"] == serde_json::json!([1, {"a": null}]) && error(2002).contains("reply"));
    assert!(error(2003).contains("no such end"));
    assert!(error(2004).contains("no such preset"));
    assert_eq!(objects[2005]["framing"], "tunnel");
}

#[test]
fn jsonl_says_where_a_line_makes_no_sense_and_goes_on() {
    let reply = STANDARD.encode(GOOD);
    let input = format!(
        "\u{feff}{{\"id\":[1,\r2],\"reply\":\"{reply}\"}}\r\n\n \t\n{{\"reply\":7}}\n[]\n{{\"reply\":\"{}\"}}\n{{\"reply\":",
        STANDARD.encode(BAD)
    );
    let output = run(&["check", "--jsonl"], input.as_bytes());
    assert_eq!(code(&output), 2);
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert!(lines[0].starts_with("{\"id\":[1,2],\"verdict\":\"valid\","), "{}", lines[0]);
    let said = |at: usize| serde_json::from_str::<Value>(lines[at]).unwrap();
    assert_eq!(said(1)["error"], "line 4: invalid type: integer `7`, expected a string at column 10");
    assert_eq!(said(2)["error"], "line 5: not a JSON object");
    assert_eq!(said(3)["verdict"], "invalid");
    assert_eq!(said(4)["error"], "line 7: EOF while parsing a value at column 9");
    assert_eq!(lines.len(), 5);
}

fn error_of(line: &str, id: impl Into<Value>) -> String {
    let output = run(&["check", "--jsonl"], line.as_bytes());
    assert_eq!(code(&output), 2, "{line}");
    assert!(output.stdout.iter().all(|byte| *byte == b'\n' || (b' '..=b'~').contains(byte)), "{line}");
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["id"], id.into(), "{line}");
    object["error"].as_str().unwrap().to_string()
}

/// A key that is misspelt would else be taken for one that is left out.
#[test]
fn jsonl_refuses_keys_it_does_not_know() {
    let said = error_of(r#"{"id":5,"reply":"","methd":"HEAD"}"#, 5);
    assert!(said.starts_with("line 1: unknown field `methd`, expected one of `id`, `method`, "), "{said}");
    assert!(said.ends_with(" at column 26"), "{said}");
    let said = error_of("{\"reply\":\"\",\"\u{7f}\u{9b}31m\\u001b\":1,\"id\":5}", 5);
    assert!(said.contains("`\u{7f}\u{9b}31m\u{1b}`"), "{said:?}");
}

#[test]
fn jsonl_escapes_its_errors_once() {
    let said = error_of("{\"id\":5,\"reply\":\"\",\"end\":\"a\u{1f}\"}", Value::Null);
    assert_eq!(
        said, r"line 1: control character (\u0000-\u001F) found while parsing a string at column 28",
        "it holds one backslash each"
    );
}

#[test]
fn jsonl_tells_where_base64_goes_wrong() {
    for (reply, told) in [
        ("QUJD*UJD", "byte 0x2a at offset 4"),
        ("QUJD\u{e9}", "byte 0xc3 at offset 4"),
        ("QU=JD", "byte 0x3d at offset 2"),
        ("QUJDR", "it is cut off at offset 5"),
        ("QUJDQR==", "the last symbol, 0x52 at offset 5, has bits to spare"),
    ] {
        let said = error_of(&format!("{{\"id\":5,\"reply\":\"{reply}\"}}"), 5);
        assert_eq!(said, format!("line 1: reply: not base64: {told}"));
    }
}

/// No control character but those that JSON escapes: anstream would drop it.
#[test]
fn an_id_is_what_it_was() {
    let id = "\"a\u{7f}b\u{9b}31m\u{e9}\"";
    let output = run(&["check", "--jsonl"], format!("{{\"id\":{id},\"reply\":\"\"}}").as_bytes());
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["id"], "a\u{7f}b\u{9b}31m\u{e9}");
    // What can be read stays as it was written, even what no program could read.
    let nested = format!("{}\r{}", "[".repeat(200), "]".repeat(200));
    for (id, expected) in [
        (id, "\"a\\u007fb\\u009b31m\u{e9}\""),
        ("[1,\r12345678901234567890123]", "[1,12345678901234567890123]"),
        ("{\"a\":1,\r\"a\":2}", "{\"a\":1,\"a\":2}"),
        ("[1e999,\r2]", "[1e999,2]"),
        ("\"\\ud800\u{7f}\"", "\"\\ud800\\u007f\""),
        (&nested, &nested.replace('\r', "")),
    ] {
        for reply in ["\"reply\":\"\"", "\"reply\":5"] {
            let output = run(&["check", "--jsonl"], format!("{{\"id\":{id},{reply}}}").as_bytes());
            let line = text(&output.stdout);
            assert!(line.starts_with(&format!("{{\"id\":{expected},")), "{line}");
        }
    }
}

#[test]
fn jsonl_reads_files_and_tells_which_it_cannot() {
    let line = |reply: &[u8]| format!("{{\"reply\":\"{}\"}}\n", STANDARD.encode(reply));
    let good = scratch_file("good.jsonl", line(GOOD).as_bytes());
    let bad = scratch_file("bad.jsonl", line(BAD).as_bytes());
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    assert_eq!(code(&run(&["check", "--jsonl", good], b"")), 0);
    let id = format!("{{\"id\":[1, 2.50],{}", &line(GOOD)[1..]);
    let output = run(&["check", "--jsonl"], id.as_bytes());
    assert!(text(&output.stdout).starts_with("{\"id\":[1, 2.50],"), "an id goes back as it came");
    assert_eq!(code(&run(&["check", "--jsonl", bad, good], b"")), 1);
    for unreadable in ["no/such/file", "."] {
        let output = run(&["check", "--jsonl", good, unreadable, bad], b"");
        assert_eq!(code(&output), 3, "{unreadable}");
        assert_eq!(text(&output.stdout).lines().count(), 2, "{unreadable}");
        assert!(text(&output.stderr).contains(&format!("badgateway: {unreadable}: ")), "{unreadable}");
    }
}

#[test]
fn jsonl_answers_while_its_input_stays_open() {
    let mut child =
        badgateway(&["check", "--jsonl"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for id in 0..3 {
        writeln!(stdin, "{{\"id\":{id},\"reply\":\"{}\"}}", STANDARD.encode(GOOD)).unwrap();
        stdin.flush().unwrap();
        let line = lines.next().unwrap().unwrap();
        assert!(line.starts_with(&format!("{{\"id\":{id},")), "{line}");
    }
    drop(stdin);
    assert!(lines.next().is_none());
    assert!(child.wait().unwrap().success());
}

#[test]
fn colour_is_for_terminals_only() {
    for arguments in [&["check"][..], &["rules"], &["explain", "bare-cr"]] {
        let output = run(arguments, BAD);
        assert!(!output.stdout.contains(&0x1b), "{arguments:?}");
    }
    let output = badgateway(&["explain", "bare-cr"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(output.stdout.contains(&0x1b));
}

fn words_of(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_rule_explains_itself() {
    for rule in Rule::all() {
        let output = run(&["explain", rule.id()], b"");
        assert_eq!(code(&output), 0, "{rule}");
        let out = text(&output.stdout);
        assert!(out.bytes().all(|byte| byte == b'\n' || (0x20..0x7f).contains(&byte)), "{rule}");
        for needed in [rule.id(), rule.title(), rule.clause(), "Why it matters", "Levels"] {
            assert!(out.contains(needed), "{rule}: no {needed}");
        }
        let words = words_of(out);
        for paragraph in [rule.explain(), rule.why(), rule.clause_says(), rule.tolerated()] {
            assert!(words.contains(&words_of(paragraph)), "{rule}: no {paragraph}");
        }
        let tolerable = rule.permits(Level::Note);
        assert_eq!(out.contains("\nWhat tolerating it does\n"), tolerable, "{rule}");
        assert_eq!(out.contains("\nWhy it is not tolerated\n"), !tolerable, "{rule}");
        assert_eq!(out.contains("\nAn example, under tiny limits\n"), rule.relax() == Relax::Limit, "{rule}");
        assert_eq!(out.contains("\nWhen it refuses a reply\n"), rule.proxy_error().is_some(), "{rule}");
        assert_eq!(out.contains("An example"), rule.detection() != Detection::Caller, "{rule}");
        assert!(rule.detection() == Detection::Caller || out.contains(&format!("[{rule}]")), "{rule}");
    }
    for likely in ["OBS-FOLD", "Obs_Fold", "obs-fould"] {
        let unknown = run(&["explain", likely], b"");
        assert_eq!(code(&unknown), 2, "{likely}");
        assert!(text(&unknown.stderr).contains("did you mean obs-fold?"), "{likely}");
    }
    let unknown = run(&["explain", "no-such-rule"], b"");
    assert_eq!(code(&unknown), 2);
    assert!(text(&unknown.stderr).contains("`badgateway rules` lists them"));
}

/// The heading of the example of a rule.
fn example_heading(rule: &str) -> String {
    let output = run(&["explain", rule], b"");
    text(&output.stdout).lines().find(|line| line.starts_with("An example")).unwrap().to_string()
}

/// A fault that the default lets pass is shown refused, and the heading says what made it so.
#[test]
fn an_example_names_the_level_that_is_not_the_default() {
    assert_eq!(example_heading("obs-fold"), "An example");
    assert_eq!(example_heading("field-line-too-long"), "An example, under tiny limits");
    for rule in ["trailer-section", "chunk-extension", "bare-lf"] {
        assert_eq!(example_heading(rule), "An example, with the rule set to deny", "{rule}");
    }
    for rule in Rule::all().filter(|rule| rule.example().is_some() && rule.relax() != Relax::Limit) {
        let shown = if rule.permits(Level::Deny) { Level::Deny } else { Level::Note };
        let is_default = Policy::DEFAULT.level(rule) == shown;
        assert_eq!(example_heading(rule.id()) == "An example", is_default, "{rule}");
    }
}

/// A paragraph is indented, and its lines are as full as 88 columns allow.
#[test]
fn explanations_are_set_in_lines_of_one_measure() {
    for rule in Rule::all() {
        let output = run(&["explain", rule.id()], b"");
        let lines: Vec<&str> = text(&output.stdout).lines().collect();
        let after = |heading: &str| 1 + lines.iter().position(|line| *line == heading).unwrap();
        let tolerable = rule.permits(Level::Note);
        let last = if tolerable { "What tolerating it does" } else { "Why it is not tolerated" };
        for (start, wanted) in [
            (2, rule.explain()),
            (after("Why it matters"), rule.why()),
            (after(rule.clause()), rule.clause_says()),
            (after(last), rule.tolerated()),
        ] {
            let mut paragraph = String::new();
            for line in lines[start..].iter().take_while(|line| !line.is_empty()) {
                let first = line.trim_start().split(' ').next().unwrap();
                let before = paragraph.lines().last().map_or(0, str::len);
                assert!(before == 0 || before + 1 + first.len() > 88, "{rule}: {line}");
                assert!(
                    line.starts_with("  ") && !line.starts_with("   ") && line.len() <= 88,
                    "{rule}: {line}"
                );
                paragraph += line;
                paragraph += "\n";
            }
            assert_eq!(words_of(&paragraph), words_of(wanted));
        }
    }
}

#[test]
fn the_table_is_listed_in_three_forms() {
    let output = run(&["rules", "--format", "json"], b"");
    let rows: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, Rule::all().map(Rule::id).collect::<Vec<_>>());
    let fold = rows.iter().find(|row| row["id"] == "obs-fold").unwrap();
    for (key, value) in [
        ("section", "Fields"),
        ("class", "core"),
        ("clause", "RFC 9112 5.2"),
        ("detection", "byte"),
        ("relax", "repair"),
        ("strict", "deny"),
        ("proxy_error", "http_protocol_error"),
    ] {
        assert_eq!(fold[key], value, "{key}");
    }
    assert_eq!(fold["answer"], 502);
    assert!(rows.iter().any(|row| row["class"] == "advisory" && row["answer"].is_null()));
    for format in ["human", "markdown"] {
        let output = run(&["rules", "--format", format], b"");
        assert!(Rule::all().all(|rule| text(&output.stdout).contains(rule.id())), "{format}");
    }
}

#[test]
fn help_says_what_the_tool_does() {
    for flag in ["--help", "-h"] {
        let output = run(&[flag], b"");
        assert_eq!(code(&output), 0);
        let words = words_of(text(&output.stdout));
        assert!(
            words.starts_with("Judges HTTP/1.x replies as a gateway receives them: which rule is broken,"),
            "{words}"
        );
    }
    assert!(words_of(text(&run(&["check", "--help"], b"").stdout)).contains("141 if the output was closed"));
}

/// The README's first command, on the replies it names.
#[test]
fn the_sample_replies_are_good_and_bad() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/replies");
    let mut counts = [0, 0];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let status = code(&run(&["check", path.to_str().unwrap()], b""));
        counts[status as usize] += 1;
    }
    assert!(counts[0] >= 5 && counts[1] >= 5, "{counts:?}");
}

/// A cookie of 20 kB and 150 fields, which the usual limits refuse.
fn lavish() -> Vec<u8> {
    let fields: String = (1..150).map(|n| format!("X-{n}: y\r\n")).collect();
    format!("HTTP/1.1 204 No Content\r\nSet-Cookie: {}\r\n{fields}\r\n", "c".repeat(20_000)).into_bytes()
}

#[test]
fn limits_are_set_by_name() {
    let verdict = |limits: &[&str]| {
        let limits = limits.iter().flat_map(|limit| ["--limit", limit]);
        let arguments: Vec<&str> = ["check", "--format", "json"].into_iter().chain(limits).collect();
        let report: Value = serde_json::from_slice(&run(&arguments, &lavish()).stdout).unwrap();
        report["violation"]["rule"].as_str().unwrap_or("none").to_string()
    };
    assert_eq!(verdict(&[]), "field-line-too-long");
    assert_eq!(verdict(&["field_line=30000"]), "header-section-too-large");
    assert_eq!(verdict(&["field_line=30000", "fields=150"]), "none");
    assert_eq!(
        verdict(&["field_line=30000", "fields=150", "header_section=20000"]),
        "header-section-too-large"
    );
    assert_eq!(verdict(&["field_line=30000", "fields=200", "fields=149"]), "header-section-too-large");
}

#[test]
fn limits_hold_for_every_line_of_json() {
    let line = |policy: &str| format!("{{\"reply\": \"{}\"{policy}}}\n", STANDARD.encode(lavish()));
    let input = line("") + &line(", \"policy\": \"strict\"");
    let limits = ["--limit", "field_line=30000", "--limit", "fields=150"];
    assert_eq!(code(&run(&["check", "--jsonl"], input.as_bytes())), 1);
    assert_eq!(code(&run(&[&["check", "--jsonl"][..], &limits].concat(), input.as_bytes())), 0);
}

#[test]
fn a_limit_that_cannot_be_set_is_refused_with_its_reason() {
    let said = |limit: &str| {
        let output = run(&["check", "--limit", limit], GOOD);
        assert_eq!(code(&output), 2, "{limit}");
        text(&output.stderr).to_string()
    };
    let unknown = said("field-line=1");
    assert!(unknown.contains("no limit is called that; there are status_line, field_line, "), "{unknown}");
    assert!(said("fields=65536").contains("it takes 0 to 65535"));
    assert!(said("field_line=4294967296").contains("it takes 0 to 4294967295"));
    for no_number in ["fields=many", "fields=-1", "fields=1k", "fields=", "content=18446744073709551616"] {
        assert!(said(no_number).contains("a whole number is needed"), "{no_number}");
    }
    assert!(said("fields").contains("it takes NAME=N"));
}

#[test]
fn help_tells_what_each_limit_counts() {
    for help in ["-h", "--help"] {
        let output = run(&["check", help], b"");
        for (name, counts) in badgateway::Limits::NAMES {
            assert!(text(&output.stdout).contains(&format!("\n  {name:20}  {counts}\n")), "{help}: {name}");
        }
    }
}
