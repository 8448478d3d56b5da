//! Error types of the Proxy-Status field, RFC 9209 section 2.3.
#![forbid(unsafe_code)]

use core::fmt;

/// A proxy error type of RFC 9209 section 2.3 that this crate can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyError {
    /// 2.3.1
    DnsTimeout,
    /// 2.3.2
    DnsError,
    /// 2.3.3
    DestinationNotFound,
    /// 2.3.4
    DestinationUnavailable,
    /// 2.3.5
    DestinationIpProhibited,
    /// 2.3.6
    DestinationIpUnroutable,
    /// 2.3.7
    ConnectionRefused,
    /// 2.3.8
    ConnectionTerminated,
    /// 2.3.9
    ConnectionTimeout,
    /// 2.3.10
    ConnectionReadTimeout,
    /// 2.3.11
    ConnectionWriteTimeout,
    /// 2.3.12
    ConnectionLimitReached,
    /// 2.3.13
    TlsProtocolError,
    /// 2.3.14
    TlsCertificateError,
    /// 2.3.15
    TlsAlertReceived,
    /// 2.3.18
    HttpResponseIncomplete,
    /// 2.3.19
    HttpResponseHeaderSectionSize,
    /// 2.3.20
    HttpResponseHeaderSize,
    /// 2.3.21
    HttpResponseBodySize,
    /// 2.3.22
    HttpResponseTrailerSectionSize,
    /// 2.3.23
    HttpResponseTrailerSize,
    /// 2.3.24
    HttpResponseTransferCoding,
    /// 2.3.25
    HttpResponseContentCoding,
    /// 2.3.26
    HttpResponseTimeout,
    /// 2.3.27
    HttpUpgradeFailed,
    /// 2.3.28
    HttpProtocolError,
    /// 2.3.30
    ProxyInternalError,
    /// 2.3.31
    ProxyConfigurationError,
    /// 2.3.32
    ProxyLoopDetected,
}

impl ProxyError {
    /// The registered name, an sf-token.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DnsTimeout => "dns_timeout",
            Self::DnsError => "dns_error",
            Self::DestinationNotFound => "destination_not_found",
            Self::DestinationUnavailable => "destination_unavailable",
            Self::DestinationIpProhibited => "destination_ip_prohibited",
            Self::DestinationIpUnroutable => "destination_ip_unroutable",
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectionTerminated => "connection_terminated",
            Self::ConnectionTimeout => "connection_timeout",
            Self::ConnectionReadTimeout => "connection_read_timeout",
            Self::ConnectionWriteTimeout => "connection_write_timeout",
            Self::ConnectionLimitReached => "connection_limit_reached",
            Self::TlsProtocolError => "tls_protocol_error",
            Self::TlsCertificateError => "tls_certificate_error",
            Self::TlsAlertReceived => "tls_alert_received",
            Self::HttpResponseIncomplete => "http_response_incomplete",
            Self::HttpResponseHeaderSectionSize => "http_response_header_section_size",
            Self::HttpResponseHeaderSize => "http_response_header_size",
            Self::HttpResponseBodySize => "http_response_body_size",
            Self::HttpResponseTrailerSectionSize => "http_response_trailer_section_size",
            Self::HttpResponseTrailerSize => "http_response_trailer_size",
            Self::HttpResponseTransferCoding => "http_response_transfer_coding",
            Self::HttpResponseContentCoding => "http_response_content_coding",
            Self::HttpResponseTimeout => "http_response_timeout",
            Self::HttpUpgradeFailed => "http_upgrade_failed",
            Self::HttpProtocolError => "http_protocol_error",
            Self::ProxyInternalError => "proxy_internal_error",
            Self::ProxyConfigurationError => "proxy_configuration_error",
            Self::ProxyLoopDetected => "proxy_loop_detected",
        }
    }

    /// The status code that RFC 9209 recommends for it: 500, 502, 503 or 504.
    pub const fn status(self) -> u16 {
        match self {
            Self::DnsTimeout
            | Self::ConnectionTimeout
            | Self::ConnectionReadTimeout
            | Self::ConnectionWriteTimeout
            | Self::HttpResponseTimeout => 504,
            Self::DestinationUnavailable | Self::ConnectionLimitReached => 503,
            Self::DestinationNotFound | Self::ProxyInternalError | Self::ProxyConfigurationError => 500,
            _ => 502,
        }
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
