"""A receiver of Standard Webhooks. Signatures are checked by the standard's own library."""
import json

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from double import Double, Refusal, arguments

MEDIA_TYPES = {"application/cloudevents+json": dict, "application/cloudevents-batch+json": list}


def main():
    parser = arguments(__doc__)
    parser.add_argument("--secret", required=True, help="whsec_…")
    options = parser.parse_args()
    webhook = Webhook(options.secret)

    def take(path, headers, body):
        try:
            message = webhook.verify(body, dict(headers.items()))
        except WebhookVerificationError as error:
            raise Refusal(401, str(error)) from error
        except json.JSONDecodeError as error:
            raise Refusal(400, str(error)) from error
        shape = MEDIA_TYPES.get(headers.get("content-type", "").split(";")[0])
        if shape is None or not isinstance(message, shape):
            raise Refusal(415, "this is neither an event nor a batch of events")
        events = message if isinstance(message, list) else [message]
        return 204, {"webhook_id": headers["webhook-id"], "events": events}

    Double(take).serve(options.port)


main()
