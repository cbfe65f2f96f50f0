//! The entity: everything that knows what an order is.

mod bulk;
mod columns;
mod handlers;
mod import;
mod list;
mod model;
mod store;
mod tax;

pub use handlers::ROUTES;
pub use import::SUBSCRIPTIONS;
pub use model::{Draft, Order};
pub use store::MIGRATIONS;
