"""The pages of the dashboard: templates only, what they show comes from the API and the feed."""

from flask import Blueprint, render_template

from dashboard.guards import Guard, guarded

pages = Blueprint("pages", __name__)


@pages.get("/")
@guarded(Guard.SIGNED_IN)
def fleet() -> str:
    """Show the whole fleet: what is down and why."""
    return render_template("fleet.html")


@pages.get("/cameras/<device_id>")
@guarded(Guard.SIGNED_IN)
def camera(device_id: str) -> str:
    """Show one camera; whether it exists is answered by the API."""
    return render_template("camera.html", device_id=device_id)


@pages.get("/review")
@guarded(Guard.SIGNED_IN)
def review() -> str:
    """Show the events of the fleet as live cards."""
    return render_template("review.html")


@pages.get("/admin")
@guarded(Guard.ADMIN)
def admin() -> str:
    """Show people, API tokens, sites and the audit logs."""
    return render_template("admin.html")
