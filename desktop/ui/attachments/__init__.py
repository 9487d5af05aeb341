"""附件 in windows: small pictures with state words, taken in by dialog, drop and paste."""
