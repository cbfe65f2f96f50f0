"""A double of an Event Grid topic. What it is sent is read by Microsoft's own classes."""
import json
from urllib.parse import parse_qs, urlsplit

from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent

from double import Double, Refusal, arguments

MOST_BYTES = 1_000_000
MOST_EVENTS = 5000
MEDIA_TYPES = {"cloudevents": "application/cloudevents-batch+json", "eventgrid": "application/json"}


def main():
    parser = arguments(__doc__)
    parser.add_argument("--key", required=True)
    parser.add_argument("--schema", choices=MEDIA_TYPES, default="cloudevents")
    options = parser.parse_args()

    def take(path, headers, body):
        url = urlsplit(path)
        if url.path != "/api/events":
            raise Refusal(404, "there is no such topic")
        if headers.get_all("aeg-sas-key") != [options.key]:
            raise Refusal(401, "the key is missing or another one")
        if parse_qs(url.query) != {"api-version": ["2018-01-01"]}:
            raise Refusal(400, f"the api-version is missing or another one: {url.query}")
        if headers.get("content-type", "").split(";")[0] != MEDIA_TYPES[options.schema]:
            raise Refusal(415, "this topic takes another schema")
        if len(body) > MOST_BYTES:
            raise Refusal(413, f"{len(body)} bytes are more than {MOST_BYTES}")
        return 200, [understand(options.schema, event) for event in parse(body)]

    Double(take).serve(options.port)


def parse(body):
    try:
        events = json.loads(body)
    except ValueError as error:
        raise Refusal(400, f"this is no JSON: {error}") from error
    if not isinstance(events, list) or not 1 <= len(events) <= MOST_EVENTS:
        raise Refusal(400, "this is no array of events")
    return events


def understand(schema, event):
    try:
        if schema == "cloudevents":
            read = CloudEvent.from_dict(event)
            if (read.specversion, read.datacontenttype) != ("1.0", "application/json"):
                raise ValueError("this is no CloudEvent of JSON")
            more = {"source": read.source, "extensions": read.extensions}
            kind, time = read.type, read.time
        else:
            unknown = set(event) - {"id", "subject", "eventType", "eventTime", "data", "dataVersion"}
            if unknown or not event.get("subject") or not event.get("dataVersion"):
                raise ValueError(f"this is not the schema of Event Grid: {unknown}")
            read = EventGridEvent.from_dict(event)
            more = {"data_version": read.data_version}
            kind, time = read.event_type, read.event_time
        known = {"id": read.id, "type": kind, "time": time.isoformat(), "subject": read.subject, "data": read.data}
    except Exception as error:  # whatever Microsoft's classes raise
        raise Refusal(400, f"{type(error).__name__}: {error}") from error
    return {**known, **more}


main()
