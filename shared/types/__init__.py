"""One file per record type; ``catalog`` lists them."""
