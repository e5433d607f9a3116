#!/usr/bin/env python3
"""e2e/log.py: somebody else's tools read the sealed log of the real executable, and find what was altered.

Makes entries on the command line, seals them, gives away a copy, and lets tlog-scales (a reader of C2SP tlog-tiles that
this project did not write) check signature, root, every leaf, and that an older copy leads on to a newer one.
    python3 e2e/log.py [path to sakimori]     default: target/debug/sakimori
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import ROOT, installed

VERSION = "0.0.3"
# More than one full tile of 256, and an open one.
FIRST, THEN = 270, 12

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
    for index in range(head.size):
        reader.get_inclusion_proof(index, head.size).check(leaf_hash(reader.get_entry(index)), head.root_hash)
    return reader, head

reader, head = read(sys.argv[2])
for older in sys.argv[3:]:
    _, before = read(older)
    reader.get_consistency_proof(before.size, head.size).check(before.root_hash, head.root_hash)
print(head.size)
"""


def main():
    server = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SAKIMORI_BIN", ROOT / "target/debug/sakimori"))
    python = installed("tlog-scales", VERSION) / "bin/python"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)

        def sakimori(*words):
            return subprocess.run([server, "--data", folder / "data", *words], check=True, capture_output=True, text=True).stdout

        def foreign(*copies):
            ended = subprocess.run([python, "-c", CHECK, key, *copies], capture_output=True, text=True)
            return int(ended.stdout) if ended.returncode == 0 else ended.stderr.strip().splitlines()[-1]

        def expect(what, found, wanted):
            if not wanted(found):
                sys.exit(f"✗ {what}: {found}")
            print(f"✓ {what}")

        for n in range(FIRST):
            sakimori("facility", "add", f"架空{n}医院")
        older, newer = folder / "older", folder / "newer"
        sakimori("journal", "copy", older)
        key = sakimori("journal", "key").strip()
        for n in range(THEN):
            sakimori("facility", "add", f"架空{FIRST + n}医院")
        sakimori("journal", "copy", newer)
        expect("a copy checks", foreign(older), lambda size: size == FIRST)
        expect("the newer copy leads on from the older", foreign(newer, older), lambda size: size == FIRST + THEN)
        expect("the other way round does not", foreign(older, newer), lambda said: isinstance(said, str))
        for path in sorted(p for p in newer.rglob("*") if p.is_file()):
            whole = path.read_bytes()
            # A head is a text: a changed byte of its signature or its numbers.
            path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
            expect(f"{path.relative_to(newer)} altered is found", foreign(newer), lambda said: isinstance(said, str))
            path.write_bytes(whole)
        proof = folder / "entry.tlog-proof"
        sakimori("journal", "prove", "100", "--out", proof, "--withhold", "subject")
        print(sakimori("verify", proof, "--key", key).splitlines()[0])


main()
