//! Any HTTP endpoint: CloudEvents in structured mode, signed as Standard Webhooks has it where a secret is given.
//! `secret=` is a key (several: each message carries a signature of each, so that keys can be replaced one by one),
//! `batch=` asks for batches of so many events, which nobody gets unasked.

use std::{fmt::Write, time::SystemTime};

use hyper::HeaderMap;
use sha2::{Digest, Sha256};

use super::{Options, Verdict, json_array, later, reason};
use crate::{error::Error, events::CloudEvent, http_client::Answer, standard_webhooks::Key};

/// The largest batch that may be asked for.
pub const MOST_EVENTS: usize = 1000;

/// What messages are signed with.
pub struct Webhook {
    keys: Vec<Key>,
}

impl Webhook {
    /// Reads `secret=`.
    ///
    /// # Errors
    /// What is wrong, without quoting it.
    pub fn new(options: &mut Options) -> Result<Webhook, String> {
        let keys: Result<Vec<Key>, String> = options.all("secret").iter().map(|text| Key::parse(text)).collect();
        Ok(Webhook { keys: keys? })
    }

    /// The content type and the body that tell of `events`, and how they are signed.
    ///
    /// # Errors
    /// [`Error::Internal`] when an event cannot be written.
    pub fn message(
        &self,
        events: &[CloudEvent],
        now: SystemTime,
        is_batch: bool,
        headers: &mut HeaderMap,
    ) -> Result<(&'static str, Vec<u8>), Error> {
        let (id, content_type, body) = match events {
            [event] if !is_batch => (event.id.clone(), "application/cloudevents+json", event.to_json()?),
            events => {
                let body = json_array(events.iter().map(CloudEvent::to_json))?;
                (batch_id(events), "application/cloudevents-batch+json", body)
            }
        };
        if !self.keys.is_empty() {
            let signed = Key::sign(&self.keys, &id, now, &body);
            headers.extend(signed.ok_or_else(|| Error::Internal(anyhow::anyhow!("the event cannot be signed")))?);
        }
        Ok((content_type, body))
    }
}

/// The same for the same events, at each try, and another one as soon as one of them is another.
fn batch_id(events: &[CloudEvent]) -> String {
    let mut hash = Sha256::new();
    for event in events {
        hash.update(&event.id);
        hash.update("\n");
    }
    let digits = hash.finalize().into_iter().take(16);
    digits.fold("batch_".to_string(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// What an answer that is no success means. Standard Webhooks: whatever it is, it is tried again, but for 410. What is too
/// large stays so; and a receiver of batches refuses a whole one for one bad event, which is found by halving.
pub fn verdict(answer: &Answer, is_batch: bool) -> Verdict {
    match answer.status.as_u16() {
        410 => Verdict::Gone,
        413 => Verdict::TooMany(reason(answer)),
        400 | 422 if is_batch => Verdict::TooMany(reason(answer)),
        300..=399 => match later(answer) {
            Verdict::Later(pause, reason) => Verdict::Later(pause, format!("a redirect is not followed: {reason}")),
            other => other,
        },
        _ => later(answer),
    }
}
