"""Everything dashboard keeps: events, cameras, telemetry, quarantine, people. Only this folder knows SQL."""
