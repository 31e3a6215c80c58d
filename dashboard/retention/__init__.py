"""How long the store keeps what, and within what size: plan it, do it beside ingest, say how long the room lasts."""
