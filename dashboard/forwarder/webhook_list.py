"""The file of webhooks: one `https://… secret` per line, because both are secrets."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from dashboard.forwarder.private_files import private_lines
from fleet.settings import SettingsError

SETTING = "CAMFLEET_WEBHOOK_URLS_FILE"
LEAST_SECRET = 16
MOST_WEBHOOKS = 32


class BadLine(Exception):
    """A line names no usable webhook; the text repeats nothing of it."""


@dataclass(frozen=True)
class Webhook:
    """A receiver: where it is, and the secret that signs what it gets. Neither is shown whole to anybody."""

    url: httpx.URL = field(repr=False)
    secret: str = field(repr=False)

    @property
    def name(self) -> str:
        """Return the name of its cursor, which stays the same for as long as the URL does."""
        return f"webhook:{hashlib.sha256(str(self.url).encode()).hexdigest()[:12]}"

    @property
    def address(self) -> str:
        """Return the part of the URL that is no secret."""
        port = f":{self.url.port}" if self.url.port else ""
        return f"{self.url.scheme}://{self.url.host}{port}"


def read_webhooks(path: Path, *, allow_plain: bool) -> list[Webhook]:
    """Return the webhooks of a file; raises SettingsError with every bad line named by its number."""
    found: dict[str, Webhook] = {}
    problems: list[str] = []
    for number, line in private_lines(path, SETTING):
        try:
            webhook = read_line(line, allow_plain=allow_plain)
        except BadLine as bad:
            problems.append(f"{SETTING}: {path} line {number}: {bad}")
            continue
        if webhook.name in found:
            problems.append(f"{SETTING}: {path} line {number}: this URL stands in it twice")
        found[webhook.name] = webhook
    problems += _number_problems(len(found), path) if not problems else ()
    if problems:
        raise SettingsError(problems)
    return list(found.values())


def read_line(line: str, *, allow_plain: bool) -> Webhook:
    """Return the webhook of one line; raises BadLine."""
    parts = line.split()
    if len(parts) != 2:
        raise BadLine("give a URL, a space, and a secret")
    text, secret = parts
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise BadLine("this is no URL") from error
    if not url.host or url.scheme not in ("https", "http"):
        raise BadLine("a URL begins with https:// and a host")
    if not 0 < (url.port or 443) < 65536:
        raise BadLine("no host has such a port")
    if url.scheme == "http" and not allow_plain:
        raise BadLine("use https (plain http only on this host, with CAMFLEET_WEBHOOK_ALLOW_PRIVATE=1)")
    if len(secret) < LEAST_SECRET:
        raise BadLine(f"a secret has at least {LEAST_SECRET} characters")
    return Webhook(url.copy_with(fragment=None), secret)


def _number_problems(count: int, path: Path) -> Iterator[str]:
    if count == 0:
        yield f"{SETTING}: {path} names no webhook"
    if count > MOST_WEBHOOKS:
        yield f"{SETTING}: {path} names {count} webhooks; at most {MOST_WEBHOOKS} are served"
