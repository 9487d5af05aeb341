"""Exchange between a device and its hub: sealed packages, change sets, receipts, carriers.

No Qt here. Whatever verifies does no I/O besides the stream it is given.
"""
