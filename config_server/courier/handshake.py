"""Try a TLS handshake with the broker and say how it ended."""

import contextlib
import socket
import ssl

from fleet.home import CredentialFiles

TIMEOUT_S = 5.0
# OpenSSL's word for the alert that says so.
REVOKED = "CERTIFICATE_REVOKED"


def handshake_refusal(address: tuple[str, int], root: str, client: CredentialFiles) -> str | None:
    """Why the broker refuses this client certificate: OpenSSL's word for its alert; None when it does not.

    Raises OSError when nobody answers at all.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=root)
    # The address may be one that the certificate does not name; who signed it is what counts here.
    context.check_hostname = False
    # Under TLS 1.3 a client believes in the connection before the server has looked at its certificate.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(str(client.certificate), str(client.key))
    with socket.create_connection(address, TIMEOUT_S) as plain:
        try:
            tls = context.wrap_socket(plain, server_hostname=address[0])
        except ssl.SSLError as error:
            return error.reason or str(error)
        except ConnectionResetError:
            return "the connection was reset"
        # A goodbye, so that the broker's log does not take the probe for trouble.
        with contextlib.suppress(OSError):
            tls.unwrap().close()
    return None
