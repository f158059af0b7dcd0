//! Changes of several things at once, operators, kept answers, searching, and the audit's chain.
//! Not for: each change by itself (`registry.rs`, `applications.rs` and so on).

use super::sample::{add_application, add_tenant, application, credential, event, operator, scope, tenant};
use super::{Place, conflict, store_with_tenant};
use crate::crypto::seal::Sealed;
use crate::domain::application::{Application, ClientId};
use crate::domain::audit::{AuditEvent, AuditFilter, ChainWalk};
use crate::domain::operator::Operator;
use crate::domain::time::Timestamp;
use crate::store::{Conflict, KeptAnswer, Match, Recorded, RegistryChange};

pub(super) async fn makes_several_changes_or_none(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let (app, other) = (application(&one, "app"), application(&one, "other"));
    let first = credential(&app, 1);
    let changes = |last: Application| {
        vec![
            Recorded::new(RegistryChange::AddScope(scope(&one, "more")), event("scope")),
            Recorded::new(RegistryChange::AddApplication(app.clone(), vec![first.clone()]), event("app")),
            Recorded::part(RegistryChange::AddApplication(last, Vec::new())),
        ]
    };
    let before = (store.audit_events(0, 100).await.unwrap(), store.changes_since(0).await.unwrap());
    assert_eq!(conflict(store.change_registry(changes(app.clone())).await), Conflict::Exists);
    assert_eq!((store.audit_events(0, 100).await.unwrap(), store.changes_since(0).await.unwrap()), before);
    assert!(store.application(one.id, "app").await.unwrap().is_none());
    store.change_registry(changes(other)).await.unwrap();
    assert_eq!(store.application(one.id, "app").await.unwrap().unwrap().credentials[0].id, first.id);
    assert!(store.application(one.id, "other").await.unwrap().is_some());
    // What is part of another change has no event of its own, but servers hear of it.
    assert_eq!(store.audit_events(0, 100).await.unwrap().len(), before.0.len() + 2);
    assert_eq!(store.changes_since(before.1.revision).await.unwrap().list.unwrap().len(), 2);
}

pub(super) async fn removes_only_what_has_the_version_that_is_meant(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let app = application(&one, "app");
    add_application(&store, &app).await;
    let one_change = |what: RegistryChange| vec![Recorded::new(what, event("removal"))];
    for what in [
        RegistryChange::RemoveApplication(app.id, Some(2)),
        RegistryChange::RemoveScope(one.id, scope(&one, "read").name, Some(2)),
        RegistryChange::RemoveTenant(one.id, Some(2)),
    ] {
        assert_eq!(conflict(store.change_registry(one_change(what)).await), Conflict::Changed);
    }
    assert!(store.application(one.id, "app").await.unwrap().is_some());
    let removals = [
        RegistryChange::RemoveApplication(app.id, Some(1)),
        RegistryChange::RemoveScope(one.id, scope(&one, "read").name, Some(1)),
        RegistryChange::RemoveTenant(one.id, Some(1)),
    ];
    for what in removals {
        store.change_registry(one_change(what)).await.unwrap();
    }
    assert!(store.tenants().await.unwrap().is_empty());
}

pub(super) async fn keeps_operators_by_name(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let (bea, ann) = (operator("bea", None), operator("ann", Some(&one)));
    let make = async |what: RegistryChange| {
        store.change_registry(vec![Recorded::new(what, event("operator"))]).await
    };
    for one in [&bea, &ann] {
        make(RegistryChange::AddOperator(one.clone())).await.unwrap();
    }
    assert_eq!(conflict(make(RegistryChange::AddOperator(operator("ann", None))).await), Conflict::Exists);
    let shown = |one: &Operator| format!("{one:?} {:?}", one.digest.as_bytes());
    let all = async || store.operators().await.unwrap().iter().map(shown).collect::<Vec<_>>();
    assert_eq!(all().await, [shown(&ann), shown(&bea)]);
    let changed = Operator { scopes: vec!["admin:write".to_owned()], enabled: false, ..bea.clone() };
    make(RegistryChange::ChangeOperator(changed.clone())).await.unwrap();
    assert_eq!(conflict(make(RegistryChange::ChangeOperator(bea.clone())).await), Conflict::Changed);
    let changed = Operator { version: 2, ..changed };
    assert_eq!(all().await, [shown(&ann), shown(&changed)]);
    assert_eq!(conflict(make(RegistryChange::RemoveOperator(bea.id, Some(1))).await), Conflict::Changed);
    make(RegistryChange::RemoveOperator(bea.id, Some(2))).await.unwrap();
    // An operator of a tenant goes with it.
    store.remove_tenant(one.id, event("tenant")).await.unwrap();
    assert_eq!(all().await, Vec::<String>::new());
}

pub(super) async fn keeps_one_answer_for_a_request_until_it_expires(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let at = Timestamp::from_millis;
    let answer = |text: &[u8], kept_at: i64| KeptAnswer {
        caller: "caller".to_owned(),
        key: "key".to_owned(),
        request: [3; 32],
        sealed: Sealed::from_bytes(text.to_vec()),
        sealed_under: "0123abcd".to_owned(),
        kept_at: at(kept_at),
        expires_at: at(kept_at + 100),
    };
    let keep = async |name: &str, answer: KeptAnswer| {
        let change = Recorded::new(RegistryChange::AddScope(scope(&one, name)), event(name));
        store.change_registry(vec![change, Recorded::part(RegistryChange::KeepAnswer(answer))]).await
    };
    keep("first", answer(b"first", 0)).await.unwrap();
    assert_eq!(conflict(keep("second", answer(b"second", 99)).await), Conflict::Answered);
    assert!(store.scopes(one.id).await.unwrap().iter().all(|scope| scope.name.as_str() != "second"));
    let kept =
        async |caller: &str, key: &str, now: i64| store.kept_answer(caller, key, at(now)).await.unwrap();
    assert_eq!(kept("caller", "key", 99).await, Some(answer(b"first", 0)));
    assert_eq!(kept("caller", "key", 100).await, None);
    assert!(kept("another", "key", 50).await.is_none() && kept("caller", "other", 50).await.is_none());
    keep("second", answer(b"second", 100)).await.unwrap();
    assert_eq!(kept("caller", "key", 150).await, Some(answer(b"second", 100)));
    store.forget_past(at(200)).await.unwrap();
    assert_eq!(kept("caller", "key", 150).await, None);
}

pub(super) async fn finds_applications_by_the_beginning_of_name_or_id(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let other = tenant("other");
    add_tenant(&store, &other).await;
    for (tenant, client_id, name) in [
        (&one, "Bill-2", "zebra"),
        (&one, "bill-1", "Billing of orders"),
        (&one, "x1", "billing"),
        (&one, "x2", "BILLING"),
        (&one, "x3", "Bi%lling"),
        (&one, "unrelated", "the billing"),
        (&other, "bill-1", "billing"),
    ] {
        let app = Application { name: name.to_owned(), ..application(tenant, client_id) };
        store.add_application(app, None, event(client_id)).await.unwrap();
    }
    let find = async |text: &str, after: Option<Match>, limit: usize| {
        store.find_applications(one.id, text, after, limit).await.unwrap()
    };
    let ids = |found: &[(Match, std::sync::Arc<crate::domain::application::Registered>)]| -> Vec<String> {
        found.iter().map(|(_, one)| one.application.client_id.to_string()).collect()
    };
    let all = find("bILl", None, 10).await;
    assert_eq!(ids(&all), ["bill-1", "Bill-2", "x1", "x2"]);
    assert_eq!(ids(&find("bi%", None, 10).await), ["x3"]);
    assert!(find("nothing", None, 10).await.is_empty() && find("_ill", None, 10).await.is_empty());
    // Page by page it is the same, whatever the size of a page.
    for size in 1..=3 {
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = find("bill", after.clone(), size).await;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            paged.extend(ids(&page));
        }
        assert_eq!(paged, ids(&all), "{size}");
    }
    // A place that is none of this search leads to nothing that it does not find.
    let elsewhere = |name: &str, id: &str| Some(Match::Name(name.to_owned(), ClientId::parse(id).unwrap()));
    assert_eq!(ids(&find("bill", elsewhere("a", "a"), 10).await), ["x1", "x2"]);
    assert!(find("bill", elsewhere("the billing", "a"), 10).await.is_empty());
    assert!(find("bill", elsewhere("unrelated", "a"), 10).await.is_empty());
    let before = Some(Match::ClientId(ClientId::parse("a").unwrap()));
    assert_eq!(ids(&find("bill", before, 10).await), ids(&all));
    // What comes and goes between two pages moves nothing else.
    let after = Some(Match::ClientId(ClientId::parse("Bill-2").unwrap()));
    store.remove_application(all[1].1.application.id, event("gone")).await.unwrap();
    assert_eq!(ids(&find("bill", after, 10).await), ["x1", "x2"]);
}

pub(super) async fn binds_each_event_to_those_before(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let mine = AuditEvent { tenant: Some(one.id), actor: "me".to_owned(), ..event("mine") };
    let later = AuditEvent { at: Timestamp::from_millis(2_000), ..mine.clone() };
    let made = [event("another's"), mine, later];
    for (name, event) in ["a", "b", "c"].iter().zip(made.clone()) {
        store.add_scope(scope(&one, name), event).await.unwrap();
    }
    let events = place.open().await.audit_events(0, 100).await.unwrap();
    let mut walk = ChainWalk::default();
    events.iter().try_for_each(|next| walk.step(next)).unwrap();
    assert_eq!(usize::try_from(walk.sequence).unwrap(), events.len());
    assert_eq!(made, std::array::from_fn(|place| events[events.len() - 3 + place].event.clone()));

    let find = async |filter: AuditFilter, before: Option<i64>, limit: usize| -> Vec<i64> {
        let found = store.find_audit_events(filter, before, limit).await.unwrap();
        found.iter().map(|event| event.sequence - walk.sequence).collect()
    };
    let mine = AuditFilter { tenant: Some(one.id), ..AuditFilter::default() };
    assert_eq!(find(mine.clone(), None, 10).await, [0, -1]);
    assert_eq!(find(mine.clone(), None, 1).await, [0]);
    assert_eq!(find(mine.clone(), Some(walk.sequence), 10).await, [-1]);
    let narrowed = AuditFilter {
        actor: Some("me".to_owned()),
        action: Some("thing.change".to_owned()),
        subject: Some("mine".to_owned()),
        until: Some(Timestamp::from_millis(2_000)),
        ..mine.clone()
    };
    assert_eq!(find(narrowed, None, 10).await, [-1]);
    assert_eq!(find(AuditFilter { since: Some(Timestamp::from_millis(2_000)), ..mine }, None, 10).await, [0]);
    assert_eq!(find(AuditFilter::default(), None, 3).await, [0, -1, -2]);
}
