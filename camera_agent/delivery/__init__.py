"""How events leave the camera: the outbox on disk, its limits, the ledger, and sending until confirmed."""
