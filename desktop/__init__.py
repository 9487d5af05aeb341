"""The desktop client: ``work`` holds use cases without widgets, ``ui`` the windows.

``bootstrap`` alone sees and wires everything.
"""
