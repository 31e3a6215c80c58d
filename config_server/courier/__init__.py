"""config_server's MQTT side: carries registry facts to the fleet, and looks after certificates and CRLs."""
