"""``yizhan package``: what a script learns of a package, without window or database."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.__main__ import main
from shared.clock import Clock
from sync import package
from sync.entries import Entry
from sync.package import CoreDraft, Kind
from sync.signing import SigningKey
from sync.suite import OpenKey

HUB = "b" * 32


@pytest.fixture
def signer() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture
def sealed(tmp_path: Path, signer: SigningKey) -> Path:
    draft = CoreDraft(Kind.CHANGES, HUB, "a" * 32, Clock().stamp())
    path = tmp_path / "交换包.yzp"
    path.write_bytes(
        package.seal_bytes(draft, [OpenKey.generate().public], signer, [Entry("ask", {}, b"x" * 5000)])
    )
    return path


def test_inspect_shows_the_cover(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["package", "inspect", str(sealed)]) == 0
    said = capsys.readouterr().out
    assert "指纹" in said and "尚未核验" in said


def test_verify_with_the_right_key(
    sealed: Path, signer: SigningKey, capsys: pytest.CaptureFixture[str]
) -> None:
    key = signer.public.to_bytes().hex()
    assert main(["package", "verify", str(sealed), "--key", key]) == 0
    assert "签名有效，内容完整" in capsys.readouterr().out


def test_verify_refuses_another_key_and_a_changed_byte(
    sealed: Path, signer: SigningKey, capsys: pytest.CaptureFixture[str]
) -> None:
    other = SigningKey.generate().public.to_bytes().hex()
    assert main(["package", "verify", str(sealed), "--key", other]) == 1
    body = bytearray(sealed.read_bytes())
    body[len(body) // 2] ^= 1
    sealed.write_bytes(body)
    assert main(["package", "verify", str(sealed), "--key", signer.public.to_bytes().hex()]) == 1
    assert capsys.readouterr().err.count("\n") == 4  # a sentence and a hint, twice


def test_what_is_not_there_or_not_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIZHAN_DATA", str(tmp_path / "nowhere"))
    junk = tmp_path / "junk.yzp"
    junk.write_bytes(b"PK\x03\x04 a workbook")
    assert main(["package", "inspect", str(tmp_path / "gone.yzp")]) == 1
    assert main(["package", "inspect", str(junk)]) == 1
    assert main(["package", "verify", str(junk)]) == 1
    said = capsys.readouterr().err
    assert "打不开文件" in said and "不是驿站交换包" in said and "还没有登记" in said


def test_the_command_needs_no_window() -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.modules['PySide6'] = None\n"
        "from desktop.__main__ import main\n"
        "sys.exit(main(['package', 'inspect', 'nothing.yzp']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "打不开文件" in done.stderr
