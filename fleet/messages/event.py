"""The life of a tracked thing: what a camera decided to tell."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from fleet.messages.message import Box, Count, Fraction, Message, Name, Ordinal, Point, UtcTime


class Change(StrEnum):
    """Where in its life the thing is; `gap` says that the outbox was full and how many events were lost."""

    NEW = "new"
    UPDATE = "update"
    END = "end"
    GAP = "gap"


class Event(Message):
    """The whole state of one tracked thing at revision `rev`; a higher `rev` replaces a lower one.

    `frame_ts` is the capture time of the frame whose processing decided this message. `outbox` and `seq` say where
    the camera keeps it until the servers' receipt names them. `aspect` is width ÷ height of the frame, by which its
    fractions are drawn.
    """

    session: Count
    outbox: UUID
    seq: Ordinal
    event_id: UUID
    rev: Ordinal
    change: Change
    track_id: Count = 0
    label: Name = "unknown"
    score: Fraction = 0.0
    box: Box = (0.0, 0.0, 0.0, 0.0)
    best_box: Box = (0.0, 0.0, 0.0, 0.0)
    best_score: Fraction = 0.0
    started_at: UtcTime
    ended_at: UtcTime | None = None
    frame_ts: UtcTime
    aspect: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = None
    zones: list[Name] = Field(default=[], max_length=64)
    path: list[Point] = Field(default=[], max_length=32)
    lost: Ordinal | None = None
