"""The demonstration: a hub and three installations on one machine, and the story played on them.

It uses the program's own doors only: the hub's command line, the windows, the use cases.
"""
