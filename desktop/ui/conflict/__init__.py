"""Pieces of the page 冲突."""
