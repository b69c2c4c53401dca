"""What is measured on answers: accuracy, F1, calibration, risk against coverage, each with where it comes from."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data import LABELS, run_of

BINS = 15  # of the calibration error


def group_of(photo: str) -> str:
    """Photos of one run are alike, and so are scenes, `{look}_{number}.jpg`, of one look."""
    stem = Path(photo).stem
    return stem.split("_")[0] if "_" in stem else f"{Path(photo).parent}/{run_of(photo)}"


@dataclass
class Answers:
    """What the model said of some pictures: `p [n, classes]` sums to 1, `truth [n]`, `group [n]` names the run."""

    p: np.ndarray
    truth: np.ndarray
    group: np.ndarray
    sure: np.ndarray

    @property
    def right(self) -> np.ndarray:
        return self.p.argmax(1) == self.truth

    @staticmethod
    def read(path: Path) -> "Answers":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        p = np.array([[row["probabilities"][label] for label in LABELS] for row in rows])
        truth = np.array([LABELS.index(row["truth"]) for row in rows])
        group = np.array([group_of(row["photo"]) for row in rows])
        return Answers(p, truth, group, np.array([row["sure"] for row in rows]))

    @staticmethod
    def of(several: "list[Answers]") -> "Answers":
        return Answers(*(np.concatenate([getattr(a, part) for a in several]) for part in ("p", "truth", "group", "sure")))

    def at(self, temperature: float) -> "Answers":
        """As if the logits had been divided by another temperature: p^t, made to sum to 1."""
        p = np.maximum(self.p, 1e-12) ** temperature
        return Answers(p / p.sum(1, keepdims=True), self.truth, self.group, self.sure)


def confusion(truth: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """Rows the truth, columns the answer."""
    return np.bincount(truth * len(LABELS) + guess, minlength=len(LABELS) ** 2).reshape(len(LABELS), len(LABELS))


def f1(matrix: np.ndarray) -> np.ndarray:
    return 2 * np.diag(matrix) / np.maximum(matrix.sum(0) + matrix.sum(1), 1)


def summary(answers: Answers, draws: int = 2000) -> dict:
    """Accuracy and macro-F1 with 95 % intervals by bootstrap over runs, since photos of one run are alike."""
    guess = answers.p.argmax(1)
    whole = confusion(answers.truth, guess)
    groups = np.unique(answers.group)
    by_group = np.stack([confusion(answers.truth[answers.group == g], guess[answers.group == g]) for g in groups])
    rng = np.random.default_rng(1)
    sums = [by_group[rng.integers(0, len(groups), len(groups))].sum(0) for _ in range(draws)]
    accuracies, macros = [np.trace(m) / m.sum() for m in sums], [f1(m).mean() for m in sums]

    def interval(values: list) -> list[float]:
        return [round(float(v), 4) for v in np.quantile(values, (0.025, 0.975))]

    return {
        "images": int(whole.sum()),
        "accuracy": round(float(np.trace(whole) / whole.sum()), 4),
        "accuracy_interval": interval(accuracies),
        "macro_f1": round(float(f1(whole).mean()), 4),
        "macro_f1_interval": interval(macros),
        "f1": {label: round(float(value), 4) for label, value in zip(LABELS, f1(whole), strict=True)},
        "confusion": whole.tolist(),
    }


def reliability(answers: Answers) -> list[dict]:
    """Confidence against accuracy in bins of equal width; empty bins are left out."""
    confidence = answers.p.max(1)
    which = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        {"images": int(m.sum()), "confidence": round(float(confidence[m].mean()), 4), "accuracy": round(float(answers.right[m].mean()), 4)}
        for m in (which == b for b in range(BINS))
        if m.any()
    ]


def calibration_error(answers: Answers) -> float:
    """Expected calibration error (Guo et al. 2017): the mean gap between confidence and accuracy, weighted by the bins' images."""
    bins = reliability(answers)
    gap = sum(b["images"] * abs(b["confidence"] - b["accuracy"]) for b in bins) / sum(b["images"] for b in bins)
    return round(float(gap), 4)


def risk_coverage(answers: Answers) -> tuple[np.ndarray, np.ndarray]:
    """The share of pictures that are answered, surest first, and the share of wrong ones among them."""
    order = np.argsort(-answers.p.max(1), kind="stable")
    wrong = np.cumsum(~answers.right[order])
    n = np.arange(1, len(order) + 1)
    return n / len(order), wrong / n
