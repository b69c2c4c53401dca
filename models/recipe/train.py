"""Trains the student of one fold: labels, the teacher's probabilities, and the teacher's features.

The resolution grows in three phases, since most is learned as well, and much faster, on small
pictures; it stays below that of use, since objects look larger in pictures that were cut out (Touvron
et al. 2019). Weights are averaged over time; the average is what ships. A run that is interrupted goes on
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
from tqdm import tqdm

from data import FOLDS, LABELS, TEACHER_SIDE, composed, fold_named, plain, scenes, trashnet, varied
from network import Network, Student
from optimiser import Muon
from teacher import Cache, Probe

COMPONENTS = 192  # of the teacher's features
VARIED, SCENE_COPIES, COMPOSED = 12, 3, 5  # copies of each photo and scene that the teacher is asked about
SHARES = (0.5625, 0.21875, 0.21875)  # of a batch: photos, scenes, composed pictures
PHASES = ((0.0, 5 / 9), (0.55, 7 / 9), (0.85, 8 / 9))  # from which share of a cycle on, which share of the side
CYCLES = (4000, 3000)  # steps; the rate falls to nothing in each
RATES = (1.0, 0.6)  # at the height of the first cycle, and of those that follow
import os
FEATURES_WEIGHT = float(os.environ.get('FW', 4))
EVERY = 100  # steps between checkpoints


class Source:
    """One cache with what the teacher says of each copy. Its training rows are drawn, rarer classes more often."""

    def __init__(self, cache: Cache, targets: np.ndarray, logits: np.ndarray, labelled: bool = True):
        self.cache, self.targets, self.logits, self.labelled = cache, targets, logits, labelled
        self.labels = np.array([photo.label for photo in cache.photos])
        splits = np.array([photo.split for photo in cache.photos])
        self.rows = {split: np.flatnonzero(splits == split) for split in ("train", "validation", "test")}
        counts = np.bincount(self.labels[self.rows["train"]], minlength=len(LABELS))
        weights = 1 / np.sqrt(counts[self.labels[self.rows["train"]]])
        self.weights = weights / weights.sum()

    def batch(self, rng: np.random.Generator, size: int) -> tuple[np.ndarray, ...]:
        """Pictures, labels as probabilities, whether the labels hold, the teacher's logits and features."""
        rows = rng.choice(self.rows["train"], size, p=self.weights)
        copies = rng.integers(0, self.cache.copies, size)
        labels = np.eye(len(LABELS), dtype=np.float32)[self.labels[rows]]
        holds = np.full(size, self.labelled, np.float32)
        return self.cache.pictures[rows, copies], labels, holds, self.logits[rows, copies], self.targets[rows, copies]


def lessons(caches: list[Cache], seed: int, kept: Path) -> list[np.ndarray]:
    """What is to be learnt of each cache's copies: its targets, `[photos, copies, 192]`, the teacher's features along their main
    directions, and the teacher's logits, `[photos, copies, classes]`. Fitted on training pictures alone; kept for other runs on the fold."""
    if not kept.exists():
        training = [np.asarray(cache.features[i, :3], np.float32) for cache in caches[:2] for i, p in enumerate(cache.photos) if p.split == "train"]
        pca = PCA(COMPONENTS, random_state=0).fit(np.concatenate(training))
        photographic, graphic = Probe(caches[0], seed), Probe(caches[1], seed)
        found = []
        for cache, probe in zip(caches, (photographic, graphic, photographic), strict=True):
            flat = np.asarray(cache.features, np.float32).reshape(-1, cache.features.shape[2])
            targets = pca.transform(flat) / pca.explained_variance_**0.25 / 3.0
            found += [a.reshape(*cache.features.shape[:2], -1).astype(np.float32) for a in (targets, probe.logits(flat))]
        np.savez(kept.with_suffix(".new.npz"), *found)
        kept.with_suffix(".new.npz").replace(kept)
    return list(np.load(kept).values())


def scaled(pictures: torch.Tensor, side: int) -> torch.Tensor:
    """`[n, side, side, 3]` of 0 to 255 → `[n, 3, side, side]` of −1 to 1."""
    x = pictures.permute(0, 3, 1, 2).float() / 127.5 - 1
    return F.interpolate(x, size=(side, side), mode="bilinear", antialias=True)


def moved(pictures: torch.Tensor, side: int, rng: torch.Generator) -> torch.Tensor:
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
    x = pictures.permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1
    if side <= x.shape[2] // 2:
        x = F.avg_pool2d(x, 2)
    x = F.grid_sample(x, F.affine_grid(theta, [n, 3, side, side], align_corners=False), padding_mode="reflection", align_corners=False)
    x = x * draw(0.85, 1.15)[:, None, None, None] + draw(-0.12, 0.12)[:, None, None, None]
    hidden = (draw(0, 1) < 0.4).nonzero().flatten().tolist()
    places, sizes = torch.rand(n, 2, generator=rng), torch.rand(n, 2, generator=rng)
    for i in hidden:
        (top, left), (high, wide) = (places[i] * side).int().tolist(), (sizes[i] * side * 0.4).int().tolist()
        x[i, :, top : top + high, left : left + wide] = 0
    return x


def mixed(parts: list[torch.Tensor], rng: torch.Generator) -> list[torch.Tensor]:
    """Half of the batch with a little of another picture through it, and as much of its targets (mixup, Zhang et al. 2018)."""
    n = len(parts[0])
    share = torch.where(torch.rand(n, generator=rng) < 0.5, torch.rand(n, generator=rng) * 0.4, torch.zeros(n))
    other = torch.randperm(n, generator=rng)
    return [p * (1 - w) + p[other] * w for p in parts for w in [share.reshape(-1, *[1] * (p.ndim - 1))]]


@torch.no_grad()
def accuracy(model: Student, source: Source, split: str, side: int) -> float:
    model.eval()
    right = 0
    rows = source.rows[split]
    for some in np.array_split(rows, max(1, len(rows) // 64)):
        x = scaled(torch.from_numpy(source.cache.pictures[some, 0]), side)
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


def place(step: int, cycles: list[int]) -> tuple[float, float]:
    """How much of its cycle a step has behind it, 0 to 1, and the height of that cycle's rate."""
    begins = 0
    for index, length in enumerate(cycles):
        if step < begins + length:
            return (step - begins) / length, RATES[min(index, 1)]
        begins += length
    return 1.0, 0.0


def sources(args: argparse.Namespace) -> list[Source]:
    teacher = args.shared / "data/backbones/mobilenet_v2_1.0_224.onnx"
    photos, drawn = trashnet(args.shared / "data/trashnet", args.fold), scenes(args.work / "scenes")
    peers = [[p for p in photos if p.part == part] for part in range(FOLDS)]  # a composed picture is of one fold's photos

    def copies(of: list, count: int):
        return lambda i, rng: [plain(of[i], TEACHER_SIDE)] + [varied(of[i], rng) for _ in range(count)]

    def kept(name: str, of: list, count: int, make) -> Cache:
        return Cache(args.work / "cache" / name, of, count).fill(teacher, args.seed, args.threads, make)

    caches = [
        kept("trashnet", photos, 1 + VARIED, copies(photos, VARIED)),
        kept("scenes", drawn, SCENE_COPIES, copies(drawn, SCENE_COPIES - 1)),
        kept("composed", photos, COMPOSED, lambda i, rng: [composed(photos[i], peers[photos[i].part], rng) for _ in range(COMPOSED)]),
    ]
    found = lessons(caches, args.seed, args.work / f"cache/lessons-{args.fold}.npz")
    return [Source(cache, *found[2 * i : 2 * i + 2], labelled=i < 2) for i, cache in enumerate(caches)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="the folder of scenes and caches")
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the folder of this run's checkpoint and weights")
    parser.add_argument("--fold", type=fold_named, required=True, help="0 to 4, or all")
    parser.add_argument("--cycles", type=int, nargs="+", default=CYCLES, help="steps of each")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fill", action="store_true", help="ask the teacher, and train nothing")
    Network.add_arguments(parser)
    args = parser.parse_args()
    network = Network.of(args)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    steps = sum(args.cycles)

    given = sources(args)
    named = dict(zip(("trashnet", "scenes"), given, strict=False))
    for name, source in named.items():
        known = {s: (source.logits[r, 0].argmax(1) == source.labels[r]).mean() for s, r in source.rows.items() if len(r)}
        print(f"teacher on {name}:", {s: round(float(a), 3) for s, a in known.items()}, flush=True)
    if args.fill:
        return

    model = Student(network, len(LABELS), COMPONENTS).to(memory_format=torch.channels_last)
    average = copy.deepcopy(model)
    matrices = [b.conv.weight for b in model.backbone.blocks][1:]
    others = [p for p in model.parameters() if not any(p is m for m in matrices)]
    muon, adam = Muon(matrices, lr=0.02), torch.optim.AdamW(others, lr=2e-3, weight_decay=1e-2)
    checkpoint, start = args.out / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        start = state["step"]
        for part, name in ((model, "model"), (average, "average"), (muon, "muon"), (adam, "adam")):
            part.load_state_dict(state[name])

    sizes = [round(args.batch * share) for share in SHARES]

    def batch_at(step: int) -> list[torch.Tensor]:
        rng, generator = np.random.default_rng([args.seed, step]), torch.Generator().manual_seed(args.seed * 1_000_003 + step)
        parts = [source.batch(rng, size) for source, size in zip(given, sizes, strict=True)]
        pixels, labels, holds, logits, targets = (torch.from_numpy(np.concatenate(p)) for p in zip(*parts, strict=True))
        share = [share for begins, share in PHASES if place(step, args.cycles)[0] >= begins][-1]
        side = round(network.side * share / 16) * 16
        parts = mixed([moved(pixels, side, generator), labels, holds, (logits / 2).softmax(1), targets], generator)
        return [parts[0].contiguous(memory_format=torch.channels_last), *parts[1:]]

    history = open(args.out / "history.jsonl", "a")
    bar = tqdm(range(start, steps), initial=start, total=steps, desc=f"fold {args.fold}", mininterval=10)
    for step in bar:
        share, height = place(step, args.cycles)
        rate = height * min(1.0, (step + 1) / 60) * min(1.0, (1 - share) / 0.7)
        muon.param_groups[0]["lr"], adam.param_groups[0]["lr"] = 0.02 * rate, 2e-3 * rate
        x, labels, holds, beliefs, targets = batch_at(step)
        model.train()
        with torch.autocast("cpu", torch.bfloat16):
            embedding = model.backbone(x)
        embedding = embedding.float()
        answer, guess = model.classifier(embedding), model.guess(embedding)
        loss_label = (F.cross_entropy(answer, labels, label_smoothing=0.1, reduction="none") * holds).sum() / holds.sum()
        loss_teacher = F.kl_div((answer / 2).log_softmax(1), beliefs, reduction="batchmean") * 4
        loss_features = F.mse_loss(guess, targets) * FEATURES_WEIGHT
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
        if (step + 1) % EVERY == 0 or step + 1 == steps:
            row = {"step": step + 1, "loss": round(loss.item(), 3), "label": round(loss_label.item(), 3)}
            row |= {"teacher": round(loss_teacher.item(), 3), "features": round(loss_features.item(), 3)}
            if (step + 1) % (5 * EVERY) == 0:
                row |= {name: accuracy(average, source, "validation", network.side) for name, source in named.items()}
            history.write(json.dumps(row) + "\n")
            history.flush()
            bar.write(json.dumps(row))
            parts = {"model": model, "average": average, "muon": muon, "adam": adam}
            torch.save({"step": step + 1} | {n: p.state_dict() for n, p in parts.items()}, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)

    last = iter(range(steps, steps + 1000))
    settle(average, lambda: batch_at(next(last))[0])
    torch.save({"network": vars(network), "weights": average.backbone.state_dict()}, args.out / "backbone.pt")
    for name, source in named.items():
        print(name, {split: round(accuracy(average, source, split, network.side), 3) for split, rows in source.rows.items() if len(rows)}, flush=True)


if __name__ == "__main__":
    main()
