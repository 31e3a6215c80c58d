"""Every group of REST routes, in the order in which the OpenAPI page shows them."""

from config_server.api import certificates, devices, enrolment, moves, renewal, sites, tokens, trust

BLUEPRINTS = tuple(
    routes.blueprint for routes in (enrolment, renewal, devices, moves, certificates, tokens, sites, trust)
)
