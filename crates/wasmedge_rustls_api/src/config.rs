//! Whom to trust. One configuration serves the whole process, because callers have no way to hand one on: they make
//! theirs by `ClientConfig::default()`.

use std::{
    fmt,
    path::Path,
    sync::{Arc, OnceLock},
};

use rustls::{
    CipherSuite, ClientConnection, Error, RootCertStore,
    crypto::{CryptoProvider, KeyProvider, ring},
    pki_types::{PrivateKeyDer, ServerName},
    sign::SigningKey,
};

use crate::{PemError, TlsError, certificates};

/// What `Default` gives.
static INSTALLED: OnceLock<ClientConfig> = OnceLock::new();

/// How connections are made: whom to trust, and which sessions can be resumed. A clone shares both.
#[derive(Clone)]
pub struct ClientConfig(Result<Arc<rustls::ClientConfig>, Arc<str>>);

impl ClientConfig {
    /// Trusts the public authorities and, if `file` is given, those in that PEM file.
    ///
    /// # Errors
    /// As [`certificates`].
    pub fn new(file: Option<&Path>) -> Result<ClientConfig, PemError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(file) = file {
            roots.add_parsable_certificates(certificates(file)?);
        }
        let config =
            rustls::ClientConfig::builder_with_provider(Arc::new(provider())).with_safe_default_protocol_versions();
        Ok(ClientConfig(match config {
            Ok(config) => Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth())),
            Err(error) => Err(error.to_string().into()),
        }))
    }

    /// Makes this what [`ClientConfig::default`] gives from now on. It can be done once, and before that is first used;
    /// otherwise it does nothing and answers false.
    pub fn install(self) -> bool {
        INSTALLED.set(self).is_ok()
    }

    /// The client's side of one connection to `server`, a host name or an IP address.
    pub(crate) fn connection(&self, server: &str) -> Result<ClientConnection, TlsError> {
        let config = self.0.clone().map_err(|problem| TlsError::Configuration(problem.to_string()))?;
        let name = ServerName::try_from(server.to_owned())
            .map_err(|_| TlsError::Configuration(format!("{server:?} is neither a host name nor an IP address")))?;
        Ok(ClientConnection::new(config, name)?)
    }
}

/// What was installed; otherwise trusts the public authorities and the PEM file that `SSL_CERT_FILE` names. If that
/// cannot be used, every connection is refused with the reason.
impl Default for ClientConfig {
    fn default() -> ClientConfig {
        let from_environment = || {
            let file = std::env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty());
            ClientConfig::new(file.as_deref().map(Path::new))
                .unwrap_or_else(|error| ClientConfig(Err(format!("SSL_CERT_FILE: {error}").into())))
        };
        INSTALLED.get_or_init(from_environment).clone()
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientConfig")
    }
}

/// What `ring` has, as a client without a certificate in WebAssembly needs it.
fn provider() -> CryptoProvider {
    let mut provider = CryptoProvider { key_provider: &NoKeys, ..ring::default_provider() };
    if cfg!(target_arch = "wasm32") {
        // There are no instructions for AES, so that ChaCha20 is several times faster. Most servers follow the client.
        provider.cipher_suites.sort_by_key(|suite| !is_chacha20(suite.suite()));
    }
    provider
}

fn is_chacha20(suite: CipherSuite) -> bool {
    matches!(
        suite,
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
            | CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
    )
}

/// The client never signs: what it would need for that stays out of the module.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _key: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General("a certificate of the client's is not supported".to_owned()))
    }
}
