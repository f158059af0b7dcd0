//! Carries out changes of the registry, several in one transaction.
//! Not for: what each of them writes (`tenants.rs`, `applications.rs` and so on).

use rusqlite::Transaction;

use super::{answers, apis, applications, credentials, log, operators, scopes, tenants};
use crate::domain::application::ClientId;
use crate::domain::id::TenantId;
use crate::store::{Conflict, Recorded, RegistryChange, StoreError};

/// What of a change servers keep in memory: something of a tenant, or an application of it.
type Touched = Option<(TenantId, Option<ClientId>)>;

/// Makes one change and writes it down.
pub(super) fn make(transaction: &Transaction<'_>, change: &Recorded) -> Result<(), StoreError> {
    let touched = carry_out(transaction, &change.what)?;
    if let Some(event) = &change.event {
        log::record(transaction, event)?;
    }
    touched.map_or(Ok(()), |(tenant, client_id)| log::note(transaction, tenant, client_id.as_ref()))
}

fn carry_out(transaction: &Transaction<'_>, what: &RegistryChange) -> Result<Touched, StoreError> {
    match what {
        RegistryChange::AddTenant(tenant, key) => {
            tenants::add(transaction, tenant, key)?;
            Ok(Some((tenant.id, None)))
        }
        RegistryChange::ChangeTenant(tenant) => {
            tenants::change(transaction, tenant)?;
            Ok(Some((tenant.id, None)))
        }
        RegistryChange::RemoveTenant(tenant, version) => {
            was_there(tenants::remove(transaction, *tenant, *version)?)?;
            Ok(Some((*tenant, None)))
        }
        RegistryChange::AddScope(scope) => {
            scopes::add(transaction, scope)?;
            Ok(scope.api.as_ref().map(|_| (scope.tenant, None)))
        }
        RegistryChange::ChangeScope(scope) => {
            was_there(scopes::change(transaction, scope)?)?;
            Ok(None)
        }
        RegistryChange::RemoveScope(tenant, name, version) => {
            was_there(scopes::remove(transaction, *tenant, name, *version)?)?;
            Ok(None)
        }
        RegistryChange::AddApi(api, scopes) => {
            apis::add(transaction, api, scopes)?;
            Ok(Some((api.tenant, None)))
        }
        RegistryChange::ChangeApi(api, scopes) => {
            apis::change(transaction, api, scopes)?;
            Ok(Some((api.tenant, None)))
        }
        RegistryChange::RemoveApi(tenant, identifier, version) => {
            was_there(apis::remove(transaction, *tenant, identifier, *version)?)?;
            Ok(Some((*tenant, None)))
        }
        other => carry_out_further(transaction, other),
    }
}

/// Those that concern applications, operators and answers.
fn carry_out_further(transaction: &Transaction<'_>, what: &RegistryChange) -> Result<Touched, StoreError> {
    match what {
        RegistryChange::AddApplication(application, first) => {
            applications::add(transaction, application)?;
            first.iter().try_for_each(|credential| credentials::add(transaction, credential))?;
            Ok(Some((application.tenant, Some(application.client_id.clone()))))
        }
        RegistryChange::ChangeApplication(application) => {
            applications::change(transaction, application)?;
            Ok(Some((application.tenant, Some(application.client_id.clone()))))
        }
        RegistryChange::RemoveApplication(application, version) => {
            let owner = applications::name_of(transaction, *application)?;
            was_there(applications::remove(transaction, *application, *version)?)?;
            Ok(owner.map(|(tenant, client_id)| (tenant, Some(client_id))))
        }
        RegistryChange::AddCredential(credential, version) => {
            was_there(applications::has_version(transaction, credential.application, *version)?)?;
            credentials::add(transaction, credential)?;
            let owner = applications::name_of(transaction, credential.application)?;
            Ok(owner.map(|(tenant, client_id)| (tenant, Some(client_id))))
        }
        RegistryChange::RemoveCredential(application, credential, version) => {
            was_there(applications::has_version(transaction, *application, *version)?)?;
            was_there(credentials::remove(transaction, *application, *credential)?)?;
            let owner = applications::name_of(transaction, *application)?;
            Ok(owner.map(|(tenant, client_id)| (tenant, Some(client_id))))
        }
        RegistryChange::ReplaceVerifier(application, credential, keyed) => {
            was_there(credentials::replace_verifier(transaction, *application, *credential, keyed)?)?;
            let owner = applications::name_of(transaction, *application)?;
            Ok(owner.map(|(tenant, client_id)| (tenant, Some(client_id))))
        }
        RegistryChange::AddOperator(operator) => operators::add(transaction, operator).map(|()| None),
        RegistryChange::ChangeOperator(operator) => {
            was_there(operators::change(transaction, operator)?).map(|()| None)
        }
        RegistryChange::RemoveOperator(operator, version) => {
            was_there(operators::remove(transaction, *operator, *version)?).map(|()| None)
        }
        RegistryChange::KeepAnswer(answer) => answers::keep(transaction, answer).map(|()| None),
        RegistryChange::AddTenant(..)
        | RegistryChange::ChangeTenant(_)
        | RegistryChange::RemoveTenant(..)
        | RegistryChange::AddScope(_)
        | RegistryChange::ChangeScope(_)
        | RegistryChange::RemoveScope(..)
        | RegistryChange::AddApi(..)
        | RegistryChange::ChangeApi(..)
        | RegistryChange::RemoveApi(..) => Ok(None),
    }
}

fn was_there(was_there: bool) -> Result<(), StoreError> {
    if was_there { Ok(()) } else { Err(StoreError::Conflict(Conflict::Changed)) }
}
