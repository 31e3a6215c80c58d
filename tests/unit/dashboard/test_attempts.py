"""Who has tried enough passwords."""

import pytest

from dashboard.people.attempts import MOST_REFUSED, has_tried_enough


@pytest.mark.parametrize(
    ("address", "refused", "enough"),
    [
        ("192.0.2.7", {}, False),
        ("192.0.2.7", {"192.0.2.7": MOST_REFUSED - 1}, False),
        ("192.0.2.7", {"192.0.2.7": MOST_REFUSED}, True),
        ("192.0.2.8", {"192.0.2.7": MOST_REFUSED}, False),
        ("::ffff:192.0.2.7", {"192.0.2.7": MOST_REFUSED}, True),
        ("2001:db8::1", {"2001:db8::2": 6, "2001:db8::3": 4}, True),
        ("2001:db8:0:1::1", {"2001:db8::2": MOST_REFUSED}, False),
        (None, {None: 6, "nonsense": 4}, True),
    ],
)
def test_a_senders_refused_logins_are_added_up(
    address: str | None, refused: dict[str | None, int], enough: bool
) -> None:
    assert has_tried_enough(address, refused) is enough
