"""Tools from the Python package index, each in a virtual environment of its own beside the build, installed once."""
import subprocess
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def installed(package, version):
    """The folder of the environment that holds this version of a package."""
    folder = ROOT / "target" / f"{package}-{version}"
    done = folder / "installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([folder / "bin/pip", "install", "-q", f"{package}=={version}"], check=True)
        done.touch()
    return folder
