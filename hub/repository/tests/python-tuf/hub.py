"""A running hub, read over HTTP by Python's tuf: what it publishes, keys exchanged beside it, storage that lost a target.

Usage: hub.py PILAH_HUB, the hub's program. Exits with 1 at the first difference.
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.api.metadata import Metadata, Root, Targets
from tuf.ngclient import Updater

HUB = sys.argv[1]


def command(*arguments):
    return subprocess.run([HUB, *arguments], check=True, capture_output=True, text=True).stdout


class Bin:
    """Python's client, with the root that it was given and a memory of its own."""

    def __init__(self, folder, url, root):
        self.url, self.root = url, root
        self.state, self.store = folder / "state", folder / "store"
        self.state.mkdir(parents=True)
        self.store.mkdir()

    def updater(self):
        updater = Updater(str(self.state), f"{self.url}/repo/metadata/", str(self.store), f"{self.url}/repo/targets/", bootstrap=self.root)
        updater.refresh()
        return updater

    def check(self):
        """The version of root, and all targets with what is signed of them."""
        updater = self.updater()
        root = Metadata[Root].from_file(str(self.state / "root.json")).signed.version
        listed = Metadata[Targets].from_file(str(self.state / "targets.json")).signed.targets
        return root, {name: updater.get_targetinfo(name) for name in listed}

    def load(self, target):
        for kept in self.store.iterdir():
            kept.unlink()
        return pathlib.Path(self.updater().download_target(target)).read_bytes()


def same(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: {found!r} instead of {expected!r}")
    print(f"{what}: {found!r}")


with tempfile.TemporaryDirectory() as place:
    place = pathlib.Path(place)
    data = place / "data"
    begin = ["serve", "--data", data, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--public-updates"]
    log = open(place / "log", "w")
    hub = subprocess.Popen([HUB, *begin], stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        url = next(found[1] for line in hub.stdout if (found := re.match(r"Pilah hub: (\S+)", line)))
        beside = ["--data", str(data)]
        root = command("keys", *beside, "root").encode().rstrip(b"\n")
        bin = Bin(place / "bin", url, root)

        version, targets = bin.check()
        manifests = [name for name in targets if name.endswith(".json")]
        same("root, and targets", (version, len(targets), len(manifests)), (1, 3, 1))
        manifest = targets[manifests[0]]
        content = json.loads(bin.load(manifest))
        custom = manifest.unrecognized_fields["custom"]
        same("signed of the model", custom, {"kind": "model", "version": content["version"], "labels": content["labels"]})
        for part in ["backbone", "head"]:
            sha256 = content[part]["sha256"]
            found = [target for target in targets.values() if target.hashes["sha256"] == sha256]
            same(f"signed of the {part}", [target.unrecognized_fields["custom"] for target in found], [{"kind": "network"}])
            same(f"the {part} as it was signed", hashlib.sha256(bin.load(found[0])).hexdigest(), sha256)

        for number, role in enumerate(["timestamp", "snapshot", "targets", "root"], start=2):
            command("keys", *beside, "rotate", role)
            again, after = bin.check()
            same(f"root after the keys of {role} were exchanged beside the hub", (again, set(after)), (number, set(targets)))
        same("root for a bin that was off meanwhile", Bin(place / "late", url, root).check()[0], 5)

        lost = data / "repository" / "targets" / f"{manifest.hashes['sha256']}.{manifest.path}"
        kept = lost.read_bytes()
        lost.unlink()
        try:
            bin.load(manifest)
            sys.exit("a target that storage lost was loaded")
        except DownloadError as error:
            print(f"a target that storage lost: {type(error).__name__}")
        lost.write_bytes(b"x" * len(kept))
        try:
            bin.load(manifest)
            sys.exit("a target that was changed was loaded")
        except RepositoryError as error:
            print(f"a target that was changed: {type(error).__name__}: {error}")
    finally:
        hub.terminate()
        hub.wait()
        log.close()
        if hub.returncode:
            sys.exit(f"the hub ended with {hub.returncode}: {(place / 'log').read_text()}")
print("Python's tuf and a running hub agree")
