//! The JSON Schema of registry files, for editors: `docs/registry.schema.json`.
//! Not for: checking a file, which has rules that no schema can tell.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::document::Document;

/// The schema, in draft 7, which editors know best.
#[must_use]
pub fn schema() -> Value {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<Document>().to_value()
}
