"""How a stream does: frames per second over the newest seconds, milliseconds per frame, frames dropped. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from fleet.messages import StreamHealth

WINDOW_S = 10.0
_SMOOTHING = 0.1


@dataclass
class StreamFigures:
    """Times are monotonic seconds handed in."""

    _frames_at: deque[float] = field(default_factory=deque)
    _frame_ms: float = 0.0
    _dropped_before: int = 0
    _dropped_now: int = 0

    def count(self, now_s: float, took_s: float, dropped: int) -> None:
        """Note a frame done at `now_s`; `dropped` counts since its source was opened."""
        self._frames_at.append(now_s)
        self._forget_before(now_s - WINDOW_S)
        took_ms = took_s * 1000
        self._frame_ms += (took_ms - self._frame_ms) * (_SMOOTHING if self._frame_ms else 1.0)
        self._dropped_now = dropped

    def reopened(self) -> None:
        self._dropped_before += self._dropped_now
        self._dropped_now = 0

    def health(self, now_s: float) -> StreamHealth:
        self._forget_before(now_s - WINDOW_S)
        frames = len(self._frames_at)
        span_s = now_s - self._frames_at[0] if frames else 0.0
        return StreamHealth(
            fps=round(min((frames - 1) / span_s, 1000.0), 2) if frames > 1 and span_s > 0 else 0.0,
            dropped_frames=self._dropped_before + self._dropped_now,
            inference_ms=round(self._frame_ms, 2),
        )

    def _forget_before(self, moment_s: float) -> None:
        while self._frames_at and self._frames_at[0] < moment_s:
            self._frames_at.popleft()
