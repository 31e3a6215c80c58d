"""Routes of the scoped API tokens: list, make (shown once), revoke."""

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from config_server.api.acting import current_change
from config_server.api.context import services
from config_server.api.documented import TOKEN_SECURITY, problems
from config_server.api.token_schemas import NewTokenRequest, TokenItem, TokenList, TokenMade, TokenPath
from config_server.guards import current_actor, guarded, needs
from config_server.token_keeping import issue_token, list_tokens, revoke_token
from config_server.tokens import Scope

blueprint = APIBlueprint(
    "tokens",
    __name__,
    url_prefix="/config/tokens",
    abp_tags=[Tag(name="API tokens", description=__doc__)],
    abp_security=TOKEN_SECURITY,
    abp_responses=problems(401, 403, 404, 409),
)


@blueprint.get("", responses={200: TokenList}, summary="List API tokens")
@guarded(needs(Scope.TOKENS_WRITE))
def list_all() -> dict[str, Any]:
    """What each may do and until when; revoked and expired ones too, newest first, never a token itself."""
    with services().store.reading() as tx:
        found = [TokenItem.of(record) for record in list_tokens(tx, current_actor())]
    return TokenList(items=found).model_dump(mode="json")


@blueprint.post("", responses={201: TokenMade}, summary="Make an API token")
@guarded(needs(Scope.TOKENS_WRITE))
def make(body: NewTokenRequest) -> tuple[dict[str, Any], int]:
    """The token is in this answer only; nobody can give rights that they do not have."""
    with services().store.writing() as tx:
        issued = issue_token(tx, body.wanted(), current_change())
    return TokenMade(token=issued.token, **vars(TokenItem.of(issued.record))).model_dump(mode="json"), 201


@blueprint.delete("/<string:token_id>", responses={204: None}, summary="Revoke an API token")
@guarded(needs(Scope.TOKENS_WRITE))
def revoke(path: TokenPath) -> tuple[str, int]:
    """It works no longer, at once."""
    with services().store.writing() as tx:
        revoke_token(tx, path.token_id, current_change())
    return "", 204
