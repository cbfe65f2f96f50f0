//! TLS to the database and to other services: whom to trust, and what is wrong with a certificate. Knows neither of the
//! two beyond their settings.
//!
//! A certificate is always verified, against the public authorities and those in the file that `SSL_CERT_FILE` names.
//! In the module, TLS is that of `wasmedge_rustls_api`; natively the driver and `reqwest` bring an older `rustls`.

use std::{error::Error, path::Path};

use anyhow::Context;
use mysql_async::{Opts, OptsBuilder};
use reqwest::{Certificate, ClientBuilder};
use wasmedge_rustls_api::{ClientConfig, TlsError, certificates, find};

const NATIVE: bool = cfg!(not(all(target_os = "wasi", target_env = "p1")));

/// Reads whom to trust, for the whole process. To be called before anything connects.
///
/// # Errors
/// When the file cannot be read, or is not a PEM file of certificates.
pub fn trust(file: Option<&Path>) -> anyhow::Result<()> {
    ClientConfig::new(file).context("SSL_CERT_FILE")?.install();
    Ok(())
}

/// The builder of a client that trusts what is in `file`. In the module it does so as it is.
///
/// # Errors
/// As [`trust`].
pub fn http_client(mut builder: ClientBuilder, file: Option<&Path>) -> anyhow::Result<ClientBuilder> {
    if let (true, Some(file)) = (NATIVE, file) {
        for certificate in certificates(file).context("SSL_CERT_FILE")? {
            builder = builder.add_root_certificate(Certificate::from_der(&certificate)?);
        }
    }
    Ok(builder)
}

/// Options of a driver that trusts what is in `file`. In the module it does so as it is.
pub fn database(options: Opts, file: Option<&Path>) -> OptsBuilder {
    let ssl_options = options.ssl_opts().cloned();
    let builder = OptsBuilder::from_opts(options);
    match (NATIVE, ssl_options, file) {
        (true, Some(ssl_options), Some(file)) => {
            builder.ssl_opts(ssl_options.with_root_cert_path(Some(file.to_owned())))
        }
        _ => builder,
    }
}

/// What is wrong with TLS, in words for the log, if that is among the causes of `error`. Trying again does not help.
pub fn fault(error: &(dyn Error + 'static)) -> Option<String> {
    #[cfg(not(all(target_os = "wasi", target_env = "p1")))]
    if let Some(error) = find::<rustls::Error>(error) {
        return Some(translated(error).to_string());
    }
    find::<TlsError>(error).map(TlsError::to_string)
}

/// What the module says of the same fault.
#[cfg(not(all(target_os = "wasi", target_env = "p1")))]
fn translated(error: &rustls::Error) -> TlsError {
    use rustls::{CertificateError, Error::InvalidCertificate};
    match error {
        InvalidCertificate(CertificateError::UnknownIssuer) => TlsError::UnknownIssuer,
        InvalidCertificate(CertificateError::NotValidForName) => TlsError::WrongName(Vec::new()),
        InvalidCertificate(CertificateError::Expired) => TlsError::Expired(None),
        InvalidCertificate(CertificateError::NotValidYet) => TlsError::NotYetValid(None),
        InvalidCertificate(other) => TlsError::Certificate(format!("{other:?}")),
        other => TlsError::Protocol(other.to_string()),
    }
}
