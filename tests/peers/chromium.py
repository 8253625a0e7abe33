"""A real browser without a window, driven over its DevTools protocol."""

import itertools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.support import SECONDS, until

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--remote-debugging-port=0",
    "--window-size=1000,640",
    "about:blank",
)
"""Sandboxes need rights that a build machine may not have; nothing but this machine is ever asked for."""


class Chromium:
    """The browser's process; its profile is a folder of its own."""

    def __init__(self, folder: Path) -> None:
        path = shutil.which("chromium")
        if path is None:
            pytest.fail("the program 'chromium' is needed here: `apt-get install chromium`", pytrace=False)
        self._profile = folder / "profile"
        self._log = (folder / "log").open("wb")
        command = [path, f"--user-data-dir={self._profile}", *FLAGS]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True
        )

    async def address(self) -> str:
        """Where it is driven from, once it can be."""
        found = self._profile / "DevToolsActivePort"
        port, path = await until(lambda: found.read_text().split() if found.exists() else [], 60)
        return f"ws://127.0.0.1:{port}{path}"

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()


class Page:
    """A tab."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._session: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []

    @classmethod
    async def open(cls, connection: ClientConnection) -> "Page":
        page = cls(connection)
        target = await page.call("Target.createTarget", url="about:blank")
        attached = await page.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log"):
            await page.call(f"{domain}.enable")
        return page

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        await self._connection.send(json.dumps({"id": number, "method": method, "params": params, **self._session}))
        while True:
            message: dict[str, Any] = json.loads(await self._connection.recv())
            if message.get("id") != number:
                self.events.append(message)
                continue
            assert "error" not in message, message
            result: dict[str, Any] = message["result"]
            return result

    async def go(self, address: str) -> None:
        answer = await self.call("Page.navigate", url=address)
        assert "errorText" not in answer, answer
        await self.until("document.readyState === 'complete'")

    async def value(self, expression: str) -> Any:
        """What an expression of JavaScript is."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression of JavaScript is true."""
        ask = f"const done = ({expression}); if (done || Date.now() > end) {{ clearInterval(t); done ? yes() : no() }}"
        start = f"const end = Date.now() + {SECONDS * 1000}, t = setInterval(() => {{ {ask} }}, 5)"
        await self.value(f"new Promise((yes, no) => {{ {start} }})")

    async def type(self, text: str) -> None:
        """Into what has the focus, as a person would."""
        await self.call("Input.insertText", text=text)

    async def press(self, key: str) -> None:
        shown = {"text": "\r"} if key == "Enter" else {}
        code = {"Enter": 13}.get(key, 0)
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **shown)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def complaints(self) -> list[str]:
        """What the browser has found wrong: refused by the policy of the page, thrown by its script, not to be had."""
        found = []
        for event in self.events:
            if event.get("method") == "Log.entryAdded":
                found.append(event["params"]["entry"]["text"])
            elif event.get("method") == "Runtime.exceptionThrown":
                found.append(str(event["params"]["exceptionDetails"]))
        return found


def driven(address: str) -> connect:
    return connect(address, max_size=None, proxy=None)
