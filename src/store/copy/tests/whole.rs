//! Whole stores, with something in every table and more than fits one page.
//! Not for: marks.

use super::clauses;

clauses! {
    copies_everything_and_goes_on_where_it_was,
    copies_to_an_empty_store_alone,
    what_is_not_committed_never_was,
    a_snapshot_keeps_nobody_from_writing,
    while_a_store_is_held_it_answers_and_nothing_changes,
}
