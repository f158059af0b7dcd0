//! Audit events as rows, so that their chain can be followed and go on in a copy.
//! Not for: what an event says (`domain/audit.rs`).

use std::borrow::Cow;

use super::{Cell, Row};
use crate::domain::audit::{AuditEvent, RecordedEvent};
use crate::domain::time::Timestamp;

/// The row of an event, with the columns of `AUDIT`.
#[must_use]
pub fn event_row(recorded: &RecordedEvent) -> Row {
    let text = |text: &str| Cell::Text(text.to_owned());
    let optional = |text: Option<String>| text.map_or(Cell::Null, Cell::Text);
    let event = &recorded.event;
    vec![
        Cell::Integer(recorded.sequence),
        Cell::Integer(event.at.as_millis()),
        optional(event.tenant.map(|tenant| tenant.to_string())),
        text(&event.actor),
        text(&event.source),
        optional(event.request.clone()),
        text(&event.action),
        text(&event.subject),
        Cell::Text(event.detail.to_string()),
        Cell::Bytes(recorded.hash.to_vec()),
    ]
}

/// The event of a row, or nothing when it is none.
pub(super) fn event_of(row: &Row) -> Option<RecordedEvent> {
    let [sequence, at, tenant, actor, source, request, action, subject, detail, hash] = row.as_slice() else {
        return None;
    };
    Some(RecordedEvent {
        sequence: integer(sequence)?,
        event: AuditEvent {
            at: Timestamp::from_millis(integer(at)?),
            tenant: optional_text(tenant, |text| text.and_then(|text| text.parse().ok()))?,
            actor: text(actor)?,
            source: text(source)?,
            request: optional_text(request, |text| text)?,
            action: Cow::Owned(text(action)?),
            subject: text(subject)?,
            detail: serde_json::from_str(&text(detail)?).ok()?,
        },
        hash: bytes(hash)?.try_into().ok()?,
    })
}

fn integer(cell: &Cell) -> Option<i64> {
    if let Cell::Integer(number) = cell { Some(*number) } else { None }
}

fn bytes(cell: &Cell) -> Option<&[u8]> {
    if let Cell::Bytes(bytes) = cell { Some(bytes) } else { None }
}

fn text(cell: &Cell) -> Option<String> {
    if let Cell::Text(text) = cell { Some(text.clone()) } else { None }
}

/// What a cell of text or nothing reads as.
fn optional_text<T>(cell: &Cell, read: impl FnOnce(Option<String>) -> T) -> Option<T> {
    if *cell == Cell::Null { Some(read(None)) } else { text(cell).map(|text| read(Some(text))) }
}
