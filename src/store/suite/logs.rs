//! What is written beside each change, for people and for servers, and that it stays.
//! Not for: the changes themselves.

use std::slice;

use super::sample::{
    add_application, add_tenant, application, credential, event, key, record_use, scope, scopes, tenant,
};
use super::{Place, store_with_tenant};
use crate::domain::application::{Application, ClientId};
use crate::domain::audit::AuditEvent;
use crate::domain::id::TenantId;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::store::{CHANGES_KEPT, Changes, Health};

pub(super) async fn writes_one_event_for_each_change_and_none_for_none(place: &impl Place) {
    let (store, one) = (place.open().await, tenant("one"));
    let (app, read) = (application(&one, "app"), scope(&one, "read"));
    let more = credential(&app, 2);
    // Each is done twice, and the second time there is nothing to do or it does not fit.
    for time in ["first", "second"] {
        let event = |subject: &str| event(&format!("{subject}, {time}"));
        let first = time == "first";
        assert_eq!(store.add_tenant(one.clone(), key(&one), event("add tenant")).await.is_ok(), first);
        assert_eq!(store.change_tenant(one.clone(), event("change tenant")).await.is_ok(), first);
        assert_eq!(store.add_scope(read.clone(), event("add scope")).await.is_ok(), first);
        assert_eq!(store.add_application(app.clone(), None, event("add application")).await.is_ok(), first);
        assert_eq!(store.change_application(app.clone(), event("change application")).await.is_ok(), first);
        assert_eq!(store.add_credential(more.clone(), event("add credential")).await.is_ok(), first);
    }
    assert!(store.change_scope(read.clone(), event("change scope, first")).await.unwrap());
    for time in ["first", "second"] {
        let event = |subject: &str| event(&format!("{subject}, {time}"));
        let first = time == "first";
        assert_eq!(
            store.remove_credential(app.id, more.id, event("remove credential")).await.unwrap(),
            first
        );
        assert_eq!(store.remove_application(app.id, event("remove application")).await.unwrap(), first);
        assert_eq!(
            store.remove_scope(one.id, read.name.clone(), event("remove scope")).await.unwrap(),
            first
        );
        assert!(!store.change_scope(read.clone(), event("change scope")).await.unwrap());
        assert_eq!(store.remove_tenant(one.id, event("remove tenant")).await.unwrap(), first);
    }
    let events = store.audit_events(0, 100).await.unwrap();
    let subjects: Vec<&str> = events.iter().map(|event| event.event.subject.as_str()).collect();
    let expected = [
        "add tenant",
        "change tenant",
        "add scope",
        "add application",
        "change application",
        "add credential",
        "change scope",
        "remove credential",
        "remove application",
        "remove scope",
        "remove tenant",
    ];
    assert_eq!(subjects, expected.map(|subject| format!("{subject}, first")));
    assert!(events.is_sorted_by(|one, next| one.sequence < next.sequence));

    let page = store.audit_events(events[3].sequence, 2).await.unwrap();
    assert_eq!(page, events[4..6]);
    assert_eq!(store.audit_events(events[10].sequence, 2).await.unwrap(), []);
}

pub(super) async fn lists_what_changed_after_a_revision(place: &impl Place) {
    let (store, one) = (place.open().await, tenant("one"));
    assert_eq!(store.changes_since(0).await.unwrap(), Changes { revision: 0, list: Some(Vec::new()) });
    add_tenant(&store, &one).await;
    let mut last = store.changes_since(0).await.unwrap();
    assert_eq!(last.list, Some(vec![(one.id, None)]));
    let since = async |last: &mut Changes| -> Option<Vec<(TenantId, Option<ClientId>)>> {
        *last = store.changes_since(last.revision).await.unwrap();
        last.list.clone()
    };
    // Scopes alone are nothing that servers keep.
    store.add_scope(scope(&one, "read"), event("scope")).await.unwrap();
    assert_eq!(since(&mut last).await, Some(Vec::new()));
    let app = Application { scopes: scopes(&["read"]), ..application(&one, "app") };
    let (more, of_app) = (credential(&app, 2), Some(vec![(one.id, Some(app.client_id.clone()))]));
    add_application(&store, &app).await;
    assert_eq!(since(&mut last).await, of_app);
    store.change_application(app.clone(), event("app")).await.unwrap();
    assert_eq!(since(&mut last).await, of_app);
    store.add_credential(more.clone(), event("secret")).await.unwrap();
    assert_eq!(since(&mut last).await, of_app);
    store.remove_credential(app.id, more.id, event("secret")).await.unwrap();
    assert_eq!(since(&mut last).await, of_app);
    // What did not happen changed nothing.
    let before = last.revision;
    store.remove_credential(app.id, more.id, event("again")).await.unwrap();
    store.change_application(app.clone(), event("late")).await.unwrap_err();
    assert_eq!(since(&mut last).await, Some(Vec::new()));
    assert_eq!(last.revision, before);
    store.remove_application(app.id, event("app")).await.unwrap();
    store.change_tenant(one.clone(), event("tenant")).await.unwrap();
    let both = [of_app.clone().unwrap(), vec![(one.id, None)]].concat();
    assert_eq!(since(&mut last).await, Some(both));
    store.remove_tenant(one.id, event("tenant")).await.unwrap();
    assert_eq!(since(&mut last).await, Some(vec![(one.id, None)]));
    assert_eq!(store.changes_since(0).await.unwrap().list.unwrap().len(), 8);
    // A place that lies ahead is one of another store: nothing remembered can be trusted.
    assert_eq!(
        store.changes_since(last.revision + 1).await.unwrap(),
        Changes { revision: last.revision, list: None }
    );
}

pub(super) async fn says_so_when_it_has_forgotten_too_much(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let first = store.changes_since(0).await.unwrap().revision;
    let forget = async || while store.forget_past(Timestamp::from_millis(0)).await.unwrap() {};
    forget().await;
    assert!(store.changes_since(0).await.unwrap().list.is_some());
    place.note_changes(one.id, CHANGES_KEPT).await;
    let newest = first + CHANGES_KEPT;
    assert_eq!(
        store.changes_since(0).await.unwrap().list.map(|list| list.len()),
        usize::try_from(newest).ok()
    );
    forget().await;
    assert_eq!(store.changes_since(0).await.unwrap(), Changes { revision: newest, list: None });
    let kept = store.changes_since(newest - CHANGES_KEPT).await.unwrap();
    assert_eq!(kept.list.map(|list| list.len()), usize::try_from(CHANGES_KEPT).ok());
    assert_eq!(
        store.changes_since(newest).await.unwrap(),
        Changes { revision: newest, list: Some(Vec::new()) }
    );
    // Revisions go on where they were.
    store.change_tenant(one.clone(), event("tenant")).await.unwrap();
    let next = store.changes_since(newest).await.unwrap();
    assert_eq!(next, Changes { revision: newest + 1, list: Some(vec![(one.id, None)]) });
}

pub(super) async fn keeps_everything_when_it_is_opened_again(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let app = Application { scopes: scopes(&["write", "read"]), ..application(&one, "app") };
    let with = add_application(&store, &app).await;
    record_use(&store, vec![(with.id, Timestamp::from_millis(77))]).await;
    let written = AuditEvent { tenant: Some(one.id), ..event("Ünïcode 😀 ' \" \\") };
    store.change_tenant(one.clone(), written.clone()).await.unwrap();
    let before = (store.audit_events(0, 100).await.unwrap(), store.changes_since(0).await.unwrap());
    drop(store);
    let store = place.open().await;
    assert_eq!(store.tenants().await.unwrap(), [Tenant { version: 2, ..one.clone() }]);
    assert_eq!(store.scopes(one.id).await.unwrap(), ["read", "write"].map(|name| scope(&one, name)));
    assert_eq!(store.signing_keys(one.id).await.unwrap().len(), 1);
    let kept = store.application(one.id, "app").await.unwrap().unwrap();
    assert_eq!((&kept.application, kept.credentials[0].id), (&app, with.id));
    assert_eq!(kept.credentials[0].last_used_at, Some(Timestamp::from_millis(77)));
    let last = before.0.last().unwrap();
    assert_eq!(last.event, written);
    let after = (store.audit_events(0, 100).await.unwrap(), store.changes_since(0).await.unwrap());
    assert_eq!(after, before);
}

pub(super) async fn shows_each_change_to_every_connection_at_once(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let another_server = place.open().await;
    for number in 0..20 {
        let app = application(&one, &format!("app{number}"));
        let before = another_server.changes_since(0).await.unwrap().revision;
        add_application(&store, &app).await;
        let seen = another_server.application(one.id, app.client_id.as_str()).await.unwrap().unwrap();
        assert_eq!(seen.application, app);
        let changes = another_server.changes_since(before).await.unwrap();
        assert_eq!(changes.list.as_deref(), Some(slice::from_ref(&(one.id, Some(app.client_id.clone())))));
    }
}

pub(super) async fn finds_no_damage_in_what_it_wrote<P: Place>(place: &P) {
    let (store, one) = store_with_tenant(place).await;
    add_application(&store, &application(&one, "app")).await;
    assert_eq!(store.check().await.unwrap(), Health { schema: P::SCHEMA, damage: Vec::new() });
}
