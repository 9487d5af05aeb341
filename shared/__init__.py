"""What client and hub have in common: records, rules, store. No Qt, no network."""
