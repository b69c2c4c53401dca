"""Which photos there are, which split they belong to, and how they are varied.

Neighbouring photo numbers of TrashNet show the same object, so that a split by photo would test on
objects that were trained on. The unit is therefore a run of 20 consecutive numbers within a class:
every fifth run is for the test, every tenth for validation, the rest for training.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

LABELS = ["cardboard", "glass", "metal", "paper", "plastic", "trash"]
RUN = 20
SIDE = 128  # of the network's input, in pixels
KEPT = 160  # of the pictures that are kept for training, in pixels
TEACHER_SIDE = 224


@dataclass(frozen=True)
class Photo:
    """A labelled picture on disk."""

    path: Path
    label: int
    split: str  # train, validation or test
    source: str  # trashnet or scenes


def split_of_run(run: int) -> str:
    if run % 5 == 0:
        return "test"
    return "validation" if run % 10 == 1 else "train"


def trashnet(folder: Path) -> list[Photo]:
    """The photos of TrashNet, `folder/{class}/{class}{number}.jpg`, split by runs."""
    photos = []
    for label, name in enumerate(LABELS):
        for path in sorted((folder / name).glob("*.jpg")):
            number = int(re.search(r"(\d+)$", path.stem).group(1))
            photos.append(Photo(path, label, split_of_run(number // RUN), "trashnet"))
    if not photos:
        raise SystemExit(f"no photos in {folder}: set PILAH_SHARED to the folder that holds data/trashnet")
    return photos


def scenes(folder: Path) -> list[Photo]:
    """Rendered scenes, `folder/{split}/{class}/*.jpg`."""
    return [
        Photo(path, label, split, "scenes")
        for split in ("train", "validation", "test")
        for label, name in enumerate(LABELS)
        for path in sorted((folder / split / name).glob("*.jpg"))
    ]


def plain(photo: Photo, side: int) -> np.ndarray:
    """The whole picture stretched to a square, `[side, side, 3]` of 0 to 255, as the bin does it."""
    with Image.open(photo.path) as image:
        return np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR))


def varied(photo: Photo, rng: np.random.Generator) -> np.ndarray:
    """A picture as another camera, light and place in the frame would have given it."""
    with Image.open(photo.path) as opened:
        opened.draft("RGB", (256, 256))
        image = opened.convert("RGB")
    width, height = image.size
    if rng.random() < 0.5:
        turn = rng.normal(0, 15) + (rng.choice([90, 180, 270]) if rng.random() < 0.4 else 0)
        corner = tuple(int(x) for x in np.asarray(image)[:8, :8].reshape(-1, 3).mean(0))
        image = image.rotate(turn, Image.Resampling.BILINEAR, fillcolor=corner)
    share = rng.uniform(0.45, 1.0)
    ratio = np.exp(rng.uniform(-0.2, 0.2))
    w = min(width, width * np.sqrt(share) * ratio)
    h = min(height, height * np.sqrt(share) / ratio)
    left, top = rng.uniform(0, width - w), rng.uniform(0, height - h)
    image = image.resize((TEACHER_SIDE, TEACHER_SIDE), Image.Resampling.BILINEAR, (left, top, left + w, top + h))
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.3:
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.8)))
    image = ImageEnhance.Color(image).enhance(rng.uniform(0.6, 1.5))
    pixels = np.asarray(image, np.float32) / 255
    pixels = pixels ** np.exp(rng.normal(0, 0.3))
    pixels = (pixels - 0.5) * rng.uniform(0.7, 1.35) + 0.5 + rng.normal(0, 0.08)
    pixels = pixels * np.exp(rng.normal(0, 0.08, 3)).astype(np.float32)
    if rng.random() < 0.3:
        pixels = pixels + rng.normal(0, rng.uniform(0.01, 0.05), pixels.shape).astype(np.float32)
    return (pixels.clip(0, 1) * 255).astype(np.uint8)
