//! In place of the crate `regex`, for the MySQL driver, which matches a server's version with it and little else.
//! `regex` made up a quarter of the module. `regex-lite`, by the same authors, has the same syntax without Unicode's
//! tables; it is slower on long texts, of which there are none here.
//!
//! [`bytes`] is what the driver uses, the rest what its build script's bindgen must compile against.

pub mod bytes;
mod set;

pub use regex_lite::{Error, Regex};
pub use set::{RegexSet, SetMatches};
