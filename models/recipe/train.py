"""Trains the student of one fold: labels, the teacher's probabilities, and the teacher's features in each place.

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
from network import STRIDE, Network, Student
from optimiser import Muon
from teacher import CELLS, Cache, Probe

COMPONENTS = 128  # of the teacher's features
VARIED, SCENE_COPIES, COMPOSED = 12, 3, 5  # copies of each photo and scene that the teacher is asked about
SHARES = (0.5625, 0.21875, 0.21875)  # of a batch: photos, scenes, composed pictures
PHASES = ((0.0, 5 / 9), (0.55, 7 / 9), (0.85, 8 / 9))  # from which share of the steps on, which share of the side
LABEL, MAP, MEAN = 0.5, 2.0, 4.0  # weights of the losses: labels and what the teacher says of the classes, its maps, their means
NAMES = ("trashnet", "scenes", "composed")
EVERY = 100  # steps between checkpoints


class Source:
    """One cache with what the teacher says of each copy. Its training rows are drawn, rarer classes more often."""

    def __init__(self, cache: Cache, maps: np.ndarray, logits: np.ndarray, labelled: bool = True):
        self.cache, self.maps, self.logits, self.labelled = cache, maps, logits, labelled
        self.labels = np.array([photo.label for photo in cache.photos])
        splits = np.array([photo.split for photo in cache.photos])
        self.rows = {split: np.flatnonzero(splits == split) for split in ("train", "validation", "test")}
        counts = np.bincount(self.labels[self.rows["train"]], minlength=len(LABELS))
        weights = 1 / np.sqrt(counts[self.labels[self.rows["train"]]])
        self.weights = weights / weights.sum()

    def batch(self, rng: np.random.Generator, size: int) -> tuple[np.ndarray, ...]:
        """Pictures, the teacher's maps and logits of them, labels as probabilities, whether the labels hold."""
        rows = rng.choice(self.rows["train"], size, p=self.weights)
        copies = rng.integers(0, self.cache.copies, size)
        labels = np.eye(len(LABELS), dtype=np.float32)[self.labels[rows]]
        holds = np.full(size, self.labelled, np.float32)
        return self.cache.pictures[rows, copies], self.maps[rows, copies], self.logits[rows, copies], labels, holds


def lessons(caches: list[Cache], seed: int, folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """What is to be learnt of each cache's copies: the teacher's maps along their main directions, `[photos, copies, 7, 7, 128]`,
    and its logits, `[photos, copies, classes]`. Fitted on training pictures alone; kept for other runs on the fold."""
    if not folder.exists():
        new = folder.with_suffix(".new")
        new.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        seen = []
        for cache in caches:
            rows = [i for i, photo in enumerate(cache.photos) if photo.split == "train"]
            rows = np.sort(rng.choice(rows, 800))
            cells = rng.integers(0, CELLS, (8, 2, len(rows)))
            seen += [np.asarray(cache.maps[rows, rng.integers(0, cache.copies, len(rows)), y, x], np.float32) for y, x in cells]
        pca = PCA(COMPONENTS, svd_solver="randomized", random_state=0).fit(np.concatenate(seen))
        # Between true to scale and all alike: the classes are told apart by small directions as well.
        basis = (pca.components_ / pca.explained_variance_[:, None] ** 0.25).astype(np.float32)
        basis /= np.sqrt((pca.explained_variance_**0.5).mean())  # the mean variance is 1
        along = torch.from_numpy(basis.T.copy())
        offset = torch.from_numpy(pca.mean_.astype(np.float32)) @ along
        photographic, graphic = Probe(caches[0], seed), Probe(caches[1], seed)
        for cache, probe, name in zip(caches, (photographic, graphic, photographic), NAMES, strict=True):
            shape = (*cache.maps.shape[:4], COMPONENTS)
            maps = np.lib.format.open_memmap(new / f"{name}-maps.npy", "w+", np.float16, shape)
            for i in tqdm(range(len(maps)), desc=f"lessons of {name}", mininterval=5):
                maps[i] = (torch.from_numpy(cache.maps[i]).float() @ along - offset).half()
            maps.flush()
            flat = np.asarray(cache.features, np.float32).reshape(-1, cache.features.shape[2])
            np.save(new / f"{name}-logits.npy", probe.logits(flat).reshape(*cache.features.shape[:2], -1).astype(np.float32))
        new.rename(folder)
    return [(np.load(folder / f"{name}-maps.npy", mmap_mode="r"), np.load(folder / f"{name}-logits.npy")) for name in NAMES]


def scaled(pictures: torch.Tensor, side: int) -> torch.Tensor:
    """`[n, side, side, 3]` of 0 to 255 → `[n, 3, side, side]` of −1 to 1."""
    x = pictures.permute(0, 3, 1, 2).float() / 127.5 - 1
    return F.interpolate(x, size=(side, side), mode="bilinear", antialias=True)


def moved(pictures: torch.Tensor, maps: torch.Tensor, side: int, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Shifts, scales, turns, flips, lights and hides a little of each picture, at a resolution, and moves the teacher's
    map of it likewise, `[n, 7, 7, c]` → `[n, c, cells, cells]` with the cells of the student."""
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
    cells = -(-side // STRIDE)
    # The teacher's convolutions pad on the right and below only: its cell i looks at pixel 32 i + 31.
    where = (F.affine_grid(theta, [n, 1, cells, cells], align_corners=False) + 1) / 2 * TEACHER_SIDE
    where = (where - STRIDE + 0.5) / STRIDE * 2 / (CELLS - 1) - 1
    seen = F.grid_sample(maps.permute(0, 3, 1, 2).float(), where, padding_mode="border", align_corners=True)
    return x, seen


def mixed(parts: list[torch.Tensor], rng: torch.Generator) -> list[torch.Tensor]:
    """Half of the batch with a little of another picture through it, and as much of its targets (mixup, Zhang et al. 2018)."""
    n = len(parts[0])
    share = torch.where(torch.rand(n, generator=rng) < 0.5, torch.rand(n, generator=rng) * 0.4, torch.zeros(n))
    other = torch.randperm(n, generator=rng)
    return [p * (1 - w) + p[other] * w for p in parts for w in [share.reshape(-1, *[1] * (p.ndim - 1))]]


def device_of(model: Student) -> torch.device:
    return model.classifier.weight.device


@torch.no_grad()
def accuracy(model: Student, source: Source, split: str, side: int) -> float:
    model.eval()
    right = 0
    rows = source.rows[split]
    for some in np.array_split(rows, max(1, len(rows) // 64)):
        x = scaled(torch.from_numpy(source.cache.pictures[some, 0]), side).to(device_of(model))
        right += (model(x)[0].argmax(1).cpu().numpy() == source.labels[some]).sum()
    return float(right) / len(rows)


@torch.no_grad()
def explained(model: Student, source: Source, split: str, side: int) -> float:
    """The share of the variance of the teacher's mean features that the student's guess explains."""
    model.eval()
    off, mean = [], source.maps[source.rows[split], 0].astype(np.float32).mean((1, 2))
    for some in np.array_split(source.rows[split], max(1, len(source.rows[split]) // 64)):
        x = scaled(torch.from_numpy(source.cache.pictures[some, 0]), side).to(device_of(model))
        guess = model(x)[1].mean((2, 3)).cpu().numpy()
        off.append(((guess - source.maps[some, 0].astype(np.float32).mean((1, 2))) ** 2).sum(0))
    return round(1 - float(np.sum(off)) / float(((mean - mean.mean(0)) ** 2).sum()), 4)


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
    found = lessons(caches, args.seed, args.work / f"cache/lessons-{args.fold}")
    return [Source(cache, *taught, labelled=name != "composed") for cache, taught, name in zip(caches, found, NAMES, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="the folder of scenes and caches")
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the folder of this run's checkpoint and weights")
    parser.add_argument("--fold", type=fold_named, required=True, help="0 to 4, or all")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--fill", action="store_true", help="ask the teacher, and train nothing")
    Network.add_arguments(parser)
    args = parser.parse_args()
    network = Network.of(args)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)

    given = sources(args)
    named = dict(zip(NAMES[:2], given, strict=False))
    for name, source in named.items():
        known = {s: (source.logits[r, 0].argmax(1) == source.labels[r]).mean() for s, r in source.rows.items() if len(r)}
        print(f"teacher on {name}:", {s: round(float(a), 3) for s, a in known.items()}, flush=True)
    if args.fill:
        return

    model = Student(network, len(LABELS), COMPONENTS).to(args.device, memory_format=torch.channels_last)
    average = copy.deepcopy(model)
    matrices = [block.conv.weight for block in model.backbone.blocks][1:]
    others = [p for p in model.parameters() if not any(p is m for m in matrices)]
    muon, adam = Muon(matrices, lr=0.02), torch.optim.AdamW(others, lr=2e-3, weight_decay=1e-2)
    checkpoint, start = args.out / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=args.device, weights_only=True)
        start = state["step"]
        for part, name in ((model, "model"), (average, "average"), (muon, "muon"), (adam, "adam")):
            part.load_state_dict(state[name])

    sizes = [round(args.batch * share) for share in SHARES]

    def batch_at(step: int) -> list[torch.Tensor]:
        rng, generator = np.random.default_rng([args.seed, step]), torch.Generator().manual_seed(args.seed * 1_000_003 + step)
        parts = [source.batch(rng, size) for source, size in zip(given, sizes, strict=True)]
        pixels, maps, logits, labels, holds = (torch.from_numpy(np.concatenate(p)) for p in zip(*parts, strict=True))
        share = [share for begins, share in PHASES if step / args.steps >= begins][-1]
        side = round(network.side * share / 16) * 16
        parts = mixed([*moved(pixels, maps, side, generator), (logits / 2).softmax(1), labels, holds], generator)
        return [part.to(args.device) for part in (parts[0].contiguous(memory_format=torch.channels_last), *parts[1:])]

    history = open(args.out / "history.jsonl", "a")
    bar = tqdm(range(start, args.steps), initial=start, total=args.steps, desc=f"fold {args.fold}", mininterval=10)
    for step in bar:
        share = step / args.steps
        rate = min(1.0, (step + 1) / 60) * min(1.0, (1 - share) / 0.7)
        muon.param_groups[0]["lr"], adam.param_groups[0]["lr"] = 0.02 * rate, 2e-3 * rate
        x, maps, beliefs, labels, holds = batch_at(step)
        model.train()
        with torch.autocast(args.device, torch.bfloat16):
            cells = model.backbone.cells(x)
        answer, guess = model.of(cells.float())
        loss_label = (F.cross_entropy(answer, labels, label_smoothing=0.1, reduction="none") * holds).sum() / holds.sum()
        loss_teacher = F.kl_div((answer / 2).log_softmax(1), beliefs, reduction="batchmean") * 4
        loss_map, loss_mean = F.mse_loss(guess, maps), F.mse_loss(guess.mean((2, 3)), maps.mean((2, 3)))
        loss = loss_label * LABEL + loss_teacher * LABEL / 2 + loss_map * MAP + loss_mean * MEAN
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
            row |= {"teacher": round(loss_teacher.item(), 3), "map": round(loss_map.item(), 3), "mean": round(loss_mean.item(), 3)}
            if (step + 1) % (5 * EVERY) == 0:
                row |= {name: accuracy(average, source, "validation", network.side) for name, source in named.items()}
                row["explained"] = explained(average, given[0], "validation", network.side)
            history.write(json.dumps(row) + "\n")
            history.flush()
            bar.write(json.dumps(row))
            parts = {"model": model, "average": average, "muon": muon, "adam": adam}
            torch.save({"step": step + 1} | {n: p.state_dict() for n, p in parts.items()}, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)

    last = iter(range(args.steps, args.steps + 1000))
    settle(average, lambda: batch_at(next(last))[0])
    average.cpu()
    torch.save({"network": vars(network), "weights": average.backbone.state_dict()}, args.out / "backbone.pt")
    for name, source in named.items():
        print(name, {split: round(accuracy(average, source, split, network.side), 3) for split, rows in source.rows.items() if len(rows)}, flush=True)


if __name__ == "__main__":
    main()
