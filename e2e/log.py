#!/usr/bin/env python3
"""e2e/log.py: three programs that this project did not write read the sealed log of the real executable, and each finds
everything that was altered.

Makes entries on the command line, seals them, gives away copies, and lets tlog-scales (Python), golang.org/x/mod/sumdb
(e2e/log.go) and the crates tlog_tiles and signed_note (crates/seal/examples/foreign.rs) check signature, root, every
leaf and tile, and that a known older copy leads on to it: first what is in order, then every kind of TAMPERINGS. Last an
outsider follows the guide's steps for an audit folder, word for word, with tlog-scales alone.
    python3 e2e/log.py [path to sakimori]     default: target/debug/sakimori
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from pathlib import Path

from readers import foreign, told
from tools import ROOT

# More than one full tile of 256, and an open one.
FIRST, THEN = 270, 12

BUNDLE, TILE, ABOVE = "tile/entries/000", "tile/0/000", f"tile/1/000.p/{(FIRST + THEN) // 256}"
OPEN, OPEN_TILE = f"tile/entries/001.p/{FIRST + THEN - 256}", f"tile/0/001.p/{FIRST + THEN - 256}"
HEAD = "checkpoint"


def changed(path, change):
    """Another content for a file of the copy."""
    def tamper(copy, _):
        (copy / path).write_bytes(change((copy / path).read_bytes()))
    return tamper


def flip(path, at):
    return changed(path, lambda b: b[:at] + bytes([b[at] ^ 1]) + b[at + 1:])


def gone(path):
    return lambda copy, _: (copy / path).unlink()


def entries(bundle):
    """The entries of a bundle, each with its length before it."""
    found = []
    while bundle:
        end = 2 + int.from_bytes(bundle[:2], "big")
        found.append(bundle[:end])
        bundle = bundle[end:]
    return found


def among(path, change):
    """Other entries in a bundle."""
    def tamper(bundle):
        found = entries(bundle)
        change(found)
        return b"".join(found)
    return changed(path, tamper)


def line(number, change):
    """Another line of the head."""
    def tamper(head):
        lines = head.decode().split("\n")
        lines[number] = change(lines[number])
        return "\n".join(found for found in lines if found is not None).encode()
    return changed(HEAD, tamper)


def swapped(one, other):
    def tamper(copy, _):
        first, second = (copy / one).read_bytes(), (copy / other).read_bytes()
        (copy / one).write_bytes(second)
        (copy / other).write_bytes(first)
    return tamper


def from_another(which, *paths):
    """These files, or all, of another copy."""
    def tamper(copy, others):
        if paths:
            for path in paths:
                shutil.copy(others[which] / path, copy / path)
        else:
            shutil.rmtree(copy)
            shutil.copytree(others[which], copy)
    return tamper


def move(found, start, to):
    found.insert(to, found.pop(start))


TAMPERINGS = {
    "a byte of an entry": flip(BUNDLE, 40),
    "a byte of the last entry": flip(OPEN, -1),
    "a byte of a hash": flip(TILE, 32 * 100),
    "a byte of an open hash": flip(OPEN_TILE, 0),
    "a byte of a hash above": flip(ABOVE, 5),
    "the length of an entry": flip(BUNDLE, 1),
    "an entry taken out": among(BUNDLE, lambda e: e.pop(7)),
    "the first entry taken out": among(BUNDLE, lambda e: e.pop(0)),
    "the last entry taken out": among(OPEN, lambda e: e.pop()),
    "an entry put in": among(BUNDLE, lambda e: e.insert(9, e[3][:-1] + b"x")),
    "an entry twice": among(BUNDLE, lambda e: e.__setitem__(12, e[11])),
    "an entry replaced": among(BUNDLE, lambda e: e.__setitem__(200, b"\x00\x21" + b"\x01" * 33)),
    "two entries the other way round": among(BUNDLE, lambda e: move(e, 20, 21)),
    "an entry moved": among(BUNDLE, lambda e: move(e, 20, 200)),
    "an entry emptied": among(BUNDLE, lambda e: e.__setitem__(5, b"\x00\x00")),
    "the bundle cut": changed(BUNDLE, lambda b: b[:-10]),
    "the bundle empty": changed(BUNDLE, lambda b: b""),
    "the hashes cut": changed(TILE, lambda b: b[:-32]),
    "two hashes the other way round": changed(TILE, lambda b: b[32:64] + b[:32] + b[64:]),
    "a bundle gone": gone(BUNDLE),
    "a tile gone": gone(TILE),
    "an open bundle gone": gone(OPEN),
    "an open tile gone": gone(OPEN_TILE),
    "the head gone": gone(HEAD),
    "the head empty": changed(HEAD, lambda b: b""),
    "entries and their hashes of two tiles exchanged": lambda c, o: (swapped(BUNDLE, OPEN)(c, o), swapped(TILE, OPEN_TILE)(c, o)),
    "another size": line(1, lambda n: str(int(n) - 1)),
    "a larger size": line(1, lambda n: str(int(n) + 1)),
    "another root": line(2, lambda r: "A" * 43 + "="),
    "another name": line(0, lambda o: o[:-1] + ("0" if o[-1] != "0" else "1")),
    "a byte of the signature": line(4, lambda s: s[:-9] + ("A" if s[-9] != "A" else "B") + s[-8:]),
    "no signature of the log": line(4, lambda s: None),
    "a line more in the head": line(2, lambda r: r + "\nmore"),
    "the head of a log with another key": from_another("stranger", HEAD),
    "a log with another key": from_another("stranger"),
    "the head of another history of the same key": from_another("fork", HEAD),
    "another history of the same key": from_another("fork"),
    "another history, as long as the known one": from_another("short fork"),
    "the end cut off, and signed again": from_another("cut"),
    "put back to an older state": from_another("oldest"),
}


def by_the_guide(python, folder):
    """What the steps of docs/ja/guide/audit-folder.md say of an unpacked audit folder: how many entries they found sealed, or
    the last line of what stopped them."""
    guide = (ROOT / "docs/ja/guide/audit-folder.md").read_text()
    steps = [textwrap.dedent(step) for step in re.findall(r"^ *```python\n(.*?)^ *```", guide, re.DOTALL | re.MULTILINE)]
    ended = subprocess.run([python, "-c", "\n".join(steps)], cwd=folder, capture_output=True, text=True)
    if ended.returncode != 0:
        return ended.stderr.splitlines()[-1]
    return ended.stdout.count("封印のとおりです")


def as_another(folder, name, change):
    """The folder once more, with one file changed."""
    copy = Path(tempfile.mkdtemp(dir=folder.parent)) / "audit"
    shutil.copytree(folder, copy)
    path = copy / name
    path.write_bytes(change(path.read_bytes()))
    return copy


# What is done to a log whose first tile was disposed of.
KEPT = {
    "nobody says that anything was disposed of": gone("minimum"),
    "a byte of a kept entry": flip(OPEN, 5),
    "a kept entry taken out": among(OPEN, lambda e: e.pop(3)),
    "the kept entries gone": gone(OPEN),
    "a byte of a kept hash": flip(OPEN_TILE, 40),
    "the kept hashes gone": gone(OPEN_TILE),
    "a byte of the hash over what went": flip(ABOVE, 5),
    "the hash over what went gone": gone(ABOVE),
    "another root": line(2, lambda r: "A" * 43 + "="),
    "another history of the same key": from_another("fork", HEAD),
}


def main():
    server = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SAKIMORI_BIN", ROOT / "target/debug/sakimori"))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        readers = foreign(folder)

        def sakimori(*words, data="data"):
            ended = subprocess.run([server, "--data", folder / data, *words], capture_output=True, text=True)
            if ended.returncode != 0:
                sys.exit(f"✗ sakimori {' '.join(map(str, words))}: {ended.stdout}{ended.stderr}")
            return ended.stdout

        def entries_more(count, word, data="data"):
            for n in range(count):
                sakimori("facility", "add", f"架空{word}{n}医院", data=data)

        def copied(name, data="data"):
            sakimori("journal", "copy", folder / name, data=data)
            return folder / name

        def expect(what, found, wanted):
            if not wanted(found):
                sys.exit(f"✗ {what}: {found}")
            print(f"✓ {what}")

        def read(name, known, *copies):
            return told(readers, name, key, known, *copies)

        def tampered(log, tamperings):
            """A copy of a log for each of the tamperings."""
            copies = []
            for n, tamper in enumerate(tamperings.values()):
                copies.append(folder / f"{log.name}-{n}")
                shutil.copytree(log, copies[-1])
                tamper(copies[-1], others)
            return copies

        entries_more(5, "初")
        others = {"oldest": copied("oldest")}
        entries_more(FIRST - 10, "前")
        # What an attacker with every key and the database does on a copy of the data folder.
        for name in ("fork", "short fork", "cut"):
            shutil.copytree(folder / "data", folder / f"data {name}")
        entries_more(5, "中")
        known = copied("known")
        key = sakimori("journal", "key").strip()
        entries_more(THEN, "後")
        newer = copied("newer")
        entries_more(5, "偽", data="data short fork")
        others["short fork"] = copied("short fork", data="data short fork")
        shutil.copytree(folder / "data short fork", folder / "data long fork")
        entries_more(THEN, "偽の後", data="data long fork")
        others["fork"] = copied("fork", data="data long fork")
        entries_more(1, "短", data="data cut")
        others["cut"] = copied("cut", data="data cut")
        entries_more(8, "他人", data="stranger")
        others["stranger"] = copied("stranger log", data="stranger")

        copies = tampered(newer, TAMPERINGS)
        for name in readers:
            expect(f"{name}: the known copy and the newer one are in order", read(name, known, known, newer),
                   lambda said: said == [f"ok {FIRST}", f"ok {FIRST + THEN}"])
            said = zip(TAMPERINGS, read(name, known, *copies), strict=True)
            expect(f"{name}: all of {len(TAMPERINGS)} tamperings are found",
                   [what for what, verdict in said if not verdict.startswith("no ")], lambda missed: not missed)
        # The beginning is disposed of, as far as whole tiles go.
        pruned = folder / "pruned"
        shutil.copytree(newer, pruned)
        run = ["cargo", "run", "-q", "-p", "seal", "--example", "prune", "--", pruned, folder / "data/log.key", "256"]
        subprocess.run(run, check=True, cwd=ROOT)
        if (pruned / BUNDLE).exists() or (pruned / TILE).exists():
            sys.exit("✗ what was disposed of is still there")
        kept = tampered(pruned, KEPT)
        for name in readers:
            expect(f"{name}: what is kept of a pruned log is in order", read(name, known, pruned),
                   lambda said: said == [f"ok {FIRST + THEN}"])
            said = zip(KEPT, read(name, known, *kept), strict=True)
            expect(f"{name}: all of {len(KEPT)} tamperings with what is kept are found",
                   [what for what, verdict in said if not verdict.startswith("no ")], lambda missed: not missed)
        proof = folder / "entry.tlog-proof"
        sakimori("journal", "prove", "100", "--out", proof, "--withhold", "subject")
        print(sakimori("verify", proof, "--key", key).splitlines()[0])

        sakimori("demo", "--load", data="clinic")
        sakimori("journal", "seal", data="clinic")
        sakimori("--actor", "山田花子", "audit-folder", "--out", folder / "audit.zip", data="clinic")
        outsider = folder / "audit"
        zipfile.ZipFile(folder / "audit.zip").extractall(outsider)
        python, journal = readers["tlog-scales"][0], "05_記録/操作記録.jsonl"
        count = (outsider / journal).read_text().count("\n")
        expect(f"the guide's steps find all {count} entries of an audit folder sealed", by_the_guide(python, outsider),
               lambda found: found == count)
        bundle = next(path for path in (outsider / "06_封印/写し/tile/entries").rglob("*") if path.is_file())
        for name, change in {
            journal: lambda b: b.replace(b'"actor":"', b'"actor":"X', 1),
            bundle.relative_to(outsider): lambda b: b[:50] + bytes([b[50] ^ 1]) + b[51:],
            "06_封印/写し/checkpoint": lambda b: b.replace(b"\n", b"\nA", 2),
        }.items():
            expect(f"the guide's steps find that {name} was altered", by_the_guide(python, as_another(outsider, name, change)),
                   lambda found: isinstance(found, str))


main()
