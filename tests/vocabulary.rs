//! The words that end up in logs, metrics and fields of a gateway's own: each is there, and each is told from the others.
#![cfg(feature = "alloc")]

use std::collections::BTreeSet;

use badgateway::{
    Exchange, Framing, Level, Limits, Method, Outcome, Phase, Policy, ProxyError, Reason, Remedy, Retry,
    Rule, Verdict, Violation, validate,
};

/// RFC 9209 2.3.1 to 2.3.32, as the registry has them; 2.3.16, 17 and 29 are about requests and certificates of clients.
const PROXY_ERRORS: [(ProxyError, &str, u16); 29] = [
    (ProxyError::DnsTimeout, "dns_timeout", 504),
    (ProxyError::DnsError, "dns_error", 502),
    (ProxyError::DestinationNotFound, "destination_not_found", 500),
    (ProxyError::DestinationUnavailable, "destination_unavailable", 503),
    (ProxyError::DestinationIpProhibited, "destination_ip_prohibited", 502),
    (ProxyError::DestinationIpUnroutable, "destination_ip_unroutable", 502),
    (ProxyError::ConnectionRefused, "connection_refused", 502),
    (ProxyError::ConnectionTerminated, "connection_terminated", 502),
    (ProxyError::ConnectionTimeout, "connection_timeout", 504),
    (ProxyError::ConnectionReadTimeout, "connection_read_timeout", 504),
    (ProxyError::ConnectionWriteTimeout, "connection_write_timeout", 504),
    (ProxyError::ConnectionLimitReached, "connection_limit_reached", 503),
    (ProxyError::TlsProtocolError, "tls_protocol_error", 502),
    (ProxyError::TlsCertificateError, "tls_certificate_error", 502),
    (ProxyError::TlsAlertReceived, "tls_alert_received", 502),
    (ProxyError::HttpResponseIncomplete, "http_response_incomplete", 502),
    (ProxyError::HttpResponseHeaderSectionSize, "http_response_header_section_size", 502),
    (ProxyError::HttpResponseHeaderSize, "http_response_header_size", 502),
    (ProxyError::HttpResponseBodySize, "http_response_body_size", 502),
    (ProxyError::HttpResponseTrailerSectionSize, "http_response_trailer_section_size", 502),
    (ProxyError::HttpResponseTrailerSize, "http_response_trailer_size", 502),
    (ProxyError::HttpResponseTransferCoding, "http_response_transfer_coding", 502),
    (ProxyError::HttpResponseContentCoding, "http_response_content_coding", 502),
    (ProxyError::HttpResponseTimeout, "http_response_timeout", 504),
    (ProxyError::HttpUpgradeFailed, "http_upgrade_failed", 502),
    (ProxyError::HttpProtocolError, "http_protocol_error", 502),
    (ProxyError::ProxyInternalError, "proxy_internal_error", 500),
    (ProxyError::ProxyConfigurationError, "proxy_configuration_error", 500),
    (ProxyError::ProxyLoopDetected, "proxy_loop_detected", 502),
];

#[test]
fn error_types_have_their_registered_names_and_statuses() {
    for (error, name, status) in PROXY_ERRORS {
        assert_eq!((error.name(), error.to_string(), error.status()), (name, name.to_string(), status));
    }
    let known = |error: ProxyError| PROXY_ERRORS.iter().any(|one| one.0 == error);
    for outcome in Outcome::ALL {
        assert!(Violation::from(outcome).proxy_error().is_some_and(known), "{outcome:?}");
    }
}

fn all_differ<T: Ord>(words: impl IntoIterator<Item = T>) -> bool {
    let words: Vec<T> = words.into_iter().collect();
    words.len() == words.iter().collect::<BTreeSet<_>>().len()
}

#[test]
fn phases_have_names_and_places_of_their_own() {
    let phases = [
        (Phase::Connect, "connect"),
        (Phase::StatusLine, "status-line"),
        (Phase::Header, "header"),
        (Phase::Body, "body"),
        (Phase::Trailer, "trailer"),
        (Phase::Idle, "idle"),
        (Phase::Tunnel, "tunnel"),
    ];
    for (phase, name) in phases {
        assert_eq!(phase.name(), name);
    }
    assert!(all_differ(phases.map(|(phase, _)| phase.place())));
}

#[test]
fn reasons_against_reuse_are_told_from_each_other() {
    let reasons = [
        Reason::NoReply,
        Reason::Closed,
        Reason::Tunnel,
        Reason::Unfinished,
        Reason::Refused(Rule::ObsFold),
        Reason::Tolerated(Rule::BareLf),
        Reason::CloseDelimited,
        Reason::RequestUnfinished,
        Reason::RequestClosing,
        Reason::CloseOption,
        Reason::Http10,
    ];
    assert!(all_differ(reasons.map(|reason| reason.to_string())));
    assert_eq!(Reason::Refused(Rule::ObsFold).to_string(), "obs-fold");
}

#[test]
fn what_has_a_name_is_shown_by_it() {
    for level in [Level::Allow, Level::Note, Level::Deny] {
        assert_eq!((level.to_string(), Level::from_name(level.name())), (level.name().into(), Some(level)));
    }
    for verdict in [Verdict::Valid, Verdict::Tolerated, Verdict::Invalid, Verdict::Incomplete] {
        assert_eq!(verdict.to_string(), verdict.name());
    }
    let framings =
        [Framing::None, Framing::Length(5), Framing::Chunked, Framing::UntilClose, Framing::Tunnel];
    for framing in framings {
        assert_eq!(framing.to_string(), framing.name());
    }
    assert_eq!(format!("{:7}|", Phase::Idle), "idle   |");
    let shown = [format!("{:5}|", Level::Deny), format!("{:>9}|", Framing::Chunked)];
    assert_eq!(shown, ["deny |", "  chunked|"]);
    assert_eq!(format!("{:9}|{:8}|", Rule::ObsFold, Verdict::Valid), "obs-fold |valid   |");
}

/// A reply is shown as text, and of a long one the beginning.
#[test]
fn a_report_is_readable_where_it_is_debugged() {
    let shown = |reply: &[u8]| format!("{:?}", validate(reply, Exchange::GET, &Policy::DEFAULT, None));
    let short = shown(b"HTTP/1.1 204 \r\nDate: \xff\r\n\r\n");
    assert!(
        short.starts_with(r#"Report { reply: "HTTP/1.1 204 \r\nDate: \xff\r\n\r\n", verdict: "#),
        "{short}"
    );
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    let long = shown(&[&head[..], &[b'a'; 100_000]].concat());
    let reply = format!(r#"{{ reply: "{}{}"... of {} bytes, "#, head.escape_ascii(), "a".repeat(21), 100_043);
    assert!(long.contains(&reply) && long.len() < 2000, "{long}");
    let cut = |len| shown(&b"x".repeat(len)).contains("\"... of");
    assert_eq!((cut(64), cut(65)), (false, true));
}

/// CBOR says how many keys an object has before it names them.
#[cfg(feature = "serde")]
#[test]
fn an_object_has_as_many_keys_as_it_says() {
    let reply = b"HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 5, 6\r\n\r\n";
    let report = validate(reply, Exchange::GET, &Policy::DEFAULT, None);
    let mut cbor = Vec::new();
    ciborium::into_writer(&report, &mut cbor).unwrap();
    let read: serde_json::Value = ciborium::from_reader(&cbor[..]).unwrap();
    assert_eq!(read, serde_json::json!(report));
    assert!(!report.notes().is_empty() && report.violation().is_some());
}

#[test]
fn what_is_not_said_is_the_default() {
    assert_eq!(Policy::default(), Policy::DEFAULT);
    assert_eq!(Limits::default(), Limits::DEFAULT);
    assert_eq!(Exchange::GET.request_version(), None);
}

#[test]
fn methods_are_idempotent_as_rfc_9110_says() {
    let methods = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"];
    assert!(methods.iter().all(|method| Method::from_bytes(method.as_bytes()).is_idempotent()));
    let others = ["POST", "PATCH", "CONNECT", "get", ""];
    assert!(!others.iter().any(|method| Method::from_bytes(method.as_bytes()).is_idempotent()));
}

#[cfg(feature = "std")]
#[test]
fn a_failed_read_says_how_the_connection_ended() {
    use badgateway::Close;
    use std::io::{Error, ErrorKind};

    let ends = [
        (ErrorKind::TimedOut, Close::Timeout),
        (ErrorKind::WouldBlock, Close::Timeout),
        (ErrorKind::UnexpectedEof, Close::Truncated),
        (ErrorKind::ConnectionReset, Close::Reset),
        (ErrorKind::BrokenPipe, Close::Reset),
    ];
    for (kind, how) in ends {
        assert_eq!(Close::from(&Error::from(kind)), how, "{kind:?}");
    }
}

/// Cut at 64 octets, the last name could spell another protocol.
#[test]
fn an_offer_too_long_to_keep_loses_whole_members() {
    let offer = [b"a/1, ".repeat(12), b"websocket".to_vec()].concat();
    let exchange = Exchange::GET.upgrade(&offer);
    assert_eq!(exchange.offer(), &b"a/1, ".repeat(12)[..59]);
    assert!(Exchange::GET.upgrade(&[b'a'; 65]).offer().is_empty());
    assert_eq!(Exchange::GET.upgrade(&[b'a'; 64]).offer(), [b'a'; 64]);
    for (protocol, is_fit) in [("a/1", true), ("webs", false), ("websocket", false)] {
        let reply = format!("HTTP/1.1 101 \r\nUpgrade: {protocol}\r\nConnection: upgrade\r\n\r\n");
        let report = validate(reply.as_bytes(), exchange, &Policy::STRICT, None);
        assert_eq!(report.violation().is_none(), is_fit, "{protocol}");
        assert_eq!(report.reply(), reply.as_bytes());
    }
}

#[test]
fn remedies_and_retries_have_names() {
    let remedies = [Remedy::Respond(502), Remedy::Abort, Remedy::Discard].map(Remedy::name);
    assert_eq!(remedies, ["respond", "abort", "discard"]);
    let retries = [Retry::Never, Retry::Idempotent, Retry::Always].map(Retry::name);
    assert_eq!(retries, ["never", "idempotent", "always"]);
}

/// Bytes that nobody asked for are answered to nobody.
#[cfg(feature = "serde")]
#[test]
fn a_violation_without_an_answer_says_so_in_json() {
    let violation = badgateway::Parser::new(Policy::DEFAULT).next_event(&mut &b"x"[..]).unwrap_err();
    let object = serde_json::to_value(violation).unwrap();
    assert_eq!((&object["rule"], &object["answer"]), (&"unsolicited-response".into(), &().into()));
    assert_eq!(object["remedy"], serde_json::json!({"before_head": "discard", "after_head": "discard"}));
}
