"""Writes the model card from what the last step of the recipe measured."""

import argparse
import json
from pathlib import Path

from data import LABELS, SIDE
from network import DEPTHS, WIDTHS

CARD = """# Model card: {version}

The model that Pilah ships, so that a new bin says something sensible before anybody has labelled a picture. It is a
start, not a result: a head that is retrained on some hundred pictures from the bins does much better there.

## What it is
- Input: RGB {side} × {side}, x/127.5 − 1, the whole picture stretched. Labels: {labels}.
- Backbone: plain 3×3 convolutions with ReLU (widths {widths}; blocks {depths}), global mean, an embedding of
  {embedding} numbers; {megabytes:.1f} MB. Trained from nothing; no downloaded weights are in it.
- Head: one linear layer and a softmax, fitted and calibrated (temperature {temperature:.2f}) by the hub's own trainer;
  thresholds for at most 5 % contamination on the validation runs.
- Made by the steps of `models/recipe`.

## Data and licences
- TrashNet, 2,027 photos (Gary Thung, Mindy Yang; MIT): one item each on a light board, taken in one place.
- Scenes drawn by our own camera `virtual`: 20 looks for the backbone, one picture in {every} of them for the head.
- Teacher in training: MobileNetV2 1.0, ImageNet (Google; Apache-2.0), for what it makes of pictures; none of its weights are shipped.

## Split
By runs of 20 consecutive photo numbers within a class, since neighbours show the same object: every fifth run is the
test, every tenth validation, the rest training. No test photo was seen by backbone, head, thresholds or temperature.
A random split of single photos would flatter.

## TrashNet, test runs: {images} photos
**Accuracy {accuracy:.1%}** (95 % interval {low:.1%} to {high:.1%}, Wilson; photos of one run are alike, so the true
interval is wider), **macro-F1 {macro:.3f}**. Always answering the commonest class would give {majority:.1%}.

{table}

## Drawn chambers that it never saw: {field_images} scenes of 6 looks
Accuracy {field_accuracy:.1%} (95 % interval {field_low:.1%} to {field_high:.1%}), macro-F1 {field_macro:.3f}.

{field_table}
{note}
## Known limits
- Items on TrashNet are whole, single and clean, and their background is light. Expect much less in a real bin: published
  figures for such a step are around 50 %. What it is unsure of is sent to the hub for that reason.
- *trash* is the smallest class (117 photos) and the least uniform; clear glass and clear plastic are often taken for
  each other.
- Scenes are drawings. Their figure says how large the gap to a new bin is in a demonstration, and nothing of real bins.
- A picture of an empty chamber, a hand or a face gets one of the six classes all the same; the trigger keeps those out.
"""


def table(report: dict) -> str:
    rows = ["| truth ↓, answer → | " + " | ".join(LABELS) + " | F1 |", "|---" * (len(LABELS) + 2) + "|"]
    for label, row in zip(LABELS, report["confusion"], strict=True):
        rows.append(f"| {label} | " + " | ".join(map(str, row)) + f" | {report['f1'][label]:.2f} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--every", type=int, required=True)
    parser.add_argument("--note", type=Path, help="a file with what else is to be said of this model")
    args = parser.parse_args()
    result = json.loads(args.result.read_text())
    test, field = result["test"], result["field"]
    text = CARD.format(
        version=result["version"],
        side=SIDE,
        labels=", ".join(LABELS),
        widths="-".join(map(str, WIDTHS)),
        depths="-".join(map(str, DEPTHS)),
        embedding=WIDTHS[-1],
        megabytes=(args.bundle / "backbone.onnx").stat().st_size / 1e6,
        temperature=result["temperature"],
        every=args.every,
        images=test["images"],
        accuracy=test["accuracy"],
        low=test["interval"][0],
        high=test["interval"][1],
        macro=test["macro_f1"],
        majority=max(sum(row) for row in test["confusion"]) / test["images"],
        table=table(test),
        field_images=field["images"],
        field_accuracy=field["accuracy"],
        field_low=field["interval"][0],
        field_high=field["interval"][1],
        field_macro=field["macro_f1"],
        field_table=table(field),
        note="\n" + args.note.read_text() if args.note else "",
    )
    (args.bundle / "MODEL_CARD.md").write_text(text)


if __name__ == "__main__":
    main()
