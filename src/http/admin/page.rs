//! Pages of lists: where one ends and the next begins is the name of a thing, so that what comes and goes in between
//! moves nothing else. Cursors hold nothing but such names, and are values in questions to the store, never part of them.
//! Not for: what the things are.

use data_encoding::BASE64URL_NOPAD;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::problem::{Kind, Problem};
use crate::domain::id::TenantId;

/// How many things a page has unless the caller says so.
const DEFAULT_LIMIT: usize = 50;

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Page<T> {
    items: Vec<T>,
    /// The cursor of the next page; null on the last.
    next: Option<String>,
}

/// Where a page begins, and how long it is.
pub(super) struct Place {
    list: &'static str,
    tenant: Option<TenantId>,
    /// The names that the page before ended with.
    pub(super) after: Option<Vec<String>>,
    pub(super) limit: usize,
}

impl Place {
    /// Where the page that a call asks for begins in this list.
    ///
    /// # Errors
    /// When its cursor is not one of this list in this tenant.
    pub(super) fn read(call: &Call, list: &'static str) -> Result<Self, Problem> {
        let tenant = call.named.as_ref().map(|tenant| tenant.id);
        let limit = call.query.number("limit").unwrap_or(DEFAULT_LIMIT);
        let place = Self { list, tenant, after: None, limit };
        match call.query.text("cursor") {
            None => Ok(place),
            Some(cursor) => Ok(Self { after: Some(place.open(cursor).ok_or_else(Self::unknown)?), ..place }),
        }
    }

    /// What is told of a cursor that is none of this list.
    pub(super) fn unknown() -> Problem {
        Problem::new(Kind::NotFound, "there is no page of this cursor in this list")
    }

    /// A page of things and, if there are more, where the next begins: behind the last of them.
    pub(super) fn page<T: Serialize>(
        &self,
        things: Vec<T>,
        more: bool,
        last: impl FnOnce(&T) -> Vec<String>,
    ) -> Result<Answer, Problem> {
        let next = if more { things.last().map(|thing| self.cursor(&last(thing))) } else { None };
        Answer::one(&Page { items: things, next })
    }

    /// A page out of all things, which are in the order of their names.
    pub(super) fn cut<T, V: Serialize>(
        &self,
        all: &[T],
        name: impl Fn(&T) -> &str,
        view: impl Fn(&T) -> V,
    ) -> Result<Answer, Problem> {
        let after = self.after.as_ref().and_then(|names| names.first());
        let is_later = |thing: &&T| after.is_none_or(|after| name(thing) > after.as_str());
        let rest: Vec<&T> = all.iter().filter(is_later).take(self.limit + 1).collect();
        let more = rest.len() > self.limit;
        let shown = rest.get(..self.limit).unwrap_or(&rest);
        let next = shown.last().filter(|_| more).map(|last| self.cursor(&[name(last).to_owned()]));
        Answer::one(&Page { items: shown.iter().map(|thing| view(thing)).collect::<Vec<_>>(), next })
    }

    fn tenant_name(&self) -> String {
        self.tenant.map(|tenant| tenant.to_string()).unwrap_or_default()
    }

    fn cursor(&self, names: &[String]) -> String {
        let text = json!([self.list, self.tenant_name(), names]).to_string();
        BASE64URL_NOPAD.encode(text.as_bytes())
    }

    fn open(&self, cursor: &str) -> Option<Vec<String>> {
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
        let value: Value = serde_json::from_slice(&bytes).ok()?;
        let parts = value.as_array()?;
        if parts.first()?.as_str()? != self.list || parts.get(1)?.as_str()? != self.tenant_name() {
            return None;
        }
        parts.get(2)?.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
    }
}
