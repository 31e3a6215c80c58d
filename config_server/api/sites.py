"""Routes of the registry's sites."""

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from config_server.api.context import services, source_address
from config_server.api.documented import TOKEN_SECURITY, problems
from config_server.api.schemas import SiteList, SiteModel
from config_server.guards import current_actor, guarded, needs
from config_server.records import Site
from config_server.registry import Change, add_site
from config_server.tokens import Scope

blueprint = APIBlueprint(
    "sites",
    __name__,
    url_prefix="/config/sites",
    abp_tags=[Tag(name="Sites", description=__doc__)],
    abp_security=TOKEN_SECURITY,
    abp_responses=problems(401, 403, 404, 409),
)


@blueprint.get("", responses={200: SiteList}, summary="List sites")
@guarded(needs(Scope.SITES_READ))
def list_sites() -> dict[str, Any]:
    """Every site that the caller may see."""
    actor = current_actor()
    with services().store.reading() as tx:
        found = [SiteModel.of(site) for site in tx.sites.all() if actor.may_see(site.site_id)]
    return SiteList(items=found).model_dump(mode="json")


@blueprint.post("", responses={201: SiteModel}, summary="Add a site")
@guarded(needs(Scope.SITES_WRITE))
def post_site(body: SiteModel) -> tuple[dict[str, Any], int]:
    """The time zone must be in the IANA database."""
    parts = services()
    change = Change(current_actor(), source_address(), parts.clock())
    with parts.store.writing() as tx:
        site = add_site(tx, Site(body.id, body.name, body.time_zone), change)
    return SiteModel.of(site).model_dump(mode="json"), 201
