//! Signs and checks messages as Standard Webhooks has it (<https://www.standardwebhooks.com>, symmetric signatures, `v1`).
//! Knows no event and no endpoint.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{
    Engine,
    alphabet::STANDARD as ALPHABET,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::{Hmac, Mac};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;

/// The message's own id, the same at each try.
pub const ID: HeaderName = HeaderName::from_static("webhook-id");
/// When this try was made, in seconds since 1970.
pub const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// One signature or more, parted by spaces.
pub const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// What keys are written with.
const PREFIX: &str = "whsec_";

/// A shorter key could be guessed.
const FEWEST_BYTES: usize = 16;

/// A message that is older, or so far ahead, may have been recorded and sent again.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// As the libraries of other languages do, with padding or without it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What both sides know. It is a secret, so there is no `Debug`.
pub struct Key(Vec<u8>);

impl Key {
    /// Reads `whsec_` and the key in Base64; text without that prefix is the key itself.
    ///
    /// # Errors
    /// What is wrong, without quoting it.
    pub fn parse(text: &str) -> Result<Key, String> {
        let bytes = match text.strip_prefix(PREFIX) {
            Some(encoded) => BASE64.decode(encoded).map_err(|_| format!("has no Base64 behind {PREFIX}"))?,
            None => text.as_bytes().to_vec(),
        };
        if bytes.len() < FEWEST_BYTES {
            return Err(format!("has a key of less than {FEWEST_BYTES} bytes"));
        }
        Ok(Key(bytes))
    }

    /// The header fields of a message, signed with each of `keys` at the time `now`; `None` when `id` cannot stand in a
    /// header.
    pub fn sign(keys: &[Key], id: &str, now: SystemTime, body: &[u8]) -> Option<[(HeaderName, HeaderValue); 3]> {
        let timestamp = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
        let signature =
            |key: &Key| Some(format!("v1,{}", BASE64.encode(key.mac(id, &timestamp, body)?.finalize().into_bytes())));
        let signatures: Option<Vec<String>> = keys.iter().map(signature).collect();
        Some([
            (ID, HeaderValue::from_str(id).ok()?),
            (TIMESTAMP, HeaderValue::from_str(&timestamp).ok()?),
            (SIGNATURE, HeaderValue::from_str(&signatures?.join(" ")).ok()?),
        ])
    }

    /// Whether a message with these header fields was signed with this key, about `now`.
    pub fn has_signed(&self, headers: &HeaderMap, body: &[u8], now: SystemTime) -> bool {
        let only = |name| {
            let mut values = headers.get_all(name).iter();
            let value = values.next().and_then(|value| value.to_str().ok());
            value.filter(|_| values.next().is_none())
        };
        let (Some(id), Some(timestamp), Some(signatures)) = (only(ID), only(TIMESTAMP), only(SIGNATURE)) else {
            return false;
        };
        // Once, however many signatures there are: the body may be long.
        let Some(mac) = self.mac(id, timestamp, body).filter(|_| is_about(timestamp, now)) else { return false };
        let mut given = signatures.split(' ').filter_map(|one| BASE64.decode(one.strip_prefix("v1,")?).ok());
        given.any(|signature| mac.clone().verify_slice(&signature).is_ok()) // in constant time
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?; // it takes a key of any length
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        Some(mac)
    }
}

fn is_about(timestamp: &str, now: SystemTime) -> bool {
    let Some(time) = timestamp.parse().ok().and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
    else {
        return false;
    };
    let distance = now.duration_since(time).unwrap_or_else(|later| later.duration());
    distance <= TOLERANCE
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    fn key(text: &str) -> Key {
        Key::parse(text).ok().unwrap()
    }

    fn signed(headers: &[(&'static str, &str)]) -> HeaderMap {
        let named = |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().unwrap());
        headers.iter().map(named).collect()
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// The example that the specification's own libraries are tested with.
    #[test]
    fn the_signature_of_the_specification_s_example_is_made_and_known() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";

        let headers = HeaderMap::from_iter(Key::sign(&[key], id, at(1614265330), BODY).unwrap());

        assert_eq!(headers[SIGNATURE], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!((&headers[ID], &headers[TIMESTAMP]), (&id.parse().unwrap(), &"1614265330".parse().unwrap()));
    }

    #[test]
    fn a_message_is_known_by_any_of_its_signatures_for_five_minutes_and_only_as_it_was_signed() {
        let (new, old) = (key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), key("sixteen-characters"));
        let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let message = |id: &str, timestamp: &str, signature: &str| {
            signed(&[("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)])
        };
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let table = [
            (message(id, "1614265330", good), 1614265330, true),
            (message(id, "1614265330", good), 1614265330 + 300, true),
            (message(id, "1614265330", good), 1614265330 - 300, true),
            (message(id, "1614265330", good), 1614265330 + 301, false),
            (message(id, "1614265330", good), 1614265330 - 301, false),
            (message(id, "1614265330", &format!("v1,AAAA v1a,AAAA {good} v2,x")), 1614265330, true),
            (message(id, "1614265330", &good.replace('=', "")), 1614265330, true),
            (message("another", "1614265330", good), 1614265330, false),
            (message(id, "1614265331", good), 1614265330, false),
            (message(id, "1614265330", &good.replace("v1,", "v2,")), 1614265330, false),
            (message(id, "1614265330", "v1,"), 1614265330, false),
            (message(id, "1614265330", ""), 1614265330, false),
            (message(id, "99999999999999999999", good), 1614265330, false),
            (message(id, "18446744073709551615", good), 1614265330, false),
            (message(id, "soon", good), 1614265330, false),
            (signed(&[("webhook-id", id), ("webhook-signature", good)]), 1614265330, false),
            (HeaderMap::new(), 1614265330, false),
        ];

        for (headers, now, known) in table {
            assert_eq!(new.has_signed(&headers, BODY, at(now)), known, "{headers:?} at {now}");
            assert!(!new.has_signed(&headers, b"{}", at(now)), "another body");
            assert!(!old.has_signed(&headers, BODY, at(now)), "another key");
        }
        let both = HeaderMap::from_iter(Key::sign(&[old, new], id, at(1614265330), BODY).unwrap());
        for text in ["sixteen-characters", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(key(text).has_signed(&both, BODY, at(1614265330)), "{both:?}");
        }
    }

    #[test]
    fn a_key_that_cannot_be_meant_is_refused_and_not_quoted() {
        for (text, problem) in [
            ("hunter2", "less than 16"),
            ("whsec_aHVudGVyMg==", "less than 16"),
            ("whsec_hunter2 hunter2 hunter2", "no Base64"),
            ("", "less than 16"),
        ] {
            let message = Key::parse(text).err().unwrap();
            assert!(message.contains(problem) && !message.contains("hunter2"), "{message}");
        }
    }
}
