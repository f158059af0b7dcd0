//! The OpenAPI document (3.1.1), made from the routes, and the schemas that bodies are judged by.
//! Not for: what the routes are.

use std::collections::HashMap;

use axum::http::Method;
use jsonschema::Validator;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::problem::{Kind, PAGE_PATH};
use super::route::{Gives, Parameter, ParameterKind, Route, Taken};
use super::{ROOT, routes};
use crate::domain::power::ADMIN_SCOPES;

/// The schemas of all bodies, ready to judge, by the names of their operations.
pub(super) struct Schemas(HashMap<&'static str, Validator>);

impl Schemas {
    pub(super) fn new() -> Self {
        let with_body = routes().filter_map(|route| Some((route.about.id, route.about.body?)));
        let compiled = |(id, body): (&'static str, &super::field::Body)| {
            jsonschema::validator_for(&body.schema()).ok().map(|schema| (id, schema))
        };
        Self(with_body.filter_map(compiled).collect())
    }

    pub(super) fn of(&self, id: &str) -> Option<&Validator> {
        self.0.get(id)
    }
}

/// The document.
pub(super) fn document() -> Value {
    // RFC 9457 and everything else is in the dialect that OpenAPI 3.1 has, JSON Schema 2020-12.
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.for_serialize().into_generator();
    let mut paths = Map::new();
    for route in routes() {
        let path = paths.entry(format!("{ROOT}{}", route.path)).or_insert_with(|| json!({}));
        let name = route.method.as_str().to_ascii_lowercase();
        if let Some(methods) = path.as_object_mut() {
            methods.insert(name, operation(route, &mut generator));
        }
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Chancery administration",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Administers a machine-to-machine token server",
            "description": "Every change is one audit event in the same transaction. Refusals are RFC 9457 problem documents.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "externalDocs": { "description": "What is refused, and how to go on", "url": PAGE_PATH },
        "servers": [{ "url": "/", "description": "The admin listener" }],
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": security_schemes() },
    })
}

fn security_schemes() -> Value {
    let scopes: Map<String, Value> =
        ADMIN_SCOPES.iter().map(|scope| (scope.name.to_owned(), scope.description.into())).collect();
    json!({
        "token": {
            "type": "oauth2",
            "description": "An access token of this very server for urn:chancery:admin",
            "flows": { "clientCredentials": { "tokenUrl": "/oauth2/token", "scopes": scopes } },
        },
        "operator": {
            "type": "http",
            "scheme": "basic",
            "description": "The name and secret of an operator",
        },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let about = &route.about;
    let area = route.path.split('/').nth(1).unwrap_or_default();
    // Any one of the scopes lets a token in.
    let tokens = route.scopes().map(|scope| json!({ "token": [scope] }));
    let security: Vec<Value> = tokens.chain([json!({ "operator": [] })]).collect();
    let mut operation = json!({
        "operationId": about.id,
        "summary": about.summary,
        "tags": [area],
        "security": security,
        "parameters": parameters(route),
        "responses": responses(route, generator),
    });
    if let (Some(body), Some(members)) = (about.body, operation.as_object_mut()) {
        let content = json!({ "schema": body.schema(), "example": (body.example)() });
        let mut types = Map::new();
        types.insert("application/json".to_owned(), content.clone());
        if route.method == Method::PATCH {
            types.insert("application/merge-patch+json".to_owned(), content);
        }
        members.insert("requestBody".to_owned(), json!({ "required": true, "content": types }));
    }
    operation
}

fn parameters(route: &Route) -> Vec<Value> {
    let segment = |name: &str| {
        let schema = json!({ "type": "string", "minLength": 1, "maxLength": 256 });
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    };
    let mut all: Vec<Value> = route.segments().map(segment).collect();
    all.extend(route.parameters().into_iter().map(query_parameter));
    match route.about.terms {
        Taken::AsItIs => {}
        Taken::AtVersion | Taken::AtVersionIfGiven => all.push(json!({
            "name": "If-Match",
            "in": "header",
            "required": route.about.terms == Taken::AtVersion,
            "description": "The ETag that was read, or * for whatever there is",
            "schema": { "type": "string" },
            "example": "*",
        })),
        Taken::Once(_) => all.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "What the caller calls this request: repeated within ten minutes it is answered alike, and makes nothing more",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
        })),
    }
    all
}

fn query_parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.kind {
        ParameterKind::Text(longest) => {
            json!({ "type": "string", "minLength": 1, "maxLength": longest, "pattern": r"^[^\u0000-\u001F\u007F-\u009F]+$" })
        }
        ParameterKind::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        ParameterKind::Choice(names) => json!({ "type": "string", "enum": names }),
        ParameterKind::Time => json!({ "type": "string", "format": "date-time" }),
    };
    json!({ "name": parameter.name, "in": "query", "required": false, "description": parameter.about, "schema": schema })
}

fn responses(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut all = Map::new();
    let (is_made, has_version) = (matches!(route.about.terms, Taken::Once(_)), has_version(route));
    match &route.about.gives {
        Gives::Nothing => {
            all.insert("204".to_owned(), json!({ "description": "Done" }));
        }
        Gives::One(schema, example) => {
            let content =
                json!({ "application/json": { "schema": schema(generator), "example": example() } });
            let (headers, links) = (headers(is_made, has_version), links(route, has_version));
            let done =
                json!({ "description": "Done", "headers": headers, "content": content, "links": links });
            all.insert(if is_made { "201" } else { "200" }.to_owned(), done);
        }
        Gives::Page(schema, example) => {
            let page = json!({
                "type": "object",
                "properties": {
                    "items": { "type": "array", "items": schema(generator) },
                    "next": { "type": ["string", "null"], "description": "The cursor of the next page; null on the last" },
                },
                "required": ["items", "next"],
            });
            let example = json!({ "items": [example()], "next": null });
            let content = json!({ "application/json": { "schema": page, "example": example } });
            all.insert("200".to_owned(), json!({ "description": "A page", "content": content }));
        }
    }
    for kind in refusals(route) {
        all.insert(kind.status().to_string(), refusal(kind.title()));
    }
    all.insert("default".to_owned(), refusal("Any other trouble"));
    Value::Object(all)
}

/// The header fields of one thing.
fn headers(is_made: bool, has_version: bool) -> Value {
    let field =
        |about: &str, schema: Value| json!({ "description": about, "required": true, "schema": schema });
    let mut headers = Map::new();
    if has_version {
        let tag = field("Its version, for If-Match", json!({ "type": "string" }));
        headers.insert("ETag".to_owned(), tag);
    }
    if is_made {
        let place = field("Where it is", json!({ "type": "string", "format": "uri-reference" }));
        headers.insert("Location".to_owned(), place);
    }
    Value::Object(headers)
}

/// What can be done next with what was made: the routes beneath, with its name and its version.
fn links(route: &Route, has_version: bool) -> Value {
    let Taken::Once(member) = route.about.terms else { return json!({}) };
    let (beneath, depth) = (format!("{}/{{", route.path), route.segments().count());
    let mut links = Map::new();
    for next in
        routes().filter(|next| next.path.starts_with(&beneath) && next.segments().count() == depth + 1)
    {
        let mut parameters = Map::new();
        for (place, name) in next.segments().enumerate() {
            // What stands in braces before was given with the request.
            let own = place == depth;
            let value =
                if own { format!("$response.body#/{member}") } else { format!("$request.path.{name}") };
            parameters.insert(name.to_owned(), value.into());
        }
        if has_version && matches!(next.about.terms, Taken::AtVersion | Taken::AtVersionIfGiven) {
            parameters.insert("If-Match".to_owned(), "$response.header.ETag".into());
        }
        let link = json!({ "operationId": next.about.id, "parameters": parameters });
        links.insert(next.about.id.to_owned(), link);
    }
    Value::Object(links)
}

/// What an operation may be refused for, beside what every request may be.
fn refusals(route: &Route) -> Vec<Kind> {
    let mut kinds =
        vec![Kind::Malformed, Kind::Unauthorized, Kind::Forbidden, Kind::NotFound, Kind::Unavailable];
    if route.method != Method::GET {
        kinds.push(Kind::Conflict);
    }
    if route.about.body.is_some() {
        kinds.extend([Kind::TooLarge, Kind::MediaType, Kind::Invalid]);
    }
    match route.about.terms {
        Taken::AtVersion => kinds.extend([Kind::Changed, Kind::VersionRequired]),
        Taken::AtVersionIfGiven => kinds.push(Kind::Changed),
        Taken::Once(_) | Taken::AsItIs => {}
    }
    kinds
}

/// Whether what is given back has a version of its own.
fn has_version(route: &Route) -> bool {
    match &route.about.gives {
        Gives::One(_, example) => example().get("version").is_some(),
        Gives::Page(..) | Gives::Nothing => false,
    }
}

fn refusal(title: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({ "description": title, "content": { "application/problem+json": { "schema": schema } } })
}

/// RFC 9457 §3.1.
fn problem() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "description": "What is wrong, and how to go on (RFC 9457)",
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "description": "Leads to the page about it" },
            "title": text,
            "status": { "type": "integer" },
            "detail": text,
            "instance": { "type": "string", "format": "uri", "description": "Holds the request id" },
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": { "at": text, "detail": text },
                    "required": ["at", "detail"],
                },
            },
        },
        "required": ["type", "title", "status", "detail", "instance"],
    })
}
