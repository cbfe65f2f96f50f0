//! A Dapr sidecar, which gives events to the broker of a pub/sub component (Dapr, Pub/sub API reference). `token=` is the
//! sidecar's API token.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Url;

use super::{FORM, Options, Verdict, is_here, later, reason, secret_header};
use crate::{error::Error, events::CloudEvent, http_client::Answer};

const API_TOKEN: HeaderName = HeaderName::from_static("dapr-api-token");

/// How to speak to a sidecar.
pub struct Dapr {
    token: Option<HeaderValue>,
}

impl Dapr {
    /// Reads `token=`. A sidecar is spoken to in plain text, so the token does not leave this machine, or this pod.
    ///
    /// # Errors
    /// What is wrong, without quoting it.
    pub fn new(url: &Url, options: &mut Options) -> Result<Dapr, String> {
        let token = options.one("token")?;
        if token.is_some() && !is_here(url) {
            return Err("has a token for a Dapr sidecar that is not on this machine (127.0.0.1): it would be sent in \
                        plain text"
                .to_string());
        }
        Ok(Dapr { token: token.as_deref().map(secret_header).transpose()? })
    }

    /// The content type and the body that tell of the event, and who we are. Dapr takes one event at a time.
    ///
    /// # Errors
    /// [`Error::Internal`] when it cannot be written, or is not one.
    pub fn message(&self, events: &[CloudEvent], headers: &mut HeaderMap) -> Result<(&'static str, Vec<u8>), Error> {
        let [event] = events else {
            return Err(Error::Internal(anyhow::anyhow!("Dapr takes one event at a time, not {}", events.len())));
        };
        if let Some(token) = &self.token {
            headers.insert(API_TOKEN, token.clone());
        }
        Ok(("application/cloudevents+json", event.to_json()?))
    }
}

/// Where the sidecar takes events for the component and the topic that this URL's path names.
///
/// # Errors
/// When it names none.
pub fn publish(url: &Url) -> Result<Url, String> {
    let path = url.path();
    let (component, topic) = path.strip_prefix('/').and_then(|path| path.split_once('/')).ok_or(FORM)?;
    if component.is_empty() || topic.is_empty() {
        return Err(FORM.to_string());
    }
    let mut url = url.clone();
    url.set_path(&format!("/v1.0/publish/{component}/{topic}"));
    Ok(url)
}

/// What an answer that is no success means: 500 is a broker's trouble, which passes; the others are ours.
pub fn verdict(answer: &Answer) -> Verdict {
    match answer.status.as_u16() {
        400 | 413 => Verdict::Park(format!("the sidecar does not take this event: {}", reason(answer))),
        401 | 403 => Verdict::Park(format!("the sidecar does not let us publish: {}", reason(answer))),
        404 => Verdict::Park(format!("the sidecar knows no such component or topic: {}", reason(answer))),
        _ => later(answer),
    }
}
