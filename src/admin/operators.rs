//! Adding, changing and removing operators: people who administer.
//! Not for: programs that administer; those are applications with scopes of the admin API.

use serde_json::{Value, json};

use super::{Admin, AdminError, insist, view};
use crate::crypto::secret::Secret;
use crate::domain::id::OperatorId;
use crate::domain::operator::{Operator, check_name, check_scopes};
use crate::domain::tenant::Tenant;
use crate::store::{Conflict, Recorded, RegistryChange, StoreError};

/// What an operator is to be changed to; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct OperatorChange {
    /// What it may do, all of it.
    pub scopes: Option<Vec<String>>,
    /// Whether it may do anything.
    pub enabled: Option<bool>,
}

/// Adds an operator of a tenant, or of all of them, and returns its secret this once.
///
/// # Errors
/// When something given cannot be accepted, the name is taken, or it would have more powers than whoever asks.
pub async fn add(
    admin: &Admin,
    tenant: Option<&Tenant>,
    name: &str,
    scopes: Vec<String>,
) -> Result<(Operator, Secret), AdminError> {
    check_name(name)?;
    check_scopes(&scopes)?;
    let (id, secret) = (OperatorId::new(admin.random.as_ref()), Secret::generate(admin.random.as_ref()));
    let now = admin.now();
    let under = admin.vault.fingerprint();
    let operator = Operator {
        id,
        name: name.to_owned(),
        tenant: tenant.map(|tenant| tenant.id),
        scopes: super::change::distinct(scopes),
        enabled: true,
        digest: admin.vault.operator_digest(under, id, &secret),
        digested_under: under.to_owned(),
        created_at: now,
        updated_at: now,
        version: 1,
    };
    admin.check_powers(operator.powers(), "such an operator")?;
    let event = admin.event(operator.tenant, "operator.add", name, describe(&operator));
    let change = Recorded::new(RegistryChange::AddOperator(operator.clone()), event);
    let answer = view::OperatorView::new(&operator, tenant).with_secret(secret.expose().to_owned());
    match admin.create(vec![change], &answer).await {
        Err(AdminError::Store(StoreError::Conflict(Conflict::Exists))) => {
            Err(AdminError::Conflict(format!("an operator called {name:?} exists already")))
        }
        answer => answer.map(|()| (operator, secret)),
    }
}

/// The operators that whoever asks may see: all, or those of one tenant.
///
/// # Errors
/// When the store does not answer.
pub async fn list(admin: &Admin, tenant: Option<&Tenant>) -> Result<Vec<Operator>, AdminError> {
    let mut all = admin.store.operators().await?;
    all.retain(|operator| tenant.is_none_or(|tenant| operator.tenant == Some(tenant.id)));
    Ok(all)
}

/// An operator by its name, among all or those of one tenant.
///
/// # Errors
/// When there is none.
pub async fn find(admin: &Admin, tenant: Option<&Tenant>, name: &str) -> Result<Operator, AdminError> {
    let all = list(admin, tenant).await?;
    all.into_iter().find(|operator| operator.name == name).ok_or_else(|| AdminError::NotFound {
        what: "operator",
        name: name.to_owned(),
        mend: ": see 'chancery operator list'",
    })
}

/// Changes an operator.
///
/// # Errors
/// When it does not exist, something given cannot be accepted, or it has or would have more powers than whoever asks.
pub async fn change(
    admin: &Admin,
    tenant: Option<&Tenant>,
    name: &str,
    change: OperatorChange,
) -> Result<Operator, AdminError> {
    insist(admin, || async {
        let before = find(admin, tenant, name).await?;
        admin.check_version(before.version)?;
        let mut after = before.clone();
        super::change::set(&mut after.scopes, change.scopes.clone().map(super::change::distinct));
        super::change::set(&mut after.enabled, change.enabled);
        check_scopes(&after.scopes)?;
        if (&after.scopes, after.enabled) == (&before.scopes, before.enabled) {
            return Ok(before);
        }
        let detail = json!({ "before": describe(&before), "after": describe(&after) });
        replace(admin, &before, after, ("operator.set", detail)).await
    })
    .await
}

/// Gives an operator a new secret in place of the old one, and returns it this once.
///
/// # Errors
/// When it does not exist, or has more powers than whoever asks.
pub async fn renew_secret(
    admin: &Admin,
    tenant: Option<&Tenant>,
    name: &str,
) -> Result<(Operator, Secret), AdminError> {
    let secret = Secret::generate(admin.random.as_ref());
    let renewed = insist(admin, || async {
        let before = find(admin, tenant, name).await?;
        admin.check_version(before.version)?;
        let under = admin.vault.fingerprint();
        let after = Operator {
            digest: admin.vault.operator_digest(under, before.id, &secret),
            digested_under: under.to_owned(),
            ..before.clone()
        };
        replace(admin, &before, after, ("operator.renew_secret", json!({}))).await
    });
    Ok((renewed.await?, secret))
}

async fn replace(
    admin: &Admin,
    before: &Operator,
    mut after: Operator,
    (action, detail): (&'static str, Value),
) -> Result<Operator, AdminError> {
    refuse_oneself(admin, &before.name)?;
    for one in [before, &after] {
        admin.check_powers(one.powers(), "the operator")?;
    }
    after.updated_at = admin.now();
    let event = admin.event(after.tenant, action, &after.name, detail);
    admin
        .store
        .change_registry(vec![Recorded::new(RegistryChange::ChangeOperator(after.clone()), event)])
        .await?;
    after.version += 1;
    Ok(after)
}

/// Removes an operator.
///
/// # Errors
/// When it does not exist, or has more powers than whoever asks.
pub async fn remove(admin: &Admin, tenant: Option<&Tenant>, name: &str) -> Result<Operator, AdminError> {
    insist(admin, || remove_once(admin, tenant, name)).await
}

async fn remove_once(admin: &Admin, tenant: Option<&Tenant>, name: &str) -> Result<Operator, AdminError> {
    let operator = find(admin, tenant, name).await?;
    admin.check_version(operator.version)?;
    refuse_oneself(admin, name)?;
    admin.check_powers(operator.powers(), "the operator")?;
    let event = admin.event(operator.tenant, "operator.remove", name, describe(&operator));
    let change = RegistryChange::RemoveOperator(operator.id, Some(operator.version));
    admin.store.change_registry(vec![Recorded::new(change, event)]).await?;
    Ok(operator)
}

/// What an operator is called in the audit.
#[must_use]
pub fn actor_name(operator: &str) -> String {
    format!("operator:{operator}")
}

/// Nobody locks themselves out, or gives themselves more; somebody else can.
fn refuse_oneself(admin: &Admin, name: &str) -> Result<(), AdminError> {
    if admin.actor.name == actor_name(name) {
        return Err(AdminError::Conflict(
            "that is you: ask another operator to change or remove you".to_owned(),
        ));
    }
    Ok(())
}

/// The operator who has this name and this secret, if it may do anything. The work is the same whoever is named.
///
/// # Errors
/// When the store does not answer.
pub async fn authenticate(
    admin: &Admin,
    name: &str,
    secret: &Secret,
) -> Result<Option<Operator>, AdminError> {
    let operators = admin.store.operators().await?;
    let found = operators.into_iter().find(|operator| operator.name == name);
    let nobody = OperatorId::new(admin.random.as_ref());
    let (id, under) = match &found {
        Some(operator) => (operator.id, operator.digested_under.as_str()),
        None => (nobody, admin.vault.fingerprint()),
    };
    let digest = admin.vault.operator_digest(under, id, secret);
    Ok(found.filter(|operator| operator.digest.matches(&digest) && operator.enabled))
}

fn describe(operator: &Operator) -> Value {
    json!({ "scopes": operator.scopes, "enabled": operator.enabled, "every_tenant": operator.tenant.is_none() })
}
