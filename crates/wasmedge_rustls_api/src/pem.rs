//! Certificate authorities from a PEM file. Knows nothing of connections.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Why a file of certificates cannot be used.
#[derive(Debug)]
pub struct PemError {
    file: PathBuf,
    problem: String,
}

impl fmt::Display for PemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.file.display(), self.problem)
    }
}

impl std::error::Error for PemError {}

/// The certificates in a PEM file (RFC 7468). What stands between them is not looked at.
///
/// # Errors
/// When the file cannot be read, holds no certificate, or one that could not be an authority's.
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let fail = |problem| PemError { file: file.to_owned(), problem };
    let text = fs::read(file).map_err(|error| fail(format!("cannot be read: {error}")))?;
    let mut found = Vec::new();
    for (certificate, number) in CertificateDer::pem_slice_iter(&text).zip(1..) {
        let certificate = certificate.map_err(|error| fail(format!("is not a PEM file: {error}")))?;
        RootCertStore::empty()
            .add(certificate.clone())
            .map_err(|error| fail(format!("has a certificate, number {number}, that cannot be used: {error}")))?;
        found.push(certificate);
    }
    match found.is_empty() {
        true => Err(fail("holds no certificate (-----BEGIN CERTIFICATE-----)".to_owned())),
        false => Ok(found),
    }
}
