//! What no endpoint does with the client of other services: following redirects. It runs here itself, natively.

use std::time::Duration;

use hyper::{HeaderMap, Method, body::Bytes};
use serde_json::{Value, json};
use service::http_client::{AllowedHost, Answer, Call, CallError, Context, HttpClient, Settings};

use crate::peer::{Peer, reply};

#[test]
fn redirects_are_followed_to_allowed_hosts_only_and_only_where_asked_for() {
    let forbidden = Peer::json(200, "forbidden");
    let other = Peer::json(200, "other");
    let (to_other, to_forbidden) = (other.url("/there"), forbidden.url("/"));
    let peer = Peer::start(move |request, stream| {
        let location = match request.path.as_str() {
            "/other" => &to_other,
            "/forbidden" => &to_forbidden,
            _ => "/loop",
        };
        reply(stream, 307, &[("location", location)], "elsewhere");
    });
    let (client, runtime) = client(&[&peer, &other]);
    let ask = |path: &str, follows_redirects| {
        let headers = HeaderMap::from_iter([("authorization".parse().unwrap(), "Bearer secret".parse().unwrap())]);
        let (method, url, body) = (Method::PUT, peer.url(path).parse().unwrap(), Bytes::from("body"));
        let call = Call { method, url, headers, body, tries: 1, follows_redirects, shows_path: true };
        runtime.block_on(client.call(call, &Context::default()))
    };
    let text = |answer: Result<Answer, CallError>| String::from_utf8(answer.unwrap().body.to_vec()).unwrap();

    assert_eq!(text(ask("/other", false)), "elsewhere");
    assert_eq!(text(ask("/other", true)), "other");
    let request = other.received().pop().unwrap();
    assert_eq!((request.method.as_str(), request.path.as_str(), request.text()), ("PUT", "/there", "body"));
    assert_eq!(request.header("authorization"), "", "a token goes to the host that it is meant for");
    assert_eq!(peer.received()[0].header("authorization"), "Bearer secret");
    assert!(matches!(ask("/forbidden", true), Err(CallError::Forbidden)));
    assert!(forbidden.received().is_empty());
    let before = peer.received().len();
    assert!(matches!(ask("/loop", true), Err(CallError::Nonsense(_))));

    assert_eq!(peer.received().len() - before, 6);
    let counts: Vec<Value> =
        client.counts().iter().map(|count| json!([count.host, count.outcome, count.calls])).collect();
    let host = format!("127.0.0.1:{}", peer.port);
    let expected =
        [json!([host, "2xx", 1]), json!([host, "3xx", 1]), json!([host, "forbidden", 1]), json!([host, "nonsense", 1])];
    assert_eq!(counts.iter().filter(|count| count[0] == host).cloned().collect::<Vec<_>>(), expected);
}

fn client(peers: &[&Peer]) -> (HttpClient, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let allowed = peers.iter().map(|peer| AllowedHost::parse(&format!("127.0.0.1:{}", peer.port)).unwrap());
    let settings = Settings {
        allowed_hosts: allowed.collect(),
        connect_timeout: Duration::from_secs(1),
        timeout: Duration::from_secs(5),
        max_calls: 10,
        max_bytes: 1000,
    };
    (HttpClient::new(&settings, None).unwrap(), runtime)
}
