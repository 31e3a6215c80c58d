"""TLS as a client with a certificate of its own, and what its failures mean to people."""

import ssl

from fleet.home import CredentialFiles

# For asking a program of this host over plain HTTP: httpx would read all CAs of the system each time, which takes ten
# times as long as to ask. It trusts nobody.
NO_CAS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client_context(credentials: CredentialFiles) -> ssl.SSLContext:
    """Return a context that shows this certificate and checks the other side's name; raises OSError."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(credentials.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(str(credentials.certificate), str(credentials.key))
    return context


def describe(error: OSError) -> str:
    """Say for people why a connection failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker's certificate is not good: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason}): is this certificate revoked, expired or for another listener?"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there: is the broker running?"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, FileNotFoundError):
        return f"missing file {error.filename}"
    return str(error.strerror or error)
