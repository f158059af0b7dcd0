//! Applications that are new, become something else, or go.
//! Not for: their secrets (`secrets.rs`).

use std::sync::Arc;

use super::{Planner, Within};
use crate::admin::applications;
use crate::admin::catalog::Catalog;
use crate::admin::registry::difference::Difference;
use crate::admin::registry::document::ApplicationEntry;
use crate::admin::registry::place::Place;
use crate::admin::registry::wanted::WantedApplication;
use crate::domain::application::{Application, Registered};

impl Planner<'_> {
    /// Plans the applications; `catalog` is what there is afterwards.
    pub(super) fn applications(&mut self, within: &Within<'_>, catalog: &Catalog, something_goes: bool) {
        for (client_id, registered) in &within.present.applications {
            if !within.keeps(client_id) {
                self.removed_application(within, registered);
            } else if something_goes && !within.listed.contains(client_id) {
                self.check_what_it_has(within, catalog, &registered.application);
            }
        }
        for (index, wanted) in within.wanted.applications.iter().flatten().enumerate() {
            let place = within.wanted.place().of("applications", index, wanted.client_id.as_str());
            if self.options.only_new && within.present.applications.contains_key(&wanted.client_id) {
                self.plan.left_alone.push(wanted.client_id.to_string());
                continue;
            }
            if !self.refers_to_what_is_there(place, catalog, wanted) {
                continue;
            }
            match within.present.applications.get(&wanted.client_id) {
                Some(before) => self.altered_application(within, catalog, (place, wanted), before),
                None => self.added_application(within, catalog, (place, wanted)),
            }
        }
    }

    fn removed_application(&mut self, within: &Within<'_>, registered: &Registered) {
        let application = &registered.application;
        let entry = ApplicationEntry::of(application);
        match applications::removal(self.admin, registered) {
            Ok(change) => {
                let entries = (Some(&entry), None);
                self.record(change, difference(within, application, entries));
            }
            Err(error) => self.mistakes.note(within.wanted.place(), error),
        }
    }

    fn added_application(
        &mut self,
        within: &Within<'_>,
        catalog: &Catalog,
        (place, wanted): (Place<'_>, &WantedApplication),
    ) {
        let client_id = wanted.client_id.clone();
        let mut application = applications::new(self.admin, within.tenant, client_id, wanted.kind);
        wanted.shape(&mut application);
        let mut registered = match applications::check_new(self.admin, catalog, application) {
            Ok(registered) => registered,
            Err(error) => return self.mistakes.note(place, error),
        };
        let application = &registered.application;
        let entry = ApplicationEntry::of(application);
        let (added, lines) = self.secrets(within, place, &registered, &wanted.secrets);
        if added.is_empty() && application.kind.is_confidential() {
            let names = (within.tenant.name.clone(), application.client_id.to_string());
            self.plan.without_secret.push(names);
        }
        let line = difference(within, application, (None, Some(&entry)));
        registered.credentials = added;
        self.record(applications::addition(self.admin, &registered), line);
        self.plan.differences.extend(lines);
    }

    fn altered_application(
        &mut self,
        within: &Within<'_>,
        catalog: &Catalog,
        (place, wanted): (Place<'_>, &WantedApplication),
        before: &Arc<Registered>,
    ) {
        if before.application.kind.is_confidential() != wanted.kind.is_confidential() {
            let (was, is) = (before.application.kind.as_str(), wanted.kind.as_str());
            let text = format!("type: what is {was} cannot become {is}: remove it first, then add it anew");
            return self.mistakes.note(place, text);
        }
        // They are for the version that is there, so they come before the next one.
        let (added, lines) = self.secrets(within, place, before, &wanted.secrets);
        for credential in &added {
            let change = crate::admin::credentials::addition(self.admin, &before.application, credential);
            self.plan.within.push(change);
        }
        let mut after = before.application.clone();
        wanted.shape(&mut after);
        match applications::alteration(self.admin, catalog, before, after) {
            Ok(None) => {}
            Ok(Some((change, after))) => {
                let entries = (
                    Some(&ApplicationEntry::of(&before.application)),
                    Some(&ApplicationEntry::of(&after.application)),
                );
                self.record(change, difference(within, &before.application, entries));
            }
            Err(error) => return self.mistakes.note(place, error),
        }
        self.plan.differences.extend(lines);
    }

    /// Every scope and API that an application names is there.
    fn refers_to_what_is_there(
        &mut self,
        place: Place<'_>,
        catalog: &Catalog,
        wanted: &WantedApplication,
    ) -> bool {
        let before = self.mistakes.0.len();
        for name in wanted.scopes.names().iter().filter(|name| !catalog.scopes.contains_key(*name)) {
            let text = format!("scopes: {:?} is neither in the file nor in the tenant", name.as_str());
            self.mistakes.note(place, text);
        }
        let members = [
            ("apis", wanted.apis.as_slice()),
            ("acts_for", &wanted.acts_for),
            ("default_api", wanted.default_api.as_slice()),
        ];
        for (member, apis) in members {
            for api in apis.iter().filter(|api| !catalog.apis.contains_key(*api)) {
                self.mistakes
                    .note(place, format_args!("{member}: {api} is neither in the file nor in the tenant"));
            }
        }
        self.mistakes.0.len() == before
    }

    /// What goes must not be an application's that stays and is not in the file.
    fn check_what_it_has(&mut self, within: &Within<'_>, catalog: &Catalog, application: &Application) {
        let scopes = application.scopes.names().iter().filter(|name| !catalog.scopes.contains_key(*name));
        let apis = application.apis.iter().chain(&application.acts_for).chain(&application.default_api);
        let apis = apis.filter(|api| !catalog.apis.contains_key(*api));
        let gone = scopes.map(|name| format!("scope {name}")).chain(apis.map(|api| format!("API {api}")));
        for gone in gone {
            let text = format!(
                "{gone} is not in the file, but application {}, which is not in it either and stays, has to do with it",
                application.client_id
            );
            self.mistakes.note(within.wanted.place(), text);
        }
    }
}

fn difference(
    within: &Within<'_>,
    application: &Application,
    entries: (Option<&ApplicationEntry>, Option<&ApplicationEntry>),
) -> Difference {
    Difference::new("application", application.client_id.as_str(), &within.tenant.name, entries)
}
