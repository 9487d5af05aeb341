"""The central hub: keeps the ledger, merges, answers devices. Installs without Qt."""
