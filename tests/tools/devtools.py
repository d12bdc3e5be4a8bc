"""A headless Chromium, spoken to by the DevTools protocol over a pipe: no port, no network.

Every wait has a deadline. Needs Python's standard library and Debian's package chromium.
"""
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-extensions", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--no-proxy-server", "--remote-debugging-pipe"]
# Puts the two ends of the pipes where Chromium looks for them: descriptors 3 and 4.
PLACE_PIPES = ("import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
               "os.execvp(sys.argv[3], sys.argv[3:])")


class BrowserError(Exception):
    pass


def program():
    """The path of Chromium. BrowserError: it is not installed."""
    path = shutil.which("chromium")
    if path is None:
        raise BrowserError("chromium is not installed; apt-get install --no-install-recommends "
                           "chromium, as tools/test does")
    return path


def high_pipe():
    """A pipe whose descriptors are none of those that are to be replaced."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high


class Browser:
    """One process and one page in it. Use it in a with statement."""

    def __init__(self, patience=60):
        self.patience = patience
        self.profile = tempfile.mkdtemp(prefix="floodgate-chromium-")
        self.received = b""
        self.sent = 0
        self.events = []
        read_theirs, self.write_end = high_pipe()
        self.read_end, write_theirs = high_pipe()
        # What it says of itself is shown only if it fails.
        self.log = open(os.path.join(self.profile, "log"), "w+b")
        self.process = subprocess.Popen(
            [sys.executable, "-c", PLACE_PIPES, str(read_theirs), str(write_theirs), program(),
             f"--user-data-dir={self.profile}/profile", *ARGUMENTS, "about:blank"],
            pass_fds=(read_theirs, write_theirs), stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log, start_new_session=True,
            env={**os.environ, "HOME": self.profile, "XDG_CONFIG_HOME": self.profile})
        os.close(read_theirs)
        os.close(write_theirs)
        self.session = None

    def __enter__(self):
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self.session = self.call("Target.attachToTarget", targetId=target,
                                     flatten=True)["sessionId"]
            for domain in ("Page", "Network", "Runtime"):
                self.call(f"{domain}.enable")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        # All of its processes are in the group that was made for it.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.write_end)
        os.close(self.read_end)
        self.log.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, **parameters):
        self.sent += 1
        message = {"id": self.sent, "method": method, "params": parameters}
        if self.session is not None:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        answer = self.wait(lambda m: m.get("id") == self.sent, method)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def wait(self, wanted, what):
        """The next message that is wanted. The others are kept in `events`."""
        deadline = time.monotonic() + self.patience
        while True:
            message = self.receive(deadline, what)
            if wanted(message):
                return message
            self.events.append(message)

    def receive(self, deadline, what):
        while b"\0" not in self.received:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.read_end], [], [], left)[0]:
                self.fail(f"{what}: no answer from chromium within {self.patience} s")
            part = os.read(self.read_end, 1 << 20)
            if not part:
                self.fail(f"{what}: chromium has ended")
            self.received += part
        message, self.received = self.received.split(b"\0", 1)
        return json.loads(message)

    def fail(self, what):
        self.log.seek(0)
        raise BrowserError(f"{what}\n{self.log.read().decode(errors='replace')[-4000:]}")

    def show(self, url, width, height, scheme, medium="screen"):
        """Loads a page for a screen of that size; scheme: "light" or "dark"; medium: "screen" or
        "print". Gives all that it asked for."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=medium,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        # To the empty page first, so that the same page is loaded anew, too.
        for address in ("about:blank", url):
            loader = self.call("Page.navigate", url=address)
            if "errorText" in loader:
                raise BrowserError(f"{address}: {loader['errorText']}")
            self.wait_for_event("Page.loadEventFired")
        return [event["params"]["request"]["url"] for event in self.events
                if event.get("method") == "Network.requestWillBeSent"]

    def wait_for_event(self, method):
        for index, event in enumerate(self.events):
            if event.get("method") == method:
                del self.events[index]
                return
        self.wait(lambda message: message.get("method") == method, method)

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def screenshot(self):
        """The whole page as PNG, base64."""
        return self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
