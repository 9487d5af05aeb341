"""The network as a carrier: the sealed object goes up in ranges, its answer comes down in ranges.

Any interruption resumes at the byte. TLS is the transport's business; what
travels is sealed either way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import requests
from requests.adapters import HTTPAdapter

from shared.errors import BadAnswer, DeviceUnknown, HubRefused, Interrupted, PackageError, Unreachable
from sync.carrier import DOWNLOADING, Progress
from sync.package import inspect
from sync.sockets import SLICE, Question, nobody_asks, pools, secure_context

PIECE = 1 << 20
TIMEOUT = (5.0, 60.0)
ASKING = (5.0, 15.0)
"""For a question that needs no work at the hub."""
MARK = "X-Yizhan"
RETRIES = 4
GONE_RETRIES = 12
"""Where there is no link at all for a while, in the middle of an exchange: some fifty seconds."""
SIP = 1 << 14
"""Small, so that little is lost when a download breaks."""

Reached = Callable[[int], None]
_BROKEN = (
    requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError, Interrupted,
)


class _Strange(BadAnswer):
    """An answer without the hub's mark."""


class _Adapter(HTTPAdapter):
    """Connections that can be left while they wait."""

    def __init__(self, question: Question) -> None:
        self._question = question
        super().__init__()

    def init_poolmanager(self, *args: Any, **kw: Any) -> None:
        super().init_poolmanager(*args, ssl_context=secure_context(), **kw)
        self.poolmanager.pool_classes_by_scheme = pools(self._question)


class HttpCarrier:
    """Carries packages to a hub over HTTP.

    :param url: base address, e.g. ``https://hub.example.cn``.
    :param wait: how to wait between retries; tests pass their own.
    """

    name = "network"

    def __init__(self, url: str, wait: Callable[[float], None] = time.sleep) -> None:
        self._url = url.rstrip("/")
        self._wait = wait
        self._http = requests.Session()
        self._http.trust_env = False
        self._question = Question()
        for scheme in ("http://", "https://"):
            self._http.mount(scheme, _Adapter(self._question))

    def exchange(self, sealed: Path, package_id: str, answer: Path, progress: Progress) -> None:
        """Upload, let the hub work, download; resumes what breaks.

        Whatever ``progress`` raises (``Cancelled``) ends it at once, also while the line hangs.
        """
        with self._asking(progress) as progress:
            self._carry(sealed, package_id, answer, progress)

    def further(self, package_id: str, volume: int, answer: Path, progress: Progress) -> None:
        """Another volume of an answer whose first is here; resumes what breaks."""
        with self._asking(progress) as progress:
            self._fetch(f"{self._url}/v1/packages/{package_id}/answer/{volume}", answer, progress)

    def close(self) -> None:
        """Give kept connections back."""
        self._http.close()

    def alive(self) -> bool:
        """Whether a hub answers at the address."""
        try:
            answer = self._http.get(f"{self._url}/v1/hub", timeout=(2.0, 3.0), allow_redirects=False)
        except (requests.RequestException, ValueError):
            return False
        return answer.ok and MARK in answer.headers

    # --- inside --------------------------------------------------------------
    @contextmanager
    def _asking(self, progress: Progress) -> Iterator[Progress]:
        """While a request waits, ``progress`` hears again what it heard last."""
        last = (0, 0, "正在连接")

        def told(done: int, total: int, text: str) -> None:
            nonlocal last
            last = (done, total, text)
            progress(done, total, text)

        self._question.ask = lambda: progress(*last)
        try:
            yield told
        finally:
            self._question.ask = nobody_asks

    def _pause(self, seconds: float, progress: Progress) -> None:
        while seconds > 0:
            progress(0, 0, "连接中断，正在重新连接")
            self._wait(min(seconds, SLICE))
            seconds -= SLICE

    def _carry(self, sealed: Path, package_id: str, answer: Path, progress: Progress) -> None:
        where = f"{self._url}/v1/packages/{package_id}"
        size = sealed.stat().st_size
        with sealed.open("rb") as stream:
            self._resuming(
                lambda reached: self._upload(where, stream, size, progress, reached), progress
            )
        self._fetch(f"{where}/answer", answer, progress)

    def _fetch(self, where: str, answer: Path, progress: Progress) -> None:
        self._resuming(lambda reached: self._download(where, answer, progress, reached), progress)
        self._check(answer)

    def _upload(
        self, where: str, stream: BinaryIO, size: int, progress: Progress, reached: Reached
    ) -> None:
        # Even when all bytes are there the last is sent again: the hub may have
        # been stopped before it handled them.
        offset = min(self._offset(where), size - 1)
        while offset < size:
            reached(offset)
            progress(offset, size, "正在上传")
            stream.seek(offset)
            piece = stream.read(PIECE)
            answer = self._send("PUT", where, params={"offset": offset, "size": size}, data=piece)
            reached_to = _number(answer, "Upload-Offset")
            if not offset < reached_to <= size:
                raise _incomplete()
            offset = reached_to
        progress(size, size, "正在上传")

    def _offset(self, where: str) -> int:
        answer = self._send("HEAD", where, missing_ok=True)
        return 0 if answer.status_code == 404 else _number(answer, "Upload-Offset")

    def _download(self, where: str, target: Path, progress: Progress, reached: Reached) -> None:
        have = target.stat().st_size if target.exists() else 0
        reached(have)
        headers = {"Range": f"bytes={have}-"} if have else {}
        answer = self._send("GET", where, headers=headers, stream=True)
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # the line broke just after the last byte
        if have and answer.status_code != 206:
            have = 0
        total = have + _number(answer, "Content-Length")
        with answer, target.open("ab" if have else "wb") as out:
            for piece in answer.iter_content(SIP):
                out.write(piece)
                have += len(piece)
                reached(have)
                progress(have, total, DOWNLOADING)
        if have < total:
            raise Interrupted("下载中断。", "程序会从断点继续。")

    def _send(
        self,
        method: str,
        where: str,
        *,
        params: dict[str, int] | None = None,
        headers: dict[str, str] | None = None,
        data: bytes | None = None,
        stream: bool = False,
        missing_ok: bool = False,
    ) -> requests.Response:
        timeout = ASKING if method == "HEAD" else TIMEOUT
        try:
            answer = self._http.request(
                method, where, params=params, headers=headers, data=data, stream=stream, timeout=timeout,
                allow_redirects=False,  # a sign-in page sends us there; a hub never does
            )  # fmt: skip
        except ValueError as bad:  # a host no name service can be asked for
            if isinstance(bad, requests.RequestException):
                raise
            raise _bad_address() from bad
        if MARK not in answer.headers:
            raise _Strange("应答的不是驿站中心。", "请核对中心地址，或检查网络是否需要先登录认证。")
        if answer.status_code == 404 and missing_ok:
            return answer
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return answer
        if 400 <= answer.status_code < 500:
            raise _refusal(answer)
        if answer.status_code >= 500:
            raise BadAnswer("中心暂时出错，没有处理成功。", "数据仍在本机，请稍后重试或联系中心管理员。")
        return answer

    def _resuming(self, step: Callable[[Reached], None], progress: Progress) -> None:
        """Repeat a step while it gets further; give up after some attempts that do not.

        Where nobody answers from the beginning that is believed at once; a link that was there
        and is gone is waited for. A line that breaks inside the headers looks like an answer of
        somebody else, so that is believed only the second time.
        """
        furthest, failed, strange = -1, 0, 0

        def reached(offset: int) -> None:
            nonlocal furthest, failed, strange
            if offset > furthest:
                furthest, failed, strange = offset, 0, 0

        while True:
            try:
                step(reached)
                return
            except _BROKEN as broken:
                failed += 1
                gone = _never_connected(broken)
                hopeless = _insecure(broken) or (gone and furthest < 0)
                if hopeless or failed > (GONE_RETRIES if gone else RETRIES):
                    raise _explain(broken) from broken
                self._pause(min(0.2 * 2**failed, 5.0), progress)
            except _Strange:
                strange += 1
                if strange > 1:
                    raise
            except requests.exceptions.ContentDecodingError as bad:
                raise _incomplete() from bad
            except requests.RequestException as bad:
                raise _bad_address() from bad

    def _check(self, answer: Path) -> None:
        try:
            with answer.open("rb") as stream:
                inspect(stream)
        except PackageError as bad:
            answer.unlink(missing_ok=True)
            raise BadAnswer("中心的应答无法识别。", "数据仍在本机，请稍后重试。") from bad


def _never_connected(broken: Exception) -> bool:
    text = str(broken)
    return isinstance(broken, requests.exceptions.ConnectTimeout) or any(
        sign in text for sign in ("refused", "NameResolution", "Name or service", "unreachable")
    )


def _insecure(broken: Exception) -> bool:
    return isinstance(broken, requests.exceptions.SSLError)


def _bad_address() -> BadAnswer:
    return BadAnswer("中心地址无法使用。", "请在设置中核对中心地址。")


def _explain(broken: Exception) -> Unreachable | Interrupted:
    if _insecure(broken):
        return Unreachable(
            "与中心的加密连接建立不起来。",
            "请核对中心地址是 http 还是 https，并检查电脑的日期和时间；仍不行请联系管理员，或改用介质交换。",
        )
    if _never_connected(broken):
        return Unreachable(
            "连不上中心。", "已录入的数据都保存在本机；有网络时再同步，或改用介质交换。"
        )
    return Interrupted("与中心的连接中断。", "已传的部分不会重传，请稍后再次同步。")


def _refusal(answer: requests.Response) -> HubRefused:
    try:
        said = answer.json()
        kind = DeviceUnknown if said.get("code") == DeviceUnknown.code else HubRefused
        return kind(str(said["message"]), str(said["hint"]))
    except (ValueError, KeyError, TypeError):
        return HubRefused(f"中心拒绝了请求（{answer.status_code}）。", "请联系中心管理员。")


def _number(answer: requests.Response, header: str) -> int:
    try:
        found = int(answer.headers[header])
    except (KeyError, ValueError):
        raise _incomplete() from None
    if found < 0:
        raise _incomplete()
    return found


def _incomplete() -> BadAnswer:
    return BadAnswer("中心的应答不完整。", "请稍后重试；若一直如此，请核对中心地址。")
