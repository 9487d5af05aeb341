"""问题数据 in windows: telling bureaus of them, looking for them, counting them."""
