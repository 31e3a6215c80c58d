"""Route of the audit trail: who did what to which device, when, and from where."""

from typing import Any, Self

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from config_server.api.context import services
from config_server.api.documented import TOKEN_SECURITY, problems
from config_server.api.schemas import AnyId, Given, WireTime
from config_server.guards import current_actor, guarded, needs
from config_server.records import AuditEntry, HistoryFilter
from config_server.tokens import Scope

# SQLite and PostgreSQL number entries with 64 bits.
LARGEST_ID = 2**63 - 1

blueprint = APIBlueprint(
    "audit",
    __name__,
    url_prefix="/config/audit",
    abp_tags=[Tag(name="Audit", description=__doc__)],
    abp_security=TOKEN_SECURITY,
    abp_responses=problems(401, 403),
)


class AuditQuery(Given):
    """Which entries to list."""

    device: AnyId | None = None
    cursor: int | None = Field(default=None, ge=0, le=LARGEST_ID)
    limit: int = Field(default=50, ge=1, le=500)


class AuditItem(BaseModel):
    """One entry; `actor` is user:ID, token:LABEL, device:ID or system:NAME."""

    id: int
    at: WireTime
    actor: str
    action: str
    device_id: str | None
    detail: dict[str, Any]
    source: str | None

    @classmethod
    def of(cls, number: int, entry: AuditEntry) -> Self:
        """What of an entry is shown: all of it."""
        return cls(
            id=number,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            device_id=entry.device_id,
            detail=dict(entry.detail),
            source=entry.source,
        )


class AuditList(BaseModel):
    """A page of entries; `cursor` asks for older ones, null when there are none."""

    items: list[AuditItem]
    cursor: str | None


@blueprint.get("", responses={200: AuditList}, summary="List audit entries, newest first")
@guarded(needs(Scope.AUDIT_READ))
def list_entries(query: AuditQuery) -> dict[str, Any]:
    """Those about devices on the caller's sites; whoever sees every site sees every entry."""
    wanted = HistoryFilter(query.device, query.cursor, current_actor().sites, query.limit + 1)
    with services().store.reading() as tx:
        found = tx.history.page(wanted)
    page = [AuditItem.of(number, entry) for number, entry in found[: query.limit]]
    cursor = str(page[-1].id) if len(found) > query.limit else None
    return AuditList(items=page, cursor=cursor).model_dump(mode="json")
