//! Which hosts may be called.

use reqwest::Url;

/// A host that may be called, on one port.
#[derive(Clone, Debug, PartialEq)]
pub struct AllowedHost {
    /// As a URL has it: in lower case.
    host: String,
    /// None: the default port of the URL's scheme, 80 or 443.
    port: Option<u16>,
}

impl AllowedHost {
    /// Reads `host` or `host:port`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<AllowedHost, String> {
        let problem = || "must name hosts such as api.example.com or 10.0.0.7:8080".to_string();
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().map_err(|_| problem())?)),
            _ => (text, None),
        };
        // The parser of URLs knows what a host is, and writes it as it will stand in those that are called.
        let url = Url::parse(&format!("http://{host}/")).map_err(|_| problem())?;
        let is_host = url.as_str().strip_prefix("http://").and_then(|rest| rest.strip_suffix('/')) == url.host_str();
        match url.host_str() {
            Some(host) if is_host && port != Some(0) => Ok(AllowedHost { host: host.to_owned(), port }),
            _ => Err(problem()),
        }
    }

    /// The host and port of `url`, if it has one.
    pub fn of(url: &Url) -> Option<AllowedHost> {
        Some(AllowedHost { host: url.host_str()?.to_owned(), port: url.port() })
    }

    /// Whether `url` may be called by this.
    pub fn allows(&self, url: &Url) -> bool {
        let port = match self.port {
            Some(port) => url.port_or_known_default() == Some(port),
            None => url.port().is_none(), // a URL does not keep its scheme's default port
        };
        port && url.host_str() == Some(self.host.as_str()) && matches!(url.scheme(), "http" | "https")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_allows_its_port_and_a_bare_one_the_default_port_only() {
        let table = [
            ("api.example.com", "https://api.example.com/path?query", true),
            ("API.example.com", "http://api.example.com:80/", true),
            ("api.example.com", "http://api.example.com:8080/", false),
            ("api.example.com", "http://api.example.com:443/", false),
            ("api.example.com", "http://www.api.example.com/", false),
            ("api.example.com", "http://api.example.com.evil.test/", false),
            ("api.example.com", "http://api.example.com@evil.test/", false),
            ("api.example.com", "ftp://api.example.com/", false),
            ("api.example.com:8080", "http://api.example.com:8080/", true),
            ("api.example.com:443", "https://api.example.com/", true),
            ("api.example.com:8080", "http://api.example.com/", false),
            ("127.0.0.1:8080", "http://0x7f000001:8080/", true),
            ("[::1]:8080", "http://[0:0::1]:8080/", true),
            ("[::1]", "http://[::1]/", true),
        ];

        for (host, url, allowed) in table {
            assert_eq!(AllowedHost::parse(host).unwrap().allows(&Url::parse(url).unwrap()), allowed, "{host} {url}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in ["http://example.com", "example.com/path", "user@example.com", "example.com:", "a:0", "a:b", "a b"]
        {
            assert!(AllowedHost::parse(text).is_err(), "{text}");
        }
    }
}
