"""历史 of one record: the part of a page that shows what was done to it."""
