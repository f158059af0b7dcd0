//! Reads the texts that hashes are written as: labels, fields between dollar signs, numbers, base64, hexadecimal.
//! Not for: what the fields mean.

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER_PERMISSIVE};

/// The text of a hash, and the label before it, if it has one: `{bcrypt}$2a$…` of Spring's
/// `DelegatingPasswordEncoder`.
#[derive(Debug, Clone, Copy)]
pub struct Encoded<'text> {
    pub(super) label: Option<&'text str>,
    pub(super) body: &'text str,
}

impl<'text> Encoded<'text> {
    pub(super) fn new(text: &'text str) -> Self {
        match text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((label, body)) => Self { label: Some(label), body },
            None => Self { label: None, body: text },
        }
    }

    /// Whether it has one of these labels, or none and begins so.
    pub(super) fn is(self, labels: &[&str], beginning: &str) -> bool {
        self.label.map_or_else(|| self.body.starts_with(beginning), |label| labels.contains(&label))
    }
}

/// Salt and hash of the smallest and the largest size that is accepted, in bytes.
const SALT_BYTES: std::ops::RangeInclusive<usize> = 1..=256;
const HASH_BYTES: std::ops::RangeInclusive<usize> = 16..=128;

/// Checks the sizes: with a hash shorter than 16 bytes other secrets would match by chance.
pub(super) fn of_good_size(salt: Vec<u8>, hash: Vec<u8>) -> Option<(Vec<u8>, Vec<u8>)> {
    (SALT_BYTES.contains(&salt.len()) && HASH_BYTES.contains(&hash.len())).then_some((salt, hash))
}

/// The fields of `$a$b$c`, if there are just so many.
pub(super) fn fields<const COUNT: usize>(body: &str) -> Option<[&str; COUNT]> {
    body.strip_prefix('$')?.split('$').collect::<Vec<_>>().try_into().ok()
}

/// The numbers of `m=64,t=2,p=1`, which has these names in this order and no others.
pub(super) fn numbers<const COUNT: usize>(field: &str, names: [&str; COUNT]) -> Option<[u32; COUNT]> {
    let mut pairs = field.split(',');
    let mut numbers = [0; COUNT];
    for (number, name) in numbers.iter_mut().zip(names) {
        *number = decimal(pairs.next()?.strip_prefix(name)?.strip_prefix('=')?)?;
    }
    pairs.next().is_none().then_some(numbers)
}

/// A number in digits alone.
pub(super) fn decimal(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Base64, with the padding or without.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let encoding = if text.ends_with('=') { &BASE64 } else { &BASE64_NOPAD };
    encoding.decode(text.as_bytes()).ok()
}

/// So many bytes, in hexadecimal or base64, whichever has their length.
pub(super) fn bytes_of_length(text: &str, length: usize) -> Option<Vec<u8>> {
    let hexadecimal =
        (text.len() == 2 * length).then(|| HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()).flatten();
    hexadecimal.or_else(|| base64(text)).filter(|bytes| bytes.len() == length)
}
