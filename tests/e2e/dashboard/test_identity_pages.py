"""Identity in the pages, before a pretended registry: provision, accept, cut off, re-enrol, certificates."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from fleet.problem import Problem
from tests.e2e.dashboard.pretended import camera
from tests.e2e.dashboard.site import Site, become_live
from tests.support.browser import Screen, WatchedPage, watched_page
from tests.support.pretended_registry import COMMAND, STEPS, certificate, sighting, stamp

ONE = camera(0)["device_id"]


def own_one(site: Site, **facts: object) -> None:
    site.own(1)
    site.fleet.registry.own(ONE, name="Gate north 0", **facts)
    site.fleet.registry.certificates.append(certificate(ONE))


def test_a_camera_is_provisioned_with_one_command_and_a_qr_code(site: Site, page: Page) -> None:
    site.fleet.registry.sites.append({"id": "hq", "name": "Headquarters", "time_zone": "Europe/Vienna"})
    page.goto("/")
    page.get_by_role("button", name="Provision camera").click()
    dialog = page.get_by_role("dialog", name="Provision a camera")
    expect(dialog.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Gate north")
    dialog.get_by_label("Site").select_option("Headquarters")
    dialog.get_by_label("Name").press("Enter")
    ticket = page.get_by_role("dialog", name="Enrol Gate north")
    expect(ticket.locator("copy-code")).to_have_text(COMMAND)
    expect(ticket.get_by_role("button", name="Copy command")).to_be_visible()
    picture = ticket.get_by_alt_text("QR code of the command")
    expect(picture).to_be_visible()
    assert picture.evaluate("img => img.decode().then(() => img.naturalWidth > 0)")
    assert site.fleet.registry.devices["cam-gate-north"]["site_id"] == "hq"
    ticket.get_by_role("button", name="Done").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_many_cameras_are_provisioned_by_a_list_and_their_tokens_saved(site: Site, page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Provision camera").click()
    page.get_by_role("button", name="Many at once").click()
    dialog = page.get_by_role("dialog", name="Provision many cameras")
    dialog.get_by_label("Cameras").fill("Gate north, hq\nLobby\n")
    dialog.get_by_role("button", name="Make tokens").click()
    made = page.get_by_role("dialog", name="Tokens are made")
    expect(made.get_by_text("2 cameras wait")).to_be_visible()
    with page.expect_download() as download:
        made.get_by_role("link", name="Save ids and tokens").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "device_id,name,token"
    assert [line.split(",")[1] for line in lines[1:]] == ["Gate north", "Lobby"]


def test_a_refusal_stays_in_the_dialog_with_what_was_typed(site: Site, watched: WatchedPage) -> None:
    watched.allowed += ["409", "503"]
    own_one(site)
    watched.page.goto("/")
    watched.page.get_by_role("button", name="Provision camera").click()
    dialog = watched.page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Gate north 0")
    dialog.get_by_role("button", name="Make token").click()
    expect(dialog.get_by_role("alert")).to_contain_text("another device is called")
    site.fleet.registry.broken = Problem(503, "The registry does not answer", "See `./managed_start.sh status`.")
    dialog.get_by_role("button", name="Make token").click()
    expect(dialog.get_by_role("alert")).to_contain_text("managed_start.sh status")
    expect(dialog.get_by_label("Name")).to_have_value("Gate north 0")
    watched.page.keyboard.press("Escape")
    expect(watched.page.get_by_role("dialog")).to_have_count(0)


def test_a_camera_is_accepted_on_sight_only_after_its_whole_code_was_compared(site: Site, page: Page) -> None:
    site.fleet.registry.sightings["7K2Q9DABCDEF"] = sighting()
    page.goto("/")
    waiting = page.get_by_role("region", name="Cameras that ask to be accepted")
    expect(waiting.locator("code")).to_have_text(["7K2Q", "9DAB", "CDEF"])
    waiting.get_by_role("button", name="Accept").click()
    dialog = page.get_by_role("dialog", name="Accept this camera")
    expect(dialog.get_by_text("Compare all twelve characters")).to_be_visible()
    expect(dialog.locator("code")).to_have_text(["7K2Q", "9DAB", "CDEF"])
    dialog.get_by_role("button", name="Accept").click()
    expect(dialog).to_be_visible()
    assert "7K2Q9DABCDEF" in site.fleet.registry.sightings
    dialog.get_by_label("I have compared all of it").check()
    dialog.get_by_label("Name").fill("West gate")
    dialog.get_by_role("button", name="Accept").click()
    expect(waiting).to_be_hidden()
    assert site.fleet.registry.devices["cam-sighted"]["name"] == "West gate"


def test_a_camera_that_nobody_knows_is_rejected(site: Site, page: Page) -> None:
    site.fleet.registry.sightings["7K2Q9DABCDEF"] = sighting(name_wish="<b>evil</b>")
    page.goto("/")
    expect(page.get_by_text("<b>evil</b>")).to_be_visible()
    page.get_by_role("button", name="Reject").click()
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert site.fleet.registry.sightings == {}
    assert site.fleet.registry.devices == {}


def test_a_revocation_names_what_will_happen_and_shows_its_steps_as_they_happen(site: Site, page: Page) -> None:
    own_one(site)
    page.goto(f"/cameras/{ONE}?tab=certificates")
    page.get_by_role("button", name="Revoke…").click()
    dialog = page.get_by_role("dialog", name="Revoke: Gate north 0")
    expect(dialog.get_by_text("its connection is closed within seconds")).to_be_visible()
    dialog.get_by_role("button", name="Revoke").click()
    steps = page.get_by_role("dialog", name="Cutting off Gate north 0")
    expect(steps).to_be_visible()
    for step in STEPS[1:]:
        expect(steps.locator(f"[data-step={step}][data-state=done]")).to_have_count(0)
        site.fleet.registry.step(ONE, step)
        expect(steps.locator(f"[data-step={step}][data-state=done] .step-time")).to_have_text(re.compile(r"\d\.\d s"))
    expect(steps.get_by_text("Cut off in")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-identity=denied]")).to_be_visible()
    expect(page.get_by_text("The last cut-off")).to_be_visible()
    expect(page.get_by_role("button", name="Revoke…")).to_have_count(0)


def test_a_revoked_camera_is_said_to_be_so_on_both_pages_as_it_happens(site: Site, page: Page) -> None:
    own_one(site)
    revoked = {"presence": "offline", "reason": "revoked", "since": stamp()}
    for path, place in ("/", f"tr[data-device-id={ONE}]"), (f"/cameras/{ONE}", ".camera-head"):
        site.fleet.put([camera(0)])
        page.goto(path)
        become_live(page)
        expect(page.locator(f"{place} status-pill")).to_have_text("Online")
        site.fleet.put([camera(0, **revoked)])
        expect(page.locator(f"{place} status-pill")).to_have_text("Revoked")
        expect(page.locator(f"{place} .reason")).to_have_text("cut off by a person")
        site.fleet.put([camera(0, presence="offline", reason="silent")])
        expect(page.locator(f"{place} status-pill")).to_have_text("Offline")


def test_a_cut_off_that_fails_says_so_and_that_the_registry_refuses_already(site: Site, page: Page) -> None:
    own_one(site)
    page.goto(f"/cameras/{ONE}?tab=certificates")
    page.get_by_role("button", name="Revoke…").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("dialog", name="Cutting off Gate north 0")).to_be_visible()
    site.fleet.registry.step(ONE, "failed")
    expect(page.get_by_role("dialog").get_by_text("The registry refuses the camera already")).to_be_visible()
    expect(page.locator("dialog [data-state=failed]").first).to_be_visible()


def test_a_cut_off_camera_is_re_enrolled_with_a_new_token(site: Site, page: Page) -> None:
    own_one(site, denied=True)
    site.fleet.registry.cut_off(ONE)
    page.goto(f"/cameras/{ONE}?tab=certificates")
    page.get_by_role("button", name="Re-enrol…").click()
    page.get_by_role("dialog").get_by_role("button", name="Re-enrol").click()
    expect(page.get_by_role("dialog", name="Enrol Gate north 0").locator("copy-code")).to_have_text(COMMAND)


def test_a_pending_camera_gets_a_new_token_or_is_rejected(site: Site, page: Page) -> None:
    own_one(site, state="pending")
    page.goto(f"/cameras/{ONE}?tab=certificates")
    page.get_by_role("button", name="New token…").click()
    page.get_by_role("dialog").get_by_role("button", name="New token").click()
    page.get_by_role("dialog").get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Reject…").click()
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    expect(page.locator("[data-identity=rejected]")).to_be_visible()


def test_decommissioning_follows_the_cut_off_too(site: Site, page: Page) -> None:
    own_one(site)
    page.goto(f"/cameras/{ONE}?tab=certificates")
    page.get_by_role("button", name="Decommission…").click()
    expect(page.get_by_role("dialog").get_by_text("its id is never given again")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Decommission").click()
    expect(page.get_by_role("dialog", name="Cutting off Gate north 0")).to_be_visible()
    site.fleet.registry.step(ONE, "proven")
    expect(page.get_by_text("Cut off in")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-identity=decommissioned]")).to_be_visible()
    expect(page.locator(".identity .row-actions")).to_have_count(0)


def test_each_certificate_says_what_it_is_worth(site: Site, page: Page) -> None:
    own_one(site)
    before = stamp(-timedelta(days=100))
    site.fleet.registry.certificates += [
        certificate(ONE, "aaaa", active_at=stamp(-timedelta(days=80)), issued_at=before),
        certificate(ONE, "bbbb", revoked_at=before, issued_at=before),
        certificate(ONE, "cccc", not_after=stamp(-timedelta(days=10)), issued_at=before),
        certificate(ONE, "dddd", active_at=None, issued_at=stamp(), purpose="renewed"),
    ]
    page.goto(f"/cameras/{ONE}?tab=certificates")
    states = {"5f0c": "in use", "aaaa": "replaced", "bbbb": "revoked", "cccc": "expired", "dddd": "ready"}
    for serial, state in states.items():
        expect(page.locator(f"tr[data-serial^='{serial}'] .worth")).to_have_text(state)
    expect(page.locator("tbody tr").first).to_have_attribute("data-state", "ready")


def test_a_fresh_certificate_is_shown_as_issued_now(site: Site, page: Page) -> None:
    own_one(site)
    times = {"issued_at": stamp(), "not_before": stamp(-timedelta(hours=1))}
    site.fleet.registry.certificates = [certificate(ONE, **times)]
    page.goto(f"/cameras/{ONE}?tab=certificates")
    issued = page.locator(".certificates tbody tr td").nth(3).locator("relative-time")
    expect(issued).to_have_attribute("datetime", times["issued_at"])
    expect(issued).not_to_contain_text(re.compile(r"\bh\b"))


def test_a_camera_without_certificates_names_the_command(site: Site, page: Page) -> None:
    own_one(site, state="pending")
    site.fleet.registry.certificates.clear()
    page.goto(f"/cameras/{ONE}?tab=certificates")
    expect(page.get_by_text(f"camfleet devices token {ONE}")).to_be_visible()


def test_a_registry_that_is_away_is_said_and_asked_again(site: Site, watched: WatchedPage) -> None:
    watched.allowed.append("503")
    own_one(site)
    site.fleet.registry.broken = Problem(503, "The registry does not answer", "See `./managed_start.sh status`.")
    watched.page.goto(f"/cameras/{ONE}?tab=certificates")
    expect(watched.page.get_by_text("managed_start.sh status")).to_be_visible()
    site.fleet.registry.broken = None
    watched.page.get_by_role("button", name="Try again").click()
    expect(watched.page.locator(".certificates tbody tr")).to_have_count(1)


def test_a_viewer_is_offered_nothing_that_would_be_refused(site: Site, page: Page) -> None:
    site.fleet.role = "viewer"
    own_one(site)
    site.fleet.registry.sightings["7K2Q9DABCDEF"] = sighting()
    page.goto("/")
    expect(page.locator("tr[data-device-id]")).to_have_count(1)
    expect(page.get_by_role("button", name="Provision camera")).to_have_count(0)
    expect(page.get_by_role("link", name="Admin")).to_have_count(0)
    page.goto(f"/cameras/{ONE}?tab=certificates")
    expect(page.locator(".certificates tbody tr")).to_have_count(1)
    expect(page.locator(".row-actions")).to_have_count(0)


@pytest.mark.parametrize("width", [360, 390])
def test_identity_does_not_scroll_sideways(site: Site, width: int) -> None:
    own_one(site)
    registry = site.fleet.registry
    registry.sightings["7K2Q9DABCDEF"] = sighting(name_wish="A camera with quite a long name above the western dock")
    registry.sites.append({"id": "hq", "name": "Headquarters", "time_zone": "Europe/Vienna"})
    registry.tokens.append(
        {"id": "t1", "label": "grafana", "scopes": ["devices:read"], "sites": None} | {"created_at": stamp()}
    )
    registry.audit.append(
        {
            "id": 1,
            "at": stamp(),
            "actor": "user:u-1",
            "action": "device.cut-off",
            "device_id": ONE,
            "detail": {"serials": ["ab" * 20] * 3},
            "source": "2001:db8:85a3:8d3:1319:8a2e:370:7348",
        }
    )
    tabs = ("", "?tab=tokens", "?tab=sites", "?tab=authorities", "?tab=audit")
    with watched_page(site.browser, site.url, Screen(width, 844)) as watched:
        page = watched.page
        for path in ("/", f"/cameras/{ONE}?tab=certificates", *(f"/admin{tab}" for tab in tabs)):
            page.goto(path)
            expect(page.locator("[aria-busy=true]")).to_have_count(0)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.goto("/")
        page.get_by_role("button", name="Provision camera").click()
        page.get_by_role("dialog").get_by_label("Name").fill("Gate")
        page.get_by_role("dialog").get_by_role("button", name="Make token").click()
        expect(page.locator(".qr")).to_be_visible()
        box = page.get_by_role("dialog").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert page.get_by_role("dialog").evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
