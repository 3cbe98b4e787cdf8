"""Talks to the Larder agent of this user over its local API. Standard library only.

    python3 larder.py https://example.com/setup.msi setup.msi

Exit code 3 means that there is no agent to ask: download the file yourself.
"""

import hashlib
import hmac
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


class LarderError(Exception):
    """`code` is stable; `next` says what a person can do."""

    def __init__(self, code, message, next=""):
        super().__init__(message)
        self.code = code
        self.next = next


def data_folder():
    if os.environ.get("LARDER_DATA_DIR"):
        return Path(os.environ["LARDER_DATA_DIR"])
    if sys.platform == "win32":
        return Path(os.environ["LOCALAPPDATA"]) / "larder" / "Data"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "larder"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "larder"


class Agent:
    """Raises LarderError("AGENT_NOT_RUNNING") when no agent of this user is running."""

    def __init__(self, folder=None):
        folder = Path(folder or data_folder())
        # Proxies are for other hosts.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._token = None
        try:
            self._port = json.loads((folder / "agent.json").read_text("utf-8"))["apiPort"]
            token = (folder / "api-token").read_text("ascii").strip()
        except (OSError, ValueError, KeyError):
            raise LarderError("AGENT_NOT_RUNNING", f"No agent is running in {folder}.") from None
        # The listener must prove that it knows the token before it is shown to it.
        challenge = secrets.token_hex(32)
        proof = self.call("GET", f"/v1/version?challenge={challenge}")["proof"] or ""
        message = f"larder api {self._port} {challenge}".encode()
        if not hmac.compare_digest(proof, hmac.new(token.encode(), message, hashlib.sha256).hexdigest()):
            raise LarderError("AGENT_NOT_RUNNING", "Another program is listening at the agent's port.")
        self._token = token

    def call(self, method, path, body=None):
        """Any operation of the local API; GET /v1/openapi.json describes them all."""
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", method=method)
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with self._opener.open(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            view = json.loads(error.read())
            raise LarderError(view["code"], view["message"], view.get("next", "")) from None
        except OSError as error:
            raise LarderError("AGENT_NOT_RUNNING", f"The agent does not answer: {error}") from None
        return json.loads(text) if text else None

    def download(self, url, destination, integrity=None, progress=None):
        """Downloads `url` to the file `destination` and returns the finished request."""
        spec = {"url": url, "destination": os.path.abspath(destination)}
        if integrity:
            spec["integrity"] = integrity
        request = self.call("POST", "/v1/requests", spec)
        while request["state"] not in ("done", "failed", "cancelled"):
            time.sleep(0.2)
            request = self.call("GET", f"/v1/requests/{request['id']}")
            if progress:
                progress(request)
        if request["state"] != "done":
            error = request["error"] or {"code": "CANCELLED", "message": "The download was cancelled."}
            raise LarderError(error["code"], error["message"], error.get("next", ""))
        return request


def main():
    url, destination = sys.argv[1:3]
    try:
        done = Agent().download(url, destination)
    except LarderError as error:
        print(f"{error} {error.next} ({error.code})", file=sys.stderr)
        return 3 if error.code in ("AGENT_NOT_RUNNING", "INTEGRATION_OFF") else 1
    split = done["split"]
    print(f"{destination}: {split['peerBytes']} bytes from peers, {split['cacheBytes']} from the cache, {split['originBytes']} from the web server")
    return 0


if __name__ == "__main__":
    sys.exit(main())
