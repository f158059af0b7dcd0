//! Audit events: who changed what, when and from where, each bound to the one before.
//! Not for: refused token requests, which change nothing (`refusal.rs`).

use std::borrow::Cow;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::id::TenantId;
use super::time::Timestamp;
use crate::crypto::sha256;

/// One change, recorded in the same transaction as the change itself.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// In which tenant, if in one.
    pub tenant: Option<TenantId>,
    /// Who did it.
    pub actor: String,
    /// From where: an address, or the way in that has none.
    pub source: String,
    /// The request it was part of, if it was one.
    pub request: Option<String>,
    /// What was done: a noun and a verb, such as `application.add`.
    pub action: Cow<'static, str>,
    /// What it was done to, as people name it.
    pub subject: String,
    /// What else there is to know, secrets never.
    pub detail: Value,
}

/// The SHA-256 that binds an event to all before it.
pub type ChainHash = [u8; 32];

/// What the first event of all is bound to.
pub const CHAIN_START: ChainHash = [0; 32];

impl AuditEvent {
    /// The hash of this event after those that end in `previous`: the SHA-256 of a JSON array of `previous` in
    /// hexadecimal, the time in milliseconds, tenant, actor, source, request, action, subject and detail, without spaces.
    #[must_use]
    pub fn hash_after(&self, previous: &ChainHash) -> ChainHash {
        let fields = json!([
            HEXLOWER.encode(previous),
            self.at.as_millis(),
            self.tenant.map(|tenant| tenant.to_string()),
            self.actor,
            self.source,
            self.request,
            self.action,
            self.subject,
            self.detail,
        ]);
        sha256(fields.to_string().as_bytes())
    }
}

/// An audit event as it was read back, with its place in the order.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedEvent {
    /// Its place: one more than that of the event before.
    pub sequence: i64,
    /// What binds it to the events before, as it was written.
    pub hash: ChainHash,
    /// The event.
    pub event: AuditEvent,
}

/// Which audit events are asked for. What is `None` is no condition.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditFilter {
    /// Those of this tenant.
    pub tenant: Option<TenantId>,
    /// Those of this actor, exactly.
    pub actor: Option<String>,
    /// Those of this action, exactly.
    pub action: Option<String>,
    /// Those about this subject, exactly.
    pub subject: Option<String>,
    /// Those at that time or later.
    pub since: Option<Timestamp>,
    /// Those before that time.
    pub until: Option<Timestamp>,
}

/// Where a chain of events is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// An event is missing before this one.
    #[error("an event before number {0} is missing")]
    Gap(i64),
    /// This event, or one before it, is not as it was written.
    #[error("event number {0} does not fit the events before it: it, or one of them, was altered")]
    Altered(i64),
}

/// Follows a chain, event by event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainWalk {
    /// The number of the last event.
    pub sequence: i64,
    /// Its hash.
    pub head: ChainHash,
}

impl Default for ChainWalk {
    fn default() -> Self {
        Self { sequence: 0, head: CHAIN_START }
    }
}

impl ChainWalk {
    /// Goes on to the next event.
    ///
    /// # Errors
    /// When it is not the next one, or not as it was written.
    pub fn step(&mut self, next: &RecordedEvent) -> Result<(), Broken> {
        if next.sequence != self.sequence + 1 {
            return Err(Broken::Gap(next.sequence));
        }
        if next.event.hash_after(&self.head) != next.hash {
            return Err(Broken::Altered(next.sequence));
        }
        *self = Self { sequence: next.sequence, head: next.hash };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(subject: &str) -> AuditEvent {
        AuditEvent {
            at: Timestamp::from_millis(5),
            tenant: None,
            actor: "cli:me".to_owned(),
            source: "command line".to_owned(),
            request: None,
            action: "scope.add".into(),
            subject: subject.to_owned(),
            detail: json!({ "description": "Ü \"1\"" }),
        }
    }

    fn chain(subjects: &[&str]) -> Vec<RecordedEvent> {
        let mut previous = CHAIN_START;
        (1..)
            .zip(subjects)
            .map(|(sequence, subject)| {
                let event = event(subject);
                previous = event.hash_after(&previous);
                RecordedEvent { sequence, hash: previous, event }
            })
            .collect()
    }

    fn walk(chain: &[RecordedEvent]) -> Result<ChainWalk, Broken> {
        let mut walk = ChainWalk::default();
        chain.iter().try_for_each(|next| walk.step(next)).map(|()| walk)
    }

    /// So that an auditor can compute it with other tools: docs/operate/audit.md has the same text.
    #[test]
    fn the_hash_is_that_of_a_text_anybody_can_write() {
        let text = format!(
            r#"["{}",5,null,"cli:me","command line",null,"scope.add","a",{{"description":"Ü \"1\""}}]"#,
            "0".repeat(64)
        );
        assert_eq!(event("a").hash_after(&CHAIN_START), sha256(text.as_bytes()));
    }

    #[test]
    fn finds_what_was_altered_removed_or_put_elsewhere() {
        let whole = chain(&["a", "b", "c"]);
        assert_eq!(walk(&whole).unwrap(), ChainWalk { sequence: 3, head: whole[2].hash });
        let mut altered = whole.clone();
        altered[1].event.detail = json!({});
        assert_eq!(walk(&altered), Err(Broken::Altered(2)));
        altered[1].hash = altered[1].event.hash_after(&altered[0].hash);
        assert_eq!(walk(&altered), Err(Broken::Altered(3)));
        assert_eq!(walk(&[whole[0].clone(), whole[2].clone()]), Err(Broken::Gap(3)));
        let moved = RecordedEvent { sequence: 2, ..whole[2].clone() };
        assert_eq!(walk(&[whole[0].clone(), moved]), Err(Broken::Altered(2)));
    }
}
