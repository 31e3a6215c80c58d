"""The one-host broker: Mosquitto's configuration and access rules as Camfleet ships them."""
