//! The header fields that tell an application how it stands with its quota (draft-ietf-httpapi-ratelimit-headers, as
//! structured fields), and when there is room again.
//! Not for: deciding what may be told (`issuer/quotas.rs`).

use std::time::Duration;

use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::issuer::quotas::{Room, Standing};
use crate::oauth::error::Limit;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Tells how it stands, if that may be told.
pub(super) fn tell(headers: &mut HeaderMap, standing: Option<&Standing>) {
    let Some(Standing(rooms)) = standing else { return };
    let policy = |room: &Room| {
        format!(r#""{}";q={};w={}"#, room.window.as_str(), room.limit, room.window.length().as_secs())
    };
    let left =
        |room: &Room| format!(r#""{}";r={};t={}"#, room.window.as_str(), room.left, rounded_up(room.ends_in));
    insert(headers, RATE_LIMIT_POLICY, rooms.iter().map(policy));
    insert(headers, RATE_LIMIT, rooms.iter().map(left));
}

/// Tells of a limit that was reached.
pub(super) fn refuse(headers: &mut HeaderMap, limit: &Limit) {
    headers.insert(header::RETRY_AFTER, rounded_up(limit.retry_after).max(1).into());
    tell(headers, limit.standing.as_ref());
}

fn insert(headers: &mut HeaderMap, name: HeaderName, members: impl Iterator<Item = String>) {
    let list: Vec<String> = members.collect();
    if let Ok(value) = HeaderValue::from_str(&list.join(", ")) {
        headers.insert(name, value);
    }
}

/// Whole seconds, so that whoever waits for so long has waited long enough.
fn rounded_up(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::quota::Window;

    /// Both fields read as lists of strings with parameters (RFC 9651 §3.1).
    #[test]
    fn each_window_has_its_member_in_both_fields() {
        let room = |window, limit, left, millis| Room {
            window,
            limit,
            left,
            ends_in: Duration::from_millis(millis),
        };
        let rooms = vec![room(Window::Minute, 100, 42, 16_001), room(Window::Day, 5, 0, 86_400_000)];
        let mut headers = HeaderMap::new();
        let retry_after = Duration::from_millis(16_001);
        refuse(&mut headers, &Limit { retry_after, standing: Some(Standing(rooms)) });
        assert_eq!(headers["ratelimit-policy"], r#""minute";q=100;w=60, "day";q=5;w=86400"#);
        assert_eq!(headers["ratelimit"], r#""minute";r=42;t=17, "day";r=0;t=86400"#);
        assert_eq!(headers["retry-after"], "17");
    }

    #[test]
    fn what_may_not_be_told_is_not() {
        let mut headers = HeaderMap::new();
        tell(&mut headers, None);
        refuse(&mut headers, &Limit { retry_after: Duration::ZERO, standing: None });
        assert_eq!((headers.len(), &headers["retry-after"]), (1, &HeaderValue::from(1)));
    }
}
