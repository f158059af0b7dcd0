//! The token endpoint, asked as callers ask it. One file for each section of the conformance list, more or less.

mod access_token;
mod algorithm;
mod api;
mod authentication;
mod budget;
mod client_credentials;
mod client_secret;
mod errors;
mod guesses;
mod held;
mod imported_secret;
mod one_answer;
mod overload;
mod parsing;
mod quotas;
mod recognized;
mod response;
mod reuse;
mod scope;
mod trouble;
