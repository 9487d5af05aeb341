"""Widgets of the page 隔离待审."""
