//! Moving an installation to another store, backups and restores: in which order it is done, so that nothing that was
//! acknowledged is lost and never two stores are live at once.
//! Not for: the rows themselves (`store/copy`).

use serde_json::json;

use super::Actor;
use crate::domain::audit::{AuditEvent, ChainWalk, RecordedEvent};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::copy::{
    self, AUDIT, Copied, Direction, Ends, Mark, NotCopied, Progress, Session, Side, event_row,
};

#[cfg(test)]
mod tests;

/// How far a restored store's revision is ahead of the time in milliseconds and of what it was. So it is ahead of
/// whatever a running server has followed to, and the server forgets everything it knows of the store before.
const REVISIONS_AHEAD: i64 = 1_000_000;

/// A store opened to be copied, and what it is called: its URL without a password.
pub struct Place {
    /// The store.
    pub session: Box<dyn Session>,
    /// What it is called.
    pub name: String,
}

/// Who copies, and how.
pub struct Copier {
    /// Who.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// Whether it goes on although the audit is broken.
    pub accepts_broken_audit: bool,
    /// Hears how far it is.
    pub tell: Box<dyn FnMut(Progress) + Send>,
}

/// Why something was not done, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// Nothing was done.
    #[error(transparent)]
    NotCopied(#[from] NotCopied),
    /// The copy is there, and the store it was made of is live as before.
    #[error(
        "the copy was made, but the store it was made of could not be marked as moved and is live as before: {0}; remove \
         the copy, and copy again"
    )]
    NotMarked(#[source] StoreError),
    /// It is moved, but the copy cannot be used yet.
    #[error(
        "the store was moved, but the copy is still marked as unfinished: {0}; run 'chancery store reopen' on the copy"
    )]
    NotFinished(#[source] StoreError),
    /// There is nothing to reopen.
    #[error("the store is open: it was not moved, and is no copy that was not finished")]
    NotMoved,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Copier {
    /// Moves a store, which is held, into an empty one. The copy is marked as unfinished until the store that it was
    /// made of is marked as moved: whenever this is interrupted, at most one of them is live.
    ///
    /// # Errors
    /// When it cannot be done; the text says what is there then.
    pub async fn relocate(&mut self, from: &mut Place, to: &mut Place) -> Result<Copied, NotDone> {
        let copied = self.fill(from, to).await?;
        let event = self.event("store.copy", &from.name, &copied);
        let unfinished = Mark { at: self.at, direction: Direction::From, place: from.name.clone() };
        let session = &mut to.session;
        let finished = async {
            let ends = session.ends().await?;
            record(session.as_mut(), ends, event).await?;
            session.set_mark(Some(unfinished)).await?;
            session.commit().await
        };
        finished.await.map_err(|why| NotCopied::Store(Side::To, why))?;
        let moved = Mark { at: self.at, direction: Direction::To, place: to.name.clone() };
        from.session.set_mark(Some(moved)).await.map_err(NotDone::NotMarked)?;
        from.session.commit().await.map_err(NotDone::NotMarked)?;
        to.session.set_mark(None).await.map_err(NotDone::NotFinished)?;
        Ok(copied)
    }

    /// Copies a store as it is at one moment into an empty one, and leaves both as they are. A broken audit is copied as
    /// it is: what there is must not be lost because something is wrong with it.
    ///
    /// # Errors
    /// When it cannot be done; there is no copy then.
    pub async fn back_up(&mut self, from: &mut Place, to: &mut Place) -> Result<Copied, NotDone> {
        self.accepts_broken_audit = true;
        let copied = self.fill(from, to).await?;
        to.session.commit().await.map_err(|why| NotCopied::Store(Side::To, why))?;
        Ok(copied)
    }

    /// Copies a backup into an empty store, with a revision that no server has followed to.
    ///
    /// # Errors
    /// When it cannot be done; the store is empty as before.
    pub async fn restore(&mut self, from: &mut Place, to: &mut Place) -> Result<Copied, NotDone> {
        let copied = self.fill(from, to).await?;
        let event = self.event("store.restore", &from.name, &copied);
        let at = self.at.as_millis();
        let session = &mut to.session;
        let finished = async {
            let ends = session.ends().await?;
            let revision = ends.revision.max(at).saturating_add(REVISIONS_AHEAD);
            record(session.as_mut(), Ends { revision, ..ends }, event).await?;
            session.commit().await
        };
        finished.await.map_err(|why| NotCopied::Store(Side::To, why))?;
        Ok(copied)
    }

    /// Lets a store be changed again that was moved, or is a copy that was not finished, and returns the mark it had.
    ///
    /// # Errors
    /// When it has no mark, or does not answer.
    pub async fn reopen(&mut self, place: &mut Place) -> Result<Mark, NotDone> {
        let session = place.session.as_mut();
        let mark = session.mark().await?.ok_or(NotDone::NotMoved)?;
        let detail = json!({ "direction": mark.direction.as_str(), "since": mark.at.to_string() });
        let event = self.event_of("store.reopen", &mark.place, detail);
        session.set_mark(None).await?;
        let ends = session.ends().await?;
        record(session, ends, event).await?;
        session.commit().await?;
        Ok(mark)
    }

    async fn fill(&mut self, from: &mut Place, to: &mut Place) -> Result<Copied, NotCopied> {
        copy::check_from(from.session.as_mut()).await?;
        copy::check_to(to.session.as_mut()).await?;
        let copied = copy::copy(from.session.as_mut(), to.session.as_mut(), self.tell.as_mut()).await?;
        match copied.audit {
            Err(broken) if !self.accepts_broken_audit => Err(NotCopied::Audit(broken)),
            _ => Ok(copied),
        }
    }

    fn event(&self, action: &'static str, subject: &str, copied: &Copied) -> AuditEvent {
        let rows: u64 = copied.tables.iter().map(|table| table.rows).sum();
        let broken = copied.audit.err().map(|broken| broken.to_string());
        let detail = match broken {
            None => json!({ "rows": rows }),
            Some(broken) => json!({ "rows": rows, "audit": broken }),
        };
        self.event_of(action, subject, detail)
    }

    fn event_of(&self, action: &'static str, subject: &str, detail: serde_json::Value) -> AuditEvent {
        let Actor { name, source, request, .. } = self.actor.clone();
        let subject = subject.to_owned();
        AuditEvent {
            at: self.at,
            tenant: None,
            actor: name,
            source,
            request,
            action: action.into(),
            subject,
            detail,
        }
    }
}

/// Writes an event behind all others, and lets the numbering go on after it.
async fn record(session: &mut dyn Session, ends: Ends, event: AuditEvent) -> Result<(), StoreError> {
    let hash = event.hash_after(&ends.audit.head);
    let recorded = RecordedEvent { sequence: ends.audit.sequence + 1, hash, event };
    session.write(&AUDIT, vec![event_row(&recorded)]).await?;
    let audit = ChainWalk { sequence: recorded.sequence, head: recorded.hash };
    session.set_ends(Ends { audit, ..ends }).await
}
