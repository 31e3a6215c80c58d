"""Hand events over to a webhook: signed batches by HTTPS, to an address that was looked at first."""

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from dashboard.forwarder.addresses import Address, AddressRule, NotAllowed, NotThere, resolve
from dashboard.forwarder.planning import batches
from dashboard.forwarder.signature import HEADER, sign
from dashboard.forwarder.target import Delivery, Message, Trouble, Verdict
from dashboard.forwarder.webhook_list import Webhook
from fleet import __version__

MOST_EVENTS, MOST_BYTES = 100, 256 * 1024
# Of an answer only its status counts; a short body is read so that the connection can be used again.
READ_OF_ANSWER = 4 * 1024
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
GONE, TRY_AGAIN = 410, (408, 425, 429)


@dataclass
class WebhookTarget:
    """One receiver; requests go one after the other, so batches arrive in order."""

    webhook: Webhook
    client: httpx.Client
    rule: AddressRule
    stopping: threading.Event
    look_up: Callable[[str, int], list[Address]] = resolve
    clock_s: Callable[[], float] = field(default=time.time)

    @property
    def name(self) -> str:
        """Return the name of its cursor."""
        return self.webhook.name

    @property
    def address(self) -> str:
        """Return where it is, without what is secret in it."""
        return self.webhook.address

    def deliver(self, messages: Sequence[Message]) -> Delivery:
        """Send batch after batch until one is not taken."""
        taken = 0
        for batch in batches(messages, MOST_EVENTS, MOST_BYTES - len(body_of([]))):
            if self.stopping.is_set():
                break
            trouble = self._send(body_of(batch))
            if trouble is not None:
                return Delivery(taken, trouble)
            taken += len(batch)
        return Delivery(taken)

    def close(self) -> None:
        """Close connections."""
        self.client.close()

    def _send(self, body: bytes) -> Trouble | None:
        try:
            return self._post(body, self._allowed_addresses())
        except NotAllowed as error:
            return Trouble(Verdict.REFUSED, str(error))
        except NotThere as error:
            return Trouble(Verdict.AWAY, str(error))
        except httpx.HTTPError as error:
            return Trouble(Verdict.AWAY, _explain(error))

    def _allowed_addresses(self) -> list[Address]:
        """Look the name up for each batch: what it means may change."""
        url = self.webhook.url
        is_plain = url.scheme == "http"
        found = self.look_up(url.raw_host.decode("ascii"), url.port or (80 if is_plain else 443))
        for address in found:
            self.rule.check(address, is_plain=is_plain)
        return found

    def _post(self, body: bytes, addresses: list[Address]) -> Trouble | None:
        for address in addresses[:-1]:
            try:
                return self._post_to(body, address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return self._post_to(body, addresses[-1])

    def _post_to(self, body: bytes, address: Address) -> Trouble | None:
        """Send to exactly the address that was allowed; certificate and Host header stay those of the name."""
        url, moment = self.webhook.url, int(self.clock_s())
        name = url.raw_host.decode("ascii")
        headers = {
            "Host": url.netloc.decode("ascii"),
            "Content-Type": "application/json",
            "User-Agent": f"camfleet/{__version__}",
            HEADER: sign(self.webhook.secret, moment, body),
        }
        there, seen_as = url.copy_with(host=str(address)), {"sni_hostname": name}
        request = self.client.build_request("POST", there, content=body, headers=headers, extensions=seen_as)
        response = self.client.send(request, stream=True, follow_redirects=False)
        try:
            _read_a_little(response)
        finally:
            response.close()
        return trouble_of(response.status_code, response.headers.get("Retry-After", ""))


def body_of(batch: Sequence[Message]) -> bytes:
    """Return the JSON of a request."""
    return b'{"events":[' + b",".join(message.body for message in batch) + b"]}"


def new_client(ca_file: Path | None) -> httpx.Client:
    """Return a client that goes straight to where it is told: no proxy, no password file; raises OSError."""
    trust = ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context(trust_env=False)
    return httpx.Client(verify=trust, timeout=TIMEOUT, trust_env=False, follow_redirects=False)


def trouble_of(status: int, retry_after: str) -> Trouble | None:
    """Return what an answer means; None: the batch was taken."""
    if 200 <= status < 300:
        return None
    if status == GONE:
        return Trouble(Verdict.GONE, "answers 410 Gone: wants no more events")
    patience = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None
    if status >= 500 or status in TRY_AGAIN:
        return Trouble(Verdict.AWAY, f"answers {status}", patience)
    if 300 <= status < 400:
        return Trouble(
            Verdict.REFUSED, f"answers {status}: redirects are not followed; write the new URL into the file"
        )
    return Trouble(Verdict.REFUSED, f"answers {status}: look at its URL and secret", patience)


def _read_a_little(response: httpx.Response) -> None:
    read = 0
    for chunk in response.iter_raw():
        read += len(chunk)
        if read > READ_OF_ANSWER:
            return


def _explain(error: httpx.HTTPError) -> str:
    """Say what failed without repeating anything of the URL."""
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpx.ConnectError):
        reason = "its certificate is not good" if "CERTIFICATE_VERIFY_FAILED" in str(error) else "no connection"
        return f"{reason} ({type(error).__name__})"
    return f"the connection broke ({type(error).__name__})"
