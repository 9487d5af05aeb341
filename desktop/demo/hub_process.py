"""The hub of the demonstration, as a process of its own, driven by its command line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PASSPHRASE = "demonstration-hub-passphrase"  # noqa: S105 - protects fictitious data only
NAME = "驿站演示中心"


class HubProcess:
    """Makes, fills and serves a hub in one folder.

    :param folder: its data; may exist from an earlier run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self.url = ""

    @property
    def exists(self) -> bool:
        """Whether a hub was made here before."""
        return (self._folder / "hub.key").exists()

    def command(self, *arguments: str) -> str:
        """Run one command of ``yizhan-hub``; returns what it printed."""
        done = subprocess.run(  # noqa: S603 - our own program, our own words
            self._line(arguments), env=self._environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"yizhan-hub {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done.stdout

    def invite(self, bureau: str, account: str, name: str, roles: Sequence[str]) -> str:
        """A one-time code for a new device."""
        said = self.command(
            "invite", "--bureau", bureau, "--account", account, "--name", name,
            *(word for role in roles for word in ("--role", role)),
        )  # fmt: skip
        found = re.search(r"\b[A-Z2-9]{5}(-[A-Z2-9]{5}){4}\b", said)
        if found is None:
            raise RuntimeError(f"no code in: {said}")
        return found[0]

    def start(self) -> None:
        """Serve on the loopback, on the same port as before when it was started before."""
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            self._line(("serve", "--host", "127.0.0.1", "--port", str(self._port), "--with-parent")),
            env=self._environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._process.stdout is not None
        for line in self._process.stdout:
            found = re.search(r"http://[\d.]+:(\d+)", line)
            if found:
                self.url, self._port = found[0], int(found[1])
                return
        raise RuntimeError("the hub did not start")

    def stop(self) -> None:
        """Stop serving; what was accepted stays."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            for end in (self._process.stdin, self._process.stdout):
                if end is not None:
                    end.close()
            self._process = None

    def _line(self, arguments: Sequence[str]) -> list[str]:
        return [sys.executable, "-m", "server_stub.cli", "--data", str(self._folder), *arguments]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "YIZHAN_HUB_PASSPHRASE": PASSPHRASE, "PYTHONIOENCODING": "utf-8"}
