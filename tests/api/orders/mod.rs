//! What is true of orders: their endpoints, their fields, and the tax service that is asked for one of them. The tests beside
//! this folder are true of any entity: what they need of this one, they take from `samples`.
//!
//! - `article`: the five curl lines, and the endpoints in the article's words.
//! - `resource`: the same as an HTTP API is written today.
//! - `values`: money to the cent, text in all scripts, whole numbers in their range.
//! - `tax`: an order without a tax gets it from the tax service, or is not stored.
//! - `tax_arrays`: so does each order of an array.
//! - `tax_faults`: whatever the tax service does, it is in nobody's way.
//! - `calls`: what other services are sent.
//! - `call_faults`: they are called within bounds, whatever they do.
//! - `openapi`: what is said of the tax.
//! - `fields`: nobody else names a field.

mod article;
mod call_faults;
mod calls;
mod fields;
mod openapi;
mod resource;
mod tax;
mod tax_arrays;
mod tax_faults;
mod values;
