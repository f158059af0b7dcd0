//! Credentials that were imported with another server's hash, until our digest replaces it.
//! Not for: other credentials (`applications.rs`).

use std::sync::Arc;

use tokio::task::JoinSet;

use super::sample::{application, credential, event, keyed};
use super::{Place, store_with_tenant};
use crate::crypto::slow_hash::SlowHash;
use crate::domain::application::Application;
use crate::domain::credential::{Credential, Verifier};
use crate::domain::tenant::Tenant;
use crate::store::Store;

const HASH: &str = "{bcrypt}$2a$04$DhGEJa5lcLrMLiJlRUAnYO5y1hFb9v4RmZmm/65Cyi7oh0KB8sgHu";

fn imported(application: &Application) -> Credential {
    let verifier = Verifier::Imported(SlowHash::parse(HASH).unwrap());
    Credential { verifier, ..credential(application, 5) }
}

async fn kept(store: &Arc<dyn Store>, tenant: &Tenant) -> Credential {
    store.application(tenant.id, "app").await.unwrap().unwrap().credentials[0].clone()
}

pub(super) async fn keeps_an_imported_hash_until_it_is_replaced_once(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let app = application(&one, "app");
    let with = imported(&app);
    store.add_application(app.clone(), Some(with.clone()), event("app")).await.unwrap();
    let before = kept(&store, &one).await;
    assert_eq!(before.imported().map(SlowHash::as_str), Some(HASH));
    assert_eq!((before.id, before.expires_at), (with.id, with.expires_at));

    let revision = store.changes_since(0).await.unwrap().revision;
    assert!(store.replace_verifier(app.id, with.id, keyed(7), event("replaced")).await.unwrap());
    assert!(!store.replace_verifier(app.id, with.id, keyed(8), event("again")).await.unwrap());
    let after = kept(&store, &one).await;
    let digest = after.keyed().unwrap();
    assert!(after.imported().is_none() && digest.digest.matches(&keyed(7).digest));
    assert_eq!((digest.under.as_str(), &after.label), (keyed(7).under.as_str(), &with.label));
    assert_eq!((after.created_at, after.expires_at), (before.created_at, before.expires_at));
    let changes = store.changes_since(revision).await.unwrap();
    assert_eq!(changes.list, Some(vec![(one.id, Some(app.client_id.clone()))]));
    let events = store.audit_events(0, 100).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.event.subject == "replaced").count(), 1);
    assert!(events.iter().all(|event| event.event.subject != "again"));
}

pub(super) async fn replaces_a_hash_only_where_there_is_one(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let (app, other) = (application(&one, "app"), application(&one, "other"));
    let (own, with) = (credential(&app, 1), imported(&app));
    store.add_application(app.clone(), Some(own.clone()), event("app")).await.unwrap();
    store.add_application(other.clone(), None, event("other")).await.unwrap();
    let revision = store.changes_since(0).await.unwrap().revision;
    for (application, credential) in [(app.id, own.id), (app.id, with.id), (other.id, own.id)] {
        assert!(!store.replace_verifier(application, credential, keyed(7), event("none")).await.unwrap());
    }
    assert!(kept(&store, &one).await.keyed().unwrap().digest.matches(&own.keyed().unwrap().digest));
    store.add_credential(with.clone(), event("secret")).await.unwrap();
    assert!(!store.replace_verifier(other.id, with.id, keyed(7), event("none")).await.unwrap());
    assert_eq!(store.changes_since(revision).await.unwrap().list.unwrap().len(), 1);
    assert!(store.audit_events(0, 100).await.unwrap().iter().all(|event| event.event.subject != "none"));
}

pub(super) async fn of_many_who_replace_the_same_hash_one_does(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let another_server = place.open().await;
    let app = application(&one, "app");
    let with = imported(&app);
    store.add_application(app.clone(), Some(with.clone()), event("app")).await.unwrap();
    let mut racing = JoinSet::new();
    for number in 0..8 {
        let store = Arc::clone(if number % 2 == 0 { &store } else { &another_server });
        let (application, credential) = (app.id, with.id);
        racing.spawn(async move {
            store.replace_verifier(application, credential, keyed(number), event("race")).await.unwrap()
        });
    }
    assert_eq!(racing.join_all().await.into_iter().filter(|replaced| *replaced).count(), 1);
    let events = store.audit_events(0, 100).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.event.subject == "race").count(), 1);
}
