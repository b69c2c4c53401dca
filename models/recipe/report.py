"""Gathers what was measured into `metrics.json`, figures and the model card, beside the bundle that ships.

The folds are five models by one recipe; the one that ships is a sixth, which trained on what the others were tested on.
Run it again after any step; what a step has not measured yet is an error, not a gap.
"""

import argparse
import hashlib
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from card import card
from data import FOLDS, LABELS
from evaluate import SPOILED
from measures import Answers, calibration_error, reliability, risk_coverage, summary

ALL_DRAWN_AT = {"trashnet": 300, "chambers": 30}  # images per class, about
INK, OURS, OTHERS = "#1b3a2f", "#1f7a4d", ("#8a5a00", "#6b6b6b")
plt.rcParams.update({"figure.dpi": 110, "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "text.color": INK})


def save(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def draw_confusion(matrix: list[list[int]], path: Path) -> None:
    counts = np.array(matrix)
    shares = counts / counts.sum(1, keepdims=True)
    figure, axes = plt.subplots(figsize=(5.6, 4.8))
    axes.imshow(shares, cmap="Greens", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        axes.text(column, row, str(count), ha="center", va="center", color="white" if shares[row, column] > 0.55 else INK)
    axes.set_xticks(range(len(LABELS)), LABELS, rotation=30, ha="right")
    axes.set_yticks(range(len(LABELS)), LABELS)
    axes.set(xlabel="answer", ylabel="truth", title="Five folds: images by truth and answer")
    save(figure, path)


def draw_calibration(before: Answers, after: Answers, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(5.2, 4.6))
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1, label="perfect")
    for answers, colour, name in ((before, OTHERS[0], "before"), (after, OURS, "after")):
        bins = reliability(answers)
        label = f"{name} temperature scaling, error {calibration_error(answers):.3f}"
        axes.plot([b["confidence"] for b in bins], [b["accuracy"] for b in bins], "o-", color=colour, markersize=4, label=label)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), title="Does 80 % sure mean 80 % right?")
    axes.legend(frameon=False, loc="upper left")
    save(figure, path)


def draw_risk(answers: Answers, path: Path) -> None:
    coverage, risk = risk_coverage(answers)
    figure, axes = plt.subplots(figsize=(5.6, 3.8))
    axes.plot(coverage * 100, risk * 100, color=OURS)
    axes.set(xlabel="items answered, the surest first, %", ylabel="of these wrong, %", xlim=(0, 100), ylim=(0, None))
    axes.set_title("What it costs to answer more")
    save(figure, path)


def draw_transfer(curves: dict, path: Path) -> None:
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True)
    titles = {"trashnet": "TrashNet, unseen objects", "chambers": "Drawn chambers, unseen looks"}
    for axes, (data, by) in zip(panels, curves.items(), strict=True):
        for colour, (name, curve) in zip((OURS, *OTHERS), by.items(), strict=True):
            at = [ALL_DRAWN_AT[data] if n == "all" else int(n) for n in curve]
            axes.plot(at, [a * 100 for a, _ in curve.values()], "o-", color=colour, markersize=4, label=name)
        axes.set_xscale("log")
        axes.set_xticks(at, list(curve))
        axes.minorticks_off()
        axes.set(xlabel="labelled images per class", title=titles[data])
    panels[0].set_ylabel("accuracy of a new head, %")
    panels[0].legend(frameon=False)
    save(figure, path)


def draw_front(points: list[dict], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6.4, 4.4))
    for index, point in enumerate(points):
        ours = point["steps"] is not None
        axes.plot(point["milliseconds"], point["accuracy"] * 100, "o" if ours else "s", color=OURS if ours else OTHERS[0])
        beside = (6, -11 if index % 2 else 4)
        axes.annotate(point["name"], (point["milliseconds"], point["accuracy"] * 100), xytext=beside, textcoords="offset points", fontsize=8)
    axes.set(xlabel="milliseconds per image in the runtime", ylabel="accuracy on fold 0's test runs, %", xlim=(0, None))
    axes.set_title("Faster is left, better is up")
    save(figure, path)


def draw_failures(answers: Path, scenes: Path, path: Path) -> None:
    """The drawn scenes that the model that ships is wrong about and surest of, at most two of a class."""
    rows = [json.loads(line) for line in answers.read_text().splitlines()]
    rows = [row | dict(zip(("guess", "confidence"), max(row["probabilities"].items(), key=lambda p: p[1]), strict=True)) for row in rows]
    wrong = sorted((row for row in rows if row["guess"] != row["truth"]), key=lambda row: -row["confidence"])
    shown = [row for label in LABELS for row in [w for w in wrong if w["truth"] == label][:2]][:8]
    figure, panels = plt.subplots(2, 4, figsize=(9, 4.6))
    for axes in panels.flat:
        axes.axis("off")
    for axes, row in zip(panels.flat, shown, strict=False):
        axes.imshow(plt.imread(scenes / row["photo"]))
        axes.set_title(f"{row['truth']}, taken for\n{row['guess']} ({row['confidence']:.0%})", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, pil_kwargs={"quality": 80})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    args = parser.parse_args()
    folds = [args.work / f"fold{fold}" for fold in range(FOLDS)]
    ships = args.work / "foldall"
    made = [json.loads((fold / "made.json").read_text()) for fold in (*folds, ships)]

    def answers(name: str) -> list[Answers]:
        return [Answers.read(fold / "answers" / f"{name}.jsonl") for fold in folds]

    tests = answers("test")
    before = Answers.of([a.at(m["temperature"]) for a, m in zip(tests, made[:-1], strict=True)])
    after = Answers.of(tests)
    coverage, risk = risk_coverage(after)
    sure = after.sure
    front = json.loads((args.work / "front.json").read_text())
    metrics = {
        "version": made[-1]["version"],
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name in ("backbone.onnx", "head.onnx")
            for data in [(args.bundle / name).read_bytes()]
        },
        "steps": args.steps,
        "five_folds": summary(after) | {"by_fold": [{k: s[k] for k in ("images", "accuracy", "macro_f1")} for s in map(summary, tests)]},
        "shipped": {
            "temperature": made[-1]["temperature"],
            "validation": summary(Answers.read(ships / "answers/validation.jsonl")),
            "chambers": summary(Answers.read(ships / "answers/scenes.jsonl")),
        },
        "calibration": {
            "error_before": calibration_error(before),
            "error_after": calibration_error(after),
            "temperatures": [m["temperature"] for m in made[:-1]],
            "bins": reliability(after),
        },
        "risk_coverage": {str(c): round(float(risk[np.searchsorted(coverage, c / 100 - 1e-9)]), 4) for c in (50, 60, 70, 80, 90, 100)},
        "thresholds": {"sure": round(float(sure.mean()), 4), "wrong_of_sure": round(float((~after.right)[sure].mean()), 4)},
        "spoiled": {kind: summary(Answers.of(answers(kind))) for kind in SPOILED},
        "chambers": summary(Answers.of(answers("scenes"))),
        "weights": json.loads((args.work / "weights.json").read_text()),
        "transfer": json.loads((args.work / "transfer.json").read_text()),
        "front": front,
    }
    figures = args.bundle / "figures"
    figures.mkdir(exist_ok=True)
    draw_confusion(metrics["five_folds"]["confusion"], figures / "confusion.png")
    draw_calibration(before, after, figures / "calibration.png")
    draw_risk(after, figures / "risk-coverage.png")
    draw_transfer(metrics["transfer"], figures / "transfer.png")
    draw_front(front, figures / "front.png")
    draw_failures(ships / "answers/scenes.jsonl", args.work / "scenes/test", figures / "failures.jpg")
    (args.bundle / "metrics.json").write_text(json.dumps(metrics, indent=1, ensure_ascii=False) + "\n")
    (args.bundle / "MODEL_CARD.md").write_text(card(metrics, json.loads((args.bundle / "manifest.json").read_text())))


if __name__ == "__main__":
    main()
