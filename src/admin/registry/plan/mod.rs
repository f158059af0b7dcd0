//! Compares what is with what is to be: the changes in an order that holds, and the difference in words. No IO.
//! Not for: what values may be (`wanted`), or carrying it out.

use std::collections::HashSet;

use super::difference::Difference;
use super::mistakes::Mistakes;
use super::present::{Present, PresentTenant};
use super::wanted::{Wanted, WantedTenant};
use super::{NotApplied, Options};
use crate::admin::catalog::Catalog;
use crate::admin::{Admin, AdminError, apis, tenants};
use crate::domain::application::ClientId;
use crate::domain::signing_key::KeyState;
use crate::domain::tenant::Tenant;
use crate::store::{Recorded, RegistryChange};

mod applications;
mod catalog;
mod secrets;
mod tenant;

/// What is to be done. Tenants come first, then what things refer to, then the things; what goes, goes the other way round.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// What it comes to, in order.
    pub(super) differences: Vec<Difference>,
    /// Applications that are new and have no secret: tenant and `client_id`.
    pub(super) without_secret: Vec<(String, String)>,
    /// Applications that are there already and are to stay as they are.
    pub(super) left_alone: Vec<String>,
    /// Tenants in which something is done, as they are afterwards.
    pub(super) touched: Vec<Tenant>,
    /// Tenants that go or become something else.
    tenants: Vec<Recorded>,
    /// Tenants that are new. Their first keys are made when it is carried out: that takes time.
    added: Vec<Tenant>,
    /// Everything within tenants.
    within: Vec<Recorded>,
}

impl Plan {
    /// Finds out what is to be done.
    ///
    /// # Errors
    /// Everything that does not fit together.
    pub(super) fn make(
        admin: &Admin,
        wanted: &Wanted,
        present: &Present,
        options: &Options,
    ) -> Result<Self, NotApplied> {
        let (plan, mistakes) = (Self::default(), Mistakes::default());
        let mut planner = Planner { admin, options, plan, mistakes };
        let tenants = planner.tenants(wanted, present);
        for (wanted, tenant) in wanted.tenants.iter().zip(tenants) {
            match present.tenants.get(&wanted.name) {
                Some(present) => planner.within(wanted, &tenant, present),
                None => planner.within(wanted, &tenant, &as_new(admin, &tenant)),
            }
        }
        planner.mistakes.refuse_any()?;
        Ok(planner.plan)
    }

    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }

    /// The changes, in order, with first keys for the tenants that are new.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub(super) fn changes(&self, admin: &Admin) -> Result<Vec<Recorded>, AdminError> {
        let mut changes = self.tenants.clone();
        for tenant in &self.added {
            let algorithm = apis::find_algorithm(admin, &tenant.algorithm)?;
            let key = admin.vault.make_key(tenant.id, algorithm, KeyState::Active, tenant.created_at)?;
            changes.extend(tenants::addition(admin, tenant, key));
        }
        changes.extend(self.within.iter().cloned());
        Ok(changes)
    }
}

/// A plan that is being made.
struct Planner<'of> {
    admin: &'of Admin,
    options: &'of Options,
    plan: Plan,
    mistakes: Mistakes,
}

/// One tenant: what is to be, and what is.
struct Within<'of> {
    wanted: &'of WantedTenant,
    tenant: &'of Tenant,
    present: &'of PresentTenant,
    listed: HashSet<&'of ClientId>,
    /// Whether applications go that are not in the file.
    prunes_applications: bool,
}

impl Within<'_> {
    /// Whether an application that is there will still be there.
    fn keeps(&self, client_id: &ClientId) -> bool {
        !self.prunes_applications || self.listed.contains(client_id)
    }
}

impl Planner<'_> {
    fn within(&mut self, wanted: &WantedTenant, tenant: &Tenant, present: &PresentTenant) {
        let listed = wanted.applications.iter().flatten().map(|one| &one.client_id).collect();
        let prunes_applications = self.options.prune && wanted.applications.is_some();
        let within = Within { wanted, tenant, present, listed, prunes_applications };
        let before = self.plan.differences.len();
        let catalog = self.catalog(&within);
        let removals = self.catalog_removals(&within, catalog);
        self.applications(&within, &removals.catalog, !removals.list.is_empty());
        for (change, difference) in removals.list {
            self.plan.within.push(change);
            self.plan.differences.push(difference);
        }
        let is_changed = self.plan.differences.len() > before;
        let is_already_touched = self.plan.touched.iter().any(|touched| touched.id == tenant.id);
        if is_changed && !is_already_touched {
            self.plan.touched.push(tenant.clone());
        }
    }

    fn record(&mut self, change: Recorded, difference: Difference) {
        self.plan.within.push(change);
        self.plan.differences.push(difference);
    }
}

/// What goes from a tenant, and what is there afterwards.
struct Removals {
    catalog: Catalog,
    list: Vec<(Recorded, Difference)>,
}

/// A tenant that is new has the API that administers it, and nothing else.
fn as_new(admin: &Admin, tenant: &Tenant) -> PresentTenant {
    let mut catalog = Catalog::default();
    if let RegistryChange::AddApi(api, scopes) = apis::administration(admin, tenant) {
        catalog.apis.insert(api.identifier.clone(), api);
        catalog.scopes.extend(scopes.into_iter().map(|scope| (scope.name.clone(), scope)));
    }
    PresentTenant::empty(tenant.clone(), catalog)
}
