"""Pieces of the page 介质交换: export, import and register, each in plain steps."""
