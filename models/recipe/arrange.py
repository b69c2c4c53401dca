"""Arranges the pictures for the head: links, `out/{split}/{class}/…`, of TrashNet by runs and of some
scenes of each of the looks that are for training and validation."""

import argparse
import shutil
from pathlib import Path

from data import LABELS, fold_named, scenes, trashnet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--scenes", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fold", type=fold_named, required=True, help="0 to 4, or all")
    parser.add_argument("--every", type=int, default=6, help="of the scenes, every so-manieth is taken")
    args = parser.parse_args()
    shutil.rmtree(args.out, ignore_errors=True)
    drawn = [photo for photo in scenes(args.scenes) if photo.split != "test"][:: args.every]
    for photo in trashnet(args.shared / "data/trashnet", args.fold) + drawn:
        folder = args.out / photo.split / LABELS[photo.label]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{photo.source}-{photo.path.name}").symlink_to(photo.path.resolve())


if __name__ == "__main__":
    main()
