//! Byte sets of the ABNF, RFC 5234 B.1 and RFC 9110 5.6.
#![forbid(unsafe_code)]

/// DIGIT
pub(crate) const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

/// SP or HTAB, the octets of OWS and BWS (RFC 9110 5.6.3). Nothing else is blank in HTTP.
pub(crate) const fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// CTL: 0x00 to 0x1f and DEL.
pub(crate) const fn is_ctl(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f
}

/// HTAB, SP, VCHAR or obs-text: what a field value, a reason phrase and a quoted string may hold.
pub(crate) const fn is_text(byte: u8) -> bool {
    !is_ctl(byte) || byte == b'\t'
}

/// tchar (RFC 9110 5.6.2)
pub(crate) const fn is_tchar(byte: u8) -> bool {
    TCHAR[byte as usize]
}

/// token = 1*tchar
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_tchar(byte))
}

/// The value of a HEXDIG; both cases, as RFC 5234 strings are case-insensitive.
pub(crate) const fn hex_value(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// `bytes` without leading and trailing SP and HTAB.
pub(crate) fn trim_blank(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|&byte| !is_blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|&byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

static TCHAR: [bool; 256] = {
    let mut set = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        set[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"!#$%&'*+-.^_`|~";
    let mut at = 0;
    while at < others.len() {
        set[others[at] as usize] = true;
        at += 1;
    }
    set
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tchar_is_what_vchar_is_without_delimiters() {
        for byte in 0..=255u8 {
            let vchar = (0x21..=0x7e).contains(&byte);
            let delimiter = b"\"(),/:;<=>?@[\\]{}".contains(&byte);
            assert_eq!(is_tchar(byte), vchar && !delimiter, "{byte:#04x}");
        }
    }

    #[test]
    fn trimming_takes_only_sp_and_htab() {
        assert_eq!(trim_blank(b" \ta b\t "), b"a b");
        assert_eq!(trim_blank(b"\x0b\xa0"), b"\x0b\xa0");
        assert_eq!(trim_blank(b" \t "), b"");
    }
}
