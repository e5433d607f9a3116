#!/usr/bin/env python3
"""e2e/api.py: asks the real executable everything that its own OpenAPI description promises.

Starts a demonstration in a temporary folder, makes the first account through the printed set-up link, a token on the
command line, and lets schemathesis (installed into a virtual environment beside the build) try every operation.
    python3 e2e/api.py [path to sakimori]     default: target/debug/sakimori; E2E_SECONDS bounds the tries (60)
"""
import datetime
import http.cookies
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from tools import ROOT, installed

SERVER = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SAKIMORI_BIN", ROOT / "target/debug/sakimori"))
VERSION = "4.32.5"
SCOPES = "read-ledgers,edit-ledgers,read-verdicts,read-tasks,lend-devices,approve,send-accesses,read-accesses"
SECONDS = int(os.environ.get("E2E_SECONDS", "60"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Site:
    def __init__(self, folder):
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.cookies = {}

    def run(self, *words):
        done = subprocess.run([SERVER, "--data", self.data, *words], check=True, capture_output=True, text=True)
        return done.stdout

    def serve(self):
        words = [SERVER, "--data", self.data, "serve", "--plain", "--listen", f"127.0.0.1:{self.port}", "--origin", self.url]
        server = subprocess.Popen(words, stdout=open(self.log, "w"), stderr=subprocess.STDOUT)
        until = time.monotonic() + 30
        while time.monotonic() < until and server.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/health")
                return server
            except OSError:
                time.sleep(0.1)
        server.kill()
        raise SystemExit(f"the server did not start:\n{self.log.read_text()}")

    def post(self, path, fields):
        """Sends a form as the browser of one terminal would."""
        request = urllib.request.Request(self.url + path, urllib.parse.urlencode(fields).encode())
        request.add_header("Sec-Fetch-Site", "same-origin")
        request.add_header("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None

        try:
            answer = urllib.request.build_opener(Stay).open(request)
        except urllib.error.HTTPError as error:
            answer = error
        for line in answer.headers.get_all("Set-Cookie", []):
            for name, morsel in http.cookies.SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        if answer.status != 303:
            raise SystemExit(f"POST {path}: {answer.status}\n{answer.read().decode()}")


def main():
    tool = installed("schemathesis", VERSION) / "bin/schemathesis"
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        site.run("demo", "--load")
        name = site.run("facility", "list").split("\t")[1]
        server = site.serve()
        try:
            link = re.search(r"/setup#t=(\S+)", site.log.read_text())
            if not link:
                raise SystemExit(f"no set-up link was printed:\n{site.log.read_text()}")
            site.post("/setup", {"secret": link[1]})
            site.post("/setup/2", {"facility": name, "name": "試験 あおい", "login": "api-test"})
        finally:
            server.terminate()
            server.wait()
        until = datetime.date.today() + datetime.timedelta(days=2)
        token = site.run("token", "--login", "api-test", "--name", "e2e", "--scopes", SCOPES, "--until", str(until)).strip()
        server = site.serve()
        try:
            words = [
                tool, "--config-file", ROOT / "e2e" / "schemathesis.toml", "run", f"{site.url}/api/v1/openapi.json",
                "--header", f"Authorization: Bearer {token}", "--rate-limit", "45/s", "--max-time", str(SECONDS),
            ]
            code = subprocess.run(words, cwd=folder).returncode
            text = site.log.read_text()
            if server.poll() is not None or "panicked" in text or "ERROR" in text:
                raise SystemExit(f"the server complained:\n{text[-4000:]}")
        finally:
            server.terminate()
            server.wait()
    sys.exit(code)


main()
