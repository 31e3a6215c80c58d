"""An example of everything that the REST API takes and gives, by the name of its schema."""

from typing import Any

_ID, _NAME, _SITE = "cam-front-gate", "Front gate", "north-yard"
_BEGAN, _ENDS = "2026-05-04T12:00:00.000Z", "2026-08-02T12:00:00.000Z"
_SERIAL = "648e77a7a37276e714ea9ec0508ff9018e3ac48a"
_SKI = "9f4c1d8a7b3e2056c1aa04d7f9e8b6c35d20e1f7"
_SHA256 = "3b1f0c5e9a7d4826b0e1c2d3f4a5968778695a4b3c2d1e0f1122334455667788"
_CODE, _SHOWN = "7K2Q9DABC01F", "7K2Q-9DAB-C01F"
_TOKEN = "7K2Q9D.ABCD-EFGH-JKMN-PQRS"  # noqa: S105  (nobody's)
_CSR = "-----BEGIN CERTIFICATE REQUEST-----\nMIHx…\n-----END CERTIFICATE REQUEST-----\n"
_PEM = "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n"
_FILES = {"key.pem": "…", "certificate.pem": _PEM, "ca.pem": _PEM, "agent.toml": f'device_id = "{_ID}"\n'}

_CERTIFICATE = {"serial": _SERIAL, "not_after": _ENDS}
_DEVICE = {
    "device_id": _ID,
    "name": _NAME,
    "site_id": _SITE,
    "group": None,
    "state": "accepted",
    "denied": False,
    "created_at": _BEGAN,
    "revoked_at": None,
    "decommissioned_at": None,
    "certificate": _CERTIFICATE,
    "streams": {"main": {"pictures": False}},
}
_TICKET = {
    "token": _TOKEN,
    "token_id": "7K2Q9D",
    "expires_at": "2026-05-05T12:00:00.000Z",
    "command": f"camfleet-agent enroll --server https://fleet.example.org:8443 --token {_TOKEN}",
}
_ENROLLED = {
    "device_id": _ID,
    "certificate_pem": _PEM,
    "root_pem": _PEM,
    "broker_host": "fleet.example.org",
    "broker_port": 8883,
    "public_url": "https://fleet.example.org:8443",
    "server_time": _BEGAN,
    "reconnect_spread_s": 2.0,
}
_SIGHTING = {
    "code": _CODE,
    "shown": _SHOWN,
    "name_wish": "Rear door",
    "source": "192.0.2.17",
    "seen_at": _BEGAN,
    "expires_at": "2026-05-04T13:00:00.000Z",
}
_API_TOKEN = {
    "id": "0123456789ab",
    "label": "grafana",
    "scopes": ["devices:read"],
    "sites": [_SITE],
    "created_at": _BEGAN,
    "expires_at": _ENDS,
    "revoked_at": None,
}
_SIGNED = {
    "serial": _SERIAL,
    "issuer_ski": _SKI,
    "device_id": _ID,
    "purpose": "enrolled",
    "issued_at": _BEGAN,
    "not_before": "2026-05-04T11:00:00.000Z",
    "not_after": _ENDS,
    "active_at": _BEGAN,
    "revoked_at": None,
}
_AUTHORITY = {"name": "Camfleet root 2026-05-04", "serial": "5fb08c", "not_after": _ENDS, "fingerprint": _SHA256}
_CRL = {"issuer_ski": _SKI, "number": 42, "this_update": _BEGAN, "next_update": "2026-05-11T12:00:00.000Z"}
_ENTRY = {
    "id": 1207,
    "at": _BEGAN,
    "actor": "user:7",
    "action": "device.accepted",
    "device_id": _ID,
    "detail": {},
    "source": "192.0.2.5",
}
_CUTOFF = {
    "device_id": _ID,
    "step": "proven",
    "requested_at": _BEGAN,
    "requested_by": "user:7",
    "finished_at": "2026-05-04T12:00:01.500Z",
    "detail": "",
}
_YARD = {"id": _SITE, "name": "North yard", "time_zone": "Europe/Bucharest"}
_BUNDLE = {"device_id": _ID, "name": _NAME, "files": _FILES}
_RENEWAL = {
    "device_id": _ID,
    "serial": _SERIAL,
    "nonce": _SHA256,
    "csr_pem": _CSR,
    "signature": "3045022100ab",
}

EXAMPLES: dict[str, Any] = {
    "AcceptRequest": {"name": _NAME, "device_id": _ID, "site": _SITE},
    "AuditItem": _ENTRY,
    "AuditList": {"items": [_ENTRY], "cursor": "1207"},
    "AuthoritiesInfo": {"root": _AUTHORITY, "issuing": _AUTHORITY, "crls": [_CRL]},
    "AuthorityItem": _AUTHORITY,
    "BatchBundle": _BUNDLE,
    "BatchBundles": {"items": [_BUNDLE]},
    "Bundle": {"files": _FILES},
    "Certificate": _CERTIFICATE,
    "CertificateItem": _SIGNED,
    "CertificateList": {"items": [_SIGNED], "cursor": f"{_ENDS}/{_SERIAL}"},
    "CollectRequest": {"csr_pem": _CSR},
    "CrlItem": _CRL,
    "Cutoff": _CUTOFF,
    "Device": _DEVICE,
    "DeviceCreated": {"device": _DEVICE, "enrolment": _TICKET},
    "DeviceList": {"items": [_DEVICE], "cursor": None},
    "Enrolled": _ENROLLED,
    "EnrolmentRequest": {"token": _TOKEN, "csr_pem": _CSR},
    "EnrolmentTicket": _TICKET,
    "NewDeviceRequest": {"name": _NAME, "device_id": _ID, "site": _SITE},
    "NewTokenRequest": {"label": "grafana", "scopes": ["devices:read"], "sites": [_SITE], "days": 90},
    "Nonce": {"nonce": _SHA256},
    "NonceRequest": {"device_id": _ID},
    "Proof": {"root_pem": _PEM, "proof": _SHA256},
    "ProofRequest": {"token_id": "7K2Q9D", "nonce": _SHA256},
    "RenewalRequest": _RENEWAL,
    "Renewed": {"certificate_pem": _PEM, "serial": _SERIAL},
    "Sighted": {"code": _CODE, "root_pem": _PEM, "poll_after_s": 5},
    "SightingItem": _SIGHTING,
    "SightingList": {"items": [_SIGHTING]},
    "SightingRequest": {"csr_pem": _CSR, "name_wish": "Rear door"},
    "SiteList": {"items": [_YARD]},
    "SiteModel": _YARD,
    "TokenItem": _API_TOKEN,
    "TokenList": {"items": [_API_TOKEN]},
    "TokenMade": {**_API_TOKEN, "token": "cfa_…"},
    "Waiting": {"poll_after_s": 5},
}

CSV_LIST = f'name,site\n{_NAME},{_SITE}\n"Door, rear",{_SITE}\n'
