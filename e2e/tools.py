"""What the scripts share: tools from the Python package index, each in a virtual environment of its own beside the build,
installed once; and the executable with a browser that visits it."""
import http.cookies
import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def installed(package, version, *more):
    """The folder of the environment that holds this version of a package, and of others it is used with."""
    folder = ROOT / "target" / f"{package}-{version}"
    done = folder / "installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([folder / "bin/pip", "install", "-q", f"{package}=={version}", *more], check=True)
        done.touch()
    return folder


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Site:
    """The executable on a free port of this machine, and one browser that visits it."""

    def __init__(self, executable, folder):
        self.executable = executable
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.cookies = {}

    def run(self, *words):
        done = subprocess.run([self.executable, "--data", self.data, *words], check=True, capture_output=True, text=True)
        return done.stdout

    def serve(self):
        words = [self.executable, "--data", self.data, "serve", "--plain", "--listen", f"127.0.0.1:{self.port}", "--origin", self.url]
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
        status, text = self.send(path, urllib.parse.urlencode(fields).encode())
        if status != 303:
            raise SystemExit(f"POST {path}: {status}\n{text}")

    def form(self, path, fields, page="/account"):
        """Sends a form of a session, with the token that its pages carry; status and text of the answer."""
        token = re.search(r'name="_csrf" value="([^"]+)"', self.send(page)[1])[1]
        return self.send(path, urllib.parse.urlencode({"_csrf": token, **fields}).encode())

    def send(self, path, body=None):
        request = urllib.request.Request(self.url + path, body)
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
        return answer.status, answer.read().decode()
