"""How a camera renews its certificate: what it says on `up/csr` and what it hears on `down/certificate`."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from fleet.messages.message import Message

Serial = Annotated[str, Field(pattern="^[0-9a-f]{1,40}$")]
Nonce = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Signature = Annotated[str, Field(pattern="^([0-9a-f]{2}){1,80}$")]
CsrText = Annotated[str, Field(max_length=4096)]
ChainText = Annotated[str, Field(max_length=16384)]


class CsrKind(StrEnum):
    """The three things that a camera says: give me a nonce, sign this, I am using it."""

    ASK = "ask"
    REQUEST = "request"
    CONFIRM = "confirm"


class Csr(Message):
    """A step of a renewal. `serial` is the certificate in use, in a `confirm` the new one.

    A request is signed by the current key (`fleet.pki.renewal_message`), a confirmation by the new one: being able to
    write on the topic proves nothing.
    """

    kind: CsrKind
    serial: Serial
    nonce: Nonce | None = None
    csr_pem: CsrText | None = None
    signature: Signature | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.kind is CsrKind.REQUEST and None in (self.nonce, self.csr_pem, self.signature):
            raise ValueError("a request has nonce, csr_pem and signature")
        if self.kind is CsrKind.CONFIRM and self.signature is None:
            raise ValueError("a confirmation has a signature")
        return self


class AnswerKind(StrEnum):
    """What the servers answer: a nonce, a certificate, "it is the one that counts now", or no."""

    NONCE = "nonce"
    ISSUED = "issued"
    ACTIVE = "active"
    REFUSED = "refused"


class CertificateAnswer(Message):
    """The answer to a `Csr`. A refusal gives no reason: that is for the operator's log.

    `serial` repeats the one that was asked about, so that a late answer is not taken for another; in `issued` it is
    the serial that signed the request.
    """

    kind: AnswerKind
    serial: Serial
    nonce: Nonce | None = None
    certificate_pem: ChainText | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.kind is AnswerKind.NONCE and self.nonce is None:
            raise ValueError("a nonce is missing")
        if self.kind is AnswerKind.ISSUED and self.certificate_pem is None:
            raise ValueError("the certificate is missing")
        return self
