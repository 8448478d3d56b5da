//! The one table of rules: every fact about a rule stands in its row and nowhere else.
//!
//! Rows are grouped in a file per section of the reply; `Rule as usize` is a row's place, which is checked when the
//! crate is compiled.
#![forbid(unsafe_code)]

mod body;
mod chunked;
mod fields;
mod framing;
mod interim;
mod reuse;
mod semantics;
mod set;
mod status_line;
mod trailers;
mod transport;

use core::fmt;

pub(crate) use set::RuleSet;

use crate::exchange::{Close, Exchange};
use crate::proxy_status::ProxyError;

/// What the parser does where a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Accept, repair where needed, say nothing.
    Allow = 0,
    /// Accept, repair where needed, and report it: [`Event::Note`](crate::Event::Note).
    Note = 1,
    /// Refuse the reply.
    Deny = 2,
}

impl Level {
    /// `allow`, `note` or `deny`.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Allow => "allow",
            Level::Note => "note",
            Level::Deny => "deny",
        }
    }

    /// The level of that name.
    pub fn from_name(name: &str) -> Option<Level> {
        [Level::Allow, Level::Note, Level::Deny].into_iter().find(|level| level.name() == name)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Core rules are judged by the parser; advisory ones never change framing and never refuse a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Judged by the parser on every reply.
    Core,
    /// Computed on demand from a judged reply.
    Advisory,
}

impl Class {
    /// `core` or `advisory`.
    pub const fn name(self) -> &'static str {
        match self {
            Class::Core => "core",
            Class::Advisory => "advisory",
        }
    }
}

/// The earliest moment at which a rule can be known to be broken.
///
/// Whatever the detection, a CR that may be half of a CRLF waits for the byte after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Detection {
    /// The byte to blame is itself the one that decides.
    Byte,
    /// The end of the token in which it stands: the third digit of the status code, or what follows the digit of a
    /// version.
    Token,
    /// The empty line: the header or trailer section must be seen whole.
    Section,
    /// The end of the message or of the connection.
    Close,
    /// The caller says so; no byte of the reply does.
    Caller,
}

impl Detection {
    /// `byte`, `token`, `section`, `close` or `caller`.
    pub const fn name(self) -> &'static str {
        match self {
            Detection::Byte => "byte",
            Detection::Token => "token",
            Detection::Section => "section",
            Detection::Close => "close",
            Detection::Caller => "caller",
        }
    }
}

/// Which levels a rule may take, and what tolerating it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relax {
    /// Always denied: no level makes it safe.
    Locked,
    /// Always denied, past a limit that can be set: see [`Limits`](crate::Limits).
    Limit,
    /// May be tolerated; what is forwarded is put right.
    Repair,
    /// May be tolerated; the connection is then not used again.
    Closing,
    /// Lawful, but of consequence to a gateway: noted or allowed, and denied only by a policy that asks for it.
    Fact,
    /// Noted or allowed, never denied.
    Advisory,
}

impl Relax {
    /// `locked`, `limit`, `repair`, `closing`, `fact` or `advisory`.
    pub const fn name(self) -> &'static str {
        match self {
            Relax::Locked => "locked",
            Relax::Limit => "limit",
            Relax::Repair => "repair",
            Relax::Closing => "closing",
            Relax::Fact => "fact",
            Relax::Advisory => "advisory",
        }
    }

    /// The levels a rule of this kind may be set to.
    pub const fn levels(self) -> &'static [Level] {
        match self {
            Relax::Locked | Relax::Limit => &[Level::Deny],
            Relax::Repair | Relax::Closing | Relax::Fact => &[Level::Allow, Level::Note, Level::Deny],
            Relax::Advisory => &[Level::Allow, Level::Note],
        }
    }
}

/// The section of the catalogue in which a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// The first line of a reply.
    StatusLine,
    /// Interim replies and switching protocols.
    Interim,
    /// Field lines, in the header and the trailer section alike.
    Fields,
    /// Where the content ends.
    Framing,
    /// Counting and completeness.
    Body,
    /// The chunked transfer coding.
    Chunked,
    /// What stands between the last chunk and the end.
    Trailers,
    /// The end of the message, and the connection afterwards.
    Reuse,
    /// What particular fields and codes mean.
    Semantics,
    /// What happened on the connection rather than in its bytes.
    Transport,
}

impl Section {
    /// Every section, in the order of the catalogue.
    pub const ALL: [Section; 10] = [
        Section::StatusLine,
        Section::Interim,
        Section::Fields,
        Section::Framing,
        Section::Body,
        Section::Chunked,
        Section::Trailers,
        Section::Reuse,
        Section::Semantics,
        Section::Transport,
    ];

    /// A heading for people.
    pub const fn title(self) -> &'static str {
        match self {
            Section::StatusLine => "Status line",
            Section::Interim => "Interim replies and upgrade",
            Section::Fields => "Fields",
            Section::Framing => "Framing",
            Section::Body => "Body",
            Section::Chunked => "Chunked coding",
            Section::Trailers => "Trailers",
            Section::Reuse => "End of message and reuse",
            Section::Semantics => "Particular fields and codes",
            Section::Transport => "Transport outcomes",
        }
    }

    const fn rows(self) -> &'static [Row] {
        match self {
            Section::StatusLine => &status_line::ROWS,
            Section::Interim => &interim::ROWS,
            Section::Fields => &fields::ROWS,
            Section::Framing => &framing::ROWS,
            Section::Body => &body::ROWS,
            Section::Chunked => &chunked::ROWS,
            Section::Trailers => &trailers::ROWS,
            Section::Reuse => &reuse::ROWS,
            Section::Semantics => &semantics::ROWS,
            Section::Transport => &transport::ROWS,
        }
    }
}

/// A reply that breaks a rule, to be shown with carets.
///
/// Rules about limits are shown under [`Limits::EXAMPLE`](crate::Limits::EXAMPLE), so that the reply fits on a screen.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The request it answers.
    pub exchange: Exchange,
    /// The bytes of the reply.
    pub reply: &'static [u8],
    /// How the connection ends after them, if it does.
    pub close: Option<Close>,
}

/// Everything known about one rule.
struct Row {
    rule: Rule,
    id: &'static str,
    class: Class,
    clause: &'static str,
    detection: Detection,
    relax: Relax,
    /// Under STRICT, DEFAULT and COMPAT.
    levels: [Level; 3],
    proxy_error: Option<ProxyError>,
    title: &'static str,
    about: &'static str,
    why: &'static str,
    clause_says: &'static str,
    tolerated: &'static str,
    example: Option<Example>,
}

/// A rule of the catalogue; its id in kebab case stands beside each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Rule {
    /// `empty-line-before-status-line`
    EmptyLineBeforeStatusLine,
    /// `not-http`
    NotHttp,
    /// `malformed-http-version`
    MalformedHttpVersion,
    /// `unsupported-http-major-version`
    UnsupportedHttpMajorVersion,
    /// `http-minor-version-higher`
    HttpMinorVersionHigher,
    /// `status-line-extra-whitespace`
    StatusLineExtraWhitespace,
    /// `malformed-status-code`
    MalformedStatusCode,
    /// `status-code-below-100`
    StatusCodeBelow100,
    /// `status-code-above-599`
    StatusCodeAbove599,
    /// `missing-space-after-status-code`
    MissingSpaceAfterStatusCode,
    /// `invalid-reason-phrase`
    InvalidReasonPhrase,
    /// `status-line-too-long`
    StatusLineTooLong,
    /// `unregistered-status-code`
    UnregisteredStatusCode,
    /// `interim-response`
    InterimResponse,
    /// `interim-response-in-http-1.0`
    InterimResponseInHttp10,
    /// `interim-response-with-content`
    InterimResponseWithContent,
    /// `too-many-interim-responses`
    TooManyInterimResponses,
    /// `unexpected-100-continue`
    Unexpected100Continue,
    /// `unsolicited-switching-protocols`
    UnsolicitedSwitchingProtocols,
    /// `switching-protocols-upgrade-mismatch`
    SwitchingProtocolsUpgradeMismatch,
    /// `switching-protocols-before-request-complete`
    SwitchingProtocolsBeforeRequestComplete,
    /// `websocket-accept-invalid`
    WebsocketAcceptInvalid,
    /// `upgrade-refused`
    UpgradeRefused,
    /// `bare-lf`
    BareLf,
    /// `bare-cr`
    BareCr,
    /// `nul-in-field`
    NulInField,
    /// `control-character-in-field-value`
    ControlCharacterInFieldValue,
    /// `obs-fold`
    ObsFold,
    /// `whitespace-before-first-field`
    WhitespaceBeforeFirstField,
    /// `whitespace-before-colon`
    WhitespaceBeforeColon,
    /// `missing-colon`
    MissingColon,
    /// `repeated-status-line`
    RepeatedStatusLine,
    /// `empty-field-name`
    EmptyFieldName,
    /// `invalid-field-name`
    InvalidFieldName,
    /// `field-line-too-long`
    FieldLineTooLong,
    /// `header-section-too-large`
    HeaderSectionTooLarge,
    /// `repeated-singleton-field`
    RepeatedSingletonField,
    /// `invalid-connection-option`
    InvalidConnectionOption,
    /// `connection-nominates-end-to-end-field`
    ConnectionNominatesEndToEndField,
    /// `hop-by-hop-field-without-connection-option`
    HopByHopFieldWithoutConnectionOption,
    /// `missing-date`
    MissingDate,
    /// `framing-field-lookalike`
    FramingFieldLookalike,
    /// `content-length-with-transfer-encoding`
    ContentLengthWithTransferEncoding,
    /// `invalid-content-length`
    InvalidContentLength,
    /// `content-length-overflow`
    ContentLengthOverflow,
    /// `conflicting-content-length`
    ConflictingContentLength,
    /// `repeated-content-length`
    RepeatedContentLength,
    /// `content-length-leading-zeros`
    ContentLengthLeadingZeros,
    /// `content-length-in-1xx-or-204`
    ContentLengthIn1xxOr204,
    /// `transfer-encoding-in-1xx-or-204`
    TransferEncodingIn1xxOr204,
    /// `framing-field-in-connect-2xx`
    FramingFieldInConnect2xx,
    /// `transfer-encoding-in-http-1.0`
    TransferEncodingInHttp10,
    /// `transfer-encoding-unsolicited`
    TransferEncodingUnsolicited,
    /// `transfer-coding-not-final-chunked`
    TransferCodingNotFinalChunked,
    /// `unsupported-transfer-coding`
    UnsupportedTransferCoding,
    /// `chunked-applied-twice`
    ChunkedAppliedTwice,
    /// `transfer-coding-parameters`
    TransferCodingParameters,
    /// `malformed-transfer-encoding`
    MalformedTransferEncoding,
    /// `framing-fields-on-bodiless-response`
    FramingFieldsOnBodilessResponse,
    /// `close-delimited-response`
    CloseDelimitedResponse,
    /// `content-in-bodiless-response`
    ContentInBodilessResponse,
    /// `incomplete-body`
    IncompleteBody,
    /// `incomplete-chunked-body`
    IncompleteChunkedBody,
    /// `truncated-close-delimited-body`
    TruncatedCloseDelimitedBody,
    /// `response-body-too-large`
    ResponseBodyTooLarge,
    /// `content-in-205`
    ContentIn205,
    /// `content-coding-error`
    ContentCodingError,
    /// `content-looks-chunked`
    ContentLooksChunked,
    /// `missing-chunk-size`
    MissingChunkSize,
    /// `invalid-chunk-size`
    InvalidChunkSize,
    /// `chunk-size-trailing-whitespace`
    ChunkSizeTrailingWhitespace,
    /// `chunk-size-overflow`
    ChunkSizeOverflow,
    /// `chunk-line-too-long`
    ChunkLineTooLong,
    /// `excess-chunk-overhead`
    ExcessChunkOverhead,
    /// `chunk-line-terminator`
    ChunkLineTerminator,
    /// `invalid-chunk-extension`
    InvalidChunkExtension,
    /// `line-break-in-chunk-extension`
    LineBreakInChunkExtension,
    /// `chunk-extension`
    ChunkExtension,
    /// `missing-chunk-data-terminator`
    MissingChunkDataTerminator,
    /// `missing-final-crlf`
    MissingFinalCrlf,
    /// `trailer-section`
    TrailerSection,
    /// `forbidden-trailer-field`
    ForbiddenTrailerField,
    /// `malformed-trailer-field`
    MalformedTrailerField,
    /// `trailer-section-too-large`
    TrailerSectionTooLarge,
    /// `trailer-field-too-large`
    TrailerFieldTooLarge,
    /// `trailer-declaration-mismatch`
    TrailerDeclarationMismatch,
    /// `incomplete-trailer-section`
    IncompleteTrailerSection,
    /// `extraneous-bytes-after-message`
    ExtraneousBytesAfterMessage,
    /// `extraneous-crlf-after-message`
    ExtraneousCrlfAfterMessage,
    /// `unsolicited-response`
    UnsolicitedResponse,
    /// `connection-not-persistent`
    ConnectionNotPersistent,
    /// `response-before-request-complete`
    ResponseBeforeRequestComplete,
    /// `response-not-drained`
    ResponseNotDrained,
    /// `keep-alive-parameters`
    KeepAliveParameters,
    /// `connection-bound-authentication`
    ConnectionBoundAuthentication,
    /// `tls-close-without-alert`
    TlsCloseWithoutAlert,
    /// `partial-without-content-range`
    PartialWithoutContentRange,
    /// `unsolicited-partial-content`
    UnsolicitedPartialContent,
    /// `invalid-content-range`
    InvalidContentRange,
    /// `unauthorized-without-challenge`
    UnauthorizedWithoutChallenge,
    /// `proxy-authentication-from-upstream`
    ProxyAuthenticationFromUpstream,
    /// `method-not-allowed-without-allow`
    MethodNotAllowedWithoutAllow,
    /// `upgrade-required-without-upgrade`
    UpgradeRequiredWithoutUpgrade,
    /// `redirect-without-location`
    RedirectWithoutLocation,
    /// `not-modified-to-unconditional-request`
    NotModifiedToUnconditionalRequest,
    /// `content-type-problem`
    ContentTypeProblem,
    /// `unacceptable-content-coding`
    UnacceptableContentCoding,
    /// `upstream-gateway-error`
    UpstreamGatewayError,
    /// `proxy-status-from-origin`
    ProxyStatusFromOrigin,
    /// `gateway-control-field`
    GatewayControlField,
    /// `dns-timeout`
    DnsTimeout,
    /// `dns-error`
    DnsError,
    /// `destination-unavailable`
    DestinationUnavailable,
    /// `destination-ip-refused`
    DestinationIpRefused,
    /// `connection-refused`
    ConnectionRefused,
    /// `connection-timeout`
    ConnectionTimeout,
    /// `connection-limit-reached`
    ConnectionLimitReached,
    /// `tls-certificate-error`
    TlsCertificateError,
    /// `tls-protocol-error`
    TlsProtocolError,
    /// `plaintext-before-tls`
    PlaintextBeforeTls,
    /// `closed-before-first-byte`
    ClosedBeforeFirstByte,
    /// `incomplete-header-section`
    IncompleteHeaderSection,
    /// `closed-after-interim-response`
    ClosedAfterInterimResponse,
    /// `connection-reset`
    ConnectionReset,
    /// `response-header-timeout`
    ResponseHeaderTimeout,
    /// `response-body-timeout`
    ResponseBodyTimeout,
    /// `response-deadline-exceeded`
    ResponseDeadlineExceeded,
    /// `request-write-timeout`
    RequestWriteTimeout,
    /// `request-write-failed`
    RequestWriteFailed,
    /// `gateway-internal-error`
    GatewayInternalError,
}

const COUNT: usize = Rule::GatewayInternalError as usize + 1;

/// All rows in the order of [`Rule`]: a row out of place does not compile.
static TABLE: [&Row; COUNT] = {
    let mut table: [&Row; COUNT] = [&status_line::ROWS[0]; COUNT];
    let mut at = 0;
    let mut section = 0;
    while section < Section::ALL.len() {
        let rows = Section::ALL[section].rows();
        let mut row = 0;
        while row < rows.len() {
            assert!(rows[row].rule as usize == at, "rows stand in the order of the enum");
            table[at] = &rows[row];
            at += 1;
            row += 1;
        }
        section += 1;
    }
    assert!(at == COUNT, "every rule has a row");
    table
};

impl Rule {
    /// Every rule, in the order of the catalogue.
    pub fn all() -> impl ExactSizeIterator<Item = Rule> + Clone {
        TABLE.iter().map(|row| row.rule)
    }

    /// How many rules there are.
    pub const COUNT: usize = COUNT;

    const fn row(self) -> &'static Row {
        TABLE[self as usize]
    }

    /// The stable name, for example `bare-lf`: lower-case words, digits and dots joined by hyphens.
    pub const fn id(self) -> &'static str {
        self.row().id
    }

    /// The rule of that name.
    pub fn from_id(id: &str) -> Option<Rule> {
        Rule::all().find(|rule| rule.id() == id)
    }

    /// The section of the catalogue.
    pub fn section(self) -> Section {
        let holds = |section: &Section| section.rows().iter().any(|row| row.rule == self);
        Section::ALL.into_iter().find(holds).unwrap_or(Section::Transport)
    }

    /// Core or advisory.
    pub const fn class(self) -> Class {
        self.row().class
    }

    /// The clause that decides, for example `RFC 9112 2.2`.
    pub const fn clause(self) -> &'static str {
        self.row().clause
    }

    /// When it can first be known to be broken.
    pub const fn detection(self) -> Detection {
        self.row().detection
    }

    /// Which levels it may take.
    pub const fn relax(self) -> Relax {
        self.row().relax
    }

    /// The RFC 9209 error type a refusal is reported as; `None` where a gateway has nothing to report.
    pub const fn proxy_error(self) -> Option<ProxyError> {
        self.row().proxy_error
    }

    /// One line that says what is wrong.
    pub const fn title(self) -> &'static str {
        self.row().title
    }

    /// What it is, in a sentence or two.
    pub const fn explain(self) -> &'static str {
        self.row().about
    }

    /// Why it matters: what goes wrong where it is let through.
    pub const fn why(self) -> &'static str {
        self.row().why
    }

    /// What the clause says about it, in our words.
    pub const fn clause_says(self) -> &'static str {
        self.row().clause_says
    }

    /// What tolerating it does, or why it cannot be tolerated.
    pub const fn tolerated(self) -> &'static str {
        self.row().tolerated
    }

    /// A reply that breaks it; `None` where no bytes can.
    pub const fn example(self) -> Option<Example> {
        self.row().example
    }

    /// May the rule be set to that level?
    pub const fn permits(self, level: Level) -> bool {
        match level {
            Level::Deny => !matches!(self.relax(), Relax::Advisory),
            Level::Note | Level::Allow => !matches!(self.relax(), Relax::Locked | Relax::Limit),
        }
    }

    /// The level under STRICT, DEFAULT or COMPAT, by column.
    pub(crate) const fn preset(self, column: usize) -> Level {
        self.row().levels[column]
    }

    /// The rule in that place of the table.
    pub(crate) const fn at(place: usize) -> Rule {
        TABLE[place].rule
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_found_again() {
        for rule in Rule::all() {
            assert_eq!(Rule::from_id(rule.id()), Some(rule));
        }
        assert_eq!(Rule::from_id("no-such-rule"), None);
    }

    #[test]
    fn every_row_is_written_out_in_printable_ascii() {
        for rule in Rule::all() {
            let texts =
                [rule.id(), rule.title(), rule.explain(), rule.why(), rule.clause_says(), rule.tolerated()];
            for text in texts {
                assert!(!text.is_empty(), "{rule} has an empty text");
                assert!(text.bytes().all(|b| (0x20..0x7f).contains(&b)), "{rule}: {text}");
            }
        }
    }

    #[test]
    fn hardly_any_two_rules_are_explained_alike() {
        for text in [Rule::id, Rule::title, Rule::explain, Rule::why, Rule::clause_says, Rule::tolerated] {
            let texts: std::collections::BTreeSet<&str> = Rule::all().map(text).collect();
            assert!(texts.len() > Rule::COUNT * 3 / 4, "{}", texts.len());
        }
    }

    #[test]
    fn presets_hold_to_the_relax_class_and_grow_looser() {
        for rule in Rule::all() {
            let levels = [0, 1, 2].map(|column| rule.preset(column));
            assert!(levels.iter().all(|&level| rule.permits(level)), "{rule}");
            for level in [Level::Allow, Level::Note, Level::Deny] {
                assert_eq!(rule.permits(level), rule.relax().levels().contains(&level), "{rule}");
            }
            assert!(levels[0] >= levels[1] && levels[1] >= levels[2], "{rule}");
            assert_eq!(rule.class() == Class::Advisory, rule.relax() == Relax::Advisory, "{rule}");
        }
    }

    #[test]
    fn only_what_bytes_cannot_show_lacks_an_example() {
        for rule in Rule::all() {
            assert_eq!(rule.example().is_none(), rule.detection() == Detection::Caller, "{rule}");
        }
    }
}
