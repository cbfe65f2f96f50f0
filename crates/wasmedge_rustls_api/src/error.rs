//! What went wrong, in words for the person who has to mend it.

use std::{error::Error, fmt, io, time::Duration};

use rustls::{CertificateError, OtherError};

/// Why there is no connection, or no longer one. The first five say that the server's certificate is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum TlsError {
    /// No authority that is trusted has issued it.
    UnknownIssuer,
    /// It is for other names: these, where they are known, five at most.
    WrongName(Vec<String>),
    /// Its time is over, for so long, where that is known.
    Expired(Option<Duration>),
    /// Its time has not come, for so long, where that is known.
    NotYetValid(Option<Duration>),
    /// It is no good for another reason.
    Certificate(String),
    /// The two sides do not agree, or what arrives is not TLS.
    Protocol(String),
    /// Nobody was asked: what was configured cannot be used.
    Configuration(String),
}

/// The first error of type `E` among `error` and its causes.
pub fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // The source of an `io::Error` is that of the error inside, so that the one inside would be passed over.
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inside {
            Some(inside) => Some(inside),
            None => error.source(),
        };
    }
    None
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const REFUSED: &str = "the server's certificate is refused:";
        match self {
            TlsError::UnknownIssuer => write!(f, "{REFUSED} unknown issuer, none of the trusted authorities"),
            TlsError::WrongName(names) if names.is_empty() => write!(f, "{REFUSED} wrong host name"),
            TlsError::WrongName(names) => write!(f, "{REFUSED} wrong host name, it is for {}", names.join(", ")),
            TlsError::Expired(None) => write!(f, "{REFUSED} it has expired"),
            TlsError::Expired(Some(time)) => write!(f, "{REFUSED} it has expired, {} ago", rounded(*time)),
            TlsError::NotYetValid(None) => write!(f, "{REFUSED} it is not yet valid"),
            TlsError::NotYetValid(Some(time)) => {
                write!(f, "{REFUSED} it is not yet valid, but in {} (is the clock right?)", rounded(*time))
            }
            TlsError::Certificate(problem) => write!(f, "{REFUSED} {problem}"),
            TlsError::Protocol(problem) => write!(f, "no TLS connection: {problem}"),
            TlsError::Configuration(problem) => f.write_str(problem),
        }
    }
}

impl Error for TlsError {}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> TlsError {
        use CertificateError::*;
        let seconds = |later: u64, earlier: u64| Some(Duration::from_secs(later.saturating_sub(earlier)));
        match error {
            rustls::Error::InvalidCertificate(problem) => match problem {
                UnknownIssuer => TlsError::UnknownIssuer,
                NotValidForName => TlsError::WrongName(Vec::new()),
                NotValidForNameContext { presented, .. } => TlsError::WrongName(names(&presented)),
                Expired => TlsError::Expired(None),
                ExpiredContext { time, not_after } => TlsError::Expired(seconds(time.as_secs(), not_after.as_secs())),
                NotValidYet => TlsError::NotYetValid(None),
                NotValidYetContext { time, not_before } => {
                    TlsError::NotYetValid(seconds(not_before.as_secs(), time.as_secs()))
                }
                Other(OtherError(problem)) => TlsError::Certificate(problem.to_string()),
                other => TlsError::Certificate(other.to_string()),
            },
            other => TlsError::Protocol(other.to_string()),
        }
    }
}

/// The bare names in what is written there as `DnsName("host.example")` or `IpAddress(127.0.0.1)`.
fn names(presented: &[String]) -> Vec<String> {
    let bare = |text: &String| {
        let inside = text.split_once('(').map_or(text.as_str(), |(_, inside)| inside);
        inside.trim_end_matches(')').trim_matches('"').to_owned()
    };
    presented.iter().take(5).map(bare).collect()
}

/// The number of whole days, or of smaller units if there are less than two.
fn rounded(time: Duration) -> String {
    let seconds = time.as_secs();
    for (unit, length) in [("days", 86_400), ("hours", 3600), ("minutes", 60)] {
        if seconds >= 2 * length {
            return format!("{} {unit}", seconds / length);
        }
    }
    format!("{seconds} seconds")
}
