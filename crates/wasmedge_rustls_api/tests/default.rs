//! What callers get that make their configuration by `Default`. Each case is a process of its own, because it is chosen
//! once for all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[allow(dead_code)] // handshake.rs uses the rest
mod support;

use std::{io, net::SocketAddr, process::Command};

use support::{Authority, file};
use tokio::net::TcpStream;
use wasmedge_rustls_api::{ClientConfig, stream::async_stream::TlsStream};

#[test]
fn the_file_that_the_environment_names_is_trusted() {
    let authority = Authority::new("ours");
    let address = server(&authority);

    assert_eq!(child(address, &[]), "unknown issuer");
    assert_eq!(child(address, &[("SSL_CERT_FILE", "")]), "unknown issuer");
    assert_eq!(child(address, &[("SSL_CERT_FILE", &pem(&authority, "default.pem"))]), "connected");
    assert_eq!(
        child(address, &[("SSL_CERT_FILE", "/nowhere/ca.pem")]),
        "SSL_CERT_FILE: /nowhere/ca.pem cannot be read"
    );
}

#[test]
fn what_was_installed_wins_and_stays() {
    let authority = Authority::new("ours");
    let address = server(&authority);

    let installed = ("INSTALL", &*pem(&authority, "installed.pem"));
    assert_eq!(child(address, &[installed, ("SSL_CERT_FILE", "/nowhere/ca.pem")]), "connected");
}

fn server(authority: &Authority) -> SocketAddr {
    authority.issue("service.test").serve(|mut stream| drop(io::Read::read(&mut stream, &mut [0])))
}

fn pem(authority: &Authority, name: &str) -> String {
    file(name, authority.pem()).to_str().unwrap().to_owned()
}

/// What the test below says in a process with these variables.
fn child(address: SocketAddr, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "connects_by_default"]);
    command.env_remove("SSL_CERT_FILE").env("ADDRESS", address.to_string()).envs(variables.iter().copied());
    let output = command.output().unwrap();
    let says = String::from_utf8_lossy(&output.stdout);
    let known = ["connected", "unknown issuer", "SSL_CERT_FILE: /nowhere/ca.pem cannot be read"];
    known.into_iter().find(|known| says.contains(known)).unwrap_or_else(|| panic!("{output:?}")).to_owned()
}

#[tokio::test]
#[ignore = "run by the others"]
async fn connects_by_default() {
    if let Some(file) = std::env::var_os("INSTALL") {
        assert!(ClientConfig::new(Some(file.as_ref())).unwrap().install());
        assert!(!ClientConfig::new(None).unwrap().install());
    }
    let stream = TcpStream::connect(std::env::var("ADDRESS").unwrap()).await.unwrap();

    match TlsStream::connect(&ClientConfig::default(), "service.test", stream).await {
        Ok(_) => println!("connected"),
        Err((error, _)) => println!("{error}"),
    }
}
