"""The pages of the dashboard: templates only, what they show comes from the API and the feed."""

from flask import Blueprint, render_template

pages = Blueprint("pages", __name__)


@pages.get("/")
def fleet() -> str:
    """Show the whole fleet: what is down and why."""
    return render_template("fleet.html")


@pages.get("/cameras/<device_id>")
def camera(device_id: str) -> str:
    """Show one camera; whether it exists is answered by the API."""
    return render_template("camera.html", device_id=device_id)


@pages.get("/review")
def review() -> str:
    """Show the events of the fleet as live cards."""
    return render_template("review.html")
