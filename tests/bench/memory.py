"""One process that seals or opens a large package and says its peak memory in MiB.

``python -m tests.bench.memory seal|open FOLDER BYTES``; keys lie beside the package.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from shared.ids import new_id
from sync import package
from sync.entries import Entry
from sync.layout import Kind
from sync.package import CoreDraft
from sync.signing import SigningKey
from sync.suite import OpenKey

PAYLOAD = 8 << 20
HUB = "0" * 32


def _payloads(total: int) -> Iterator[Entry]:
    """Change sets of 8 MiB, no two alike; every second line is noise."""
    size = 0
    while size < total:
        line = f"宝许〔2026〕{size:012d}号 上海宝山青穗餐饮有限公司 91310113XN12345667\n".encode()
        noise = bytes((size >> 13) + i * 7 & 255 for i in range(977))
        data = (line + noise) * (PAYLOAD // (len(line) + len(noise)))
        yield Entry("change_set", {}, data)
        size += len(data)


def main(step: str, folder: Path, total: int) -> float:
    """Peak resident memory of this process afterwards."""
    target = folder / "large.yzp"
    if step == "seal":
        sign, keys = SigningKey.generate(), OpenKey.generate()
        (folder / "sign").write_bytes(sign.to_bytes())
        (folder / "open").write_bytes(keys.to_bytes())
        draft = CoreDraft(Kind.CHANGES, HUB, new_id(), "2026-05-01T00:00:00+08:00")
        with target.open("w+b") as out:
            package.seal(out, draft, [keys.public], sign, _payloads(total))
    else:
        sign = SigningKey.from_bytes((folder / "sign").read_bytes())
        keys = OpenKey.from_bytes((folder / "open").read_bytes())
        with target.open("rb") as stream:
            opened = package.open_package(stream, lambda _: sign.public, {keys.public.kid: keys}, HUB)
            for entry in opened.entries():
                assert entry.data
    return peak()


def peak() -> float:
    """From the kernel's own account of this program: ``ru_maxrss`` also counts the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(one.split()[1]) for one in lines if one.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    sys.stdout.write(f"{main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])):.1f}")
