"""Every group of REST routes, in the order in which the OpenAPI page shows them."""

from config_server.api import batches, certificates, devices, enrolment, moves, renewal, sightings, sites, tokens, trust

BLUEPRINTS = tuple(
    routes.blueprint
    for routes in (enrolment, sightings, renewal, devices, batches, moves, certificates, tokens, sites, trust)
)
