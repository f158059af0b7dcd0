//! The contract's text: what every backend answers, as tests that each of them passes.
//! Not for: what one backend does in a way of its own.

use std::fmt::Debug;
use std::sync::Arc;

use super::{Conflict, Store, StoreError};
use crate::domain::id::TenantId;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;

mod administration;
mod apis;
mod applications;
mod excess;
mod imported;
mod keys;
mod logs;
mod noticed;
mod one;
pub(super) mod places;
mod registry;
pub(super) mod sample;
mod tokens;

/// Where a backend keeps one store that is nobody else's.
trait Place {
    /// The number of the newest schema.
    const SCHEMA: u32;

    async fn new() -> Self;

    /// Opens the store, again and again if need be, each time with connections of its own.
    async fn open(&self) -> Arc<dyn Store>;

    /// Writes down that a tenant has changed so many times, quickly.
    async fn note_changes(&self, tenant: TenantId, count: i64);

    /// Writes down that so many tokens are refused, quickly.
    async fn note_revoked(&self, tenant: TenantId, expires_at: Timestamp, count: i64);

    /// How many refused tokens are written down.
    async fn count_revoked(&self) -> i64;

    /// Writes down so many refusals, quickly; the request ids are no ids.
    async fn note_refusals(&self, tenant: TenantId, at: Timestamp, count: i64);

    /// How many refusals are written down.
    async fn count_refusals(&self) -> i64;
}

macro_rules! contract {
    ($backend:ident, $place:ty, $when:meta: $($file:ident::$clause:ident),+) => {
        mod $backend {
            use super::{Place, places};

            $(#[tokio::test]
            #[$when]
            async fn $clause() {
                super::$file::$clause(&<$place>::new().await).await;
            })+
        }
    };
}

/// Every clause, run for every backend.
macro_rules! every_backend {
    ($($file:ident::$clause:ident),+ $(,)?) => {
        contract!(sqlite, places::File, cfg(test): $($file::$clause),+);
        contract!(postgres, places::Database, ignore = "needs PostgreSQL: scripts/test runs it": $($file::$clause),+);
        // The former release goes on with the schema of the next one.
        contract!(postgres_next, places::NextDatabase, ignore = "needs PostgreSQL: scripts/test runs it": $($file::$clause),+);
    };
}

every_backend! {
    registry::keeps_tenants_by_name_with_hosts_and_key,
    registry::refuses_a_tenant_of_which_anything_is_taken,
    registry::changes_a_tenant_only_at_its_version,
    registry::removes_a_tenant_with_all_that_is_its_own,
    registry::keeps_scopes_by_name,
    registry::keeps_a_scope_that_is_in_use,
    apis::keeps_an_api_with_its_scopes,
    apis::changes_an_api_only_at_its_version,
    apis::keeps_what_applications_have_to_do_with_apis,
    applications::keeps_an_application_exactly,
    applications::refuses_an_application_that_does_not_fit_and_keeps_nothing_of_it,
    applications::changes_an_application_only_at_its_version,
    applications::removes_an_application_with_its_credentials,
    applications::pages_applications_by_client_id,
    applications::keeps_credentials_with_their_application,
    imported::keeps_an_imported_hash_until_it_is_replaced_once,
    imported::replaces_a_hash_only_where_there_is_one,
    imported::of_many_who_replace_the_same_hash_one_does,
    applications::a_last_use_only_moves_forward,
    applications::of_many_who_add_the_same_client_id_one_wins,
    applications::of_many_who_change_the_same_version_one_wins,
    keys::moves_keys_only_from_the_state_they_are_in,
    keys::keeps_of_a_gone_key_its_id_alone,
    keys::has_one_key_of_an_algorithm_upcoming_and_one_active,
    keys::of_many_who_make_the_next_key_one_wins,
    keys::reseals_a_key_that_is_sealed_as_before,
    keys::keeps_digest_keys_and_tells_every_tenant,
    tokens::refuses_a_token_once_and_for_all_connections,
    tokens::tells_servers_of_a_refused_token_only_where_tokens_are_reused,
    tokens::a_token_of_one_tenant_is_none_of_another,
    tokens::of_many_who_revoke_the_same_token_all_succeed,
    tokens::forgets_a_refused_token_some_time_after_its_end,
    tokens::forgets_in_small_steps,
    administration::makes_several_changes_or_none,
    administration::removes_only_what_has_the_version_that_is_meant,
    administration::keeps_operators_by_name,
    administration::keeps_one_answer_for_a_request_until_it_expires,
    administration::finds_applications_by_the_beginning_of_name_or_id,
    administration::binds_each_event_to_those_before,
    noticed::adds_counts_to_their_minute_and_day,
    noticed::finds_the_newest_counts_of_one_tenant,
    noticed::sums_up_the_tokens_of_the_present_minute_hour_and_day,
    noticed::counts_outlive_whom_they_are_of_and_no_longer_than_they_are_kept,
    excess::finds_who_fetched_far_more_than_it_needs,
    excess::looks_at_the_last_full_span_and_at_what_is_left,
    noticed::what_is_noticed_is_no_change,
    noticed::keeps_a_refusal_exactly,
    noticed::keeps_the_newest_refusals,
    noticed::forgets_refusals_after_their_time_in_small_steps,
    logs::writes_one_event_for_each_change_and_none_for_none,
    logs::lists_what_changed_after_a_revision,
    logs::says_so_when_it_has_forgotten_too_much,
    logs::keeps_everything_when_it_is_opened_again,
    logs::shows_each_change_to_every_connection_at_once,
    logs::finds_no_damage_in_what_it_wrote,
}

/// A store with one tenant, which has the scopes `read` and `write`.
async fn store_with_tenant(place: &impl Place) -> (Arc<dyn Store>, Tenant) {
    let (store, tenant) = (place.open().await, sample::tenant("one"));
    sample::add_tenant(&store, &tenant).await;
    for name in ["read", "write"] {
        store.add_scope(sample::scope(&tenant, name), sample::event("scope")).await.unwrap();
    }
    (store, tenant)
}

/// What a change did not fit.
#[track_caller]
fn conflict<T: Debug>(answer: Result<T, StoreError>) -> Conflict {
    match answer.unwrap_err() {
        StoreError::Conflict(conflict) => conflict,
        other => panic!("{other}"),
    }
}
