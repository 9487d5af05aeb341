"""Before any test: windows are drawn off screen unless a platform was chosen."""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYTEST_QT_API", "pyside6")
# A test's own backend would register itself for every test of the process, and for none it starts.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# What an installation keeps outside its data folder stays out of the tester's own.
os.environ.setdefault("YIZHAN_STATE", tempfile.mkdtemp(prefix="yizhan-state-"))

pytest_plugins = ["tests.fixtures.hubs", "tests.fixtures.devices", "tests.fixtures.longer"]
