//! Applications and their credentials.
//! Not for: tenants and scopes, beyond what applications refer to.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::sample::{
    add_application, add_tenant, application, credential, event, record_use, scopes, tenant, unknown_tenant,
};
use super::{Place, conflict, store_with_tenant};
use crate::domain::application::{Application, AuthMethod, Registered};
use crate::domain::credential::Credential;
use crate::domain::id::CredentialId;
use crate::domain::quota::Quota;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::domain::token::{StaticClaims, TokenSettings};
use crate::store::{Conflict, Store, StoreError};

async fn find(store: &Arc<dyn Store>, tenant: &Tenant, client_id: &str) -> Option<Arc<Registered>> {
    store.application(tenant.id, client_id).await.unwrap()
}

pub(super) async fn keeps_an_application_exactly(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let narrowed = Some(scopes(&["read", "write"]));
    for (client_id, default_scopes) in [("App 1%+", narrowed), ("none", Some(scopes(&[]))), ("all", None)] {
        let scopes = scopes(&["write", "read"]);
        let app = Application { scopes, default_scopes, ..application(&one, client_id) };
        let with = add_application(&store, &app).await;
        let kept = find(&store, &one, client_id).await.unwrap();
        assert_eq!(kept.application, app);
        let [kept] = &kept.credentials[..] else { panic!("{:?}", kept.credentials) };
        assert_eq!((kept.id, kept.application, &kept.label), (with.id, app.id, &with.label));
        let (is, was) = (kept.keyed().unwrap(), with.keyed().unwrap());
        assert!(is.digest.matches(&was.digest) && is.under == was.under);
        assert_eq!((kept.created_at, kept.expires_at), (with.created_at, with.expires_at));
        assert_eq!(kept.last_used_at, None);
    }
    for other in ["app 1%+", "App 1%", "App 1%+ ", "", "App%", "App 1__"] {
        assert!(find(&store, &one, other).await.is_none(), "{other}");
    }
    assert!(store.application(unknown_tenant(), "all").await.unwrap().is_none());
}

pub(super) async fn refuses_an_application_that_does_not_fit_and_keeps_nothing_of_it(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let (other, app) = (tenant("other"), application(&one, "app"));
    add_tenant(&store, &other).await;
    let taken = add_application(&store, &app).await;
    store.add_application(application(&other, "app"), None, event("app")).await.unwrap();
    let add = async |app, with| conflict(store.add_application(app, with, event("misfit")).await);
    assert_eq!(add(application(&one, "app"), None).await, Conflict::Exists);
    assert_eq!(add(Application { id: app.id, ..application(&one, "new") }, None).await, Conflict::Exists);
    assert_eq!(add(application(&tenant("gone"), "new"), None).await, Conflict::Missing);
    let unknown_scope = Application { scopes: scopes(&["read", "none"]), ..application(&one, "new") };
    assert_eq!(add(unknown_scope, None).await, Conflict::Missing);
    let of_another_tenant = Application { scopes: scopes(&["read"]), ..application(&other, "new") };
    assert_eq!(add(of_another_tenant, None).await, Conflict::Missing);
    let new = application(&one, "new");
    assert_eq!(add(new.clone(), Some(Credential { application: new.id, ..taken })).await, Conflict::Exists);
    assert!(find(&store, &one, "new").await.is_none() && find(&store, &other, "new").await.is_none());
}

pub(super) async fn changes_an_application_only_at_its_version(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let app = Application { scopes: scopes(&["read", "write"]), ..application(&one, "app") };
    add_application(&store, &app).await;
    let changed = Application {
        name: "Another name".to_owned(),
        enabled: false,
        grants: Vec::new(),
        auth_methods: AuthMethod::ALL.to_vec(),
        scopes: scopes(&["write"]),
        default_scopes: Some(scopes(&["write"])),
        token: TokenSettings { lifetime: Some(Duration::from_mins(1)), ..TokenSettings::default() },
        token_reuse: None,
        quota: Quota { per_hour: NonZeroU32::new(7), ..Quota::default() },
        claims: StaticClaims::default(),
        tokens_revoked_before: None,
        updated_at: Timestamp::from_millis(9),
        ..app.clone()
    };
    store.change_application(changed.clone(), event("app")).await.unwrap();
    let kept = find(&store, &one, "app").await.unwrap();
    assert_eq!(kept.application, Application { version: 2, ..changed.clone() });
    assert_eq!(kept.credentials.len(), 1);
    assert_eq!(conflict(store.change_application(app, event("late")).await), Conflict::Changed);
    let gone = application(&one, "gone");
    assert_eq!(conflict(store.change_application(gone, event("gone")).await), Conflict::Changed);
    let misfit = Application { version: 2, scopes: scopes(&["none"]), ..changed.clone() };
    assert_eq!(conflict(store.change_application(misfit, event("misfit")).await), Conflict::Missing);
    let kept = find(&store, &one, "app").await.unwrap();
    assert_eq!(kept.application, Application { version: 2, ..changed });
}

pub(super) async fn removes_an_application_with_its_credentials(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let app = Application { scopes: scopes(&["read"]), ..application(&one, "app") };
    let with = add_application(&store, &app).await;
    assert!(store.remove_application(app.id, event("app")).await.unwrap());
    assert!(!store.remove_application(app.id, event("again")).await.unwrap());
    assert!(find(&store, &one, "app").await.is_none());
    // Neither its name, nor its id, nor its credential's is taken any more.
    store.add_application(app.clone(), Some(with), event("app")).await.unwrap();
    assert_eq!(find(&store, &one, "app").await.unwrap().application, app);
}

pub(super) async fn pages_applications_by_client_id(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let other = tenant("other");
    add_tenant(&store, &other).await;
    // By bytes: upper case before lower case, a prefix before what is longer.
    let mut names: Vec<String> = (0..20).map(|number| format!("{}app", "abBA".repeat(number))).collect();
    for name in &names {
        add_application(&store, &Application { scopes: scopes(&["read"]), ..application(&one, name) }).await;
    }
    add_application(&store, &application(&other, "between")).await;
    names.sort();
    for limit in [1, 7, 20, 21] {
        let mut seen: Vec<Arc<Registered>> = Vec::new();
        loop {
            let after = seen.last().map(|last| last.application.client_id.clone());
            let page = store.applications(one.id, after, limit).await.unwrap();
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            seen.extend(page);
        }
        let seen_names: Vec<&str> = seen.iter().map(|app| app.application.client_id.as_str()).collect();
        assert_eq!(seen_names, names, "pages of {limit}");
        assert!(
            seen.iter().all(|app| app.credentials.len() == 1 && app.application.scopes == scopes(&["read"]))
        );
    }
    assert!(store.applications(unknown_tenant(), None, 10).await.unwrap().is_empty());
}

pub(super) async fn keeps_credentials_with_their_application(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let (app, other) = (application(&one, "app"), application(&one, "other"));
    store.add_application(app.clone(), None, event("app")).await.unwrap();
    let of_other = add_application(&store, &other).await;
    let [late, early] = [credential(&app, 20), Credential { expires_at: None, ..credential(&app, 10) }];
    for one in [&late, &early] {
        store.add_credential(one.clone(), event("secret")).await.unwrap();
    }
    let kept = async || -> Vec<CredentialId> {
        find(&store, &one, "app").await.unwrap().credentials.iter().map(|one| one.id).collect()
    };
    assert_eq!(kept().await, [early.id, late.id]);
    assert_eq!(conflict(store.add_credential(early.clone(), event("twice")).await), Conflict::Exists);
    let of_nobody = credential(&application(&one, "gone"), 1);
    assert_eq!(conflict(store.add_credential(of_nobody, event("gone")).await), Conflict::Missing);
    assert!(!store.remove_credential(app.id, of_other.id, event("foreign")).await.unwrap());
    assert!(store.remove_credential(app.id, early.id, event("secret")).await.unwrap());
    assert!(!store.remove_credential(app.id, early.id, event("again")).await.unwrap());
    assert_eq!(kept().await, [late.id]);
    assert_eq!(find(&store, &one, "other").await.unwrap().credentials.len(), 1);
}

pub(super) async fn a_last_use_only_moves_forward(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let (app, other) = (application(&one, "app"), application(&one, "other"));
    let (used, unused) = (add_application(&store, &app).await, add_application(&store, &other).await);
    let before = (store.changes_since(0).await.unwrap(), store.audit_events(0, 100).await.unwrap());
    let gone = credential(&app, 1).id;
    for (at, last) in [(-5, -5), (50, 50), (40, 50), (50, 50), (51, 51)] {
        let at = Timestamp::from_millis(at);
        record_use(&store, vec![(gone, at), (used.id, at)]).await;
        let kept = find(&store, &one, "app").await.unwrap();
        assert_eq!(kept.credentials[0].last_used_at, Some(Timestamp::from_millis(last)));
        assert_eq!(kept.application, app);
    }
    record_use(&store, Vec::new()).await;
    assert_eq!(find(&store, &one, "other").await.unwrap().credentials[0].id, unused.id);
    assert_eq!(find(&store, &one, "other").await.unwrap().credentials[0].last_used_at, None);
    let after = (store.changes_since(0).await.unwrap(), store.audit_events(0, 100).await.unwrap());
    assert_eq!(after, before);
}

pub(super) async fn of_many_who_add_the_same_client_id_one_wins(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let another_server = place.open().await;
    let mut racing = JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(if number % 2 == 0 { &store } else { &another_server });
        let app = application(&one, "app");
        racing.spawn(async move {
            let with = credential(&app, number);
            (app.id, store.add_application(app, Some(with), event("race")).await)
        });
    }
    let answers = racing.join_all().await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.is_ok());
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|(_, answer)| matches!(answer, Err(StoreError::Conflict(Conflict::Exists)))));
    let kept = find(&store, &one, "app").await.unwrap();
    assert_eq!((kept.application.id, kept.credentials.len()), (won[0].0, 1));
    let events = store.audit_events(0, 100).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.event.subject == "race").count(), 1);
}

pub(super) async fn of_many_who_change_the_same_version_one_wins(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let another_server = place.open().await;
    let app = application(&one, "app");
    add_application(&store, &app).await;
    let mut racing = JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(if number % 2 == 0 { &store } else { &another_server });
        let changed = Application { name: format!("name {number}"), ..app.clone() };
        racing.spawn(async move {
            (changed.name.clone(), store.change_application(changed, event("race")).await)
        });
    }
    let answers = racing.join_all().await;
    let winners: BTreeSet<_> =
        answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(name, _)| name).collect();
    let kept = find(&store, &one, "app").await.unwrap();
    assert_eq!((winners, kept.application.version), (BTreeSet::from([&kept.application.name]), 2));
    let changed = |answer: &Result<(), _>| matches!(answer, Err(StoreError::Conflict(Conflict::Changed)));
    assert_eq!(answers.iter().filter(|(_, answer)| changed(answer)).count(), 15);
}
