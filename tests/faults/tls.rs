//! The database's certificate decides whether it is talked to.

use std::{fs, path::PathBuf};

use crate::{
    alone,
    certificates::{Authority, Identity, file},
    server::{Server, target},
    support::{TestApp, execute},
};

/// A database server that shows a certificate.
struct TlsServer {
    server: Server,
    certificate: PathBuf,
    key: PathBuf,
}

impl TlsServer {
    fn start(identity: &Identity) -> TlsServer {
        let (certificate, key) = (file("database.pem", &identity.certificate), file("database.key", &identity.key));
        let options =
            [("cert", &certificate), ("key", &key)].map(|(name, file)| format!("--ssl-{name}={}", file.display()));
        let folder = target("mariadb-tls");
        let server = Server::start_with(&folder, &options);
        execute(&server.url, "CREATE OR REPLACE USER 'tls'@'127.0.0.1' IDENTIFIED BY 'passwd' REQUIRE SSL");
        execute(&server.url, "GRANT ALL ON *.* TO 'tls'@'127.0.0.1'");
        TlsServer { server, certificate, key }
    }

    /// Shows another certificate from now on.
    fn show(&self, identity: &Identity) {
        fs::write(&self.certificate, &identity.certificate).unwrap();
        fs::write(&self.key, &identity.key).unwrap();
        execute(&self.server.url, "FLUSH SSL");
    }

    /// Ends the connections that this one does not need.
    fn disconnect(&self) {
        execute(&self.server.url, "KILL CONNECTION USER 'tls'@'127.0.0.1'");
    }

    /// The database for a user who is let in with TLS only.
    fn url(&self) -> String {
        self.server.url.replace("user:", "tls:") + "?require_ssl=true"
    }
}

#[test]
fn a_database_is_talked_to_over_tls_and_a_certificate_that_is_no_good_is_503_until_it_is_replaced() {
    let _alone = alone();
    let authority = Authority::new("ours");
    let good = authority.issue("127.0.0.1");
    let database = TlsServer::start(&good);
    let ca_file = file("ca.pem", authority.pem());
    // A launcher that is killed, as tests do it, leaves its copy of the file behind.
    let settings = [("SSL_CERT_FILE", ca_file.to_str().unwrap()), ("TMPDIR", env!("CARGO_TARGET_TMPDIR"))];
    let mut app = TestApp::launch(&database.url(), &settings);
    app.wait_until_ready();

    for (identity, says) in [
        (Authority::new("theirs").issue("127.0.0.1"), "unknown issuer"),
        (authority.issue("db.test"), "wrong host name"),
        (authority.issue_for_days("127.0.0.1", -9, -3), "it has expired"),
        (authority.issue_for_days("127.0.0.1", 3, 9), "it is not yet valid"),
    ] {
        database.show(&identity);
        database.disconnect();

        // A connection that was killed is noticed when it is used.
        while app.get("/readyz").status == 200 {}
        let reply = app.get("/orders/1");
        reply.problem(503);
        let cause = app.log_of(reply.header("x-request-id"))["error"].to_string();
        assert!(cause.contains("the server's certificate is refused") && cause.contains(says), "{cause}");
        assert!(!reply.body.contains("certificate"), "{}", reply.body);

        database.show(&good);
        app.wait_until_ready();
    }
    app.assert_still_the_same_process();
}

#[test]
fn a_service_that_starts_with_a_database_it_does_not_trust_waits_and_says_why() {
    let _alone = alone();
    let database = TlsServer::start(&Authority::new("ours").issue("127.0.0.1"));

    let mut app = TestApp::launch(&database.url(), &[]);

    app.wait_for_output("waiting for the database: the server's certificate is refused: unknown issuer");
    app.get("/readyz").problem(503);
    app.assert_still_the_same_process();
}

#[test]
fn a_database_without_tls_is_not_talked_to_in_the_clear() {
    let _alone = alone();
    let server = Server::start_with(&target("mariadb-tls"), &["--skip-ssl".to_owned()]);

    let app = TestApp::launch(&(server.url.clone() + "?require_ssl=true"), &[]);

    app.wait_for_output("waiting for the database");
    app.get("/readyz").problem(503);
}
