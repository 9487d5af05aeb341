"""The domain's pure services: deadlines, verification, queues. No Qt, no I/O."""
