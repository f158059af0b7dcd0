//! Scopes and APIs that are new, become something else, or go.
//! Not for: who is granted them (`applications.rs`).

use std::collections::HashSet;

use super::{Planner, Removals, Within};
use crate::admin::apis::Described;
use crate::admin::catalog::Catalog;
use crate::admin::registry::difference::Difference;
use crate::admin::registry::document::{ApiEntry, ScopeEntry};
use crate::admin::registry::place::Place;
use crate::admin::registry::wanted::{WantedApi, WantedScope};
use crate::admin::{apis, scopes};
use crate::domain::api::{Api, ApiIdentifier};
use crate::domain::application::ClientId;
use crate::domain::scope::{Scope, ScopeName};

impl Planner<'_> {
    /// Plans what is new and what becomes something else: what is there then, what is to go among it.
    pub(super) fn catalog(&mut self, within: &Within<'_>) -> Catalog {
        let mut catalog = within.present.catalog.clone();
        for (index, wanted) in within.wanted.apis.iter().flatten().enumerate() {
            let place = within.wanted.place().of("apis", index, wanted.identifier.as_str());
            match within.present.catalog.apis.get(&wanted.identifier) {
                Some(before) => self.altered_api(within, &mut catalog, (place, wanted), before),
                None => self.added_api(within, &mut catalog, (place, wanted)),
            }
        }
        for (index, wanted) in within.wanted.scopes.iter().flatten().enumerate() {
            let place = within.wanted.place().of("scopes", index, wanted.name.as_str());
            self.scope(within, &mut catalog, (place, wanted), None);
        }
        catalog
    }

    fn added_api(
        &mut self,
        within: &Within<'_>,
        catalog: &mut Catalog,
        (place, wanted): (Place<'_>, &WantedApi),
    ) {
        let api = shaped(apis::new(self.admin, within.tenant, wanted.identifier.clone()), wanted);
        self.mistakes.take(place, "api", apis::check(self.admin, &api));
        let looks_alike = ClientId::parse(api.identifier.as_str())
            .is_ok_and(|id| within.present.applications.contains_key(&id) && within.keeps(&id));
        if looks_alike {
            self.mistakes.note(place, apis::looks_alike(api.identifier.as_str()));
        }
        let mut own = Vec::with_capacity(wanted.scopes.len());
        for scope in &wanted.scopes {
            if let Some(other) = within.present.catalog.scopes.get(&scope.name) {
                if !self.options.only_new {
                    self.mistakes.note(place, belongs_elsewhere(other));
                }
            } else {
                let description = scope.description.clone();
                own.push(Scope { description, ..apis::scope_of(self.admin, &api, &scope.name) });
            }
        }
        let entry = ApiEntry::with_scopes(&api, &own);
        let name = api.identifier.to_string();
        let difference = Difference::new("api", &name, &within.tenant.name, (None, Some(&entry)));
        let described = Described { api, scopes: own.iter().map(|scope| scope.name.clone()).collect() };
        catalog.scopes.extend(own.iter().map(|scope| (scope.name.clone(), scope.clone())));
        self.record(apis::addition(self.admin, &described, own), difference);
        catalog.apis.insert(described.api.identifier.clone(), described.api);
    }

    fn altered_api(
        &mut self,
        within: &Within<'_>,
        catalog: &mut Catalog,
        (place, wanted): (Place<'_>, &WantedApi),
        before: &Api,
    ) {
        // Its scopes are added and removed one by one: those that come before applications are granted them, those that
        // go after they have been taken away.
        let names: Vec<ScopeName> =
            catalog.scopes_of(&before.identifier).map(|scope| scope.name.clone()).collect();
        let described = Described { api: before.clone(), scopes: names.clone() };
        let after = Described { api: shaped(before.clone(), wanted), scopes: names };
        match apis::alteration(self.admin, &described, after, Vec::new()) {
            Ok(Some(_)) if self.options.only_new => {}
            Ok(None) => {}
            Ok(Some((change, after))) => {
                let entries = (Some(&ApiEntry::of(before)), Some(&ApiEntry::of(&after.api)));
                let name = before.identifier.as_str();
                self.record(change, Difference::new("api", name, &within.tenant.name, entries));
                catalog.apis.insert(before.identifier.clone(), after.api);
            }
            Err(error) => self.mistakes.note(place, error),
        }
        for scope in &wanted.scopes {
            self.scope(within, catalog, (place, scope), Some(&before.identifier));
        }
    }

    fn scope(
        &mut self,
        within: &Within<'_>,
        catalog: &mut Catalog,
        (place, wanted): (Place<'_>, &WantedScope),
        api: Option<&ApiIdentifier>,
    ) {
        let (name, tenant) = (wanted.name.as_str(), &within.tenant.name);
        let entry = |scope: &Scope| ScopeEntry::of(scope);
        let description = wanted.description.clone();
        let Some(before) = within.present.catalog.scopes.get(&wanted.name) else {
            let scope = Scope {
                tenant: within.tenant.id,
                name: wanted.name.clone(),
                description,
                api: api.cloned(),
                created_at: self.admin.now(),
                version: 1,
            };
            let difference = Difference::new("scope", name, tenant, (None, Some(&entry(&scope))));
            self.record(scopes::addition(self.admin, &scope), difference);
            catalog.scopes.insert(scope.name.clone(), scope);
            return;
        };
        if self.options.only_new {
            return;
        }
        if before.api.as_ref() != api {
            self.mistakes.note(place, belongs_elsewhere(before));
        } else if before.description != description {
            let after = Scope { description, ..before.clone() };
            let entries = (Some(&entry(before)), Some(&entry(&after)));
            let change = scopes::alteration(self.admin, before, &after);
            self.record(change, Difference::new("scope", name, tenant, entries));
        }
    }

    /// What goes because it is not in the file. The server's own stays, and so does what the file does not speak of.
    pub(super) fn catalog_removals(&mut self, within: &Within<'_>, mut catalog: Catalog) -> Removals {
        let mut list = Vec::new();
        if !self.options.prune {
            return Removals { catalog, list };
        }
        let (wanted, before) = (within.wanted, &within.present.catalog);
        let apis: HashSet<_> = wanted.apis.iter().flatten().map(|api| &api.identifier).collect();
        let of_apis = wanted.apis.iter().flatten().flat_map(|api| &api.scopes);
        let listed = of_apis.chain(wanted.scopes.iter().flatten()).map(|scope| &scope.name);
        let listed: HashSet<_> = listed.collect();
        let api_stays = |api: &ApiIdentifier| wanted.apis.is_none() || api.is_ours() || apis.contains(api);
        for scope in before.scopes.values().filter(|scope| !listed.contains(&scope.name)) {
            let goes_alone = match &scope.api {
                None => wanted.scopes.is_some(),
                Some(api) => wanted.apis.is_some() && !api.is_ours() && apis.contains(api),
            };
            if goes_alone {
                let entry = ScopeEntry::of(scope);
                let name = scope.name.as_str();
                let difference = Difference::new("scope", name, &within.tenant.name, (Some(&entry), None));
                list.push((scopes::removal(self.admin, scope), difference));
                catalog.scopes.remove(&scope.name);
            }
        }
        for api in before.apis.values().filter(|api| !api_stays(&api.identifier)) {
            let own: Vec<Scope> = before.scopes_of(&api.identifier).cloned().collect();
            let names = own.iter().map(|scope| scope.name.clone()).collect();
            let described = Described { api: api.clone(), scopes: names };
            let entry = ApiEntry::with_scopes(api, &own);
            let name = api.identifier.as_str();
            let difference = Difference::new("api", name, &within.tenant.name, (Some(&entry), None));
            match apis::removal(self.admin, &described) {
                Ok(change) => list.push((change, difference)),
                Err(error) => self.mistakes.note(wanted.place(), error),
            }
            catalog.apis.remove(&api.identifier);
            described.scopes.iter().for_each(|name| drop(catalog.scopes.remove(name)));
        }
        Removals { catalog, list }
    }
}

/// An API with everything that the file says of it but its scopes.
fn shaped(api: Api, wanted: &WantedApi) -> Api {
    Api { name: wanted.name.clone(), token: wanted.token, algorithm: wanted.algorithm.clone(), ..api }
}

fn belongs_elsewhere(scope: &Scope) -> String {
    let name = scope.name.as_str();
    match &scope.api {
        Some(api) if api.is_ours() => format!("scope {name:?} is the server's own ({api}), and stays so"),
        Some(api) => format!(
            "scope {name:?} is defined by API {api} now: a scope stays where it is; apply a file without it with --prune \
             first, then add it here"
        ),
        None => format!(
            "scope {name:?} is the whole tenant's now: a scope stays where it is; apply a file without it with --prune \
             first, then add it here"
        ),
    }
}
