"""Speaks to POST /events as the real senders do: Microsoft's client for Event Grid, the library of Standard Webhooks.

usage: speak.py WHO URL SECRET DATA   DATA is the JSON of one event's data; WHO is a function below
It says on stdout what it was answered, as JSON.
"""
import json
import sys
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent, EventGridPublisherClient
from standardwebhooks.webhooks import Webhook

TYPE = "order.import"


def cloudevents(url, secret, data):
    return publish(url, secret, CloudEvent(source="/azure", type=TYPE, data=data, id="cloud-1", extensions={"more": "x"}))


def eventgrid(url, secret, data):
    return publish(url, secret, EventGridEvent(subject="s", event_type=TYPE, data=data, data_version="1", id="grid-1"))


def publish(url, secret, event):
    """Microsoft's client. It sends its key in a header of its own, so the secret stands in the address."""
    address = f"{url}?access_token={quote(secret, safe='')}"
    with EventGridPublisherClient(address, AzureKeyCredential("unused"), retry_total=0) as client:
        try:
            client.send([event])
            return {"status": 200}
        except HttpResponseError as error:
            return {"status": error.status_code, "answer": error.response.text()}


def standard(url, secret, data):
    return signed(url, secret, data, "msg_1", timedelta(0))


def too_old(url, secret, data):
    return signed(url, secret, data, "msg_2", timedelta(minutes=-6))


def signed(url, secret, data, message_id, age):
    # The library takes a time without a zone, which it then says is UTC.
    time = datetime.now(timezone.utc).replace(tzinfo=None) + age
    event = {"specversion": "1.0", "id": message_id, "source": "/standard", "type": TYPE, "data": data}
    body = json.dumps(event)
    headers = {
        "Content-Type": "application/cloudevents+json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(time.replace(tzinfo=timezone.utc).timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, time, body),
    }
    request = urllib.request.Request(url, data=body.encode(), headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return {"status": response.status, "answer": response.read().decode()}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "answer": error.read().decode()}


who, url, secret, data = sys.argv[1:]
speak = {f.__name__: f for f in (cloudevents, eventgrid, standard, too_old)}[who]
print(json.dumps(speak(url, secret, json.loads(data))))
