"""Trains the student: labels, the teacher's probabilities, and the teacher's features.

The resolution grows in three phases, since most is learned as well, and much faster, on small
pictures. Weights are averaged over time; the average is what ships. A run that is interrupted goes on
from its last checkpoint, with the same draws as if it had not been.
"""

import argparse
import copy
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from data import LABELS, SIDE, scenes, trashnet
from network import Student
from optimiser import Muon
from teacher import Cache

COMPONENTS = 192
SCENE_SHARE = 0.3
PHASES = ((0.0, 80), (0.6, 112), (0.88, SIDE))
EVERY = 100  # steps between checkpoints


class Source:
    """One cache with what the teacher says of each copy."""

    def __init__(self, cache: Cache, pca: PCA, probe: LogisticRegression):
        self.cache = cache
        self.labels = np.array([photo.label for photo in cache.photos])
        splits = np.array([photo.split for photo in cache.photos])
        self.rows = {split: np.flatnonzero(splits == split) for split in ("train", "validation", "test")}
        shape = cache.features.shape[:2]
        flat = np.asarray(cache.features, np.float32).reshape(-1, cache.features.shape[2])
        targets = pca.transform(flat) / pca.explained_variance_**0.25
        self.targets = targets.reshape(*shape, -1).astype(np.float32) / 3.0
        self.logits = probe.decision_function(flat).reshape(*shape, -1).astype(np.float32)
        counts = np.bincount(self.labels[self.rows["train"]], minlength=len(LABELS))
        weights = 1 / np.sqrt(counts[self.labels[self.rows["train"]]])
        self.weights = weights / weights.sum()

    def batch(self, rng: np.random.Generator, size: int) -> tuple[np.ndarray, ...]:
        rows = rng.choice(self.rows["train"], size, p=self.weights)
        copies = rng.integers(0, self.cache.copies, size)
        return self.cache.pictures[rows, copies], self.labels[rows], self.logits[rows, copies], self.targets[rows, copies]


def teach(caches: list[Cache]) -> tuple[PCA, LogisticRegression]:
    """What the teacher's features are worth on the training photos: their main directions, and a classifier."""
    features, labels = [], []
    for cache in caches:
        rows = [i for i, photo in enumerate(cache.photos) if photo.split == "train"]
        taken = np.asarray(cache.features[rows, :3], np.float32)
        features.append(taken.reshape(-1, taken.shape[2]))
        labels.append(np.repeat([cache.photos[i].label for i in rows], taken.shape[1]))
    x, y = np.concatenate(features), np.concatenate(labels)
    probe = LogisticRegression(C=0.01, max_iter=300).fit(x, y)
    return PCA(COMPONENTS, random_state=0).fit(x), probe


def scaled(pictures: torch.Tensor, side: int) -> torch.Tensor:
    """`[n, side, side, 3]` of 0 to 255 → `[n, 3, side, side]` of −1 to 1."""
    x = pictures.permute(0, 3, 1, 2).float() / 127.5 - 1
    return F.interpolate(x, size=(side, side), mode="bilinear", antialias=True)


def varied(pictures: torch.Tensor, side: int, rng: torch.Generator) -> torch.Tensor:
    """Shifts, scales, turns, flips, lights and hides a little of each picture, at a resolution."""
    n = len(pictures)

    def draw(low: float, high: float) -> torch.Tensor:
        return torch.rand(n, generator=rng) * (high - low) + low

    scale, angle = draw(0.8, 1.05), draw(-0.2, 0.2)
    flip = torch.where(draw(0, 1) < 0.5, -1.0, 1.0)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = scale * angle.cos() * flip, -scale * angle.sin()
    theta[:, 1, 0], theta[:, 1, 1] = scale * angle.sin() * flip, scale * angle.cos()
    theta[:, 0, 2], theta[:, 1, 2] = draw(-0.12, 0.12), draw(-0.12, 0.12)
    x = scaled(pictures, side)
    x = F.grid_sample(x, F.affine_grid(theta, [n, 3, side, side], align_corners=False), padding_mode="reflection", align_corners=False)
    x = x * draw(0.85, 1.15)[:, None, None, None] + draw(-0.12, 0.12)[:, None, None, None]
    hidden = (draw(0, 1) < 0.4).nonzero().flatten().tolist()
    places, sizes = torch.rand(n, 2, generator=rng), torch.rand(n, 2, generator=rng)
    for i in hidden:
        (top, left), (high, wide) = (places[i] * side).int().tolist(), (sizes[i] * side * 0.4).int().tolist()
        x[i, :, top : top + high, left : left + wide] = 0
    return x


@torch.no_grad()
def accuracy(model: Student, source: Source, split: str) -> float:
    model.eval()
    right = 0
    rows = source.rows[split]
    for some in np.array_split(rows, max(1, len(rows) // 64)):
        x = scaled(torch.from_numpy(source.cache.pictures[some, 0]), SIDE)
        right += (model(x)[0].argmax(1).numpy() == source.labels[some]).sum()
    return float(right) / len(rows)


@torch.no_grad()
def settle(model: Student, draw, steps: int = 40) -> None:
    """The averaged weights get statistics of their own."""
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    model.train()
    for _ in range(steps):
        model(draw())
    model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    teacher = args.shared / "data/backbones/mobilenet_v2_1.0_224.onnx"
    photos = Cache(args.work / "cache/trashnet", trashnet(args.shared / "data/trashnet"), 13).fill(teacher, args.seed, args.threads)
    drawn = Cache(args.work / "cache/scenes", scenes(args.work / "scenes"), 3).fill(teacher, args.seed, args.threads)
    pca, probe = teach([photos, drawn])
    sources = [Source(photos, pca, probe), Source(drawn, pca, probe)]
    for name, source in zip(("trashnet", "scenes"), sources, strict=True):
        known = {s: (source.logits[r, 0].argmax(1) == source.labels[r]).mean() for s, r in source.rows.items()}
        print(f"teacher on {name}:", {s: round(float(a), 3) for s, a in known.items()}, flush=True)

    model = Student(len(LABELS), COMPONENTS).to(memory_format=torch.channels_last)
    average = copy.deepcopy(model)
    matrices = [b.conv.weight for b in model.backbone.blocks][1:]
    others = [p for p in model.parameters() if not any(p is m for m in matrices)]
    muon, adam = Muon(matrices, lr=0.02), torch.optim.AdamW(others, lr=2e-3, weight_decay=1e-2)
    checkpoint, start = args.work / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        start = state["step"]
        for part, name in ((model, "model"), (average, "average"), (muon, "muon"), (adam, "adam")):
            part.load_state_dict(state[name])

    def pictures_at(step: int) -> tuple[torch.Tensor, ...]:
        rng, generator = np.random.default_rng([args.seed, step]), torch.Generator().manual_seed(args.seed * 1_000_003 + step)
        few = round(args.batch * SCENE_SHARE)
        parts = [sources[0].batch(rng, args.batch - few), sources[1].batch(rng, few)]
        pixels, labels, logits, targets = (torch.from_numpy(np.concatenate(p)) for p in zip(*parts, strict=True))
        side = [side for begins, side in PHASES if step / args.steps >= begins][-1]
        return varied(pixels, side, generator).contiguous(memory_format=torch.channels_last), labels, logits, targets

    history = open(args.work / "history.jsonl", "a")
    bar = tqdm(range(start, args.steps), initial=start, total=args.steps, desc="training", mininterval=10)
    for step in bar:
        share = step / args.steps
        rate = min(1.0, (step + 1) / 60) * min(1.0, (1 - share) / 0.7)
        muon.param_groups[0]["lr"], adam.param_groups[0]["lr"] = 0.02 * rate, 2e-3 * rate
        x, labels, logits, targets = pictures_at(step)
        model.train()
        with torch.autocast("cpu", torch.bfloat16):
            embedding = model.backbone(x)
        embedding = embedding.float()
        answer, guess = model.classifier(embedding), model.guess(embedding)
        loss_label = F.cross_entropy(answer, labels, label_smoothing=0.1)
        loss_teacher = F.kl_div((answer / 2).log_softmax(1), (logits / 2).softmax(1), reduction="batchmean") * 4
        loss_features = F.mse_loss(guess, targets) * 4
        loss = loss_label + loss_teacher * 0.5 + loss_features
        loss.backward()
        for optimiser in (muon, adam):
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        keep = min(0.998, (step + 1) / (step + 20))
        with torch.no_grad():
            for mean, now in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(now, 1 - keep)
                else:
                    mean.copy_(now)
        if (step + 1) % EVERY == 0 or step + 1 == args.steps:
            row = {"step": step + 1, "loss": round(loss.item(), 3), "label": round(loss_label.item(), 3)}
            row |= {"teacher": round(loss_teacher.item(), 3), "features": round(loss_features.item(), 3)}
            if (step + 1) % (4 * EVERY) == 0:
                row |= {"validation": accuracy(average, sources[0], "validation"), "scenes": accuracy(average, sources[1], "validation")}
            history.write(json.dumps(row) + "\n")
            history.flush()
            bar.write(json.dumps(row))
            parts = {"model": model, "average": average, "muon": muon, "adam": adam}
            torch.save({"step": step + 1} | {n: p.state_dict() for n, p in parts.items()}, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)

    last = iter(range(args.steps, args.steps + 1000))
    settle(average, lambda: pictures_at(next(last))[0])
    torch.save(average.backbone.state_dict(), args.work / "backbone.pt")
    for name, source in zip(("trashnet", "scenes"), sources, strict=True):
        print(name, {split: round(accuracy(average, source, split), 3) for split in source.rows}, flush=True)


if __name__ == "__main__":
    main()
