"""The engine's program `distances`, built and started."""

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def build():
    """Path of the release binary."""
    subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "chiliad-benches", "--bin", "distances"], cwd=ROOT, check=True)
    told = subprocess.run(["cargo", "metadata", "--no-deps", "--format-version", "1"], cwd=ROOT, check=True,
                          capture_output=True, text=True)
    return str(Path(json.loads(told.stdout)["target_directory"]) / "release" / "distances")


def machine():
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before"
