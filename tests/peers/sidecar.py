"""A double of a Dapr sidecar: not Dapr itself, but what its API reference says of publishing and of subscribers.

It takes events at /v1.0/publish/PUBSUB/TOPIC. POST /deliver gives an event to the app in its turn, as Dapr would, again and
again until the app says that it is done with it, five times at most.
"""
import json
import time
import urllib.error
import urllib.request

from double import Double, Refusal, arguments

MOST_TRIES = 5


def main():
    parser = arguments(__doc__)
    parser.add_argument("--component", default="pubsub")
    parser.add_argument("--token", help="what the app has to send (DAPR_API_TOKEN)")
    parser.add_argument("--app", help="the app's URL for events")
    parser.add_argument("--app-token", help="what the app is sent (APP_API_TOKEN)")
    options = parser.parse_args()

    def take(path, headers, body):
        if path == "/deliver":
            return 200, deliver(options.app, options.app_token, options.component, json.loads(body))
        parts = path.split("?")[0].split("/", 5)
        if parts[:4] != ["", "v1.0", "publish", options.component] or not "".join(parts[4:5]):
            raise Refusal(404, '{"errorCode": "ERR_PUBSUB_NOT_FOUND"}')
        if options.token and headers.get_all("dapr-api-token") != [options.token]:
            raise Refusal(401, "the token is missing or another one")
        if headers.get("content-type") != "application/cloudevents+json":
            raise Refusal(500, "this would be wrapped into another event")
        event = json.loads(body)
        missing = [name for name in ("id", "source", "specversion", "type") if not event.get(name)]
        if missing:
            raise Refusal(400, f"no CloudEvent: {missing}")
        return 204, {"topic": parts[4], "event": event}

    Double(take).serve(options.port)


def deliver(url, token, component, event):
    """What the app said at each try."""
    event = {**event, "pubsubname": component, "topic": "topic", "traceid": "00-0-0-00"}
    headers = {"Content-Type": "application/cloudevents+json", "dapr-api-token": token or ""}
    said = []
    while len(said) < MOST_TRIES:
        status, answer = post(url, headers, json.dumps(event).encode())
        said.append(outcome(status, answer))
        if said[-1] != "RETRY":
            break
        time.sleep(0.2)
    return said


def outcome(status, answer):
    """As the reference has it: an empty success is SUCCESS, 404 is DROP, everything else is RETRY."""
    if status == 404:
        return "DROP"
    if not 200 <= status <= 299:
        return "RETRY"
    if not answer:
        return "SUCCESS"
    try:
        word = json.loads(answer).get("status")
    except (ValueError, AttributeError):
        return "SUCCESS"
    return word if word in ("SUCCESS", "DROP") else "RETRY"


def post(url, headers, body):
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


main()
