"""The commands that config_server adds to `camfleet`: the CA offline, devices and provisioning over REST."""

import typer

from config_server.cli import access, authority, devices, rotation
from config_server.cli.moves import add_move_commands
from fleet.cli import new_app


def register(app: typer.Typer) -> None:
    """Add `ca …`, `provision`, `devices …`, `tokens …` and `certificates`."""
    ca = new_app("Make and look after this host's certificate authorities (offline).")
    ca.command("init")(authority.init)
    ca.command("renew")(authority.renew)
    ca.command("show")(authority.show)
    ca.command("rotate-issuing")(rotation.rotate)
    ca.command("export-root")(rotation.export)
    app.add_typer(ca, name="ca")

    registry = new_app("Look at the registry of cameras (needs a running config_server).")
    registry.command("list")(devices.list_devices)
    registry.command("show")(devices.show_device)
    registry.command("token")(devices.renew_token)
    registry.command("denied")(authority.denied)
    registry.command("audit")(access.list_audit)
    add_move_commands(registry)
    app.add_typer(registry, name="devices")
    app.command("provision")(devices.provision)
    access.add_access_commands(app)
