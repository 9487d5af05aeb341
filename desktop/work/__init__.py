"""Use cases of the desktop client: what a person does, without any widget.

QtCore is allowed here (signals, jobs); QtWidgets is not.
"""
