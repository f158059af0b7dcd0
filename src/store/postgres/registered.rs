//! Applications with what stands in other tables, in one statement, so that all of it is of one moment.
//! Not for: which applications (`applications.rs`, `search.rs`).

use std::sync::Arc;

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::applications;
use super::{credentials, row};
use crate::domain::api::ApiIdentifier;
use crate::domain::application::Registered;
use crate::domain::scope::{ScopeName, ScopeSet};
use crate::store::StoreError;
use crate::store::stored::{ACTS_FOR, CALLS};

/// A statement that answers with everything of the applications that `found` finds, in this order. `found` selects the
/// columns of `applications.rs`. Whatever an application has, it has in its own order.
pub(super) fn with_everything(found: &str, order: &str) -> String {
    format!(
        "SELECT found.*, granted.*, of_apis.*, credentials.*
         FROM ({found}) AS found
         CROSS JOIN LATERAL (
             SELECT array_agg(application_scope.scope ORDER BY position) AS scopes,
                 array_agg(scope.api ORDER BY position) AS scope_apis,
                 array_agg(default_position ORDER BY position) AS default_positions
             FROM application_scope
             JOIN scope ON scope.tenant_id = application_scope.tenant_id AND scope.name = application_scope.scope
             WHERE application_id = found.id) AS granted
         CROSS JOIN LATERAL (
             SELECT array_agg(role ORDER BY role, position) AS roles, array_agg(api ORDER BY role, position) AS apis
             FROM application_api WHERE application_id = found.id) AS of_apis
         CROSS JOIN LATERAL ({credentials}) AS credentials
         ORDER BY {order}",
        credentials = credentials::OF_FOUND,
    )
}

/// Reads one application with everything.
pub(super) fn read(row: &Row) -> Result<Arc<Registered>, StoreError> {
    let (mut application, narrowed) = applications::read(row)?;
    let names = each(row, "scopes", |text| ScopeName::parse(text).ok())?;
    if narrowed {
        let places: Vec<Option<i64>> = list(row, "default_positions")?;
        let mut defaults: Vec<_> =
            places.into_iter().zip(&names).filter(|(place, _)| place.is_some()).collect();
        defaults.sort_by_key(|(place, _)| *place);
        application.default_scopes = Some(ScopeSet::new(defaults.into_iter().map(|(_, name)| name.clone())));
    }
    application.scopes = ScopeSet::new(names.iter().cloned());
    let mut scope_apis = Vec::new();
    for (name, api) in names.into_iter().zip(list::<Option<&str>>(row, "scope_apis")?) {
        if let Some(text) = api {
            let api = ApiIdentifier::parse(text).map_err(|_| row::unreadable("api"))?;
            scope_apis.push((name, api));
        }
    }
    let apis = each(row, "apis", |text| ApiIdentifier::parse(text).ok())?;
    for (role, api) in list::<&str>(row, "roles")?.into_iter().zip(apis) {
        match role {
            CALLS => application.apis.push(api),
            ACTS_FOR => application.acts_for.push(api),
            _ => {}
        }
    }
    let credentials = credentials::of_found(row, application.id)?;
    Ok(Arc::new(Registered { application, credentials, scope_apis: scope_apis.into_iter().collect() }))
}

/// A column that holds a list, which is null when it is empty.
pub(super) fn list<'row, T: FromSql<'row>>(row: &'row Row, column: &str) -> Result<Vec<T>, StoreError> {
    row::get::<Option<Vec<T>>>(row, column).map(Option::unwrap_or_default)
}

/// A column that holds a list of text, each of which `read` accepts.
pub(super) fn each<T>(
    row: &Row,
    column: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, StoreError> {
    let texts: Vec<&str> = list(row, column)?;
    texts.into_iter().map(read).collect::<Option<_>>().ok_or_else(|| row::unreadable(column))
}
