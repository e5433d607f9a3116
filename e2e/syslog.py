#!/usr/bin/env python3
"""e2e/syslog.py: rsyslog sends audit messages over TLS to the real executable; somebody else's validator reads what is
given away.

Starts the server with every syslog door, lets rsyslog (Debian: rsyslog, rsyslog-gnutls) forward messages over TLS with
the certificate authority of the installation, over plain TCP, and sends hostile streams beside it. Then the accesses are
exported as FHIR and every AuditEvent is validated by fhirkit-rs, which this project did not write.
    python3 e2e/syslog.py [path to sakimori]     default: target/debug/sakimori
"""
import datetime
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from messages import SOURCES, message, send
from tools import ROOT, free_port, installed

VERSION = "0.1.0"
COUNT = 500

VALIDATE = """
import json, sys, fhirkit
bundle = json.load(open(sys.argv[1]))
events = [entry["resource"] for entry in bundle["entry"]]
found = [str(issue) for event in events for issue in fhirkit.validate(json.dumps(event))]
del events[0]["recorded"]
if not list(fhirkit.validate(json.dumps(events[0]))):
    found.append("the validator does not miss what is missing")
print(len(events), *found, sep="\\n")
"""

def wait(what, so, seconds=60):
    until = time.time() + seconds
    while not so():
        if time.time() > until:
            sys.exit(f"✗ {what}")
        time.sleep(0.2)
    print(f"✓ {what}")


def rsyslog(folder, authority, tls, tcp):
    """rsyslog that forwards what it is given on two local ports: one over TLS, one over TCP."""
    doors = {"tls": free_port(), "tcp": free_port()}
    queue = 'queue.type="LinkedList" action.resumeRetryCount="-1" template="RSYSLOG_SyslogProtocol23Format" TCP_Framing="octet-counted"'
    (folder / "rsyslog.conf").write_text(f"""
global(workDirectory="{folder}" maxMessageSize="64k" defaultNetstreamDriverCAFile="{authority}")
module(load="imtcp" maxSessions="100")
input(type="imtcp" port="{doors['tls']}" address="127.0.0.1" ruleset="tls")
input(type="imtcp" port="{doors['tcp']}" address="127.0.0.1" ruleset="tcp")
ruleset(name="tls") {{ action(type="omfwd" target="localhost" port="{tls}" protocol="tcp" {queue}
  StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="localhost") }}
ruleset(name="tcp") {{ action(type="omfwd" target="127.0.0.1" port="{tcp}" protocol="tcp" {queue}) }}
""")
    process = subprocess.Popen(["rsyslogd", "-n", "-f", folder / "rsyslog.conf", "-i", folder / "rsyslog.pid"])
    return process, doors


def main():
    server = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SAKIMORI_BIN", ROOT / "target/debug/sakimori"))
    python = installed("fhirkit-rs", VERSION) / "bin/python"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)

        def sakimori(*words):
            done = subprocess.run([server, "--data", folder / "data", *words], capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"✗ {words}: {done.stdout}{done.stderr}")
            return done.stdout

        sakimori("facility", "add", "架空医院")
        (folder / "取込み元.csv").write_text(SOURCES)
        sakimori("import", folder / "取込み元.csv", "--as", "log_sources")
        web, tls, tcp, udp = free_port(), free_port(), free_port(), free_port()
        log = open(folder / "log", "w")
        serving = subprocess.Popen(
            [server, "--data", folder / "data", "serve", "--listen", f"127.0.0.1:{web}", "--syslog-tls", f"127.0.0.1:{tls}",
             "--syslog-tcp", f"127.0.0.1:{tcp}", "--syslog-udp", f"127.0.0.1:{udp}"], stdout=log, stderr=log)
        forwarding = None
        try:
            authority = folder / "data/tls/ca.crt"
            wait("the server listens", authority.exists)
            forwarding, doors = rsyslog(folder, authority, tls, tcp)
            send(doors["tls"], range(COUNT))
            send(doors["tcp"], range(COUNT, 2 * COUNT))
            for hostile in [b"GET / HTTP/1.1\r\n\r\n", b"99999999 <", b"\xff" * 1000, b"30 <85>1 half"]:
                with socket.create_connection(("127.0.0.1", tcp)) as stream:
                    stream.sendall(hostile)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
                for n in range(2 * COUNT, 2 * COUNT + 10):
                    datagrams.sendto(f"<85>1 - h a 1 m - {message(n)}".encode(), ("127.0.0.1", udp))
                datagrams.sendto(b"\x00\xff", ("127.0.0.1", udp))
            database = next((folder / "data").glob("*.db"))

            def stored():
                with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as reader:
                    return reader.execute("SELECT count(*) FROM accesses").fetchone()[0] >= 2 * COUNT + 10

            wait("every message is stored", stored)
        finally:
            if forwarding:
                forwarding.terminate()
                forwarding.wait()
            serving.terminate()
            serving.wait()
        if "panicked" in (folder / "log").read_text():
            sys.exit((folder / "log").read_text())
        today = datetime.date.today().isoformat()
        out = folder / "out.json"
        sakimori("accesses", "transfer", "--format", "fhir", "--from", today, "--until", today, "--out", out)
        patients = {
            entity["what"]["identifier"]["value"]
            for entry in json.loads(out.read_text())["entry"]
            for entity in entry["resource"]["entity"] if entity["type"]["code"] == "1"
        }
        wanted = {f"P{n:05}" for n in range(2 * COUNT + 10)}
        if patients != wanted:
            sys.exit(f"✗ lost {len(wanted - patients)}, beginning with {sorted(wanted - patients)[:3]}\n{(folder / 'log').read_text()}")
        print(f"✓ {len(patients)} messages over TLS, TCP and UDP, none lost")
        said = subprocess.run([python, "-c", VALIDATE, out], capture_output=True, text=True, check=True).stdout.split("\n")
        if len([line for line in said if line]) != 1:
            sys.exit("✗ " + "\n".join(said[:10]))
        print(f"✓ {said[0]} AuditEvents are valid to fhirkit")


main()
