//! A digest over rows, by which two tables are told to be the same, whatever the backend.
//! Not for: keeping; it is computed anew on both sides of each copy.

use super::{Cell, Row};
use crate::crypto::sha256;

/// The digest of the rows that it was shown, in their order, and how many they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Digest {
    pub(super) rows: u64,
    chain: [u8; 32],
}

impl Digest {
    /// Goes on to the next rows.
    pub(super) fn add(&mut self, rows: &[Row]) {
        let mut bytes = Vec::new();
        for row in rows {
            bytes.clear();
            bytes.extend_from_slice(&self.chain);
            for cell in row {
                encode(cell, &mut bytes);
            }
            self.chain = sha256(&bytes);
            self.rows += 1;
        }
    }
}

/// A letter for the kind, and before what has no length of its own its length: no two rows have the same bytes.
fn encode(cell: &Cell, bytes: &mut Vec<u8>) {
    let mut long = |kind: u8, content: &[u8]| {
        bytes.push(kind);
        bytes.extend_from_slice(&(content.len() as u64).to_be_bytes());
        bytes.extend_from_slice(content);
    };
    match cell {
        Cell::Null => bytes.push(b'n'),
        Cell::Text(text) => long(b't', text.as_bytes()),
        Cell::Bytes(content) => long(b'b', content),
        Cell::Integer(number) => {
            bytes.push(b'i');
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        Cell::Boolean(truth) => bytes.extend_from_slice(&[b'o', u8::from(*truth)]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digest(rows: &[Row]) -> Digest {
        let mut digest = Digest::default();
        digest.add(rows);
        digest
    }

    fn cell() -> impl Strategy<Value = Cell> {
        prop_oneof![
            Just(Cell::Null),
            "[a-c]{0,2}".prop_map(Cell::Text),
            (0..3_i64).prop_map(Cell::Integer),
            any::<bool>().prop_map(Cell::Boolean),
            proptest::collection::vec(97..99_u8, 0..2).prop_map(Cell::Bytes),
        ]
    }

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        proptest::collection::vec(proptest::collection::vec(cell(), 2), 0..3)
    }

    proptest! {
        #[test]
        fn tells_rows_apart_and_knows_them_again(one in rows(), other in rows()) {
            prop_assert_eq!(digest(&one) == digest(&other), one == other);
        }

        #[test]
        fn is_the_same_whatever_the_pages(rows in rows(), at in 0..3_usize) {
            let mut digest_of_pages = Digest::default();
            let (first, second) = rows.split_at(at.min(rows.len()));
            digest_of_pages.add(first);
            digest_of_pages.add(second);
            prop_assert_eq!(digest_of_pages, digest(&rows));
        }
    }
}
