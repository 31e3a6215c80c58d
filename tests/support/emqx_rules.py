"""EMQX's access rules as it reads them: the terms of acl.conf, tried from above; the first that fits decides."""

import re
from dataclasses import dataclass
from typing import Self

RULE = re.compile(r"\{(allow|deny), (all|\{username, .+?\}\}?)(?:, (publish|subscribe|all), \[(.*)\])?\}\.")
REGEX_NAME = re.compile(r'\{username, \{re, "(.+)"\}\}')
PLAIN_NAME = re.compile(r'\{username, "(.+)"\}')


class NotARule(ValueError):
    """A line is not a term of the forms that our file uses; EMQX would refuse to start, or mean something else."""


@dataclass(frozen=True)
class Rule:
    """One term. Without an action it is about everything, as `{deny, all}`."""

    permits: bool
    who: str
    action: str
    filters: tuple[str, ...]

    @classmethod
    def parse(cls, line: str) -> Self:
        found = RULE.fullmatch(line)
        if found is None:
            raise NotARule(line)
        permission, who, action, topics = found.groups()
        return cls(permission == "allow", who, action or "all", tuple(re.findall(r'"([^"]*)"', topics or '"#all"')))

    def fits(self, user: str, action: str, topic: str) -> bool:
        return self._is_about(user) and self.action in (action, "all") and self._names(user, topic)

    def _is_about(self, user: str) -> bool:
        if self.who == "all":
            return True
        if regex := REGEX_NAME.fullmatch(self.who):
            return re.search(regex[1], user) is not None
        if plain := PLAIN_NAME.fullmatch(self.who):
            return plain[1] == user
        raise NotARule(self.who)

    def _names(self, user: str, topic: str) -> bool:
        return any(each == "#all" or matches(topic, each.replace("${username}", user)) for each in self.filters)


@dataclass(frozen=True)
class EmqxRules:
    """The whole file, and what stands behind it: `authorization.no_match`."""

    rules: tuple[Rule, ...]
    permits_unmatched: bool = False

    @classmethod
    def parse(cls, text: str, *, no_match: str = "deny") -> Self:
        lines = [line for line in text.splitlines() if line and not line.startswith("%%")]
        return cls(tuple(Rule.parse(line) for line in lines), no_match == "allow")

    def allows(self, user: str, action: str, topic: str) -> bool:
        """Say whether `user` may publish to a topic or subscribe to a filter; a shared group's name does not count."""
        asked = re.sub(r"^\$share/[^/]+/", "", topic) if action == "subscribe" else topic
        for rule in self.rules:
            if rule.fits(user, action, asked):
                return rule.permits
        return self.permits_unmatched


def matches(topic: str, topic_filter: str) -> bool:
    """EMQX's matching, which takes a subscriber's filter for a topic: its `+` and `#` are words like others."""
    words, wanted = topic.split("/"), topic_filter.split("/")
    if words[0].startswith("$") and wanted[0] in ("+", "#"):
        return False
    for place, want in enumerate(wanted):
        if want == "#":
            return True
        # A `#` that is asked for is more than a `+` that is allowed.
        if place >= len(words) or (want != words[place] and (want != "+" or words[place] == "#")):
            return False
    return len(words) == len(wanted)
