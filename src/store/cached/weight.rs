//! How much memory a registered application takes, near enough to keep within a bound.
//! Not for: what is kept (`mod.rs`).

use std::mem::size_of;

use serde_json::{Map, Value};

use crate::domain::api::ApiIdentifier;
use crate::domain::application::{AuthMethod, GrantType, Registered};
use crate::domain::credential::{Credential, Verifier};
use crate::domain::scope::{ScopeName, ScopeSet};

/// What stands before every text and every thing that is shared: two counts.
const COUNTS: usize = 2 * size_of::<usize>();

/// What is kept of a slow hash beside its text.
const SLOW_HASH: usize = 160;

/// What a member of a JSON object takes beside its texts.
const MEMBER: usize = 120;

/// A block as the allocator gives it: in steps of 16 bytes, with 8 of its own.
pub(super) const fn block(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes + 8).next_multiple_of(16) }
}

/// A text that is shared.
pub(super) const fn text(length: usize) -> usize {
    block(COUNTS + length)
}

/// A hash table of so many things of a size: a power of two of places, at most seven of eight of them used.
fn table(things: usize, size: usize) -> usize {
    if things == 0 {
        return 0;
    }
    let places = (things * 8).div_ceil(7).next_power_of_two().max(4);
    block(places * (size + 1) + 16)
}

/// All of an application, with its credentials.
pub(super) fn of(registered: &Registered) -> usize {
    let application = &registered.application;
    let apis = application.apis.iter().chain(&application.acts_for).chain(&application.default_api);
    let scope_apis = registered.scope_apis.iter();
    block(COUNTS + size_of::<Registered>())
        + text(application.client_id.as_str().len())
        + block(application.name.capacity())
        + block(application.grants.capacity() * size_of::<GrantType>())
        + block(application.auth_methods.capacity() * size_of::<AuthMethod>())
        + scopes(&application.scopes, true)
        + application.default_scopes.as_ref().map_or(0, |narrowed| scopes(narrowed, false))
        + block(application.apis.capacity() * size_of::<ApiIdentifier>())
        + block(application.acts_for.capacity() * size_of::<ApiIdentifier>())
        + apis.map(|api| text(api.as_str().len())).sum::<usize>()
        + block(application.claims.rendered().len())
        + members(application.claims.members())
        + table(registered.scope_apis.len(), size_of::<(ScopeName, ApiIdentifier)>())
        + scope_apis.map(|(_, api)| text(api.as_str().len())).sum::<usize>()
        + block(registered.credentials.capacity() * size_of::<Credential>())
        + registered.credentials.iter().map(credential).sum::<usize>()
}

/// A set of scopes. The names of default scopes are those of all scopes.
fn scopes(set: &ScopeSet, with_texts: bool) -> usize {
    let names = set.names();
    let texts = names.iter().map(|name| text(name.as_str().len())).sum::<usize>();
    block(names.len().next_power_of_two().max(4) * size_of::<ScopeName>())
        + table(set.in_table(), size_of::<(ScopeName, usize)>())
        + if with_texts { texts } else { 0 }
}

fn credential(credential: &Credential) -> usize {
    block(credential.label.capacity())
        + match &credential.verifier {
            Verifier::Keyed(keyed) => block(keyed.under.capacity()),
            Verifier::Imported(_) => SLOW_HASH,
        }
}

fn members(members: &Map<String, Value>) -> usize {
    members.iter().map(|(name, value)| MEMBER + block(name.len()) + within(value)).sum()
}

/// What a JSON value has beside itself.
fn within(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => block(text.len()),
        Value::Array(values) => {
            block(values.capacity() * size_of::<Value>()) + values.iter().map(within).sum::<usize>()
        }
        Value::Object(inner) => members(inner),
    }
}
