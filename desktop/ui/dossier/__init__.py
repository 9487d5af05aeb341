"""一屏式档案: everything this installation knows about one market entity, on one page."""
