//! An event as it is sent: CloudEvents 1.0, with the extensions `partitionkey`, `sequence` and `traceparent`. Knows no sink.

use std::time::SystemTime;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::Error;

/// An event as it is sent (CloudEvents 1.0).
pub struct CloudEvent {
    /// With `source` it is unique, and the same at each try.
    pub id: String,
    /// Who says it.
    pub source: String,
    /// What has happened, such as `thing.created`.
    pub kind: String,
    /// When.
    pub time: SystemTime,
    /// What it happened to, such as `things/3`. Events of the same key are in sequence.
    pub partition_key: String,
    /// Greater than that of the event before it, of the same key.
    pub sequence: u64,
    /// What it happened to, as JSON.
    pub data: Box<RawValue>,
    /// What it happened in (CloudEvents, Distributed Tracing extension).
    pub traceparent: Option<String>,
}

impl CloudEvent {
    /// The event in the structured content mode of the JSON format (CloudEvents 1.0, JSON Event Format, section 3), whose
    /// media type is `application/cloudevents+json`. `sequence` has twenty digits, so that it compares as text too.
    ///
    /// # Errors
    /// [`Error::Internal`] when it cannot be written.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|error| Error::Internal(error.into()))
    }
}

impl Serialize for CloudEvent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Structured<'a> {
            specversion: &'static str,
            id: &'a str,
            source: &'a str,
            r#type: &'a str,
            time: String,
            subject: &'a str,
            partitionkey: &'a str,
            sequence: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            traceparent: Option<&'a str>,
            datacontenttype: &'static str,
            data: &'a RawValue,
        }

        Structured {
            specversion: "1.0",
            id: &self.id,
            source: &self.source,
            r#type: &self.kind,
            time: humantime::format_rfc3339_micros(self.time).to_string(),
            subject: &self.partition_key,
            partitionkey: &self.partition_key,
            sequence: format!("{:020}", self.sequence),
            traceparent: self.traceparent.as_deref(),
            datacontenttype: "application/json",
            data: &self.data,
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_event_is_written_as_the_standard_has_it() {
        let event = CloudEvent {
            id: "a1".into(),
            source: "/shop".into(),
            kind: "thing.created".into(),
            time: SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_000_001),
            partition_key: "things/3".into(),
            sequence: 42,
            data: RawValue::from_string("{\"price\":1.10}".into()).unwrap(),
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        };

        let expected = "{\"specversion\":\"1.0\",\"id\":\"a1\",\"source\":\"/shop\",\"type\":\"thing.created\",\
            \"time\":\"2023-11-14T22:13:20.000001Z\",\"subject\":\"things/3\",\"partitionkey\":\"things/3\",\
            \"sequence\":\"00000000000000000042\",\
            \"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\",\"datacontenttype\":\"application/json\",\"data\":{\"price\":1.10}}";
        assert_eq!(String::from_utf8(event.to_json().unwrap()).unwrap(), expected);
    }
}
