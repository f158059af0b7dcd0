//! APIs, their scopes, and what applications have to do with them.
//! Not for: what tokens for them say.

use super::sample::{add_tenant, api, application, event, scope, scopes, tenant};
use super::{Place, conflict, store_with_tenant};
use crate::domain::api::Api;
use crate::domain::application::Application;
use crate::domain::scope::{Scope, ScopeName};
use crate::domain::time::Timestamp;
use crate::domain::token::TokenSettings;
use crate::store::{Conflict, ScopeChange};

fn name(text: &str) -> ScopeName {
    ScopeName::parse(text).unwrap()
}

pub(super) async fn keeps_an_api_with_its_scopes(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let (orders, billing) = (api(&one, "urn:orders"), api(&one, "urn:billing"));
    let own = Scope { api: Some(orders.identifier.clone()), ..scope(&one, "orders:read") };
    store.add_api(orders.clone(), vec![own.clone()], event("api")).await.unwrap();
    store.add_api(billing.clone(), Vec::new(), event("api")).await.unwrap();
    assert_eq!(store.apis(one.id).await.unwrap(), [billing.clone(), orders.clone()]);
    assert_eq!(store.scopes(one.id).await.unwrap(), [own.clone(), scope(&one, "read"), scope(&one, "write")]);
    // Neither an identifier nor a scope is anybody's twice, and nothing is kept of what does not fit.
    let taken = store.add_api(orders.clone(), Vec::new(), event("twice")).await;
    assert_eq!(conflict(taken), Conflict::Exists);
    let third = api(&one, "urn:third");
    let stolen = Scope { api: Some(third.identifier.clone()), ..own };
    assert_eq!(conflict(store.add_api(third, vec![stolen], event("stolen")).await), Conflict::Exists);
    assert_eq!(store.apis(one.id).await.unwrap().len(), 2);
    // Another tenant may have the same.
    let other = tenant("other");
    add_tenant(&store, &other).await;
    store.add_api(api(&other, "urn:orders"), Vec::new(), event("api")).await.unwrap();
    assert_eq!(store.apis(other.id).await.unwrap(), [api(&other, "urn:orders")]);
}

pub(super) async fn changes_an_api_only_at_its_version(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let orders = api(&one, "urn:orders");
    let own = |text| Scope { api: Some(orders.identifier.clone()), ..scope(&one, text) };
    store.add_api(orders.clone(), vec![own("o:read")], event("api")).await.unwrap();
    let changed = Api {
        name: String::new(),
        token: TokenSettings::default(),
        algorithm: None,
        updated_at: Timestamp::from_millis(9),
        ..orders.clone()
    };
    let swap = || ScopeChange { added: vec![own("o:write")], removed: vec![name("o:read")] };
    store.change_api(changed.clone(), swap(), event("api")).await.unwrap();
    assert_eq!(store.apis(one.id).await.unwrap(), [Api { version: 2, ..changed.clone() }]);
    assert_eq!(store.scopes(one.id).await.unwrap()[0], own("o:write"));
    let late = store.change_api(orders.clone(), ScopeChange::default(), event("late")).await;
    assert_eq!(conflict(late), Conflict::Changed);
    // A scope that is granted does not go, and nothing else of the change is made.
    let app = Application { scopes: scopes(&["o:write"]), ..application(&one, "app") };
    store.add_application(app, None, event("app")).await.unwrap();
    let now = Api { version: 2, name: "Another".to_owned(), ..changed };
    let gone = ScopeChange { added: vec![own("o:new")], removed: vec![name("o:write")] };
    assert_eq!(conflict(store.change_api(now, gone, event("gone")).await), Conflict::InUse);
    assert_eq!(store.apis(one.id).await.unwrap()[0].name, "");
    assert_eq!(store.scopes(one.id).await.unwrap().len(), 3);
}

pub(super) async fn keeps_what_applications_have_to_do_with_apis(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let (orders, billing) = (api(&one, "urn:orders"), api(&one, "urn:billing"));
    let own = Scope { api: Some(orders.identifier.clone()), ..scope(&one, "o:read") };
    store.add_api(orders.clone(), vec![own], event("api")).await.unwrap();
    store.add_api(billing.clone(), Vec::new(), event("api")).await.unwrap();
    let app = Application {
        scopes: scopes(&["write", "o:read", "read"]),
        default_scopes: Some(scopes(&["read", "o:read"])),
        apis: vec![orders.identifier.clone(), billing.identifier.clone()],
        default_api: Some(billing.identifier.clone()),
        acts_for: vec![billing.identifier.clone()],
        ..application(&one, "app")
    };
    store.add_application(app.clone(), None, event("app")).await.unwrap();
    let kept = store.application(one.id, "app").await.unwrap().unwrap();
    assert_eq!(kept.application, app);
    assert_eq!(kept.scope_apis, [(name("o:read"), orders.identifier.clone())].into());
    assert!(kept.may_call(&orders.identifier) && !kept.may_call(&api(&one, "urn:x").identifier));
    for used in [&orders, &billing] {
        let removed = store.remove_api(one.id, used.identifier.clone(), event("api")).await;
        assert_eq!(conflict(removed), Conflict::InUse);
    }
    let unknown = Application { apis: vec![api(&one, "urn:x").identifier], ..application(&one, "unknown") };
    assert_eq!(conflict(store.add_application(unknown, None, event("app")).await), Conflict::Missing);
    let freed = Application { apis: Vec::new(), default_api: None, acts_for: Vec::new(), ..app };
    store.change_application(freed.clone(), event("app")).await.unwrap();
    assert!(store.remove_api(one.id, billing.identifier.clone(), event("api")).await.unwrap());
    assert!(!store.remove_api(one.id, billing.identifier, event("again")).await.unwrap());
    let none = Application { scopes: scopes(&[]), default_scopes: None, version: 2, ..freed };
    store.change_application(none, event("app")).await.unwrap();
    assert!(store.remove_api(one.id, orders.identifier, event("api")).await.unwrap());
    // Its scopes went with it; the tenant's stayed. All of it goes with the tenant.
    assert_eq!(store.scopes(one.id).await.unwrap().len(), 2);
    store.add_api(api(&one, "urn:last"), Vec::new(), event("api")).await.unwrap();
    assert!(store.remove_tenant(one.id, event("tenant")).await.unwrap());
    assert!(store.apis(one.id).await.unwrap().is_empty());
    assert_eq!(store.check().await.unwrap().damage, Vec::<String>::new());
}
