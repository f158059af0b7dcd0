//! The front page of the integration tests: one binary, one module for each area.
#![cfg(test)]

/// The real router with a set clock and seeded randomness, and how to talk to it.
mod support;

/// Lists and folders agree.
mod complete;
/// Which module may use which: the dependency rule.
mod layers;
/// Each reason of a refusal, and how it is mended.
mod mending;
/// Source text without comments and strings, for `layers` and `tidy`.
mod source;
/// Length of files, names in documents, every conformance line proved.
mod tidy;

/// The admin API: CONFORMANCE O and P.
mod admin;
/// JWKS and metadata: CONFORMANCE I.
mod discovery;
/// Changes from the command line reach a running server.
mod following;
/// Applications of other servers, whose old secrets get tokens.
mod import;
/// `POST /oauth2/introspect`: CONFORMANCE K.
mod introspect;
/// Who tries out tokens, and tokens that are bound to nothing: CONFORMANCE K05, K07, H10.
mod misses;
/// The store is away, slow, or asked too much.
mod outage;
/// The registry as a file.
mod registry;
/// `POST /oauth2/revoke`: CONFORMANCE J.
mod revoke;
/// Keys that rotate, leak, and a clock that goes back: CONFORMANCE I.
mod rotation;
/// What is counted, and why a request was refused.
mod statistics;
/// Tenants by host: CONFORMANCE R.
mod tenants;
/// `POST /oauth2/token`: CONFORMANCE B to F and H.
mod token;

/// The command line, as whole processes.
mod cli;
/// `kill -9` loses nothing acknowledged.
mod crash;
/// HTTP itself, over real sockets to the built binary: CONFORMANCE A.
mod http;
/// The issuance stream of the built binary.
mod issuance;
/// Several nodes on one PostgreSQL.
mod postgres;
/// TLS, certificates that change, a stop that loses nothing.
mod serving;
