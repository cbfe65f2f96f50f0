//! What a client has to know of an endpoint: what it takes, what it gives, how it may refuse. Each route carries one;
//! how it is written down is the business of [`openapi`](crate::openapi).

use serde_json::Value;

use crate::config::Config;

/// What goes in and what comes out. Parameters in the path are not listed here, the path names them.
pub struct Operation {
    /// Parameters of the query and headers.
    pub parameters: &'static [Parameter],
    /// The request's body.
    pub request: Shape,
    /// The status when all went well.
    pub status: u16,
    /// The body that comes with it.
    pub response: Shape,
    /// Other answers when all went well.
    pub others: &'static [(u16, Shape)],
    /// The headers that come with it, besides those of every answer.
    pub headers: &'static [Header],
    /// The statuses of refusals that do not follow from the rest.
    pub refusals: &'static [u16],
    /// The member of the answer that is the key of the row it tells of: what the braces of `PATH/{…}` stand for.
    pub key: Option<&'static str>,
    /// More of them, where the condition holds.
    pub conditional_refusals: (fn(&Config) -> bool, &'static [u16]),
}

/// A parameter besides those of the path.
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// Whether it has to be there.
    pub required: bool,
    /// What it may be, as JSON Schema.
    pub schema: fn() -> Value,
    /// What it means, in a few words.
    pub meaning: &'static str,
}

/// Where a parameter stands.
#[derive(Clone, Copy, PartialEq)]
pub enum Place {
    /// Behind the question mark.
    Query,
    /// Among the headers.
    Header,
}

/// A parameter of the query.
pub const fn query(name: &'static str, required: bool, schema: fn() -> Value, meaning: &'static str) -> Parameter {
    Parameter { name, place: Place::Query, required, schema, meaning }
}

/// A header of an answer.
pub struct Header {
    /// Its name.
    pub name: &'static str,
    /// Whether it is always there.
    pub required: bool,
    /// What it means, in a few words.
    pub meaning: &'static str,
}

/// The shape of a body.
#[derive(Clone, Copy, PartialEq)]
pub enum Shape {
    /// There is none.
    Nothing,
    /// Plain text.
    Text,
    /// Plain text, or a page for browsers.
    TextOrPage,
    /// Any bytes.
    Bytes,
    /// `{"status":true}`.
    Done,
    /// A JSON object that describes itself.
    Object,
    /// One of these, in JSON.
    One(Entity),
    /// A JSON array of these.
    Many(Entity),
    /// Events, in any of the formats that are heard.
    Events,
}

/// What a service is about, as clients see it.
#[derive(Clone, Copy)]
pub struct Entity {
    /// Its name, in the singular.
    pub name: &'static str,
    /// Its JSON Schema with these settings.
    pub schema: fn(&Config) -> Value,
}

impl PartialEq for Entity {
    fn eq(&self, other: &Entity) -> bool {
        self.name == other.name
    }
}

impl Operation {
    /// Takes nothing, gives 200 without a body.
    pub const fn new() -> Operation {
        Operation {
            parameters: &[],
            request: Shape::Nothing,
            status: 200,
            response: Shape::Nothing,
            others: &[],
            headers: &[],
            refusals: &[],
            key: None,
            conditional_refusals: (|_| false, &[]),
        }
    }
}

impl Default for Operation {
    fn default() -> Operation {
        Operation::new()
    }
}
