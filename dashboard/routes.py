"""Every blueprint of the web app, in one list."""

from dashboard.api.audit import audit
from dashboard.api.people import people_api
from dashboard.api.registry import registry
from dashboard.api.routes import api
from dashboard.health import health
from dashboard.pages import pages
from dashboard.people.login import people
from dashboard.reports import reports

BLUEPRINTS = (pages, people, api, registry, people_api, audit, health, reports)
