//! Requests that are refused because more tokens are asked for than can be signed: counted, and told once for all of them.
//! Not for: refusing them (`keys/places.rs`), or refusals for any other reason (`notes.rs`).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Issuer, Services};
use crate::domain::application::{Application, ClientId};
use crate::domain::id::{ApplicationId, TenantId};
use crate::domain::statistic::{Counted, Counter, Period};

/// Under what the statistics have them.
const REASON: &str = "more tokens were asked for than could be signed";

/// What is counted. A refusal is one short lock and one look-up by an id: there are the more of them, the less time there
/// is for them.
#[derive(Default)]
pub(super) struct Overload {
    /// Since the start of the process.
    total: AtomicU64,
    /// By application, since it was told the last time.
    untold: Mutex<HashMap<ApplicationId, Refused>>,
}

/// Refusals of one application, which has proved who it is.
struct Refused {
    tenant: TenantId,
    client_id: ClientId,
    count: u64,
}

impl Overload {
    /// How many there were since the start of the process.
    pub(super) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    fn note(&self, tenant: TenantId, application: &Application) {
        self.total.fetch_add(1, Ordering::Relaxed);
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Refused { tenant, client_id: application.client_id.clone(), count: 0 };
        untold.entry(application.id).or_insert_with(new).count += 1;
    }

    fn take(&self) -> HashMap<ApplicationId, Refused> {
        std::mem::take(&mut *self.untold.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Issuer {
    /// Counts that an application was refused because too many tokens wait for their signature.
    pub(super) fn note_overload(&self, application: &Application) {
        self.services.overload.note(self.tenant.id, application);
    }
}

impl Services {
    /// Tells of the refusals since the last time, if there were any: one line in the log, which names the application that
    /// had most of them, and the statistics of each.
    pub(super) fn tell_overload(&self) {
        let untold = self.overload.take();
        let Some(most) = untold.values().max_by_key(|refused| refused.count) else { return };
        let (application, of_it) = (most.client_id.as_str(), most.count);
        let (count, applications): (u64, _) = (untold.values().map(|one| one.count).sum(), untold.len());
        tracing::warn!(
            count,
            applications,
            application,
            of_it,
            "requests are refused: more tokens are asked for than can be signed"
        );
        let start = Period::Minute.start_of(self.clock.now());
        for Refused { tenant, client_id, count } in untold.into_values() {
            let counter = Counter {
                start,
                tenant,
                application: Some(client_id),
                what: Counted::Refused(REASON.into()),
            };
            self.usage.note_refused_times(counter, count);
        }
    }
}
