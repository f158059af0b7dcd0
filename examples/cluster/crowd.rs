//! Who asks what while something is done to the nodes: applications that get tokens, verifiers, strangers, operators.
//! Not for: at what times (`load.rs`).

use std::sync::Arc;

use tokio::time::sleep;

use super::Done;
use super::desk::Desk;
use super::door::{Door, Login};
use super::judge::GRACE;
use super::ledger::{Entry, Ledger};
use super::load::Load;
use super::report::Report;
use super::site::Site;

/// A load of everything.
pub(crate) struct Crowd {
    pub(crate) load: Load,
    pub(crate) ledger: Ledger,
    /// Begins the names of whatever it makes.
    name: &'static str,
}

impl Crowd {
    /// Nobody yet.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { load: Load::new(), ledger: Ledger::default(), name }
    }

    /// Nobody asks anything more; and when every node must know of what was acknowledged, all of it is looked at.
    pub(crate) async fn end(self, site: &Site, report: &mut Report) -> Done {
        report.need_punctual(self.load.stop().await?);
        sleep(GRACE + GRACE / 10).await;
        self.ledger.look(&site.doors, &site.desks).await;
        site.look_through_audit().await
    }

    /// Known applications get tokens.
    pub(crate) fn tokens(&mut self, door: &Arc<Door>, known: &Arc<[Login]>, per_second: f64) {
        let (door, known) = (Arc::clone(door), Arc::clone(known));
        self.load.every(per_second, move |number| {
            let (door, login) = (Arc::clone(&door), pick(&known, number).cloned());
            async move {
                if let Some(login) = login {
                    door.token(&login).await;
                }
            }
        });
    }

    /// Verifiers get the public keys.
    pub(crate) fn keys(&mut self, door: &Arc<Door>, per_second: f64) {
        let door = Arc::clone(door);
        self.load.every(per_second, move |_| {
            let door = Arc::clone(&door);
            async move { drop(door.keys().await) }
        });
    }

    /// Strangers guess: each id once.
    pub(crate) fn strangers(&mut self, door: &Arc<Door>, node: usize, per_second: f64) {
        let (door, name) = (Arc::clone(door), self.name);
        self.load.every(per_second, move |number| {
            let door = Arc::clone(&door);
            async move { door.unknown(&format!("stranger-{name}-{node}-{number}")).await }
        });
    }

    /// Applications ask one node for a token, and another whether it is active.
    pub(crate) fn verifiers(&mut self, doors: &[Arc<Door>], known: &Arc<[Login]>, per_second: f64) {
        let (doors, known): (Arc<[_]>, _) = (doors.to_vec().into(), Arc::clone(known));
        self.load.every(per_second, move |number| {
            let (doors, login) = (Arc::clone(&doors), pick(&known, number).cloned());
            async move {
                let (Some(login), Some(issuing)) = (login, pick(&doors, number)) else { return };
                let Some(token) = issuing.token(&login).await.1 else { return };
                for door in doors.iter() {
                    door.introspect(&token).await;
                }
            }
        });
    }

    /// Applications get a token and revoke it.
    pub(crate) fn revocations(&mut self, door: &Arc<Door>, known: &Arc<[Login]>, per_second: f64) {
        let (door, known, ledger) = (Arc::clone(door), Arc::clone(known), self.ledger.clone());
        self.load.every(per_second, move |number| {
            let (door, login, ledger) = (Arc::clone(&door), pick(&known, number).cloned(), ledger.clone());
            async move {
                let Some(login) = login else { return };
                let Some(token) = door.token(&login).await.1 else { return };
                let outcome = door.revoke(&token).await;
                ledger.note(&outcome, Entry::Revoked(token));
            }
        });
    }

    /// Operators register applications, and change every other one.
    pub(crate) fn operators(&mut self, desk: &Arc<Desk>, node: usize, per_second: f64) {
        let (desk, ledger, name) = (Arc::clone(desk), self.ledger.clone(), self.name);
        self.load.every(per_second, move |number| {
            let login = Login::new(&format!("made-{name}-{node}-{number}"), "read");
            let (desk, ledger) = (Arc::clone(&desk), ledger.clone());
            async move { administer(&desk, &ledger, &login, number).await }
        });
    }
}

/// The short life of an application. Whatever of it is acknowledged is looked at in the end; of one that is disabled tokens
/// are refused, which tells as much.
async fn administer(desk: &Desk, ledger: &Ledger, login: &Login, number: u64) {
    let outcome = desk.register(login, &["read"]).await;
    if !ledger.note(&outcome, Entry::Good(login.clone())) {
        return;
    }
    let next = login.with_secret(2);
    let (outcome, _) = desk.add_secret(&next).await;
    ledger.note(&outcome, Entry::Good(next));
    if number % 2 == 1 {
        let outcome = desk.disable(login).await;
        ledger.note(&outcome, Entry::Bad(login.clone()));
    }
}

fn pick<T>(all: &[T], number: u64) -> Option<&T> {
    let count = u64::try_from(all.len()).ok()?;
    all.get(usize::try_from(number.checked_rem(count)?).ok()?)
}
