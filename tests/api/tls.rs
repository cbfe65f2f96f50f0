//! Whom the service trusts: what cannot be used is said at once. That a certificate is refused stands in tests/faults.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use service::tls;

use crate::{
    certificates::{Authority, file},
    https::HttpsServer,
    support::{free_port, module, serve},
};

const DATABASE: &str = "mysql://user@127.0.0.1:1/demo";

/// What the service writes before it gives up, for which it has ten seconds.
fn refusal(database_url: &str, ca_file: &Path) -> String {
    let mut command = serve(module());
    command.envs([("DATABASE_URL", database_url), ("BIND", "127.0.0.1"), ("PORT", &free_port().to_string())]);
    let mut launcher = command.env("SSL_CERT_FILE", ca_file).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while launcher.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            launcher.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = launcher.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(!message.contains("panicked"), "{message}");
    message
}

#[test]
fn a_file_of_authorities_that_is_missing_or_cannot_be_read_ends_the_service_with_a_message() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")); // root may read all else

    for path in [Path::new("/nowhere/ca.pem"), &folder] {
        let message = refusal(DATABASE, path);

        assert!(message.contains("SSL_CERT_FILE") && message.contains("cannot be read"), "{message}");
        assert!(message.contains(path.to_str().unwrap()), "{message}");
    }
}

#[test]
fn a_file_without_certificates_ends_the_service_with_a_message() {
    let pem = Authority::new("ours").pem();
    let (cut, _) = pem.split_at(pem.len() / 2);

    for (name, text, says) in [
        ("empty.pem", "", "holds no certificate"),
        ("text.pem", "nothing of the kind", "holds no certificate"),
        ("cut.pem", cut, "is not a PEM file"),
    ] {
        let message = refusal(DATABASE, &file(name, text));

        assert!(message.contains("SSL_CERT_FILE") && message.contains(name) && message.contains(says), "{message}");
    }
}

#[test]
fn a_url_that_turns_verification_off_is_refused() {
    for option in ["verify_ca", "verify_identity"] {
        let message = refusal(&format!("{DATABASE}?require_ssl=true&{option}=false"), Path::new(""));

        assert!(message.contains("DATABASE_URL turns off verify_ca or verify_identity"), "{message}");
    }
}

/// Natively the client and the driver bring a TLS of their own: it shall trust the same, and say the same.
#[tokio::test]
async fn the_native_build_calls_over_https_and_says_what_is_wrong_with_a_certificate() {
    const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let authority = Authority::new("ours");
    let ca_file = file("client.pem", authority.pem());
    let client = tls::http_client(reqwest::Client::builder(), Some(&ca_file)).unwrap().build().unwrap();
    let good = HttpsServer::start(&authority.issue("localhost"), ANSWER);
    let call =
        async |server: &HttpsServer| client.post(format!("https://localhost:{}/", server.port)).body("?").send().await;

    assert_eq!(call(&good).await.unwrap().text().await.unwrap(), "ok");
    assert!(good.requests()[0].starts_with("POST / HTTP/1.1") && good.requests()[0].ends_with("\r\n\r\n?"));
    for (identity, says) in [
        (Authority::new("theirs").issue("localhost"), "unknown issuer"),
        (authority.issue("other.test"), "wrong host name"),
        (authority.issue_for_days("localhost", -9, -3), "it has expired"),
        (authority.issue_for_days("localhost", 3, 9), "it is not yet valid"),
    ] {
        let error = call(&HttpsServer::start(&identity, ANSWER)).await.unwrap_err();

        let fault = tls::fault(&error).unwrap_or_else(|| panic!("not a fault of TLS: {error:?}"));
        assert!(fault.contains("certificate is refused") && fault.contains(says), "{fault}");
    }
    assert_eq!(tls::fault(&client.get("http://127.0.0.1:1/").send().await.unwrap_err()), None);
}
