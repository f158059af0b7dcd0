//! Where a request comes from, as the proxy in front of the server tells it.
//! Not for: servers without one, where anybody could say anything.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

/// The last address of the last `X-Forwarded-For` field: what the nearest proxy has added. Whatever stands before it was
/// said by others. `None` when it is no address.
pub(super) fn source(headers: &HeaderMap) -> Option<IpAddr> {
    let field = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    let last = field.rsplit(',').next()?.trim();
    let with_port = || last.parse::<SocketAddr>().map(|address| address.ip());
    last.parse().or_else(|_| with_port()).ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_nearest_proxy_has_added_and_nothing_else() {
        let read = |fields: &[&str]| {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append("x-forwarded-for", field.parse().unwrap());
            }
            source(&headers).map(|address| address.to_string())
        };
        for (fields, address) in [
            (&["192.0.2.1"][..], "192.0.2.1"),
            (&["198.51.100.9, 192.0.2.1"], "192.0.2.1"),
            (&["192.0.2.9", "198.51.100.9,192.0.2.1 "], "192.0.2.1"),
            (&["nonsense, 2001:db8::1"], "2001:db8::1"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
            (&["192.0.2.1:4711"], "192.0.2.1"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
        ] {
            assert_eq!(read(fields).as_deref(), Some(address), "{fields:?}");
        }
        for fields in
            [&[][..], &[""], &["192.0.2.1, unknown"], &["192.0.2.1", ""], &["192.0.2.1,"], &["1.2.3"]]
        {
            assert_eq!(read(fields), None, "{fields:?}");
        }
    }
}
