//! Tenants, their keys and their scopes.
//! Not for: applications.

use std::num::NonZeroU32;

use super::sample::{
    add_application, add_tenant, application, event, key, scope, scopes, tenant, unknown_tenant,
};
use super::{Place, conflict, store_with_tenant};
use crate::domain::application::Application;
use crate::domain::quota::Quota;
use crate::domain::scope::Scope;
use crate::domain::tenant::{Host, IssuerUrl, Tenant};
use crate::domain::time::Timestamp;
use crate::store::Conflict;

pub(super) async fn keeps_tenants_by_name_with_hosts_and_key(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let another = tenant("another");
    add_tenant(&store, &another).await;
    assert_eq!(store.tenants().await.unwrap(), [another.clone(), one.clone()]);
    let kept = store.signing_keys(one.id).await.unwrap();
    let made = key(&one);
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].tenant, &kept[0].algorithm, kept[0].state), (one.id, &made.algorithm, made.state));
    assert_eq!((&kept[0].public, kept[0].sealed.as_bytes()), (&made.public, made.sealed.as_bytes()));
    assert_eq!((kept[0].created_at, kept[0].state_since), (made.created_at, made.state_since));
    assert!(store.signing_keys(unknown_tenant()).await.unwrap().is_empty());
}

pub(super) async fn refuses_a_tenant_of_which_anything_is_taken(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let other = tenant("other");
    for taken in [
        Tenant { id: one.id, ..other.clone() },
        Tenant { name: one.name.clone(), ..other.clone() },
        Tenant { issuer: one.issuer.clone(), ..other.clone() },
        Tenant { hosts: vec![other.hosts[0].clone(), one.hosts[1].clone()], ..other.clone() },
    ] {
        let refused = store.add_tenant(taken.clone(), key(&taken), event("taken")).await;
        assert_eq!(conflict(refused), Conflict::Exists);
    }
    assert_eq!(store.tenants().await.unwrap(), std::slice::from_ref(&one));
    add_tenant(&store, &other).await;
    let hosts = vec![other.hosts[0].clone(), one.hosts[0].clone()];
    let refused = store.change_tenant(Tenant { hosts, ..other.clone() }, event("taken")).await;
    assert_eq!(conflict(refused), Conflict::Exists);
    assert_eq!(store.tenants().await.unwrap(), [one, other]);
}

pub(super) async fn changes_a_tenant_only_at_its_version(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let hosts = vec![Host::parse("third.example").unwrap(), one.hosts[0].clone()];
    let issuer = IssuerUrl::parse("https://moved.example/path").unwrap();
    let quota = Quota { per_minute: NonZeroU32::new(7), ..Quota::default() };
    let updated_at = Timestamp::from_millis(9);
    let changed = Tenant { hosts, issuer, enabled: false, quota, updated_at, ..one.clone() };
    store.change_tenant(changed.clone(), event("tenant")).await.unwrap();
    assert_eq!(store.tenants().await.unwrap(), [Tenant { version: 2, ..changed.clone() }]);
    assert_eq!(conflict(store.change_tenant(one, event("late")).await), Conflict::Changed);
    assert_eq!(conflict(store.change_tenant(tenant("gone"), event("gone")).await), Conflict::Changed);
    assert_eq!(store.tenants().await.unwrap(), [Tenant { version: 2, ..changed }]);
}

pub(super) async fn removes_a_tenant_with_all_that_is_its_own(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let app = Application { scopes: scopes(&["read"]), ..application(&one, "app") };
    add_application(&store, &app).await;
    assert!(store.remove_tenant(one.id, event("tenant")).await.unwrap());
    assert!(!store.remove_tenant(one.id, event("again")).await.unwrap());
    assert!(store.tenants().await.unwrap().is_empty() && store.scopes(one.id).await.unwrap().is_empty());
    assert!(
        store.signing_keys(one.id).await.unwrap().is_empty()
            && store.application(one.id, "app").await.unwrap().is_none()
    );
    // Nothing is left in the way of the same one again.
    add_tenant(&store, &one).await;
    assert!(store.application(one.id, "app").await.unwrap().is_none());
    assert_eq!(store.check().await.unwrap().damage, Vec::<String>::new());
}

pub(super) async fn keeps_scopes_by_name(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let (other, admin) = (tenant("other"), scope(&one, "admin"));
    add_tenant(&store, &other).await;
    store.add_scope(admin.clone(), event("scope")).await.unwrap();
    assert_eq!(conflict(store.add_scope(admin.clone(), event("twice")).await), Conflict::Exists);
    assert_eq!(
        conflict(store.add_scope(scope(&tenant("gone"), "x"), event("gone")).await),
        Conflict::Missing
    );
    store.add_scope(scope(&other, "admin"), event("scope")).await.unwrap();
    let changed = Scope { description: String::new(), ..admin };
    assert!(store.change_scope(changed.clone(), event("scope")).await.unwrap());
    assert!(!store.change_scope(scope(&one, "none"), event("none")).await.unwrap());
    assert!(!store.change_scope(changed.clone(), event("late")).await.unwrap());
    let changed = Scope { version: 2, ..changed };
    assert_eq!(
        store.scopes(one.id).await.unwrap(),
        [changed.clone(), scope(&one, "read"), scope(&one, "write")]
    );
    assert!(store.remove_scope(one.id, changed.name.clone(), event("scope")).await.unwrap());
    assert!(!store.remove_scope(one.id, changed.name, event("again")).await.unwrap());
    assert_eq!(store.scopes(one.id).await.unwrap().len(), 2);
    assert_eq!(store.scopes(other.id).await.unwrap(), [scope(&other, "admin")]);
}

pub(super) async fn keeps_a_scope_that_is_in_use(place: &impl Place) {
    let (store, one) = store_with_tenant(place).await;
    let app = Application { scopes: scopes(&["read"]), ..application(&one, "app") };
    store.add_application(app.clone(), None, event("app")).await.unwrap();
    let remove = async || store.remove_scope(one.id, scope(&one, "read").name, event("scope")).await;
    assert_eq!(conflict(remove().await), Conflict::InUse);
    store.change_application(Application { scopes: scopes(&[]), ..app }, event("app")).await.unwrap();
    assert!(remove().await.unwrap());
}
