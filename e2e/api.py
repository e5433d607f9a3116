#!/usr/bin/env python3
"""e2e/api.py: asks the real executable everything that its own OpenAPI description promises.

Starts a demonstration in a temporary folder, makes the first account through the printed set-up link, a token on the
command line, and lets schemathesis (installed into a virtual environment beside the build) try every operation.
    python3 e2e/api.py [path to sakimori]     default: target/debug/sakimori; E2E_SECONDS bounds the tries (60)
"""
import datetime
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import ROOT, Site, installed

SERVER = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SAKIMORI_BIN", ROOT / "target/debug/sakimori"))
VERSION = "4.32.5"
SCOPES = (
    "read-ledgers,edit-ledgers,read-verdicts,read-tasks,lend-devices,approve,attest,make-papers,read-journal,manage-users,"
    "send-accesses,read-accesses,review-accesses,manage-settings"
)
SECONDS = int(os.environ.get("E2E_SECONDS", "60"))
# The same questions at every run, unless others are wanted: a run that fails is one that can be repeated.
SEED = os.environ.get("E2E_SEED", "7")


def main():
    tool = installed("schemathesis", VERSION) / "bin/schemathesis"
    with tempfile.TemporaryDirectory() as folder:
        site = Site(SERVER, Path(folder))
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
                "--header", f"Authorization: Bearer {token}", "--rate-limit", "45/s", "--max-time", str(SECONDS), "--seed", SEED,
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
