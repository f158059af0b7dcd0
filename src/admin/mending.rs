//! How each refusal is mended, in a sentence for the operator. A test holds that no reason is without one.
//! Not for: deciding on refusals (`oauth`), or telling callers.

/// How to mend what has this reason; `None` for a reason that this version does not know.
#[must_use]
pub fn mend(reason: &str) -> Option<&'static str> {
    MENDING.iter().find(|(one, _)| *one == reason).map(|(_, mend)| *mend)
}

/// Every reason a request can be refused for, and how that is mended.
pub const MENDING: &[(&str, &str)] = &[
    // Who calls.
    (
        "no application has this client_id",
        "See 'chancery app list' for the client_id that the caller should send; the hint says how its own begins and how \
         long it is. A new application is known within a second.",
    ),
    (
        "the store is away, and the application is not in memory with this secret",
        "Bring the store back: the log has the true reason as the cause, and only the store can say whether it still holds.",
    ),
    (
        "the secret is wrong, or was removed",
        "Compare the caller's secret with what it was given; if that is lost, 'chancery app secret add CLIENT_ID' makes \
         another one.",
    ),
    (
        "the secret has expired",
        "Make another one with 'chancery app secret add CLIENT_ID', give it to the caller, then remove the expired one.",
    ),
    (
        "the secret is longer than any secret can be",
        "The caller sends something else in place of its secret: a secret has at most 1024 bytes.",
    ),
    ("the application is disabled", "'chancery app set CLIENT_ID --enabled true' lets it have tokens again."),
    (
        "the tenant is disabled",
        "'chancery tenant set NAME --enabled true' lets its applications have tokens again.",
    ),
    (
        "the application is a public client and has no credentials",
        "An application of type spa or native gets no tokens here: register one of type m2m or web for the caller.",
    ),
    (
        "the application is not registered for this authentication method",
        "Let the caller send its secret in another way, or allow this one with 'chancery app set CLIENT_ID --auth-method', \
         once for each method that is to be allowed.",
    ),
    (
        "the request has no credentials",
        "The caller must send its client_id and secret, in an Authorization: Basic field or as client_id and \
         client_secret in the form.",
    ),
    ("the form has a client_secret but no client_id", "The caller must send client_id beside client_secret."),
    (
        "the Authorization scheme is not supported",
        "The caller must use the scheme Basic in its Authorization field, or leave the field out and send client_id and \
         client_secret in the form.",
    ),
    (
        "the Basic credentials are not base64",
        "The caller must encode client_id:secret in base64, with padding and without line ends.",
    ),
    (
        "the Basic credentials have no colon",
        "The caller must join its client_id and its secret with a colon before it encodes them in base64.",
    ),
    (
        "the Basic credentials have an empty part",
        "The caller sends an empty client_id or an empty secret: look at the settings it takes them from.",
    ),
    (
        "the Basic credentials are not form-encoded",
        "The caller must form-encode its client_id and its secret, each by itself, before it joins them with a colon \
         (RFC 6749 section 2.3.1).",
    ),
    (
        "assertions are not supported",
        "The caller authenticates with an assertion: configure it to use its client secret.",
    ),
    (
        "The request authenticates in more than one way (RFC 6749 section 2.3).",
        "The caller must send its secret either in the Authorization field or in the form, not in both.",
    ),
    (
        "The client_id in the form is not the one that authenticates (RFC 6749 section 3.2.1).",
        "The caller must leave client_id out of the form, or send the one it authenticates with.",
    ),
    (
        "The request has more than one Authorization field.",
        "The caller, or a proxy before the server, adds a second Authorization field: leave one out.",
    ),
    // What is asked for.
    (
        "The parameter grant_type is missing.",
        "The caller must send grant_type=client_credentials in the form.",
    ),
    (
        "This server serves the grant client_credentials only.",
        "The caller must send grant_type=client_credentials.",
    ),
    (
        "The application may not use this grant.",
        "'chancery app set CLIENT_ID --grant client_credentials' lets it have tokens.",
    ),
    (
        "This server supports no authorization_details.",
        "The caller must leave authorization_details out and ask for scopes.",
    ),
    (
        "A scope is unknown, or not granted to the application.",
        "Compare what the caller asks for with 'chancery app show CLIENT_ID'; grant it with 'chancery app set CLIENT_ID \
         --scope', once for each scope it is to have.",
    ),
    (
        "The scope is malformed: names separated by single spaces (RFC 6749 section 3.3).",
        "The caller must separate the names in scope by single spaces, with none before or after them.",
    ),
    (
        "The scope is longer than any grant can be.",
        "The caller must ask for fewer scopes: scope has at most 4096 bytes.",
    ),
    (
        "The token would be longer than 4 KiB. Ask for fewer scopes.",
        "The caller must ask for fewer scopes, or the application be given fewer by default.",
    ),
    (
        "A resource must be an absolute URI without a fragment (RFC 8707 section 2).",
        "The caller must send as resource the identifier of an API, as 'chancery api list' shows it.",
    ),
    (
        "A resource is unknown, or the application may not have tokens for it.",
        "See 'chancery api list' for the identifier; give the application a scope of the API, or the API itself with \
         'chancery app set CLIENT_ID --api'.",
    ),
    (
        "A scope belongs to an API that the resource does not name.",
        "The caller must leave resource out, or send that of the API which defines the scopes: 'chancery scope list'.",
    ),
    (
        "The scopes belong to several APIs. Say with resource which are meant.",
        "The caller must ask for a token for each API, or send a resource for each of them.",
    ),
    (
        "Say with resource or scope which API the token is for: there is no default one.",
        "The caller must send resource or scope, or the application be given an API by 'chancery app set CLIENT_ID \
         --default-api'.",
    ),
    (
        "These resources want tokens of different kinds. Ask for one at a time.",
        "The caller must ask for a token for each API; or let the APIs have the same token profile and algorithm.",
    ),
    // Tokens that come back.
    ("The parameter token is missing.", "The caller must send the token as the parameter token in the form."),
    (
        "The token was issued to another client.",
        "Only the application that was issued a token can revoke it; 'chancery app revoke-tokens CLIENT_ID' revokes all \
         of another one.",
    ),
    (
        "The application has asked about too many tokens that are not active.",
        "The caller is a resource server that is sent many bad tokens, or tries tokens out: see who calls it. It may ask \
         again after a minute.",
    ),
    // Limits.
    (
        "The application has used up its quota of tokens. Retry-After says when there are more.",
        "The caller should keep its token as long as it lives ('chancery statistics --application' shows how many it \
         fetches), or be given more with 'chancery app set CLIENT_ID --tokens-per-minute' (or -hour, -day).",
    ),
    (
        "The applications of this tenant have used up their quota of tokens. Retry-After says when there are more.",
        "'chancery statistics' shows which application fetches most; 'chancery tenant set NAME --tokens-per-minute' (or \
         -hour, -day) gives all of them more.",
    ),
    (
        "Too many attempts to authenticate with this client_id have failed. Retry-After says when the next one is judged.",
        "Somebody guesses, or a caller has a wrong secret: see the refusals before. One that is made with 'chancery app \
         secret add CLIENT_ID' is served at once; any other has to wait.",
    ),
    // How it is written.
    ("A parameter is there twice.", "The caller must send each parameter once; only resource may repeat."),
    (
        "A parameter holds a control character.",
        "The caller sends a line end or another control character in a parameter, often at the end of a secret that was \
         read from a file: trim it.",
    ),
    (
        "The form has a % that two hexadecimal digits do not follow.",
        "The caller must form-encode names and values: a percent sign is %25.",
    ),
    (
        "The form has too many parameters.",
        "The caller sends more than 100 parameters: leave out what is not needed.",
    ),
    ("The form is not UTF-8.", "The caller must encode the form as UTF-8."),
    (
        "Send the parameters as application/x-www-form-urlencoded.",
        "The caller must send a form, with Content-Type: application/x-www-form-urlencoded; JSON is not read.",
    ),
    ("The body is longer than 64 KiB.", "The caller must send a shorter form: no request needs that much."),
    (
        "The body did not arrive in time.",
        "The caller or the network is slow, or the Content-Length is more than what is sent.",
    ),
    ("The body is broken.", "The caller closed the connection early, or frames the body wrongly."),
    (
        "Too many requests are not complete. Send each in one piece, and try again.",
        "Somebody sends many requests and not the end of them. Connections that hold little are answered meanwhile.",
    ),
    // Trouble of ours.
    (
        "The server cannot answer right now. Try again.",
        "The store did not answer, or too many tokens waited for a signature; the caller may try again. The log has the \
         cause under the request id.",
    ),
    (
        "Something is wrong inside the server. Its log has the details under the request id.",
        "See the log for the cause under the request id, and 'chancery migrate --check' for the state of the store.",
    ),
    ("an API was added a moment ago", "Nothing is to be mended: the caller may try again after a second."),
    (
        "the tenant was removed, or cannot work now",
        "See 'chancery tenant list'; if the tenant is there, the log says why it cannot work.",
    ),
    (
        "the request was held up inside the server for too long",
        "The caller may try again; if it happens often, the server has too few processors or was paused.",
    ),
    // Imported secrets.
    (
        "too many imported secrets wait to be checked",
        "The caller may try again. It passes when each caller has used its secret once; if it does not, somebody guesses at \
         this application's: 'chancery app secret add CLIENT_ID' makes one that needs no such check, then remove the other.",
    ),
    (
        "the hash of an imported secret could not be checked",
        "There was too little memory for the check, or the log names a fault: give the server more, or give the caller a \
         secret made here with 'chancery app secret add CLIENT_ID'.",
    ),
    (
        "an imported secret was proved, and nothing is known after that",
        "The caller may try again: its secret is right and is not checked slowly any more.",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_reason_is_there_once_and_mended_in_whole_sentences() {
        let reasons: BTreeSet<&str> = MENDING.iter().map(|(reason, _)| *reason).collect();
        assert_eq!(reasons.len(), MENDING.len());
        for (reason, sentence) in MENDING {
            assert_eq!(mend(reason), Some(*sentence));
            assert!(
                sentence.ends_with('.') && !sentence.contains("  ") && sentence.len() < 250,
                "{sentence}"
            );
        }
        assert_eq!(mend("nothing that is known"), None);
    }
}
