"""What a client of the service knows and its description cannot say."""

import os
import re
import uuid

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):
    """A new request takes a new Idempotency-Key; one that is not valid stays so."""
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch("[!-~]{1,255}", key):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())


if os.environ.get("TOKEN"):

    @schemathesis.auth()
    class Token:
        """As `--header` would, but not where it is the test that there is none."""

        def get(self, case, context):
            return os.environ["TOKEN"]

        def set(self, case, token, context):
            scenario = case.meta and case.meta.phase.data
            if getattr(scenario, "parameter", None) != "Authorization":
                case.headers["Authorization"] = f"Bearer {token}"
