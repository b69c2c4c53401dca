"""How well heads do on embeddings that nobody retrains: this backbone against ImageNet's MobileNetV2 of two widths, by
the number of labelled images per class.

Two questions. `trashnet`: the fold's training photos, tested on its test photos; this backbone has seen the former
with their labels. `chambers`: drawn chambers that no backbone has seen, heads trained on some looks and tested on others.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from data import FOLDS, LABELS, Photo, plain, scenes, trashnet
from measures import confusion, f1

PER_CLASS = {"5": 5, "20": 20, "50": 50, "100": 100, "all": 10_000}
DRAWS = 3
DECAYS = (0.001, 0.01, 0.1, 1.0)  # scikit-learn's C; the best on validation is taken


def embed(onnx: Path, photos: list[Photo], threads: int, kept: Path) -> np.ndarray:
    if kept.exists():
        return np.load(kept)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(onnx), options, providers=["CPUExecutionProvider"])
    name, side = session.get_inputs()[0].name, session.get_inputs()[0].shape[2]
    rows = []
    for photo in tqdm(photos, desc=f"embedding by {onnx.stem}", mininterval=5):
        x = (plain(photo, side).astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
        rows.append(session.run(None, {name: x})[0].reshape(-1))
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.save(kept, np.stack(rows))
    return np.stack(rows)


def head(x: np.ndarray, y: np.ndarray, validation: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    """Accuracy and macro-F1 of multinomial logistic regression."""
    scale = StandardScaler().fit(x)
    heads = [LogisticRegression(C=c, max_iter=500).fit(scale.transform(x), y) for c in DECAYS]
    best = max(heads, key=lambda h: h.score(scale.transform(validation[0]), validation[1]))
    guess = best.predict(scale.transform(test[0]))
    return float((guess == test[1]).mean()), float(f1(confusion(test[1], guess)).mean())


def curve(x: np.ndarray, y: np.ndarray, rows: dict[str, np.ndarray], seed: int) -> dict[str, list[float]]:
    """By the number of images per class: accuracy and macro-F1, the mean over draws."""
    found = {}
    commonest = np.bincount(y[rows["train"]]).max()
    for name, count in PER_CLASS.items():
        if name != "all" and count > commonest:
            continue
        scores = []
        for draw in range(1 if name == "all" else DRAWS):
            rng = np.random.default_rng([seed, draw])
            taken = np.concatenate([rng.permutation(rows["train"][y[rows["train"]] == c])[:count] for c in range(len(LABELS))])
            scores.append(head(x[taken], y[taken], *((x[rows[s]], y[rows[s]]) for s in ("validation", "test"))))
        found[name] = np.mean(scores, 0).round(4).tolist()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    given = args.shared / "data/backbones"
    found: dict[str, dict[str, list]] = {"trashnet": {}, "chambers": {}}
    drawn = [photo for photo in scenes(args.work / "scenes") if photo.split != "train"]
    for fold in range(FOLDS):
        photos = trashnet(args.shared / "data/trashnet", fold)
        y = np.array([p.label for p in photos])
        rows = {s: np.array([i for i, p in enumerate(photos) if p.split == s]) for s in ("train", "validation", "test")}
        looks = np.array([p.path.stem.split("_")[0] for p in drawn])
        test_looks = sorted({p.path.stem.split("_")[0] for p in drawn if p.split == "test"})
        halves = {"train": test_looks[::2], "test": test_looks[1::2]}
        drawn_rows = {s: np.flatnonzero(np.isin(looks, some)) for s, some in halves.items()}
        drawn_rows["validation"] = np.array([i for i, p in enumerate(drawn) if p.split == "validation"])
        drawn_y = np.array([p.label for p in drawn])
        for name, onnx in {
            "pilah": args.work / f"fold{fold}/backbone.onnx",
            "mobilenet_v2_1.0_224": given / "mobilenet_v2_1.0_224.onnx",
            "mobilenet_v2_0.35_224": given / "mobilenet_v2_0.35_224.onnx",
        }.items():
            kept = args.work / "embeddings" / (f"{name}{fold}" if name == "pilah" else name)
            x = embed(onnx, photos, args.threads, kept.with_name(kept.name + "-photos.npy"))
            found["trashnet"].setdefault(name, []).append(curve(x, y, rows, fold))
            if fold == 0:
                x = embed(onnx, drawn, args.threads, kept.with_name(kept.name + "-scenes.npy"))
                found["chambers"].setdefault(name, []).append(curve(x, drawn_y, drawn_rows, fold))
    means = {
        data: {name: {n: np.mean([c[n] for c in curves], 0).round(4).tolist() for n in curves[0]} for name, curves in by.items()}
        for data, by in found.items()
    }
    (args.work / "transfer.json").write_text(json.dumps(means, indent=1))


if __name__ == "__main__":
    main()
