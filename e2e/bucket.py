#!/usr/bin/env python3
"""e2e/bucket.py: the real executable keeps its sealed log in somebody else's S3 (moto, over TLS with an authority made for
the occasion), while both are killed, frozen and emptied; then programs that this project did not write read what lies there.

One server on SQLite first: entries while it is sealed, kill -9, a store that does not answer, one that lost everything,
one that was altered. Then, where TEST_PG names a PostgreSQL, two servers with a data folder each, of which one is killed.
    python3 e2e/bucket.py [path to sakimori]     default: target/debug/sakimori
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from messages import SOURCES, send
from readers import foreign, told
from tools import ROOT, free_port, installed

VERSION = "5.2.5"
ID, SECRET = "AKIASAKIMORI", "himitsu-no-kagi"
SERVER = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SAKIMORI_BIN", ROOT / "target/debug/sakimori"))

CERTIFY = """
import sys, trustme
ours = trustme.CA()
ours.cert_pem.write_to_path(sys.argv[1] + "/ca.pem")
issued = ours.issue_cert("localhost")
issued.cert_chain_pems[0].write_to_path(sys.argv[1] + "/s3.crt")
issued.private_key_pem.write_to_path(sys.argv[1] + "/s3.key")
"""

CLIENT = """
import boto3, pathlib, sys
url, ca, what, *rest = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=url, verify=ca, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y")
if what == "make":
    s3.create_bucket(Bucket="records")
    s3.put_bucket_versioning(Bucket="records", VersioningConfiguration={"Status": "Enabled"})
if what == "pull":
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="records", Prefix=rest[0] + "/"):
        for found in page.get("Contents", []):
            path = pathlib.Path(rest[1]) / found["Key"][len(rest[0]) + 1:]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(s3.get_object(Bucket="records", Key=found["Key"])["Body"].read())
if what == "flip":
    body = bytearray(s3.get_object(Bucket="records", Key=rest[0])["Body"].read())
    body[40] ^= 1
    s3.put_object(Bucket="records", Key=rest[0], Body=bytes(body))
"""


def expect(what, so):
    if not so:
        sys.exit(f"✗ {what}")
    print(f"✓ {what}")


def wait(what, so, seconds=60):
    until = time.monotonic() + seconds
    while not so():
        if time.monotonic() > until:
            sys.exit(f"✗ {what}")
        time.sleep(0.2)
    print(f"✓ {what}")


class Store:
    """Somebody else's S3, which forgets everything when it ends."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.bin = installed("moto", VERSION, f"moto[server]=={VERSION}", "trustme==1.2.1") / "bin"
        self.url = f"https://localhost:{self.port}"
        subprocess.run([self.bin / "python", "-c", CERTIFY, folder], check=True)
        self.start()

    def start(self):
        words = ["-H", "127.0.0.1", "-p", str(self.port), "-s", "-c", self.folder / "s3.crt", "-k", self.folder / "s3.key"]
        log = open(self.folder / "s3.log", "a")
        self.process = subprocess.Popen([self.bin / "moto_server", *words], stdout=log, stderr=log)
        until = time.monotonic() + 60
        while not self.client("make", check=False):
            if time.monotonic() > until:
                sys.exit((self.folder / "s3.log").read_text())
            time.sleep(0.3)

    def client(self, *words, check=True):
        words = [self.bin / "python", "-c", CLIENT, self.url, self.folder / "ca.pem", *words]
        return subprocess.run(words, check=check, capture_output=True).returncode == 0

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Node:
    """One server with a data folder of its own."""

    def __init__(self, folder, name, store, prefix, database=None):
        self.data, self.log, self.database = folder / name, folder / f"{name}.log", database
        self.web, self.syslog, self.process = free_port(), free_port(), None
        self.data.mkdir(mode=0o700)
        settings = self.data / "bucket.toml"
        settings.touch(mode=0o600)
        shutil.copy(store.folder / "ca.pem", self.data)
        settings.write_text(f'url = "{store.url}/records/{prefix}"\nid = "{ID}"\nsecret = "{SECRET}"\nca = "ca.pem"\n')

    def words(self, *words):
        database = ["--database", self.database] if self.database else []
        return [SERVER, "--data", self.data, *database, *words]

    def run(self, *words, wanted=0):
        done = subprocess.run(self.words(*words), capture_output=True, text=True)
        if done.returncode != wanted:
            sys.exit(f"✗ {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return done.stdout

    def facility(self, folder):
        self.run("facility", "add", "架空医院")
        (folder / "取込み元.csv").write_text(SOURCES)
        self.run("import", folder / "取込み元.csv", "--as", "log_sources")

    def serve(self):
        listen = ["--plain", "--listen", f"127.0.0.1:{self.web}", "--syslog-tcp", f"127.0.0.1:{self.syslog}"]
        log = open(self.log, "a")
        self.process = subprocess.Popen(self.words("serve", *listen), stdout=log, stderr=log)
        wait(f"{self.data.name} answers", lambda: self.get("/health") is not None)

    def get(self, path):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.web}{path}", timeout=20).read()
        except (OSError, urllib.error.URLError):
            return None

    def size(self):
        head = self.get("/log/checkpoint")
        return int(head.decode().split("\n")[1]) if head else -1

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait()

    def staged(self):
        """How many entries are not sealed, of a log that holds."""
        return int(re.search(r"まだ封印していない記録は(\d+)件", self.run("journal", "verify"))[1])


def readers_agree(folder, store, node, prefix, name):
    """What lies in the bucket, with what is open as its server gives it away, is in order for everybody else."""
    pulled, copy = folder / f"{name} pulled", folder / f"{name} copy"
    store.client("pull", prefix, str(pulled))
    node.run("journal", "copy", copy)
    names = {str(path.relative_to(pulled)) for path in pulled.rglob("*") if path.is_file()}
    expect("no tile in the bucket that is not full", not [found for found in names if ".p/" in found])
    for path in names - {"probe"}:
        if (pulled / path).read_bytes() != (copy / path).read_bytes():
            sys.exit(f"✗ {path} is another one in the bucket")
    size = int((pulled / "checkpoint").read_text().split("\n")[1])
    weight = sum((pulled / path).stat().st_size for path in names)
    expect(f"{len(names)} objects, {weight / size:.0f} bytes an entry", weight / size <= 150)
    key = node.run("journal", "key").strip()
    tools = foreign(folder)
    for tool in tools:
        said = told(tools, tool, key, copy, copy)
        expect(f"{tool}: {said}", said == [f"ok {size}"])
    return size


def alone(folder, store):
    node = Node(folder, "alone", store, "one")
    node.facility(folder)
    node.serve()
    try:
        send(node.syslog, range(400))
        wait("sealed into the bucket", lambda: node.size() >= 400)
        send(node.syslog, range(400, 800))
        node.end(signal.SIGKILL)
        node.serve()
        before = node.size()
        store.signal(signal.SIGSTOP)
        send(node.syslog, range(800, 1200))
        wait("a store that does not answer is said", lambda: "JRN-041" in node.log.read_text())
        expect("and the server goes on", node.get("/health") is not None)
        node.end(signal.SIGKILL)
        node.serve()
        store.signal(signal.SIGCONT)
        wait("sealing goes on", lambda: node.size() >= max(before, 800))
        # What was on the way to a killed server is its sender's to send again.
        sealed = node.size()
        store.kill()
        send(node.syslog, range(1200, 1300))
        time.sleep(3)
        store.start()
        wait("a store that lost everything gets it again", lambda: node.size() >= sealed + 100)
    finally:
        if node.process.poll() is None:
            node.end()
    expect("nothing is left unsealed, and all of it holds", node.staged() == 0)
    text = node.log.read_text()
    expect("no secret and no signature in the log of the server", SECRET not in text and "Signature" not in text)
    expect("nothing panicked", "panicked" not in text)
    doctor = node.run("doctor")
    line = next(line for line in doctor.split("\n") if "(S3)" in line or "（S3）" in line)
    expect(f"doctor: {line}", "versioning ✓" in line and node.data.joinpath("ca.pem").exists())
    readers_agree(folder, store, node, "one", "alone")
    store.client("flip", "one/tile/entries/001")
    said = node.run("journal", "verify", wanted=1)
    expect("what was altered in the bucket is named", "JRN-008" in said and "tile/entries/001" in said)


def together(folder, store, server):
    name = f"bucket_{os.getpid()}"
    for statement in (f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}"):
        subprocess.run(["psql", f"{server}/postgres", "-qc", statement], check=True, stderr=subprocess.DEVNULL)
    one = Node(folder, "node-1", store, "two", f"{server}/{name}")
    two = Node(folder, "node-2", store, "two", f"{server}/{name}")
    one.facility(folder)
    one.serve()
    send(one.syslog, range(300))
    wait("the first seals", lambda: one.size() >= 300)
    for key in ("log.key", "log.epoch", "secret.key"):
        shutil.copy(one.data / key, two.data / key)
    two.serve()
    expect("the second stands by", two.size() == -1)
    # Each dies in turn, in the middle of something.
    for turn in range(2):
        dying, living = (one, two) if turn == 0 else (two, one)
        send(dying.syslog, range(300 * (turn + 1), 300 * (turn + 2)))
        dying.end(signal.SIGKILL)
        known = max(living.size(), 0)
        send(living.syslog, range(10_000 + turn * 300, 10_300 + turn * 300))
        wait(f"{living.data.name} takes over", lambda: living.size() >= 600 + turn * 300 > known)
        dying.serve()
    time.sleep(2)
    one.end()
    two.end()
    expect("nothing is left unsealed, and all of it holds", one.staged() == 0 and two.staged() == 0)
    expect("both have the same key of the day", (one.data / "log.epoch").read_bytes() == (two.data / "log.epoch").read_bytes())
    readers_agree(folder, store, two, "two", "together")
    for node in (one, two):
        expect("nothing panicked", "panicked" not in node.log.read_text())


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        store = Store(folder)
        try:
            alone(folder, store)
            if server := os.environ.get("TEST_PG"):
                together(folder, store, server)
            else:
                print("TEST_PG is not set: two servers on one database were skipped")
        finally:
            store.signal(signal.SIGCONT)
            store.kill()


main()
