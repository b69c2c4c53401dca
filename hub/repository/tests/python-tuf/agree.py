"""Compares Python's tuf with ours, both ways: what one writes the other reads, and both refuse the same.

Usage: agree.py INTEROP, the built example of that name. Exits with 1 at the first difference.
"""

import functools
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
from datetime import datetime, timedelta, timezone

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer
from tuf.ngclient import Updater

INTEROP = sys.argv[1]
EXPECTED = {
    "head-7.onnx": {"content": "weights", "custom": {"labels": ["glass", "kaca ♻", {"z": 1, "a": -3}]}},
    "empty": {"content": "", "custom": {}},
}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def ours(act, folder):
    done = subprocess.run([INTEROP, act, folder], capture_output=True, text=True)
    return (json.loads(done.stdout) if done.stdout else None) if done.returncode == 0 else done.stderr.strip()


def theirs(folder, names):
    """What Python's client believes of folder/repository by folder/trusted.json."""
    handler = functools.partial(Quiet, directory=folder / "repository")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        state, store = folder / "python-state", folder / "python-store"
        state.mkdir(exist_ok=True)
        store.mkdir(exist_ok=True)
        try:
            updater = Updater(
                str(state), f"{base}/metadata/", str(store), f"{base}/targets/", bootstrap=(folder / "trusted.json").read_bytes()
            )
            updater.refresh()
            targets = {}
            for name in names:
                info = updater.get_targetinfo(name)
                assert info is not None, name
                content = pathlib.Path(updater.download_target(info)).read_text()
                targets[name] = {"content": content, "custom": info.custom or {}}
            root = Metadata[Root].from_file(str(state / "root.json"))
            return {"root": root.signed.version, "targets": targets}
        except RepositoryError as error:
            return f"{type(error).__name__}: {error}"
        finally:
            server.shutdown()


def same(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: {found!r} instead of {expected!r}")
    print(f"{what}: the same")


def refused(what, folder, names):
    """Both refuse what is there, each from its first day on."""
    for left in ["bin", "store", "python-state", "python-store"]:
        shutil.rmtree(folder / left, ignore_errors=True)
    for who, found in [("ours", ours("read", folder)), ("Python's", theirs(folder, names))]:
        if not isinstance(found, str):
            sys.exit(f"{what}: {who} believes it: {found}")
        print(f"{what}, {who}: {found}")


def written_by_python(folder):
    """A repository by Python's API, with a key of every kind and thresholds, root exchanged once."""
    metadata, targets = folder / "repository/metadata", folder / "repository/targets"
    metadata.mkdir(parents=True)
    targets.mkdir()
    expires = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=3)
    old, new = CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()
    signers = {
        "timestamp": [CryptoSigner.generate_ecdsa()],
        "snapshot": [CryptoSigner.generate_rsa(scheme="rsassa-pss-sha256")],
        "targets": [CryptoSigner.generate_ed25519(), CryptoSigner.generate_ecdsa()],
    }
    root = Root(expires=expires, consistent_snapshot=True)
    root.add_key(old.public_key, "root")
    for role, those in signers.items():
        for signer in those:
            root.add_key(signer.public_key, role)
        root.roles[role].threshold = len(those)

    def write(name, signed, those):
        signed_metadata = Metadata(signed)
        for signer in those:
            signed_metadata.sign(signer, append=True)
        data = signed_metadata.to_bytes(JSONSerializer(compact=True))
        (metadata / name).write_bytes(data)
        return data

    trusted = write("1.root.json", root, [old])
    (folder / "trusted.json").write_bytes(trusted)
    root.version = 2
    root.revoke_key(old.public_key.keyid, "root")
    root.add_key(new.public_key, "root")
    write("2.root.json", root, [old, new])

    listed = Targets(expires=expires)
    for name, target in EXPECTED.items():
        data = target["content"].encode()
        file = TargetFile.from_data(name, data, ["sha256"])
        if target["custom"]:
            file.unrecognized_fields["custom"] = target["custom"]
        listed.targets[name] = file
        (targets / f"{file.hashes['sha256']}.{name}").write_bytes(data)
    data = write("1.targets.json", listed, signers["targets"])
    snapshot = Snapshot(expires=expires, meta={"targets.json": MetaFile.from_data(1, data, ["sha256"])})
    data = write("1.snapshot.json", snapshot, signers["snapshot"])
    write("timestamp.json", Timestamp(expires=expires, snapshot_meta=MetaFile.from_data(1, data, ["sha256"])), signers["timestamp"])


def spoil(path, old, new):
    text = path.read_text()
    assert old in text, (path, old)
    path.write_text(text.replace(old, new, 1))


with tempfile.TemporaryDirectory() as place:
    for who, make in [("written by ours", lambda folder: ours("write", folder)), ("written by Python's", written_by_python)]:
        folder = pathlib.Path(place) / who.replace(" ", "-").replace("'", "")
        folder.mkdir()
        failed = make(folder)
        assert failed is None, failed
        root = max(int(path.name.split(".")[0]) for path in (folder / "repository/metadata").glob("*.root.json"))
        expected = {"root": root, "targets": EXPECTED}
        same(f"{who}, read by ours", ours("read", folder), expected)
        same(f"{who}, read by Python's", theirs(folder, EXPECTED), expected)

        metadata = folder / "repository/metadata"
        for name in ["timestamp.json", f"{root}.root.json"]:
            whole = (metadata / name).read_bytes()
            spoil(metadata / name, '"expires":"20', '"expires":"21')
            refused(f"{who}, {name} changed", folder, EXPECTED)
            (metadata / name).write_bytes(whole)
        head = next((folder / "repository/targets").glob("*.head-7.onnx"))
        head.write_bytes(b"Weights")
        refused(f"{who}, a target changed", folder, EXPECTED)
        head.write_bytes(b"weights")
print("Python's tuf and ours agree")
