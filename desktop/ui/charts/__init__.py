"""Own small charts painted with QPainter: timeline, relation graph, bars, trends."""
