"""What a webhook's answers mean, and that requests go to the address that was looked at under the name's identity."""

import threading
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import httpx
import pytest

from dashboard.forwarder.addresses import AddressRule, NotThere
from dashboard.forwarder.target import Delivery, Message, Trouble, Verdict
from dashboard.forwarder.webhook import MOST_BYTES, MOST_EVENTS, WebhookTarget, trouble_of
from dashboard.forwarder.webhook_list import Webhook

URL = "https://hooks.example.org:8443/s3cr3t?t=1"


def messages(count: int, size: int = 20) -> list[Message]:
    return [Message(seq, "cam-front-door", b'"' + b"x" * (size - 2) + b'"') for seq in range(count)]


def answered(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(b"thanks"))


def target(answer: Callable[[httpx.Request], httpx.Response], *leads_to: str, url: str = URL) -> WebhookTarget:
    client = httpx.Client(transport=httpx.MockTransport(answer))
    found = [ip_address(address) for address in leads_to or ("8.8.8.8",)]
    hook = Webhook(httpx.URL(url), "sixteen-letters-or-more")
    return WebhookTarget(hook, client, AddressRule(), threading.Event(), lambda *_: found, lambda: 1_790_000_000.5)


def test_a_request_goes_to_the_allowed_address_with_host_and_certificate_of_the_name() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answered(200)

    assert target(answer).deliver(messages(1)) == Delivery(1)
    [request] = seen
    assert str(request.url) == "https://8.8.8.8:8443/s3cr3t?t=1"
    assert request.headers["Host"] == "hooks.example.org:8443"
    assert request.extensions["sni_hostname"] == "hooks.example.org"
    assert request.headers["Camfleet-Signature"].startswith("t=1790000000,v1=")


def test_batches_stay_within_both_limits() -> None:
    sizes: list[tuple[int, int]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sizes.append((request.content.count(b'"x'), len(request.content)))
        return answered(200)

    assert target(answer).deliver(messages(MOST_EVENTS * 2 + 1)).taken == MOST_EVENTS * 2 + 1
    assert [count for count, _ in sizes] == [MOST_EVENTS, MOST_EVENTS, 1]
    sizes.clear()
    assert target(answer).deliver(messages(60, size=10_000)).taken == 60
    assert sum(count for count, _ in sizes) == 60
    assert max(size for _, size in sizes) <= MOST_BYTES


def test_what_came_before_the_first_refused_batch_is_taken() -> None:
    answers = iter([200, 503])
    done = target(lambda _: answered(next(answers))).deliver(messages(MOST_EVENTS * 3))
    assert done == Delivery(MOST_EVENTS, Trouble(Verdict.AWAY, "answers 503"))


@pytest.mark.parametrize(
    ("status", "retry_after", "verdict", "patience"),
    [
        (500, "", Verdict.AWAY, None),
        (503, "7", Verdict.AWAY, 7.0),
        (408, "", Verdict.AWAY, None),
        (429, "120", Verdict.AWAY, 120.0),
        (429, "Wed, 21 Oct 2026 07:28:00 GMT", Verdict.AWAY, None),
        (400, "", Verdict.REFUSED, None),
        (401, "", Verdict.REFUSED, None),
        (404, "", Verdict.REFUSED, None),
        (301, "", Verdict.REFUSED, None),
        (410, "", Verdict.GONE, None),
    ],
)
def test_each_answer_asks_for_something(
    status: int, retry_after: str, verdict: Verdict, patience: float | None
) -> None:
    trouble = trouble_of(status, retry_after)
    assert trouble is not None
    assert (trouble.verdict, trouble.retry_after_s) == (verdict, patience)
    assert str(status) in trouble.reason


@pytest.mark.parametrize("status", [200, 202, 204])
def test_every_2xx_takes_the_batch(status: int) -> None:
    assert trouble_of(status, "") is None


def test_a_redirect_is_refused_and_not_followed() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return answered(307, Location="https://169.254.169.254/latest")

    trouble = target(answer).deliver(messages(1)).trouble
    assert (trouble and trouble.verdict, len(asked)) == (Verdict.REFUSED, 1)


def test_a_name_that_leads_inside_is_refused_before_anything_is_sent() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise AssertionError("nothing may be sent")

    for leads_to in (["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["169.254.169.254"]):
        done = target(answer, *leads_to).deliver(messages(1))
        assert (done.taken, done.trouble and done.trouble.verdict) == (0, Verdict.REFUSED)


def test_another_address_of_the_name_is_tried_when_one_does_not_answer() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        if request.url.host == "2606:4700::1111":
            raise httpx.ConnectError("network is unreachable")
        return answered(200)

    assert target(answer, "2606:4700::1111", "8.8.8.8").deliver(messages(1)) == Delivery(1)
    assert asked == ["2606:4700::1111", "8.8.8.8"]


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError(f"[SSL: CERTIFICATE_VERIFY_FAILED] for {URL}"),
        httpx.ReadTimeout(URL),
        httpx.RemoteProtocolError(URL),
    ],
)
def test_a_failure_is_named_without_the_url(error: httpx.HTTPError) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    trouble = target(answer).deliver(messages(1)).trouble
    assert trouble is not None
    assert trouble.verdict is Verdict.AWAY
    assert "s3cr3t" not in trouble.reason


def test_a_name_that_is_not_there_is_waited_for() -> None:
    def look_up(*_: Any) -> Any:
        raise NotThere("the name hooks.example.org cannot be resolved")

    one = target(lambda _: answered(200))
    one.look_up = look_up
    assert one.deliver(messages(1)).trouble == Trouble(Verdict.AWAY, "the name hooks.example.org cannot be resolved")


def test_a_stop_ends_between_batches() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        one.stopping.set()
        return answered(200)

    one = target(answer)
    assert one.deliver(messages(MOST_EVENTS * 3)) == Delivery(MOST_EVENTS)
