"""What the teacher, MobileNetV2 trained on ImageNet, makes of the photos: computed once and kept.

For each photo one plain copy and, if it is for training, some varied ones: the student learns to make of a small picture
what the teacher makes of a larger one. The cache is a few GB of memory-mapped arrays per source;
an interrupted run goes on where it stopped.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image
from tqdm import tqdm

from data import KEPT, TEACHER_SIDE, Photo, plain, varied

FEATURES = 1280
CHUNK = 32


def session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def small(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize((KEPT, KEPT), Image.Resampling.BILINEAR))


class Cache:
    """`pictures [photos, copies, side, side, 3]` and `features [photos, copies, 1280]`; copy 0 is the plain one."""

    def __init__(self, folder: Path, photos: list[Photo], copies: int):
        folder.mkdir(parents=True, exist_ok=True)
        self.photos, self.copies = photos, copies
        self._done_path = folder / "done.json"
        inventory = [str(photo.path) for photo in photos]
        state = json.loads(self._done_path.read_text()) if self._done_path.exists() else {}
        self.done = state.get("done", 0) if state.get("inventory") == inventory and state.get("copies") == copies else 0
        mode = "r+" if self.done else "w+"
        shape = (len(photos), copies)
        self.pictures = np.lib.format.open_memmap(folder / "pictures.npy", mode, np.uint8, (*shape, KEPT, KEPT, 3))
        self.features = np.lib.format.open_memmap(folder / "features.npy", mode, np.float16, (*shape, FEATURES))
        self._inventory = inventory

    def fill(self, teacher: Path, seed: int, threads: int) -> "Cache":
        if self.done == len(self.photos):
            return self
        network = session(teacher, threads)
        name = network.get_inputs()[0].name
        batched = network.get_inputs()[0].shape[0] != 1
        for start in tqdm(range(self.done, len(self.photos), CHUNK), desc="teacher", mininterval=5):
            for index in range(start, min(start + CHUNK, len(self.photos))):
                photo = self.photos[index]
                rng = np.random.default_rng([seed, index])
                more = self.copies - 1 if photo.split == "train" else 0
                copies = [plain(photo, TEACHER_SIDE)] + [varied(photo, rng) for _ in range(more)]
                inputs = (np.stack(copies).astype(np.float32) / 127.5 - 1).transpose(0, 3, 1, 2)
                groups = [inputs] if batched else [inputs[i : i + 1] for i in range(len(inputs))]
                self.features[index, : more + 1] = np.concatenate([network.run(None, {name: g})[0].reshape(len(g), -1) for g in groups])
                self.pictures[index, : more + 1] = np.stack([plain(photo, KEPT)] + [small(c) for c in copies[1:]])
            self.features.flush()
            self.pictures.flush()
            self.done = min(start + CHUNK, len(self.photos))
            state = {"done": self.done, "copies": self.copies, "inventory": self._inventory}
            self._done_path.write_text(json.dumps(state))
        return self
