"""Every group of REST routes, in the order in which the OpenAPI page shows them."""

from config_server.api import (
    audit,
    batches,
    certificates,
    devices,
    enrolment,
    moves,
    operations,
    renewal,
    sightings,
    sites,
    tokens,
    trust,
)

_OF_CAMERAS = (enrolment, sightings, renewal, trust)
_OF_PEOPLE = (devices, batches, moves, certificates, sites, tokens, audit)
OPERATIONS = operations.blueprint
BLUEPRINTS = tuple(routes.blueprint for routes in (*_OF_CAMERAS, *_OF_PEOPLE))
