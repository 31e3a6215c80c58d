"""The Admin page before pretended people and a pretended registry."""

import re
from datetime import timedelta

from playwright.sync_api import Page, expect

from dashboard.store.people import LoginRecord, User
from tests.e2e.dashboard.site import Site, become_live
from tests.support.browser import WatchedPage
from tests.support.pretended_registry import authorities, stamp


def with_sites(site: Site) -> Site:
    site.fleet.registry.sites += [
        {"id": "hq", "name": "Headquarters", "time_zone": "Europe/Vienna"},
        {"id": "depot", "name": "Depot 4", "time_zone": "Europe/Bucharest"},
    ]
    return site


def test_a_person_is_added_for_some_sites_and_the_password_shown_once(site: Site, page: Page) -> None:
    with_sites(site)
    page.goto("/admin")
    page.get_by_role("button", name="Add a person").click()
    dialog = page.get_by_role("dialog", name="Add a person")
    dialog.get_by_label("User name").fill("bea")
    dialog.get_by_label("Role").select_option("operator")
    dialog.get_by_label("Depot 4").check()
    dialog.get_by_role("button", name="Add").click()
    shown = page.get_by_role("dialog", name="Password of bea")
    expect(shown.locator("code")).to_have_text(re.compile(r"^(\w{5}-){3}\w{5}$"))
    shown.get_by_role("button", name="Done").click()
    row = page.get_by_role("row").filter(has_text="bea")
    expect(row).to_contain_text("Depot 4")
    expect(row.locator("relative-time")).to_have_text("just now")
    bea = next(user for user in site.fleet.sessions.people.users.values() if user.name == "bea")
    assert (bea.role, bea.site_ids) == ("operator", frozenset({"depot"}))


def test_a_person_is_changed_and_removed(site: Site, page: Page) -> None:
    site.fleet.sessions.people.users["u-2"] = User("u-2", "bea", "viewer", "")
    page.goto("/admin")
    page.get_by_role("button", name="Change bea").click()
    page.get_by_role("dialog").get_by_label("Role").select_option("operator")
    page.get_by_role("dialog").get_by_role("button", name="Change").click()
    expect(page.get_by_role("row").filter(has_text="bea")).to_contain_text("operator")
    page.get_by_role("button", name="Remove bea").click()
    expect(page.get_by_role("dialog").get_by_text("every session ends now")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("row").filter(has_text="bea")).to_have_count(0)
    expect(page.get_by_role("button", name="Remove ada")).to_have_count(0)


def test_the_last_admin_cannot_be_made_less(site: Site, watched: WatchedPage) -> None:
    watched.allowed.append("409")
    watched.page.goto("/admin")
    watched.page.get_by_role("button", name="Change ada").click()
    dialog = watched.page.get_by_role("dialog")
    dialog.get_by_label("Role").select_option("viewer")
    dialog.get_by_role("button", name="Change").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Make somebody else admin first")


def test_a_token_is_made_with_its_scopes_shown_once_and_revoked(site: Site, page: Page) -> None:
    page.goto("/admin?tab=tokens")
    expect(page.get_by_text("No API tokens")).to_be_visible()
    page.get_by_role("button", name="Make a token").click()
    dialog = page.get_by_role("dialog", name="Make an API token")
    dialog.get_by_label("Label").fill("grafana")
    dialog.get_by_label("devices:read").uncheck()
    dialog.get_by_role("button", name="Make token").click()
    expect(dialog.get_by_role("alert")).to_contain_text("at least one scope")
    dialog.get_by_label("audit:read").check()
    dialog.get_by_role("button", name="Make token").click()
    page.get_by_role("dialog", name="Token grafana").get_by_text("cfa_shown-this-once").wait_for()
    page.keyboard.press("Escape")
    expect(page.get_by_role("row").filter(has_text="grafana")).to_contain_text("audit:read")
    expect(page.get_by_text("cfa_shown-this-once")).to_have_count(0)
    asked = [question for _, question in site.fleet.registry.asked if question.method == "POST"]
    assert asked[0].body == {"label": "grafana", "scopes": ["audit:read"], "days": 90}
    page.get_by_role("button", name="Revoke grafana").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("No API tokens")).to_be_visible()


def test_a_site_is_added(site: Site, page: Page) -> None:
    page.goto("/admin?tab=sites")
    expect(page.get_by_text("No sites yet")).to_be_visible()
    page.get_by_role("button", name="Add a site").click()
    dialog = page.get_by_role("dialog", name="Add a site")
    expect(dialog.get_by_label("Time zone")).to_have_value("Europe/Vienna")
    dialog.get_by_label("Name", exact=True).fill("North yard")
    dialog.get_by_label("Id").fill("north-yard")
    dialog.get_by_role("button", name="Add").click()
    expect(page.get_by_role("row").filter(has_text="North yard")).to_contain_text("north-yard")


def test_a_revocation_list_that_is_about_to_end_is_an_alert(site: Site, page: Page) -> None:
    page.goto("/admin?tab=authorities")
    expect(page.get_by_role("table", name="Authorities")).to_contain_text("Camfleet root")
    expect(page.get_by_role("table", name="Revocation lists").locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("alert")).to_have_count(0)
    site.fleet.registry.authorities = authorities(timedelta(days=2))
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("camfleet ca renew")


def test_the_audit_log_pages_and_filters_by_camera_in_the_address(site: Site, page: Page) -> None:
    entry = {"at": stamp(), "actor": "user:u-1", "action": "device.cut-off", "detail": {"serials": ["ab", "cd"]}}
    site.fleet.registry.audit += [
        entry | {"id": number, "device_id": f"cam-gate-{number % 2}", "source": "192.0.2.7"} for number in range(1, 61)
    ]
    page.goto("/admin?tab=audit")
    rows = page.locator("[data-action-name]")
    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text("ada")
    expect(rows.first).to_contain_text("serials ab, cd")
    page.get_by_role("button", name="Load older").click()
    expect(rows).to_have_count(60)
    page.get_by_role("searchbox").fill("cam-gate-1")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(30)
    expect(page).to_have_url(re.compile("camera=cam-gate-1"))
    page.reload()
    expect(rows).to_have_count(30)


def test_what_people_did_is_the_other_log(site: Site, page: Page) -> None:
    people = site.fleet.sessions.people
    people.record(LoginRecord(people.all()[0][1], "user-added", "ada", "192.0.2.7", "r", "bea: viewer, every site"))
    page.goto("/admin?tab=audit")
    expect(page.get_by_text("Nothing on record here")).to_be_visible()
    page.get_by_role("button", name="People").click()
    expect(page.locator("[data-action-name=user-added]")).to_contain_text("bea: viewer, every site")
    page.go_back()
    expect(page.get_by_text("Nothing on record here")).to_be_visible()


def test_tabs_and_pages_are_reached_by_keys(site: Site, page: Page) -> None:
    page.goto("/")
    become_live(page)
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page).to_have_url(re.compile("/admin$"))
    expect(page.get_by_role("table", name="People")).to_be_visible()
    page.get_by_role("tab", name="People").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="API tokens")).to_be_focused()
    expect(page).to_have_url(re.compile("tab=tokens"))
