"""Which photos there are, which split they belong to, and how they are varied.

Neighbouring photo numbers of TrashNet show the same object, so that a split by photo would test on
objects that were trained on. The unit is therefore a run of 20 consecutive numbers within a class. The runs that there
are go to five folds in turn: fold f tests on every fifth run from the f-th on, takes one run in ten after these for
validation, and trains on the rest. The model that ships tests on none, and trains on what it would have tested on.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

LABELS = ["cardboard", "glass", "metal", "paper", "plastic", "trash"]
RUN = 20
FOLDS = 5
KEPT = 160  # of the pictures that are kept for training, in pixels
TEACHER_SIDE = 224


@dataclass(frozen=True)
class Photo:
    """A labelled picture on disk."""

    path: Path
    label: int
    split: str  # train, validation or test
    source: str  # trashnet or scenes
    part: int = 0  # of TrashNet: the fold that tests on it


def split_of_run(rank: int, fold: int | None) -> str:
    """The split of the `rank`-th run of a class; fold `None` is the model that ships."""
    if rank % FOLDS == fold:
        return "test"
    return "validation" if rank % (2 * FOLDS) == (fold or 0) + 1 else "train"


def number_of(path: Path | str) -> int:
    return int(re.search(r"(\d+)$", Path(path).stem).group(1))


def run_of(path: Path | str) -> int:
    return (number_of(path) - 1) // RUN


def trashnet(folder: Path, fold: int | None) -> list[Photo]:
    """The photos of TrashNet, `folder/{class}/{class}{number}.jpg`, split by runs."""
    photos = []
    for label, name in enumerate(LABELS):
        paths = sorted((folder / name).glob("*.jpg"))
        ranks = {run: rank for rank, run in enumerate(sorted({run_of(path) for path in paths}))}
        for path in paths:
            rank = ranks[run_of(path)]
            photos.append(Photo(path, label, split_of_run(rank, fold), "trashnet", rank % FOLDS))
    if not photos:
        raise SystemExit(f"no photos in {folder}: set PILAH_SHARED to the folder that holds data/trashnet")
    return photos


def fold_named(name: str) -> int | None:
    """`0` to `4`, or `all` for the model that ships."""
    return None if name == "all" else range(FOLDS)[int(name)]


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


def opened(photo: Photo) -> Image.Image:
    with Image.open(photo.path) as image:
        image.draft("RGB", (256, 256))
        return image.convert("RGB")


def cut(image: Image.Image, rng: np.random.Generator, low: float, high: float) -> Image.Image:
    """A part of the picture, of a share of its area between `low` and `high`, turned or mirrored at times."""
    width, height = image.size
    if rng.random() < 0.5:
        turn = rng.normal(0, 15) + (rng.choice([90, 180, 270]) if rng.random() < 0.4 else 0)
        corner = tuple(int(x) for x in np.asarray(image)[:8, :8].reshape(-1, 3).mean(0))
        image = image.rotate(turn, Image.Resampling.BILINEAR, fillcolor=corner)
    share = rng.uniform(low, high)
    ratio = np.exp(rng.uniform(-0.2, 0.2))
    w = min(width, width * np.sqrt(share) * ratio)
    h = min(height, height * np.sqrt(share) / ratio)
    left, top = rng.uniform(0, width - w), rng.uniform(0, height - h)
    image = image.resize((TEACHER_SIDE, TEACHER_SIDE), Image.Resampling.BILINEAR, (left, top, left + w, top + h))
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.3:
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return image


def lit(image: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """The picture as another camera in another light would have taken it."""
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


def varied(photo: Photo, rng: np.random.Generator) -> np.ndarray:
    """A picture as another camera, light and place in the frame would have given it: its label still holds."""
    return lit(cut(opened(photo), rng, 0.45, 1.0), rng)


def composed(photo: Photo, peers: list[Photo], rng: np.random.Generator) -> np.ndarray:
    """Something new to ask the teacher about, of which no label is known: a close look at a part, two pictures
    through each other, or four side by side."""
    kind = rng.integers(3)
    if kind == 0:
        return lit(cut(opened(photo), rng, 0.06, 0.4), rng)
    others = [peers[i] for i in rng.integers(0, len(peers), 1 if kind == 1 else 3)]
    pictures = [cut(opened(p), rng, 0.3, 1.0) for p in [photo, *others]]
    if kind == 1:
        return lit(Image.blend(*pictures, rng.uniform(0.3, 0.7)), rng)
    canvas = Image.new("RGB", (TEACHER_SIDE, TEACHER_SIDE))
    x, y = (int(v) for v in rng.integers(TEACHER_SIDE // 4, 3 * TEACHER_SIDE // 4, 2))
    for picture, (left, top) in zip(pictures, ((0, 0), (x, 0), (0, y), (x, y)), strict=True):
        size = (x if left == 0 else TEACHER_SIDE - x, y if top == 0 else TEACHER_SIDE - y)
        canvas.paste(picture.resize(size, Image.Resampling.BILINEAR), (left, top))
    return lit(canvas, rng)
