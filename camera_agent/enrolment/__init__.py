"""How a camera gets its identity: the server proves itself, the key is made here, a certificate comes back."""
