#!/usr/bin/env python3
"""e2e/mail.py: the real executable sends mail to a real mail server, encrypted, and to none it cannot trust.

Starts aiosmtpd with a certificate of an authority made for the occasion, which insists on STARTTLS and a password; sets
mail up on the pages; sends a trial; signs in on a new terminal; and tries a server whose authority is another.
    python3 e2e/mail.py [path to sakimori]     default: target/debug/sakimori
"""
import os
import re
import subprocess
import sys
import tempfile
import time
from email import message_from_bytes, policy
from pathlib import Path

from tools import ROOT, Site, free_port, installed

SERVER = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SAKIMORI_BIN", ROOT / "target/debug/sakimori"))
LOGIN, PASSWORD = "sakimori", "himitsu-no-kagi"
OWN = "kx7mq2vbz9rtw"

SINK = """
import pathlib, ssl, sys, time
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

folder, port, login, password = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode(), sys.argv[4].encode()
ours, other = trustme.CA(), trustme.CA()
ours.cert_pem.write_to_path(folder / "ours.pem")
other.cert_pem.write_to_path(folder / "other.pem")
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
ours.issue_cert("localhost").configure_cert(context)

class Keep:
    async def handle_DATA(self, server, session, envelope):
        if session.ssl is None:
            return "530 no"
        name = f"{time.time_ns()}.eml"
        (folder / (name + ".part")).write_bytes(b"".join(f"X-To: {to}\\r\\n".encode() for to in envelope.rcpt_tos) + envelope.content)
        (folder / (name + ".part")).rename(folder / name)
        return "250 kept"

def known(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (login, password))

Controller(Keep(), hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True,
           auth_required=True, authenticator=known).start()
(folder / "ready").touch()
time.sleep(600)
"""


def wait_for(what, found, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if result := found():
            print(f"✓ {what}")
            return result
        time.sleep(0.1)
    sys.exit(f"✗ {what}: not within {seconds} s")


def main():
    python = installed("aiosmtpd", "1.4.6", "trustme==1.2.1") / "bin/python"
    with tempfile.TemporaryDirectory() as folder:
        folder, box = Path(folder), Path(folder) / "box"
        box.mkdir()
        port = free_port()
        sink = subprocess.Popen([python, "-c", SINK, box, str(port), LOGIN, PASSWORD])
        site = Site(SERVER, folder)
        site.run("demo", "--load")
        name = site.run("facility", "list").split("\t")[1]
        server = site.serve()

        def mails():
            texts = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(box.glob("*.eml"))]
            return [(mail["X-To"], mail["Subject"], mail.get_content()) for mail in texts]

        def expect(what, answer, status, words=""):
            if answer[0] != status or words not in answer[1]:
                sys.exit(f"✗ {what}: {answer[0]}\n{answer[1]}")
            print(f"✓ {what}")

        try:
            wait_for("the mail server listens", (box / "ready").exists)
            link = re.search(r"/setup#t=(\S+)", site.log.read_text())[1]
            site.post("/setup", {"secret": link})
            site.post("/setup/2", {"facility": name, "name": "試験 あおい", "login": "mail-test"})
            expect("a password", site.form("/account/password", {"new_password": OWN, "password_again": OWN}), 303)
            expect("an address", site.form("/account/email", {"email": "aoi@clinic.example"}), 303)
            settings = {
                "host": "localhost", "port": str(port), "security": "starttls", "sender": "sakimori@clinic.example",
                "login": LOGIN, "password": PASSWORD, "authority": (box / "other.pem").read_text(),
            }
            expect("settings with the wrong authority", site.form("/settings/mail", settings), 303)
            expect("a server of another authority gets nothing", site.form("/settings/mail/try", {}), 422, "MAIL-004")
            settings["authority"] = (box / "ours.pem").read_text()
            expect("settings", site.form("/settings/mail", settings), 303)
            expect("a trial", site.form("/settings/mail/try", {}), 303)
            wait_for("the trial arrived", lambda: any("試しのメール" in subject for _, subject, _ in mails()))
            settings["password"] = "another"
            expect("a wrong password", site.form("/settings/mail", settings), 303)
            expect("the server's refusal is shown", site.form("/settings/mail/try", {}), 422, "MAIL-004")
            expect("the right one again", site.form("/settings/mail", {**settings, "password": PASSWORD}), 303)
            elsewhere = Site(SERVER, folder)
            elsewhere.url, elsewhere.port = site.url, site.port
            elsewhere.post("/sign-in", {"login": "mail-test", "password": OWN})
            told = wait_for("the new terminal was told of", lambda: [m for m in mails() if "初めての端末" in m[1]])
            if told[0][0] != "aoi@clinic.example" or OWN in told[0][2]:
                sys.exit(f"✗ {told}")
            if len(mails()) != 2:
                sys.exit(f"✗ more mail than expected: {mails()}")
            text = site.log.read_text()
            if server.poll() is not None or "panicked" in text or PASSWORD in text:
                sys.exit(f"✗ the server complained, or told the password:\n{text[-4000:]}")
        finally:
            for process in (server, sink):
                process.terminate()
                process.wait()


main()
