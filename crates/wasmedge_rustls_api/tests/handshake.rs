//! Handshakes over loopback, with certificates made on the spot.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use std::{
    io::{self, ErrorKind, Read, Write},
    net::SocketAddr,
    time::Duration,
};

use support::{Authority, Stream, file, serve_tcp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use wasmedge_rustls_api::{ClientConfig, TlsError, find, rustls::HandshakeKind, stream::async_stream::TlsStream};

type Connected = Result<TlsStream<TcpStream>, io::Error>;

async fn connect(config: &ClientConfig, name: &str, address: SocketAddr) -> Connected {
    let stream = TcpStream::connect(address).await.unwrap();
    TlsStream::connect(config, name, stream).await.map_err(|(error, _)| error)
}

fn trusting(authority: &Authority, name: &str) -> ClientConfig {
    ClientConfig::new(Some(&file(name, authority.pem()))).unwrap()
}

/// What was wrong, and how it is put.
fn refusal(connected: Connected) -> (TlsError, String) {
    let error = connected.expect_err("it was accepted");
    (find::<TlsError>(&error).expect("it is not a TLS error").clone(), error.to_string())
}

fn echo(mut stream: Stream) {
    let mut buffer = [0; 10_000];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        stream.write_all(&buffer[..length]).unwrap();
    }
}

#[tokio::test]
async fn a_certificate_of_an_authority_in_the_file_is_accepted_and_bytes_go_both_ways() {
    let authority = Authority::new("ours");
    let address = authority.issue("service.test").serve(echo);
    let config = trusting(&authority, "accepted.pem");

    let stream = connect(&config, "service.test", address).await.unwrap();

    let sent: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[number as usize % 2]).collect();
    let mut received = vec![0; sent.len()];
    let (mut reader, mut writer) = tokio::io::split(stream);
    let write = async {
        writer.write_all(&sent).await.unwrap();
        writer.flush().await.unwrap();
    };
    let (_, read) = tokio::join!(write, reader.read_exact(&mut received));
    read.unwrap();
    assert!(sent == received);
}

#[tokio::test]
async fn an_ip_address_is_as_good_as_a_name() {
    let authority = Authority::new("ours");
    let address = authority.issue("127.0.0.1").serve(echo);
    let config = trusting(&authority, "ip.pem");

    connect(&config, "127.0.0.1", address).await.unwrap();
}

#[tokio::test]
async fn a_second_connection_resumes_the_session() {
    let authority = Authority::new("ours");
    let address = authority.issue("service.test").serve(echo);
    let config = trusting(&authority, "resumed.pem");
    let mut kinds = Vec::new();

    for _ in 0..2 {
        let mut stream = connect(&config.clone(), "service.test", address).await.unwrap();
        stream.write_all(b"?").await.unwrap();
        stream.read_exact(&mut [0]).await.unwrap(); // the server's ticket comes with its answer
        kinds.push(stream.get_ref().1.handshake_kind());
    }

    assert_eq!(kinds, [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)]);
}

#[tokio::test]
async fn an_authority_that_is_not_in_the_file_is_refused() {
    let address = Authority::new("ours").issue("service.test").serve(echo);
    let other = trusting(&Authority::new("theirs"), "theirs.pem");
    let namesake = trusting(&Authority::new("ours"), "namesake.pem");

    for config in [ClientConfig::new(None).unwrap(), other, namesake] {
        let (error, text) = refusal(connect(&config, "service.test", address).await);

        assert!(matches!(error, TlsError::UnknownIssuer | TlsError::Certificate(_)), "{error:?}");
        assert!(text.contains("certificate is refused"), "{text}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_and_the_error_says_for_which() {
    let authority = Authority::new("ours");
    let address = authority.issue("other.test").serve(echo);
    let config = trusting(&authority, "name.pem");

    let (error, text) = refusal(connect(&config, "service.test", address).await);

    assert!(matches!(error, TlsError::WrongName(_)));
    assert!(text.ends_with("wrong host name, it is for other.test"), "{text}");
}

#[tokio::test]
async fn a_certificate_is_refused_before_and_after_its_time() {
    let authority = Authority::new("ours");
    let config = trusting(&authority, "time.pem");

    for (from, to, says) in [(-9, -3, "it has expired, 3 days ago"), (5, 9, "it is not yet valid, but in ")] {
        let address = authority.issue_for_days("service.test", from, to).serve(echo);

        let (error, text) = refusal(connect(&config, "service.test", address).await);

        assert!(matches!(error, TlsError::Expired(Some(_)) | TlsError::NotYetValid(Some(_))), "{error:?}");
        assert!(text.contains(says), "{text}");
    }
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_apart() {
    let config = ClientConfig::new(None).unwrap();
    let speaks_http = serve_tcp(|mut stream| stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap());
    let hangs_up = serve_tcp(|mut stream| drop(stream.read(&mut [0; 1000])));

    for address in [speaks_http, hangs_up] {
        let (error, text) = refusal(connect(&config, "service.test", address).await);

        assert!(matches!(error, TlsError::Protocol(_)), "{text}");
    }
}

#[tokio::test]
async fn an_end_that_is_announced_is_the_end_and_one_that_is_not_is_an_error() {
    let authority = Authority::new("ours");
    let identity = authority.issue("service.test");
    let config = trusting(&authority, "end.pem");
    let says_goodbye = identity.serve(|mut stream| {
        stream.write_all(b"all of it").unwrap();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
    });
    let is_cut_off = identity.serve(|mut stream| stream.write_all(b"all of it").unwrap());
    let mut text = String::new();

    let mut stream = connect(&config, "service.test", says_goodbye).await.unwrap();
    stream.read_to_string(&mut text).await.unwrap();
    let mut stream = connect(&config, "service.test", is_cut_off).await.unwrap();
    let error = stream.read_to_string(&mut String::new()).await.unwrap_err();

    assert_eq!(text, "all of it");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

/// What TLS itself may have to say, such as an alert; here some text stands for it.
#[tokio::test]
async fn what_the_session_has_to_send_goes_out_although_nobody_writes() {
    let authority = Authority::new("ours");
    let address = authority.issue("service.test").serve(|mut stream| {
        stream.sock.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        stream.write_all(b"a").unwrap();
        stream.read_exact(&mut [0; 4]).unwrap();
        stream.write_all(b"b").unwrap();
    });
    let mut stream = connect(&trusting(&authority, "session.pem"), "service.test", address).await.unwrap();

    stream.get_mut().1.writer().write_all(b"text").unwrap();

    let mut received = [0; 2];
    stream.read_exact(&mut received).await.expect("the server has waited in vain");
    assert_eq!(&received, b"ab");
}

#[tokio::test]
async fn a_name_that_is_none_is_an_error_before_anything_is_sent() {
    let config = ClientConfig::new(None).unwrap();
    let address = serve_tcp(|_| {});

    for name in ["", "no name", "-", "a_b\n"] {
        let (error, _) = refusal(connect(&config, name, address).await);

        assert!(matches!(error, TlsError::Configuration(_)), "{name:?}: {error:?}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_an_error_that_names_it_and_says_why() {
    let good = Authority::new("ours").pem();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let table = [
        ("empty.pem", String::new(), "holds no certificate"),
        ("key.pem", good.replace("CERTIFICATE", "PRIVATE KEY"), "holds no certificate"),
        ("text.pem", "nothing of the kind".to_owned(), "holds no certificate"),
        ("cut.pem", good[..good.len() / 2].to_owned(), "is not a PEM file"),
        ("base64.pem", good.replace("MII", "***"), "is not a PEM file"),
        ("broken.pem", format!("{good}{broken}"), "has a certificate, number 2, that cannot be used"),
    ];

    for (name, text, says) in table {
        let error = ClientConfig::new(Some(&file(name, text))).unwrap_err().to_string();

        assert!(error.contains(name) && error.contains(says), "{error}");
    }
    let error = ClientConfig::new(Some("/nowhere/ca.pem".as_ref())).unwrap_err().to_string();
    assert!(error.contains("/nowhere/ca.pem cannot be read"), "{error}");
}
