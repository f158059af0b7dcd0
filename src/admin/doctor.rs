//! What can be wrong with a store and its keys, looked at from all sides; nothing is changed.
//! Not for: settings and files (`cli/doctor.rs`), or mending.

use std::time::Duration;

use data_encoding::HEXLOWER;
use serde::Serialize;

use super::audit;
use crate::domain::api::ApiIdentifier;
use crate::domain::audit::AuditFilter;
use crate::domain::power::ADMIN_SCOPES;
use crate::domain::signing_key::KeyState;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::keys::vault::Vault;
use crate::keys::{CannotUse, KeyRing};
use crate::store::{Store, StoreError};

/// How far a time in the store may lie ahead: the clocks of several servers differ.
const AHEAD: Duration = Duration::from_mins(1);

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub result: Verdict,
    /// What was found and, unless all is well, how to mend it.
    pub detail: String,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works; somebody should look at it.
    Warning,
    /// It does not work, or is not safe.
    Wrong,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, result: Verdict::Ok, detail: detail.into() }
    }

    /// Somebody should look at it.
    pub fn warning(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, result: Verdict::Warning, detail: detail.into() }
    }

    /// It must be mended.
    pub fn wrong(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, result: Verdict::Wrong, detail: detail.into() }
    }
}

/// What the checks of SQLite or another database find, whatever the schema.
pub async fn integrity(store: &dyn Store) -> Finding {
    const CHECK: &str = "integrity";
    match store.check().await {
        Ok(health) if health.damage.is_empty() => Finding::ok(CHECK, "the data is whole"),
        Ok(health) => {
            let damage = health.damage.join("; ");
            Finding::wrong(CHECK, format!("the store is damaged: {damage}; restore a backup"))
        }
        Err(error) => Finding::wrong(CHECK, error.to_string()),
    }
}

/// What can be looked at in a store of this program's schema. Without a vault its keys are not looked at.
pub async fn examine(store: &dyn Store, vault: Option<&Vault>, now: Timestamp) -> Vec<Finding> {
    let tenants = match store.tenants().await {
        Ok(tenants) => tenants,
        Err(error) => return vec![Finding::wrong("tenants", error.to_string())],
    };
    let mut findings = Vec::new();
    if tenants.is_empty() {
        let none = "there is none yet: a server that starts makes the first, and so does the first command";
        findings.push(Finding::warning("tenants", none));
    }
    if let Some(vault) = vault {
        findings.extend(told("signing keys", signing_keys(store, &tenants, vault).await));
        findings.push(digest_keys(store, vault).await);
    }
    findings.extend(told("admin API", admin_api(store, &tenants).await));
    findings.push(match audit::verify(store, None).await {
        Ok(end) => {
            let head = HEXLOWER.encode(&end.head);
            Finding::ok("audit", format!("{0} events, none altered; its end is {0}:{head}", end.sequence))
        }
        Err(why) => Finding::wrong("audit", why.to_string()),
    });
    findings.extend(told("clock", clock(store, &tenants, now).await));
    findings
}

/// Tenants that cannot be reached safely from beyond this machine.
pub fn issuers(tenants: &[Tenant], beyond_loopback: bool) -> Vec<Finding> {
    const CHECK: &str = "issuer";
    let plain = tenants.iter().filter(|tenant| beyond_loopback && !tenant.issuer.is_https());
    let wrong = |tenant: &Tenant| {
        let Tenant { name, issuer, .. } = tenant;
        let mend = format!("chancery tenant set {name} --issuer https://… --host …");
        Finding::wrong(
            CHECK,
            format!(
                "tenant {name}: {issuer} is not https, and the server listens beyond loopback: run '{mend}'"
            ),
        )
    };
    let findings: Vec<_> = plain.map(wrong).collect();
    let reach = if beyond_loopback { "https" } else { "the server listens on loopback" };
    or_ok(findings, CHECK, reach)
}

async fn signing_keys(
    store: &dyn Store,
    tenants: &[Tenant],
    vault: &Vault,
) -> Result<Vec<Finding>, StoreError> {
    const CHECK: &str = "signing keys";
    let (mut findings, mut published) = (Vec::new(), 0);
    for tenant in tenants {
        let keys = store.signing_keys(tenant.id).await?;
        if let Err(why) = KeyRing::open(vault, &keys, None) {
            let mend = if why == CannotUse::NoActiveKey { ": restore a backup in which one is" } else { "" };
            findings.push(Finding::wrong(CHECK, format!("tenant {}: {why}{mend}", tenant.name)));
        }
        published += keys.iter().filter(|key| key.state != KeyState::Gone).count();
    }
    let fine =
        format!("published: {published}, all open; tenants: {}, each with one that signs", tenants.len());
    Ok(or_ok(findings, CHECK, fine))
}

async fn digest_keys(store: &dyn Store, vault: &Vault) -> Finding {
    const CHECK: &str = "digest keys";
    match store.digest_keys().await {
        Err(error) => Finding::wrong(CHECK, error.to_string()),
        Ok(keys) => match vault.keep(&keys) {
            Ok(()) => Finding::ok(CHECK, format!("of former master keys: {}, all open", keys.len())),
            Err(why) => Finding::wrong(CHECK, why.to_string()),
        },
    }
}

/// Whether every tenant has the API that administers it. A scope of the same name that was the tenant's own before there
/// was such an API stays what it is.
async fn admin_api(store: &dyn Store, tenants: &[Tenant]) -> Result<Vec<Finding>, StoreError> {
    const CHECK: &str = "admin API";
    let (mut findings, own) = (Vec::new(), ApiIdentifier::admin());
    for tenant in tenants {
        let name = &tenant.name;
        if !store.apis(tenant.id).await?.iter().any(|api| api.identifier == own) {
            let text = format!("tenant {name} has no API {own}: restore a backup that has it");
            findings.push(Finding::wrong(CHECK, text));
            continue;
        }
        let scopes = store.scopes(tenant.id).await?;
        for wanted in ADMIN_SCOPES.iter().map(|scope| scope.name) {
            match scopes.iter().find(|scope| scope.name.as_str() == wanted) {
                None => {
                    let text = format!("tenant {name} has no scope {wanted}: restore a backup that has it");
                    findings.push(Finding::wrong(CHECK, text));
                }
                Some(scope) if scope.api.as_ref() != Some(&own) => {
                    let text = format!(
                        "tenant {name}: the scope {wanted} is the tenant's own and administers nothing: give its \
                         applications another, if programs are to administer with it"
                    );
                    findings.push(Finding::warning(CHECK, text));
                }
                Some(_) => {}
            }
        }
    }
    Ok(or_ok(findings, CHECK, format!("every tenant has {own} with its {} scopes", ADMIN_SCOPES.len())))
}

/// Whether something is said to have happened later than now.
async fn clock(store: &dyn Store, tenants: &[Tenant], now: Timestamp) -> Result<Vec<Finding>, StoreError> {
    const CHECK: &str = "clock";
    let mut findings = Vec::new();
    let mut look = |what: String, at: Option<Timestamp>| {
        if let Some(at) = at.filter(|at| *at > now.plus(AHEAD)) {
            let text = format!(
                "{what} is of {at}, and now it is {now}: set this machine's clock; if it is right, the clock was ahead \
                 then: see docs/operate/rotate.md"
            );
            findings.push(Finding::warning(CHECK, text));
        }
    };
    for tenant in tenants {
        let keys = store.signing_keys(tenant.id).await?;
        let newest = keys.iter().map(|key| key.created_at.max(key.state_since)).max();
        look(format!("the newest signing key of tenant {}", tenant.name), newest);
    }
    let newest = store.find_audit_events(AuditFilter::default(), None, 1).await?;
    look("the newest event of the audit".to_owned(), newest.first().map(|found| found.event.at));
    Ok(or_ok(findings, CHECK, format!("it is {now}, and nothing in the store is later")))
}

/// The findings, or else that all is well.
fn or_ok(findings: Vec<Finding>, check: &'static str, fine: impl Into<String>) -> Vec<Finding> {
    if findings.is_empty() { vec![Finding::ok(check, fine)] } else { findings }
}

/// A question without an answer is a finding, too.
fn told(check: &'static str, findings: Result<Vec<Finding>, StoreError>) -> Vec<Finding> {
    findings.unwrap_or_else(|error| vec![Finding::wrong(check, error.to_string())])
}
