//! The entity: everything that knows what an order is. To make the service yours, replace this folder.

mod bulk;
mod handlers;
mod model;
mod store;

pub use handlers::ROUTES;
pub use model::Order;
pub use store::MIGRATIONS;
