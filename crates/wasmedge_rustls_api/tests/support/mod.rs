//! Certificates made on the spot, and servers that show them.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use wasmedge_rustls_api::rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// A connection as the server sees it.
pub type Stream = StreamOwned<ServerConnection, TcpStream>;

/// Issues certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A server's certificate and its key, both as PEM.
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        let mut params = params(&[], -400, 400);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate, as PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for `name` that is valid now.
    pub fn issue(&self, name: &str) -> Identity {
        self.issue_for_days(name, -1, 1)
    }

    /// A certificate for `name` that is valid from one day to another; today is 0.
    pub fn issue_for_days(&self, name: &str, from: i64, to: i64) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params(&[name.to_owned()], from, to).signed_by(&key, &self.0).unwrap();
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Identity {
    /// Shows this certificate to whoever connects, then does `work` with the connection. Lasts as long as the process.
    pub fn serve(&self, work: impl Fn(Stream) + Send + Sync + 'static) -> SocketAddr {
        let chain = vec![CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let config = Arc::new(config);
        serve_tcp(move |stream| work(StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream)))
    }
}

/// Does `work` with each connection. Lasts as long as the process.
pub fn serve_tcp(work: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let work = Arc::new(work);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let work = work.clone();
            thread::spawn(move || {
                stream.set_nodelay(true).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                work(stream);
            });
        }
    });
    address
}

/// A file with this text, under the build's folder for tests. The name has to be its own.
pub fn file(name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

fn params(names: &[String], from: i64, to: i64) -> CertificateParams {
    let day = |number: i64| {
        let distance = Duration::from_secs(number.unsigned_abs() * 86_400);
        let now = SystemTime::now();
        if number < 0 { now - distance } else { now + distance }
    };
    let mut params = CertificateParams::new(names).unwrap();
    (params.not_before, params.not_after) = (day(from).into(), day(to).into());
    params
}
