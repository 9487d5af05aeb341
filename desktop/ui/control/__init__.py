"""控制室: the parts of the page 同步日志."""
