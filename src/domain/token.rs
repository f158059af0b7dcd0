//! What a token is like, as far as an application or an API has a say: lifetime, profile, claims of its own.
//! Not for: making one (`oauth/access_token.rs`).

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value};

use super::Invalid;

/// Token lifetimes an operator may set, in seconds: one minute to one day.
pub const TOKEN_LIFETIME_SECONDS: RangeInclusive<u64> = 60..=86_400;

/// The longest lifetime there is.
pub const MAX_TOKEN_LIFETIME: Duration = Duration::from_secs(*TOKEN_LIFETIME_SECONDS.end());

/// Token lifetime unless set: five minutes.
pub const DEFAULT_TOKEN_LIFETIME: Duration = Duration::from_mins(5);

/// The furthest that `nbf` may be dated back.
const MAX_BACKDATING: Duration = Duration::from_mins(1);

/// Most bytes that static claims may take in a token, of the 4 KiB it has.
const MAX_STATIC_CLAIMS_BYTES: usize = 1024;

/// Claims that say what was proved, granted or bound, or that verifiers take for one of those. None of them may be
/// set by hand (IANA's registry of JWT claims; RFC 7519, 7800, 8693, 9068, 9396, 9449, `OpenID` Connect Core).
const REGISTERED_CLAIMS: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "scope",
    "scp",
    "client_id",
    "azp",
    "cnf",
    "act",
    "may_act",
    "authorization_details",
    "token_introspection",
    "active",
    "username",
    "token_type",
    "auth_time",
    "acr",
    "amr",
    "nonce",
    "sid",
    "events",
    "at_hash",
    "c_hash",
    "sub_id",
    "htm",
    "htu",
    "ath",
];

/// What an application or an API says of tokens. What is `None` takes its default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenSettings {
    /// How long tokens live, in whole seconds.
    pub lifetime: Option<Duration>,
    /// Their shape.
    pub profile: Option<TokenProfile>,
    /// How long before `iat` their `nbf` lies, in whole seconds, for verifiers whose clocks are late.
    pub backdating: Option<Duration>,
}

/// For which share of its lifetime a token is handed out again to a caller that asks for the same: 1 to 90 percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReuseShare(u8);

impl ReuseShare {
    /// A share in whole percent.
    ///
    /// # Errors
    /// When it is less than 1 or more than 90: nobody is to get a token that is nearly over.
    pub fn from_percent(percent: u64) -> Result<Self, Invalid> {
        u8::try_from(percent).ok().filter(|percent| (1..=90).contains(percent)).map(Self).ok_or_else(|| {
            Invalid(format!("a token is reused for 1 to 90 percent of its lifetime, not {percent}"))
        })
    }

    /// A share as an operator writes it: a whole number of percent.
    ///
    /// # Errors
    /// When it is no such number, or is less than 1 or more than 90.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let percent = text.parse();
        percent
            .map_err(|_| Invalid(format!("{text:?} is no share: a whole number of percent, 1 to 90")))
            .and_then(Self::from_percent)
    }

    /// The share in percent.
    #[must_use]
    pub const fn percent(self) -> u8 {
        self.0
    }

    /// The share of a lifetime.
    #[must_use]
    pub fn of(self, lifetime: Duration) -> Duration {
        lifetime * u32::from(self.0) / 100
    }
}

/// The shape of an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenProfile {
    /// That of the reference service; the default for tokens without an API.
    Ciam,
    /// That of RFC 9068; the default for tokens for an API.
    Rfc9068,
}

impl TokenProfile {
    /// Every profile.
    pub const ALL: [Self; 2] = [Self::Ciam, Self::Rfc9068];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ciam => "ciam",
            Self::Rfc9068 => "rfc9068",
        }
    }

    /// The profile of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        super::named(&Self::ALL, Self::as_str, text, "a token profile")
    }
}

impl TokenSettings {
    /// Checks lifetime and back-dating.
    ///
    /// # Errors
    /// When a token would live shorter than a minute or longer than a day, or `nbf` lie more than a minute back.
    pub fn check(&self) -> Result<(), Invalid> {
        let shown = super::time::format_duration;
        if let Some(lifetime) = self.lifetime.filter(|one| !TOKEN_LIFETIME_SECONDS.contains(&one.as_secs())) {
            return Err(Invalid(format!("a token lives 60s to 24h, not {}", shown(lifetime))));
        }
        if let Some(backdating) = self.backdating.filter(|one| *one > MAX_BACKDATING) {
            return Err(Invalid(format!("nbf may lie 0s to 60s before iat, not {}", shown(backdating))));
        }
        Ok(())
    }
}

/// Claims that every token of an application has, whatever was asked. None of them is a registered one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StaticClaims {
    members: Map<String, Value>,
    /// The members as they are appended to a token's claims, each after a comma.
    rendered: String,
}

/// JSON numbers come from JSON text here, which has no NaN.
impl Eq for StaticClaims {}

impl StaticClaims {
    /// Checks claims.
    ///
    /// # Errors
    /// When one has the name of a registered claim or none at all, or all together are too long.
    pub fn new(members: Map<String, Value>) -> Result<Self, Invalid> {
        for name in members.keys() {
            // Some verifiers match names without regard to case, and take the last.
            if REGISTERED_CLAIMS.iter().any(|registered| registered.eq_ignore_ascii_case(name)) {
                return Err(Invalid(format!("{name:?} is a registered claim, which only the server sets")));
            }
            super::check_label("name of a claim", name, 64)?;
        }
        let text = Value::Object(members.clone()).to_string();
        if text.len() > MAX_STATIC_CLAIMS_BYTES {
            return Err(Invalid(format!(
                "the claims are too long: at most {MAX_STATIC_CLAIMS_BYTES} bytes of JSON, of the 4 KiB a token has"
            )));
        }
        let inner = text.get(1..text.len() - 1).unwrap_or_default();
        let rendered = if inner.is_empty() { String::new() } else { format!(",{inner}") };
        Ok(Self { members, rendered })
    }

    /// The claims.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The claims as JSON, each after a comma, to stand behind a token's other claims.
    #[must_use]
    pub fn rendered(&self) -> &str {
        &self.rendered
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn claims(value: &Value) -> Result<StaticClaims, Invalid> {
        StaticClaims::new(value.as_object().unwrap().clone())
    }

    #[test]
    fn a_lifetime_is_a_minute_to_a_day() {
        for (seconds, good) in [(59, false), (60, true), (86_400, true), (86_401, false)] {
            let lifetime = Some(Duration::from_secs(seconds));
            assert_eq!(
                TokenSettings { lifetime, ..TokenSettings::default() }.check().is_ok(),
                good,
                "{seconds}"
            );
        }
    }

    /// H09
    #[test]
    fn nbf_lies_at_most_a_minute_back() {
        for (seconds, good) in [(0, true), (60, true), (61, false)] {
            let backdating = Some(Duration::from_secs(seconds));
            assert_eq!(
                TokenSettings { backdating, ..TokenSettings::default() }.check().is_ok(),
                good,
                "{seconds}"
            );
        }
    }

    /// H11
    #[test]
    fn a_static_claim_has_no_registered_name() {
        for name in REGISTERED_CLAIMS {
            assert!(claims(&json!({ *name: 1 })).is_err(), "{name}");
        }
        assert!(claims(&json!({ "Aud": 1 })).is_err() && claims(&json!({ "SCOPE": 1 })).is_err());
        assert!(claims(&json!({ "": 1 })).is_err() && claims(&json!({ "a\n": 1 })).is_err());
        assert!(claims(&json!({ "a": "x".repeat(1_024) })).is_err());
        let good =
            claims(&json!({ "https://example.com/team": ["a", {"b": null}], "tier": "say \"hi\"" })).unwrap();
        assert_eq!(good.rendered(), r#","https://example.com/team":["a",{"b":null}],"tier":"say \"hi\"""#);
        assert_eq!(claims(&json!({})).unwrap().rendered(), "");
    }

    #[test]
    fn a_token_is_reused_for_at_most_nine_tenths_of_its_life() {
        for (percent, good) in [(0, false), (1, true), (90, true), (91, false), (257, false)] {
            assert_eq!(ReuseShare::from_percent(percent).is_ok(), good, "{percent}");
        }
        for bad in ["", "0", "91", "-1", "50%", "0.5", "half"] {
            assert!(ReuseShare::parse(bad).is_err(), "{bad}");
        }
        let share = ReuseShare::parse("50").unwrap();
        assert_eq!(share.of(Duration::from_secs(301)), Duration::from_millis(150_500));
    }

    #[test]
    fn names_are_read_back() {
        for profile in TokenProfile::ALL {
            assert_eq!(TokenProfile::parse(profile.as_str()), Ok(profile));
        }
        assert!(TokenProfile::parse("CIAM").is_err());
    }

    proptest! {
        #[test]
        fn what_is_rendered_reads_back(name in "[a-z:/.]{1,20}", text in ".{0,40}") {
            if let Ok(good) = claims(&json!({ name.clone(): text.clone() })) {
                let whole: Value = serde_json::from_str(&format!("{{\"iss\":1{}}}", good.rendered())).unwrap();
                prop_assert_eq!(&whole[&name], &json!(text));
            }
        }
    }
}
