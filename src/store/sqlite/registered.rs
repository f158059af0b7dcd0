//! Applications with what stands in other tables, read with one question to each table, however many they are.
//! Not for: which applications (`applications.rs`, `search.rs`).

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, Row};

use super::{credentials, row};
use crate::domain::api::ApiIdentifier;
use crate::domain::application::{Application, Registered};
use crate::domain::credential::Credential;
use crate::domain::id::ApplicationId;
use crate::domain::scope::{ScopeName, ScopeSet};
use crate::store::StoreError;
use crate::store::stored::{ACTS_FOR, CALLS};

/// The ids that are meant are a JSON array. Whatever an application has, it has in this order.
const GRANTED: &str = "SELECT application_id, scope, api, default_position FROM application_scope
    JOIN scope ON scope.tenant_id = application_scope.tenant_id AND scope.name = scope
    WHERE application_id IN (SELECT value FROM json_each(?1)) ORDER BY application_id, position";

const APIS: &str = "SELECT application_id, role, api FROM application_api
    WHERE application_id IN (SELECT value FROM json_each(?1)) ORDER BY application_id, role, position";

/// A scope that an application is granted.
struct Granted {
    name: ScopeName,
    /// The API that defines it.
    api: Option<ApiIdentifier>,
    /// Its place among the default scopes.
    default_position: Option<i64>,
}

/// What is in other tables.
struct Others {
    granted: HashMap<ApplicationId, Vec<Granted>>,
    apis: HashMap<ApplicationId, Vec<(String, ApiIdentifier)>>,
    credentials: HashMap<ApplicationId, Vec<Credential>>,
}

/// Adds what stands in other tables. Beside each application is whether its default scopes are fewer than all.
pub(super) fn complete(
    connection: &Connection,
    applications: Vec<(Application, bool)>,
) -> Result<Vec<Arc<Registered>>, StoreError> {
    if applications.is_empty() {
        return Ok(Vec::new());
    }
    let ids = applications.iter().map(|(application, _)| application.id.to_string());
    let ids = ids.collect::<serde_json::Value>().to_string();
    let mut others = Others {
        granted: grouped(row::rows(connection, GRANTED, [&ids], granted)?),
        apis: grouped(row::rows(connection, APIS, [&ids], api)?),
        credentials: grouped(credentials::of(connection, &ids)?),
    };
    let whole = |(application, narrowed)| Arc::new(others.complete(application, narrowed));
    Ok(applications.into_iter().map(whole).collect())
}

impl Others {
    fn complete(&mut self, mut application: Application, narrowed: bool) -> Registered {
        let granted = self.granted.remove(&application.id).unwrap_or_default();
        if narrowed {
            let mut defaults: Vec<_> = granted.iter().filter(|one| one.default_position.is_some()).collect();
            defaults.sort_by_key(|one| one.default_position);
            application.default_scopes =
                Some(ScopeSet::new(defaults.into_iter().map(|one| one.name.clone())));
        }
        application.scopes = ScopeSet::new(granted.iter().map(|one| one.name.clone()));
        let scope_apis = granted.into_iter().filter_map(|one| one.api.map(|api| (one.name, api))).collect();
        for (role, api) in self.apis.remove(&application.id).unwrap_or_default() {
            match role.as_str() {
                CALLS => application.apis.push(api),
                ACTS_FOR => application.acts_for.push(api),
                _ => {}
            }
        }
        let credentials = self.credentials.remove(&application.id).unwrap_or_default();
        Registered { application, credentials, scope_apis }
    }
}

fn granted(row: &Row<'_>) -> Result<(ApplicationId, Granted), StoreError> {
    let granted = Granted {
        name: row::checked(row, "scope", |text| ScopeName::parse(text).ok())?,
        api: row::optional(row, "api", |text| ApiIdentifier::parse(text).ok())?,
        default_position: row::get(row, "default_position")?,
    };
    Ok((row::parse(row, "application_id")?, granted))
}

fn api(row: &Row<'_>) -> Result<(ApplicationId, (String, ApiIdentifier)), StoreError> {
    let api = row::checked(row, "api", |text| ApiIdentifier::parse(text).ok())?;
    Ok((row::parse(row, "application_id")?, (row::get(row, "role")?, api)))
}

/// Whose things are whose, each one's in the order they came in.
fn grouped<T>(rows: Vec<(ApplicationId, T)>) -> HashMap<ApplicationId, Vec<T>> {
    let mut groups: HashMap<_, Vec<T>> = HashMap::new();
    for (owner, thing) in rows {
        groups.entry(owner).or_default().push(thing);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::Sqlite;
    use crate::store::sqlite::credentials;

    /// A table that is read as a whole for each page is slow where it matters.
    #[test]
    fn what_stands_in_other_tables_is_found_along_indexes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.db");
        drop(Sqlite::open(&file).unwrap());
        let connection = Connection::open(&file).unwrap();
        for sql in [GRANTED, APIS, credentials::OF] {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps = statement.query_map(["[]"], |row| row.get::<_, String>(3)).unwrap();
            let steps: Vec<String> = steps.map(Result::unwrap).collect();
            assert!(steps[0].contains("(application_id=?)"), "{steps:?}");
            let is_scan = |step: &&String| step.starts_with("SCAN") && !step.contains("json_each");
            assert_eq!(steps.iter().find(is_scan), None);
        }
    }
}
