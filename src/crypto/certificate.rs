//! What we read from an X.509 certificate: when it expires.
//! Not for: deciding whether to trust one, which is TLS's work (`http/tls.rs`).

use std::str;

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// The tag of the version, which may be absent (RFC 5280 §4.1).
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of a certificate (DER), in seconds since the epoch; nothing when it does not read as a certificate.
#[must_use]
pub fn not_after(certificate: &[u8]) -> Option<i64> {
    let whole = Element::first(certificate)?;
    let mut field = Element::first(Element::first(whole.content)?.content)?;
    if field.tag == VERSION {
        field = Element::first(field.after)?;
    }
    // RFC 5280 §4.1: the serial number, the signature's algorithm and the issuer stand before the validity.
    for _ in 0..3 {
        field = Element::first(field.after)?;
    }
    let not_before = Element::first(field.content)?;
    let not_after = Element::first(not_before.after)?;
    seconds(not_after.tag, str::from_utf8(not_after.content).ok()?)
}

/// RFC 5280 §4.1.2.5: two digits of the year until 2049 and four afterwards, always with seconds and in UTC.
fn seconds(tag: u8, text: &str) -> Option<i64> {
    let text = match tag {
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", &text).ok()?;
    Some(Offset::UTC.to_timestamp(time).ok()?.as_second())
}

/// A value in DER: its tag, what is in it, and what stands behind it.
struct Element<'of> {
    tag: u8,
    content: &'of [u8],
    after: &'of [u8],
}

impl<'of> Element<'of> {
    fn first(input: &'of [u8]) -> Option<Self> {
        let (&tag, rest) = input.split_first()?;
        let (&length, rest) = rest.split_first()?;
        // X.690 §8.1.3: one byte below 128, or how many bytes of length follow.
        let (length, rest) = match length {
            0..=0x7F => (usize::from(length), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7F))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(length)?;
        Some(Self { tag, content, after })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_both_ways_to_write_a_time() {
        assert_eq!(seconds(UTC_TIME, "211227070708Z"), Some(1_640_588_828));
        assert_eq!(seconds(GENERALIZED_TIME, "20211227070708Z"), Some(1_640_588_828));
        assert_eq!(seconds(UTC_TIME, "500101000000Z"), Some(-631_152_000));
        for wrong in ["", "2", "2112270707Z", "211327070708Z", "211227070708", "211227070708+0100", "é"] {
            assert_eq!(seconds(UTC_TIME, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn reads_the_end_of_a_certificate() {
        let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2031, 2, 3);
        let certificate = parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        assert_eq!(not_after(certificate.der()), Some(1_927_843_200));
        for length in 0..certificate.der().len() {
            assert_eq!(not_after(&certificate.der()[..length]), None);
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = not_after(&bytes);
        }
    }
}
