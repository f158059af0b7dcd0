//! Tenants that are new, become something else, or go; and in which order, since a host belongs to one at a time.
//! Not for: what is in them.

use std::collections::HashMap;

use super::Planner;
use crate::admin::registry::difference::Difference;
use crate::admin::registry::document::TenantEntry;
use crate::admin::registry::mistakes::Mistakes;
use crate::admin::registry::present::Present;
use crate::admin::registry::wanted::{Wanted, WantedTenant};
use crate::admin::{apis, tenants};
use crate::domain::id::TenantId;
use crate::domain::tenant::Tenant;
use crate::store::Recorded;

/// A tenant that becomes something else.
struct Altered {
    after: Tenant,
    change: Recorded,
}

impl Planner<'_> {
    /// Plans the tenants, and says what each of those that are wanted is afterwards.
    pub(super) fn tenants(&mut self, wanted: &Wanted, present: &Present) -> Vec<Tenant> {
        self.removed_tenants(wanted, present);
        let mut altered = Vec::new();
        let mut all = Vec::with_capacity(wanted.tenants.len());
        for wanted in &wanted.tenants {
            let after = match present.tenants.get(&wanted.name) {
                Some(before) => self.altered_tenant(wanted, &before.tenant, &mut altered),
                None => self.added_tenant(wanted),
            };
            all.push(after);
        }
        let staying: Vec<_> = present.all.iter().filter(|tenant| !self.goes(wanted, tenant)).collect();
        let others = staying.iter().filter(|tenant| !present.tenants.contains_key(&tenant.name));
        let before = self.mistakes.0.len();
        note_shared(&mut self.mistakes, others.copied(), wanted, &all);
        if self.mistakes.0.len() == before {
            self.put_in_order(&staying, altered);
        }
        all
    }

    /// Whether a tenant goes because it is not in the file.
    fn goes(&self, wanted: &Wanted, tenant: &Tenant) -> bool {
        self.options.prune_tenants && !wanted.named.contains(&tenant.name)
    }

    fn removed_tenants(&mut self, wanted: &Wanted, present: &Present) {
        for tenant in &present.all {
            if !self.goes(wanted, tenant) {
                continue;
            }
            let entry = TenantEntry::of(tenant);
            let difference = Difference::new("tenant", &tenant.name, &tenant.name, (Some(&entry), None));
            self.plan.tenants.push(tenants::removal(self.admin, tenant));
            self.plan.differences.push(difference);
        }
    }

    fn added_tenant(&mut self, wanted: &WantedTenant) -> Tenant {
        let now = self.admin.now();
        let tenant = Tenant {
            id: TenantId::new(self.admin.random.as_ref()),
            name: wanted.name.clone(),
            hosts: wanted.hosts.clone(),
            issuer: wanted.issuer.clone(),
            enabled: wanted.enabled,
            algorithm: wanted.algorithm.clone(),
            key_period: wanted.key_period,
            quota: wanted.quota,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        let known = apis::find_algorithm(self.admin, &tenant.algorithm);
        self.mistakes.take(wanted.place(), "algorithm", known);
        let entry = TenantEntry::of(&tenant);
        let difference = Difference::new("tenant", &tenant.name, &tenant.name, (None, Some(&entry)));
        self.plan.added.push(tenant.clone());
        self.plan.touched.push(tenant.clone());
        self.plan.differences.push(difference);
        tenant
    }

    fn altered_tenant(
        &mut self,
        wanted: &WantedTenant,
        before: &Tenant,
        altered: &mut Vec<Altered>,
    ) -> Tenant {
        if self.options.only_new {
            return before.clone();
        }
        let after = Tenant {
            hosts: wanted.hosts.clone(),
            issuer: wanted.issuer.clone(),
            enabled: wanted.enabled,
            algorithm: wanted.algorithm.clone(),
            key_period: wanted.key_period,
            quota: wanted.quota,
            ..before.clone()
        };
        match tenants::alteration(self.admin, before, after.clone()) {
            Ok(None) => {}
            Ok(Some((change, after))) => {
                let entries = (Some(&TenantEntry::of(before)), Some(&TenantEntry::of(&after)));
                self.plan.differences.push(Difference::new("tenant", &after.name, &after.name, entries));
                self.plan.touched.push(after.clone());
                altered.push(Altered { after, change });
            }
            Err(error) => self.mistakes.note(wanted.place(), error),
        }
        after
    }

    /// A tenant that takes a host or an issuer over comes after the one that gives it up.
    fn put_in_order(&mut self, staying: &[&Tenant], mut pending: Vec<Altered>) {
        let mut owners = HashMap::new();
        for tenant in staying {
            owners.extend(names_of(tenant).map(|name| (name, tenant.id)));
        }
        while !pending.is_empty() {
            let before = pending.len();
            let mut waiting = Vec::new();
            for altered in pending {
                let id = altered.after.id;
                let is_free = |name: &String| owners.get(name).is_none_or(|owner| *owner == id);
                if names_of(&altered.after).all(|name| is_free(&name)) {
                    owners.retain(|_, owner| *owner != id);
                    owners.extend(names_of(&altered.after).map(|name| (name, id)));
                    self.plan.tenants.push(altered.change);
                } else {
                    waiting.push(altered);
                }
            }
            pending = waiting;
            if pending.len() == before {
                let names: Vec<_> = pending.iter().map(|altered| altered.after.name.as_str()).collect();
                let text = "they exchange hosts or issuers in a circle: take them away first, then give them";
                self.mistakes.note(format_args!("tenants {}", names.join(", ")), text);
                return;
            }
        }
    }
}

/// What only one tenant can have: its hosts and its issuer, which are told apart by their look.
fn names_of(tenant: &Tenant) -> impl Iterator<Item = String> {
    let hosts = tenant.hosts.iter().map(ToString::to_string);
    hosts.chain([tenant.issuer.to_string()])
}

/// Notes what two tenants would have at once.
fn note_shared<'other>(
    mistakes: &mut Mistakes,
    others: impl Iterator<Item = &'other Tenant>,
    wanted: &Wanted,
    all: &'other [Tenant],
) {
    let mut owners = HashMap::new();
    for other in others {
        owners.extend(names_of(other).map(|name| (name, other.name.as_str())));
    }
    for (wanted, tenant) in wanted.tenants.iter().zip(all) {
        for name in names_of(tenant) {
            if let Some(owner) = owners.get(&name) {
                mistakes.note(wanted.place(), format_args!("{name} belongs to tenant {owner} already"));
            } else {
                owners.insert(name, &tenant.name);
            }
        }
    }
}
