//! The orders of an array without a tax: each is asked about, several at a time, and one that gets none fails them all.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::tax::{TAX, assert_names_the_service, assert_nothing_is_stored, start, untaxed};
use crate::peer::{Peer, reply};

#[test]
fn one_order_that_gets_no_tax_fails_the_whole_array_and_is_named() {
    let peer = Peer::start(|request, stream| {
        let lies = request.text().contains("Nowhere");
        reply(stream, 200, &[], if lies { r#"{"tax": -1}"# } else { TAX });
    });
    let app = start(&peer, &[]);
    let mut orders: Vec<Value> = (0..20).map(untaxed).collect();
    orders[13]["shipping_address"] = json!("Nowhere");

    let problem = assert_names_the_service(&app.post("/create_orders", json!(orders).to_string()), 502);

    assert_eq!(problem["errors"][0]["pointer"], json!("/13/tax"), "{problem}");
    assert_nothing_is_stored(&app);
}

#[test]
fn the_orders_of_an_array_are_asked_about_several_at_a_time_and_within_one_time_limit() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let peer = {
        let (now, most) = (now.clone(), most.clone());
        Peer::start(move |_, stream| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(50));
            now.fetch_sub(1, Ordering::SeqCst);
            reply(stream, 200, &[], TAX);
        })
    };
    let app = start(&peer, &[("OUTBOUND_TIMEOUT", "1")]);
    let array = |count| json!((0..count).map(untaxed).collect::<Vec<_>>()).to_string();

    assert_eq!(app.post("/create_orders", array(40)).status, 200);
    assert_eq!(most.load(Ordering::SeqCst), 8);
    app.get("/init");
    let asked = Instant::now();
    assert_names_the_service(&app.post("/create_orders", array(400)), 504);

    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert_nothing_is_stored(&app);
    assert_eq!(app.post("/orders", untaxed(1).to_string()).status, 201, "that the time was short is not its fault");
}

#[test]
fn an_array_that_finds_the_tax_service_hanging_spares_the_next_one_the_wait() {
    let peer = Peer::start(|_, _| thread::sleep(Duration::from_secs(2)));
    let app = start(&peer, &[("OUTBOUND_TIMEOUT", "1")]);
    let array = json!((0..20).map(untaxed).collect::<Vec<_>>()).to_string();

    assert_names_the_service(&app.post("/create_orders", &array), 504);
    let asked = Instant::now();
    assert_names_the_service(&app.post("/create_orders", &array), 503);

    assert!(asked.elapsed() < Duration::from_millis(300), "{:?}", asked.elapsed());
    assert_eq!(peer.received().len(), 8);
}

#[test]
fn calls_that_are_given_up_because_another_has_failed_are_logged_too() {
    let peer = Peer::start(|request, stream| match request.text().contains("Nowhere") {
        true => reply(stream, 200, &[], r#"{"tax": -1}"#),
        false => thread::sleep(Duration::from_secs(2)),
    });
    let app = start(&peer, &[]);
    let mut orders: Vec<Value> = (0..8).map(untaxed).collect();
    orders[7]["shipping_address"] = json!("Nowhere");

    assert_names_the_service(&app.post("/create_orders", json!(orders).to_string()), 502);

    let deadline = Instant::now() + Duration::from_secs(5);
    let given_up = || app.output().lines().filter(|line| line.contains("given up")).count();
    while given_up() < 7 {
        assert!(Instant::now() < deadline, "{}", app.output());
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn in_an_array_that_is_inserted_while_it_arrives_each_tax_has_to_be_given() {
    let peer = Peer::json(200, TAX);
    let app = start(&peer, &[]);
    let mut orders: Vec<Value> = (0..20_000).map(untaxed).collect();
    orders.iter_mut().for_each(|order| order["tax"] = json!(1));

    for place in [0, 19_999] {
        let mut orders = orders.clone();
        orders[place] = untaxed(1);
        let problem = app.post("/create_orders", json!(orders).to_string()).problem(422);
        assert_eq!(problem["errors"][0]["pointer"], json!(format!("/{place}/tax")), "{problem}");
        assert_nothing_is_stored(&app);
    }
    assert_eq!(app.post("/create_orders", json!(orders).to_string()).status, 200);

    assert!(peer.received().is_empty());
}
