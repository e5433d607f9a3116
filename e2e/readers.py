"""Three programs that this project did not write, which read a sealed log: tlog-scales (Python), golang.org/x/mod/sumdb
(e2e/log.go) and the crates tlog_tiles and signed_note (crates/seal/examples/foreign.rs)."""
import os
import subprocess
import sys
from pathlib import Path

from tools import ROOT, installed

VERSION = "0.0.3"

CHECK = """
import sys
from pathlib import Path
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash

def read(folder):
    reader = TilesReader(LocalBackend(Path(folder)))
    head = reader.get_checkpoint()
    head.verify(Vkey.from_string(sys.argv[1]))
    if reader.calculate_root_hash() != head.root_hash:
        raise ValueError("root")
    # What is before the minimum index of a pruned log is not there to be read.
    told = Path(folder) / "minimum"
    minimum = int(told.read_text().splitlines()[2]) if told.exists() else 0
    for index in range(minimum, head.size):
        reader.get_inclusion_proof(index, head.size).check(leaf_hash(reader.get_entry(index)), head.root_hash)
    return reader, head

_, known = read(sys.argv[2])
for folder in sys.argv[3:]:
    try:
        reader, head = read(folder)
        reader.get_consistency_proof(known.size, head.size).check(known.root_hash, head.root_hash)
        print("ok", head.size)
    except Exception as error:
        print("no", type(error).__name__, " ".join(str(error).split()))
"""


def foreign(folder):
    """The command lines of the readers by their names; what is built for them lies in the folder."""
    python = installed("tlog-scales", VERSION) / "bin/python"
    cargo = ["cargo", "build", "-q", "-p", "seal", "--example", "foreign"]
    subprocess.run(cargo, check=True, cwd=ROOT)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    golang = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(target / "go")}
    subprocess.run(["go", "build", "-o", folder / "log", ROOT / "e2e/log.go"], check=True, env=golang)
    return {
        "tlog-scales": [python, "-c", CHECK],
        "golang.org/x/mod": [folder / "log"],
        "tlog_tiles": [target / "debug/examples/foreign"],
    }


def told(readers, name, key, known, *copies):
    """What a reader says of copies beside one that it knows, a line each: `ok` and the size, or `no` and why."""
    ended = subprocess.run([*readers[name], key, known, *copies], capture_output=True, text=True)
    if ended.returncode != 0:
        sys.exit(f"✗ {name}: {ended.stderr}")
    return ended.stdout.splitlines()
