//! Stores with a mark.
//! Not for: who puts it, and when (`admin/copy.rs`).

use super::clauses;

clauses! {
    a_mark_refuses_every_change_and_lets_questions_pass,
    a_mark_is_taken_away_again,
    a_store_with_a_mark_is_not_copied,
}
