//! Puts together what changes of the registry do, several in one transaction.
//! Not for: what each of them writes (`tenants.rs`, `applications.rs` and so on).

use super::log::Ledger;
use super::{answers, apis, applications, credentials, operators, scopes, tenants};
use crate::store::{Recorded, RegistryChange};

/// Adds one change, its event, and what of it servers keep in memory.
pub(super) fn make(ledger: &mut Ledger, change: &Recorded) {
    carry_out(ledger, &change.what);
    if let Some(event) = &change.event {
        ledger.record(event);
    }
}

fn carry_out(ledger: &mut Ledger, what: &RegistryChange) {
    match what {
        RegistryChange::AddTenant(tenant, key) => {
            tenants::add(ledger, tenant, key);
            ledger.note(tenant.id, None);
        }
        RegistryChange::ChangeTenant(tenant) => {
            tenants::change(ledger, tenant);
            ledger.note(tenant.id, None);
        }
        RegistryChange::RemoveTenant(tenant, version) => {
            tenants::remove(ledger, *tenant, *version);
            ledger.note(*tenant, None);
        }
        RegistryChange::AddScope(scope) => {
            scopes::add(ledger, scope);
            if scope.api.is_some() {
                ledger.note(scope.tenant, None);
            }
        }
        RegistryChange::ChangeScope(scope) => scopes::change(ledger, scope),
        RegistryChange::RemoveScope(tenant, name, version) => {
            scopes::remove(ledger, *tenant, name, *version);
        }
        RegistryChange::AddApi(api, defined) => {
            apis::add(ledger, api, defined);
            ledger.note(api.tenant, None);
        }
        RegistryChange::ChangeApi(api, change) => {
            apis::change(ledger, api, change);
            ledger.note(api.tenant, None);
        }
        RegistryChange::RemoveApi(tenant, identifier, version) => {
            apis::remove(ledger, *tenant, identifier, *version);
            ledger.note(*tenant, None);
        }
        other => carry_out_further(ledger, other),
    }
}

/// Those that concern applications, operators and answers.
fn carry_out_further(ledger: &mut Ledger, what: &RegistryChange) {
    match what {
        RegistryChange::AddApplication(application, first) => {
            applications::add(ledger, application);
            for credential in first {
                credentials::add(ledger, credential);
            }
            ledger.note(application.tenant, Some(&application.client_id));
        }
        RegistryChange::ChangeApplication(application) => {
            applications::change(ledger, application);
            ledger.note(application.tenant, Some(&application.client_id));
        }
        RegistryChange::RemoveApplication(application, version) => {
            ledger.note_application(*application);
            applications::remove(ledger, *application, *version);
        }
        RegistryChange::AddCredential(credential, version) => {
            applications::must_have_version(ledger, credential.application, *version);
            credentials::add(ledger, credential);
            ledger.note_application(credential.application);
        }
        RegistryChange::RemoveCredential(application, credential, version) => {
            applications::must_have_version(ledger, *application, *version);
            credentials::remove(ledger, *application, *credential);
            ledger.note_application(*application);
        }
        RegistryChange::ReplaceVerifier(application, credential, keyed) => {
            credentials::replace_verifier(ledger, *application, *credential, keyed);
            ledger.note_application(*application);
        }
        RegistryChange::AddOperator(operator) => operators::add(ledger, operator),
        RegistryChange::ChangeOperator(operator) => operators::change(ledger, operator),
        RegistryChange::RemoveOperator(operator, version) => operators::remove(ledger, *operator, *version),
        RegistryChange::KeepAnswer(answer) => answers::keep(ledger, answer),
        RegistryChange::AddTenant(..)
        | RegistryChange::ChangeTenant(_)
        | RegistryChange::RemoveTenant(..)
        | RegistryChange::AddScope(_)
        | RegistryChange::ChangeScope(_)
        | RegistryChange::RemoveScope(..)
        | RegistryChange::AddApi(..)
        | RegistryChange::ChangeApi(..)
        | RegistryChange::RemoveApi(..) => {}
    }
}
