"""Choose how cameras are cut off: by which broker, and with which key."""

from collections.abc import Callable

import httpx

from config_server.courier.control import BrokerControl, NotRunning
from config_server.courier.emqx_control import TIMEOUT_S, EmqxControl
from config_server.courier.mosquitto_control import MosquittoControl
from config_server.settings import ConfigSettings
from fleet.settings import SettingsError

KEY_FILE = "CAMFLEET_EMQX_API_KEY_FILE"


def loader_of(settings: ConfigSettings) -> Callable[[], None]:
    """Have the broker read its files and wait until it has; a broker that is not running reads them when it starts."""

    def load() -> None:
        control = control_of(settings)
        try:
            control.reload()
        except NotRunning:
            return

    return load


def control_of(settings: ConfigSettings) -> BrokerControl:
    """The control of the broker that CAMFLEET_BROKER_KIND names; SettingsError when its key is missing."""
    if settings.broker_kind == "mosquitto":
        return MosquittoControl(settings)
    if settings.emqx_api_key_file is None:
        raise SettingsError([f"{KEY_FILE}: name a file that holds EMQX's API key as key:secret"])
    try:
        key, _, secret = settings.emqx_api_key_file.read_text().strip().partition(":")
    except OSError as error:
        raise SettingsError([f"{KEY_FILE}: {error.strerror}: {settings.emqx_api_key_file}"]) from error
    return EmqxControl(httpx.Client(base_url=settings.emqx_api_url, auth=(key, secret), timeout=TIMEOUT_S))
