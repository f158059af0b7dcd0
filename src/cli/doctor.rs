//! `chancery doctor`: looks at everything an installation needs and says what is wrong. It changes nothing.
//! Not for: how it is looked at in the store (`admin/doctor.rs`) and in files (`files.rs`).

use std::sync::Arc;

use super::flags::ServeFlags;
use super::workspace::Looked;
use super::{Failure, Global, files, workspace};
use crate::admin::doctor::{self, Finding, Verdict};
use crate::config::{MasterKeySource, Settings};
use crate::crypto::random::{Random, SystemRandom};
use crate::domain::tenant::Tenant;
use crate::domain::time::{Clock, SystemClock, Timestamp};
use crate::keys::vault::Vault;

pub(super) async fn run(global: &Global, flags: &ServeFlags) -> Result<(), Failure> {
    let findings = examine(global, flags).await;
    global.output.many(&findings, &["result", "check", "detail"])?;
    match findings.iter().filter(|finding| finding.result == Verdict::Wrong).count() {
        0 => Ok(()),
        1 => Err(Failure::new("something is wrong: the line that says so has how to mend it")),
        wrong => {
            Err(Failure::new(format!("{wrong} things are wrong: each line that says so has how to mend it")))
        }
    }
}

async fn examine(global: &Global, flags: &ServeFlags) -> Vec<Finding> {
    const CHECK: &str = "settings";
    let settings = match workspace::settings(global, flags.given()) {
        Ok(settings) => settings,
        // Each mistake is a line of its own.
        Err(mistakes) => {
            return mistakes.to_string().lines().map(|line| Finding::wrong(CHECK, line)).collect();
        }
    };
    let mut findings: Vec<_> =
        settings.warnings.iter().map(|warning| Finding::warning(CHECK, warning)).collect();
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, "all can be understood"));
    }
    let now = SystemClock::new().now();
    findings.extend(files::examine(&settings, now));
    findings.extend(store(&settings, now).await);
    findings
}

async fn store(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    const CHECK: &str = "store";
    let Looked { store, schema, about } = match workspace::look(settings).await {
        Ok(looked) => looked,
        Err(failure) => return vec![Finding::wrong(CHECK, failure.to_string())],
    };
    let whole = doctor::integrity(store.as_ref()).await;
    if let Err(failure) = workspace::check_schema(schema) {
        return vec![Finding::wrong(CHECK, failure.to_string()), whole];
    }
    let server = about.as_ref().map_or_else(String::new, |about| format!("; {}", about.summary));
    let found = match workspace::check_not_moved(store.as_ref()).await {
        Ok(()) => Finding::ok(CHECK, format!("its schema is number {}{server}", schema.number)),
        Err(failure) => Finding::wrong(CHECK, failure.to_string()),
    };
    let mut findings = vec![found, whole];
    let warnings = about.into_iter().flat_map(|about| about.warnings);
    findings.extend(warnings.map(|warning| Finding::warning(CHECK, warning)));
    // What hinders this is told where the tenants themselves are looked at.
    let tenants = store.tenants().await.unwrap_or_default();
    let (found, vault) = master_key(settings, &tenants);
    findings.push(found);
    findings.extend(doctor::examine(store.as_ref(), vault.as_ref(), now).await);
    let beyond_loopback = !settings.listen.public.ip().to_canonical().is_loopback();
    findings.extend(doctor::issuers(&tenants, beyond_loopback));
    findings
}

fn master_key(settings: &Settings, tenants: &[Tenant]) -> (Finding, Option<Vault>) {
    const CHECK: &str = "master key";
    if let MasterKeySource::Default(file) = &settings.signing.master_key
        && tenants.is_empty()
        && !file.exists()
    {
        return (Finding::ok(CHECK, "there is none yet: it is made with the first tenant"), None);
    }
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    match workspace::vault(settings, random) {
        Ok(vault) => {
            (Finding::ok(CHECK, format!("it is there: fingerprint {}", vault.fingerprint())), Some(vault))
        }
        Err(failure) => (Finding::wrong(CHECK, failure.to_string()), None),
    }
}
