"""Asks the finished bundle of one fold about pictures that it never saw, by the program that runs on the bin:
test photos as they are and spoiled, drawn chambers, and the validation photos. Writes `out/{set}.jsonl`."""

import argparse
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from tqdm import tqdm

from data import LABELS, Photo, fold_named, scenes, trashnet


def blurred(image: Image.Image, _rng: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(image.width / 128))


def dark(image: Image.Image, _rng: np.random.Generator) -> Image.Image:
    return image.point(lambda value: round(255 * (value / 255) ** 1.5 * 0.4))


def noisy(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image, np.float32) + rng.normal(0, 25, (image.height, image.width, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def coarse(image: Image.Image, _rng: np.random.Generator) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "jpeg", quality=20)
    return Image.open(file)


SPOILED: dict[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = {
    "blur": blurred,
    "dark": dark,
    "noise": noisy,
    "jpeg20": coarse,
}


def spoil(photos: list[Photo], kind: str, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index, photo in enumerate(photos):
        path = folder / f"{photo.path.stem}.png"
        if not path.exists():
            with Image.open(photo.path) as image:
                SPOILED[kind](image.convert("RGB"), np.random.default_rng(index)).save(path, compress_level=1)
        paths.append(path)
    return paths


def ask(program: Path, bundle: Path, photos: list[Photo], paths: list[Path], out: Path) -> None:
    if out.exists() or not photos:
        return
    command = [program, "classify", "--json", "--bundle", bundle, *paths]
    answers = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    with out.with_suffix(".new").open("w") as file:
        for photo, line in zip(photos, answers, strict=True):
            answer = json.loads(line)
            row = {"photo": f"{photo.path.parent.name}/{photo.path.name}", "truth": LABELS[photo.label], "sure": answer["sure"]}
            file.write(json.dumps(row | {"probabilities": answer["probabilities"]}) + "\n")
    out.with_suffix(".new").replace(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--fold", type=fold_named, required=True, help="0 to 4, or all")
    parser.add_argument("--program", type=Path, required=True, help="pilah-edge")
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    photos = trashnet(args.shared / "data/trashnet", args.fold)
    drawn = scenes(args.work / "scenes")
    sets = {
        "test": [p for p in photos if p.split == "test"],
        "validation": [p for p in photos if p.split == "validation"],
        "scenes": [p for p in drawn if p.split == "test"],
    }
    for name, some in tqdm(sets.items(), desc=f"fold {args.fold}: asking"):
        ask(args.program, args.bundle, some, [p.path for p in some], args.out / f"{name}.jsonl")
    for kind in tqdm(SPOILED if sets["test"] else (), desc=f"fold {args.fold}: asking about spoiled copies"):
        ask(args.program, args.bundle, sets["test"], spoil(sets["test"], kind, args.work / "spoiled" / kind), args.out / f"{kind}.jsonl")


if __name__ == "__main__":
    main()
