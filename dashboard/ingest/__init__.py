"""The only subscriber that writes: receive, decode, batch, commit, acknowledge, send receipts."""
