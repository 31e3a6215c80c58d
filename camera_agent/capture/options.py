"""How a stream wants its frames: how many, which part of the picture, and whether a clip starts over."""

from __future__ import annotations

from dataclasses import dataclass

from camera_agent.vision.types import Image


@dataclass(frozen=True)
class SourceOptions:
    """`fps` None hands out every frame; `crop` is x, y, w, h in fractions of the picture.

    Unpaced sources hand out frames as fast as they are asked for, with times made from the frame's
    index, so that a replay gives the same answer each time.
    """

    fps: float | None = 5.0
    crop: tuple[float, float, float, float] | None = None
    loop: bool = True
    paced: bool = True


REPLAY = SourceOptions(fps=None, loop=False, paced=False)


def cropped(image: Image, crop: tuple[float, float, float, float] | None) -> Image:
    """The wanted part, as a view; at least one pixel."""
    if crop is None:
        return image
    height, width = image.shape[:2]
    left, top = min(round(crop[0] * width), width - 1), min(round(crop[1] * height), height - 1)
    right = max(left + 1, round((crop[0] + crop[2]) * width))
    bottom = max(top + 1, round((crop[1] + crop[3]) * height))
    return image[top:bottom, left:right]
