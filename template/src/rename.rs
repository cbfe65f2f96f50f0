//! Puts an entity's words in place of this one's: `order` and `orders`, as words of their own and as segments of
//! identifiers in each spelling, and the package's name. `ORDER BY`, in capitals, is SQL's, and stays.

use std::{fs, path::Path};

use crate::names::{Names, camel};

/// The package, as files and databases are called after it, too: the longer name first.
const PACKAGE: [&str; 4] = ["order_demo_service", "order-demo-service", "order_demo", "order-demo"];

/// Renames in every file of `folder`, and the files.
///
/// # Errors
/// When a file cannot be read or written.
pub fn folder(folder: &Path, names: &Names) -> Result<(), String> {
    let fault = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name == ".git" || name == "crates" {
            continue; // what is below the service knows no entity
        }
        let renamed = path.with_file_name(text(&name, names));
        fs::rename(&path, &renamed).map_err(fault)?;
        if renamed.is_dir() && !renamed.is_symlink() {
            self::folder(&renamed, names)?;
        } else if let (Ok(old), false) = (fs::read_to_string(&renamed), name == "Cargo.lock") {
            let new = text(&old, names);
            if new != old {
                fs::write(&renamed, new).map_err(fault)?;
            }
        }
    }
    Ok(())
}

/// Renames in a text.
pub fn text(text: &str, names: &Names) -> String {
    let mut renamed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((place, length, new)) = next(rest, &renamed, names) {
        renamed.push_str(&rest[..place]);
        say_a(&mut renamed, names);
        renamed.push_str(&new);
        rest = &rest[place + length..];
    }
    renamed.push_str(rest);
    renamed
}

/// The next of this one's words in `rest`, which stands after `before`: where it begins, how long it is, what becomes of
/// it.
fn next(rest: &str, before: &str, names: &Names) -> Option<(usize, usize, String)> {
    rest.char_indices().find_map(|(place, first)| {
        if !matches!(first, 'o' | 'O') {
            return None;
        }
        if let Some(package) = PACKAGE.iter().find(|package| rest[place..].starts_with(**package)) {
            let kebab = package.contains('-');
            let new = if kebab { names.plural.replace('_', "-") } else { names.plural.clone() };
            return Some((place, package.len(), new));
        }
        let previous = rest[..place].chars().next_back().or_else(|| before.chars().next_back());
        let word = rest[place..].get(..5)?;
        let style = match word {
            "order" => str::to_string,
            "Order" => camel,
            "ORDER" => str::to_uppercase as fn(&str) -> String,
            _ => return None,
        };
        let many = rest[place + 5..].starts_with(if word == "ORDER" { 'S' } else { 's' });
        let length = if many { 6 } else { 5 };
        let after = &rest[place + length..];
        let following = after.chars().next();
        let begins = match (word, previous) {
            (_, None) => true,
            ("Order", Some(previous)) => !previous.is_uppercase(),
            (_, Some(previous)) => !previous.is_alphanumeric(),
        };
        let ends = !following.is_some_and(|c| if word == "ORDER" { c.is_alphanumeric() } else { c.is_lowercase() });
        let is_sql = word == "ORDER" && !many && after.trim_start().starts_with("BY");
        let kebab = word == "order" && (previous == Some('-') || following == Some('-'));
        let new = style(if many { &names.plural } else { &names.singular });
        let new = if kebab { new.replace('_', "-") } else { new };
        (begins && ends && !is_sql).then_some((place, length, new))
    })
}

/// `an order` is `a booking`, `an_order` is `a_booking`: takes the n away that `before` ends with.
fn say_a(before: &mut String, names: &Names) {
    let bare = before.trim_end_matches(['`', '\'', '"', '[', '*', '(']).trim_end_matches([' ', '_', '-', '\n']);
    let article = bare.strip_suffix("an").or_else(|| bare.strip_suffix("An"));
    let is_word = article.is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric()));
    if names.article() == "a" && is_word && bare.len() < before.len() {
        let place = bare.len() - 1;
        before.remove(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(plural: &str, singular: &str) -> Names {
        Names { plural: plural.into(), singular: singular.into() }
    }

    #[test]
    fn words_and_segments_are_renamed_in_each_spelling() {
        let table = [
            (
                "order_id, orders, Order, Orders, ORDER, ORDERS",
                "line_item_id, line_items, LineItem, LineItems, LINE_ITEM, LINE_ITEMS",
            ),
            (
                "create_orders(OrderRequest) order.created 0001_orders",
                "create_line_items(LineItemRequest) line_item.created 0001_line_items",
            ),
            ("MOST_ORDERS ORDERS_URL createOrder orderId", "MOST_LINE_ITEMS LINE_ITEMS_URL createLineItem line_itemId"),
            ("ORDER BY order_id, order by order", "ORDER BY line_item_id, line_item by line_item"),
            (
                "an order, An `order_id`, an_order_is, than order",
                "a line_item, A `line_item_id`, a_line_item_is, than line_item",
            ),
            (
                "border Ordering reordered orderly byteorder disorder",
                "border Ordering reordered orderly byteorder disorder",
            ),
            ("order_demo_service order-demo-service order_demo_test", "line_items line-items line_items_test"),
            ("orders' the-orders", "line_items' the-line-items"),
        ];
        for (text, expected) in table {
            assert_eq!(super::text(text, &names("line_items", "line_item")), expected);
        }
    }

    #[test]
    fn the_article_stays_before_a_vowel() {
        assert_eq!(text("an order", &names("invoices", "invoice")), "an invoice");
    }

    #[test]
    fn what_is_renamed_already_is_not_renamed_again() {
        let purchases = names("purchase_orders", "purchase_order");

        let text = text("order_demo_service: orders, order-demo-service, order_demo_test", &purchases);

        assert_eq!(text, "purchase_orders: purchase_orders, purchase-orders, purchase_orders_test");
    }

    #[test]
    fn orders_stay_orders() {
        let text = "an order of orders: Order, ORDERS ORDER BY order_id";
        assert_eq!(super::text(text, &names("orders", "order")), text);
        assert_eq!(super::text("an order", &names("order_lines", "order_line")), "an order_line");
    }
}
