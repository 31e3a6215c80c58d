"""No sequence of calls, and no race, gives a second certificate from one token or a certificate without its audit."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from fleet.pki import make_csr, new_key
from tests.integration.config_server.conftest import Api, make_api


class EnrolmentMachine(RuleBasedStateMachine):
    """Calls in any order; the model is the set of tokens that gave a certificate."""

    tokens = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.api = make_api(Path(self._folder.name), enrolment_rate="100000 per minute")
        self.used: dict[str, str] = {}
        self.bundled: dict[str, int] = {}

    def teardown(self) -> None:
        self.api.store.close()
        self._folder.cleanup()

    @rule(target=tokens, name=st.text(min_size=1, max_size=8))
    def provision(self, name: str) -> tuple[str, str]:
        answer = self.api.post("/config/devices", {"name": name})
        if answer.status_code != 201:
            assert answer.status_code in {409, 422}
            return ("none", "AAAAAA.0000-0000-0000-0000")
        body = answer.get_json()
        return (body["device"]["device_id"], body["enrolment"]["token"])

    @rule(token=tokens, claimed=st.sampled_from(["cam-other1", "srv-ingest-1", "x/+/#"]))
    def enrol(self, token: tuple[str, str], claimed: str) -> None:
        device_id, text = token
        answer = self.api.enrol(text, make_csr(new_key(), claimed))
        if answer.status_code == 200:
            assert text not in self.used, "a token gave a second certificate"
            assert answer.get_json()["device_id"] == device_id
            self.used[text] = device_id
        else:
            assert answer.status_code == 403

    @rule(token=tokens)
    def send_a_broken_csr(self, token: tuple[str, str]) -> None:
        assert self.api.enrol(token[1], b"broken").status_code in {403, 422}

    @rule(token=tokens)
    def bundle(self, token: tuple[str, str]) -> None:
        answer = self.api.post(f"/config/devices/{token[0]}/bundle")
        if answer.status_code == 200:
            self.bundled[token[0]] = self.bundled.get(token[0], 0) + 1

    @rule(hours=st.sampled_from([1, 23, 25]))
    def wait(self, hours: int) -> None:
        self.api.clock.advance(hours=hours)

    @invariant()
    def every_certificate_is_accounted_for(self) -> None:
        with self.api.store.reading() as tx:
            for device_id in {*self.used.values(), *self.bundled}:
                given = [*self.used.values()].count(device_id) + self.bundled.get(device_id, 0)
                audited = [e.detail["serial"] for e in tx.audit.of_device(device_id) if "serial" in e.detail]
                recorded = [record.serial for record in tx.certificates.of_subject(device_id)]
                assert len(recorded) == given
                assert sorted(recorded) == sorted(audited)


TestEnrolment = EnrolmentMachine.TestCase
TestEnrolment.settings = settings(max_examples=8, stateful_step_count=15, deadline=None)


def test_of_many_requests_at_once_with_one_token_exactly_one_gets_a_certificate(api: Api) -> None:
    token = api.provision(device_id="cam-front-gate")["enrolment"]["token"]
    app = api.client.application
    request = {"token": token, "csr_pem": make_csr(new_key(), "x").decode()}

    def enrol(_: int) -> int:
        return app.test_client().post("/config/enrol", json=request).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(enrol, range(16)))
    assert sorted(statuses) == [200] + [403] * 15
    assert api.certificates_of("cam-front-gate") == 1
