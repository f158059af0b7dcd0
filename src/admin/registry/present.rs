//! What is in the store, as far as a registry file has to do with it.
//! Not for: comparing it (`plan`).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::wanted::Wanted;
use crate::admin::catalog::Catalog;
use crate::admin::{Admin, AdminError, applications};
use crate::domain::application::{ClientId, Registered};
use crate::domain::audit::AuditFilter;
use crate::domain::tenant::Tenant;

/// How often everything is read again because it has changed while it was read.
const MAX_ATTEMPTS: usize = 5;

/// What is.
pub(super) struct Present {
    /// Every tenant.
    pub(super) all: Vec<Tenant>,
    /// Those that the file has to do with, by name.
    pub(super) tenants: HashMap<String, PresentTenant>,
}

/// A tenant with everything in it.
pub(super) struct PresentTenant {
    pub(super) tenant: Tenant,
    pub(super) catalog: Catalog,
    pub(super) applications: BTreeMap<ClientId, Arc<Registered>>,
}

impl Present {
    /// Reads the tenants that a file has to do with, as they are at one moment.
    pub(super) async fn read(admin: &Admin, wanted: &Wanted) -> Result<Self, AdminError> {
        let names: HashSet<_> = wanted.tenants.iter().map(|wanted| wanted.name.as_str()).collect();
        let mut moment = Moment::begin(admin).await?;
        loop {
            let all = admin.store.tenants().await?;
            let mut tenants = HashMap::new();
            for tenant in all.iter().filter(|tenant| names.contains(tenant.name.as_str())) {
                tenants.insert(tenant.name.clone(), PresentTenant::read(admin, tenant).await?);
            }
            if moment.is_over(admin).await? {
                return Ok(Self { all, tenants });
            }
        }
    }
}

impl PresentTenant {
    /// A tenant without applications.
    pub(super) fn empty(tenant: Tenant, catalog: Catalog) -> Self {
        Self { tenant, catalog, applications: BTreeMap::new() }
    }

    async fn read(admin: &Admin, tenant: &Tenant) -> Result<Self, AdminError> {
        let catalog = Catalog::read(admin, tenant).await?;
        let applications = applications::list(admin, tenant).await?.into_iter();
        let applications = applications.map(|one| (one.application.client_id.clone(), one)).collect();
        Ok(Self { tenant: tenant.clone(), catalog, applications })
    }
}

/// A moment in which nothing changes, for reading what takes several questions.
pub(super) struct Moment {
    newest_change: Option<i64>,
    attempts: usize,
}

impl Moment {
    pub(super) async fn begin(admin: &Admin) -> Result<Self, AdminError> {
        Ok(Self { newest_change: newest_change(admin).await?, attempts: 1 })
    }

    /// Whether nothing has changed since it began; if something has, another one begins. If there is no quiet moment, what
    /// was read last must do: what does not fit is found out when it is written.
    pub(super) async fn is_over(&mut self, admin: &Admin) -> Result<bool, AdminError> {
        let newest = newest_change(admin).await?;
        let was_quiet = newest == self.newest_change || self.attempts == MAX_ATTEMPTS;
        *self = Self { newest_change: newest, attempts: self.attempts + 1 };
        Ok(was_quiet)
    }
}

/// The number of the newest audit event: every change of the registry has one.
async fn newest_change(admin: &Admin) -> Result<Option<i64>, AdminError> {
    let newest = admin.store.find_audit_events(AuditFilter::default(), None, 1).await?;
    Ok(newest.first().map(|event| event.sequence))
}
