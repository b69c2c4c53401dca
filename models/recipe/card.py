"""The words of the model card, with the figures that were measured in their places."""

from data import LABELS

CARD = """# Model card: {version}

The model that Pilah ships, so that a new bin says something sensible before anybody has labelled a picture. It is a
start, not a result: a head that is retrained on some hundred pictures from the bins does much better there.

Every figure here is also in `metrics.json`, which a test holds against the bundle.

## What it is
- Input: RGB {side} × {side}, x/127.5 − 1, the whole picture stretched. Labels: {labels}.
- Backbone: plain 3×3 convolutions with ReLU, a global mean, an embedding of {embedding} numbers. {bytes_backbone:,} bytes, since its
  weights are stored in 8 bits; the runtime computes in f32. Trained from nothing; no downloaded weights are in it.
- Head: one hidden layer and a softmax, {bytes_head:,} bytes, fitted and calibrated (temperature {temperature:.2f}) by the hub's own trainer;
  thresholds for at most 5 % contamination on the validation runs.
- Made by `models/recipe/run`, {steps:,} steps.

## What it is for, and what not
For sorting single household items in front of a fixed camera into six classes, with *unsure* as an answer, as the start of a
model of one's own. Not for mixed or overlapping waste, conveyor belts, hazardous waste, or anything where a wrong answer
harms; not for recognising people, who must not be in the picture at all.

## Data and licences
- The model itself: MIT OR Apache-2.0, as all of Pilah.
- TrashNet, {photos:,} photos (Gary Thung, Mindy Yang; MIT): one item each on a light board, taken in one place.
- Scenes drawn by our own camera `virtual`: 40 looks for training, others for validation and test.
- Teacher in training: MobileNetV2 1.0, ImageNet (Google; Apache-2.0), for what it sees in each place of a picture; none of its weights are shipped.

## How it was measured
Five folds by runs of 20 consecutive photo numbers within a class, since neighbours show the same object: in each fold every fifth
run is the test, every tenth validation (temperature and thresholds), the rest training. Five backbones and heads were trained, and
each was asked only about runs that nothing in it had seen. The one that ships is a sixth by the same recipe, trained on the runs
that the others were tested on as well: there is no photo left that it could be tested on, and what the five are worth is the best
estimate of what it is worth. Answers are those of `pilah-edge classify`. Intervals are 95 %, by bootstrap over runs.

## TrashNet, five folds: {images:,} photos
**Accuracy {accuracy:.1%}** ({accuracy_low:.1%} to {accuracy_high:.1%}), **macro-F1 {macro:.3f}** ({macro_low:.3f} to {macro_high:.3f}).
Always answering the commonest class would give {majority:.1%}.

| fold | photos | accuracy | macro-F1 |
|---|---|---|---|
{by_fold}

The model that ships, on its {shipped_images} validation photos, which chose its temperature and thresholds: accuracy {shipped:.1%}
({shipped_low:.1%} to {shipped_high:.1%}), macro-F1 {shipped_macro:.3f}.

{confusion}

![Confusion matrix](figures/confusion.png)

## Calibration
Expected calibration error {ece_before:.3f} before and **{ece_after:.3f}** after temperature scaling (15 bins, all folds).

![Calibration](figures/calibration.png)

## Risk and coverage
| answered | wrong among these |
|---|---|
{risk}

With the thresholds of the bundles, {sure:.1%} of the photos get an answer, and {wrong_of_sure:.1%} of these answers are wrong.

![Risk and coverage](figures/risk-coverage.png)

## Spoiled pictures
The same test photos, all folds.

| | accuracy | macro-F1 |
|---|---|---|
| as they are | {accuracy:.1%} | {macro:.3f} |
{spoiled}

## Drawn chambers that it never saw
Six looks, 360 scenes, five folds: accuracy {chambers:.1%} ({chambers_low:.1%} to {chambers_high:.1%}); the model that ships {chambers_shipped:.1%}.

## What its embeddings are worth
Linear heads of scikit-learn on embeddings that stay as they are, by the number of labelled images per class (accuracy; *trash* has
fewer than 100). On TrashNet our backbone has seen the training photos with their labels, which flatters it in the left half; the chambers'
looks are new to all three, but ours has seen others by the same renderer.

{transfer}

![Learning curves](figures/transfer.png)

## Why this network
{front}

The networks of several shapes were trained {front_steps:,} steps on fold 0, far less than what ships, to compare them; what ships and ImageNet's
MobileNets beside them, all with heads of the same trainer. Milliseconds: median in the runtime, one thread, x86-64, in one sitting
on a machine that others kept busy.

![Accuracy against time](figures/front.png)

8-bit weights: {weights_8:,} bytes against {weights_32:,} with f32, accuracy on fold 0's test photos {weights_8_accuracy:.1%} against {weights_32_accuracy:.1%}, embedding
{weights_8_ms:.1f} ms against {weights_32_ms:.1f} ms. Computing in 8 bits as well was measured before (QDQ: half the speed; QOperator: the runtime does not
load it) and left.

## Known failures
- Clear glass and clear plastic are taken for each other; shiny metal for glass.
- *trash* is the smallest class (117 photos) and the least uniform.
- Items on TrashNet are whole, single and clean, and their background is light. Expect much less in a real bin: published
  figures for such a step are around 50 %. What it is unsure of is sent to the hub for that reason.
- Scenes are drawings. Their figure says how large the gap to a new bin is in a demonstration, and nothing of real bins.
- A picture of an empty chamber, a hand or a face gets one of the six classes all the same; the trigger keeps those out.

![Scenes that it takes for something else](figures/failures.jpg)
"""


def rows(lines: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def confusion(found: dict) -> str:
    lines = [["truth ↓, answer →", *LABELS, "F1"], ["---"] * (len(LABELS) + 2)]
    lines += [[label, *map(str, row), f"{found['f1'][label]:.2f}"] for label, row in zip(LABELS, found["confusion"], strict=True)]
    return rows(lines)


def transfer(found: dict) -> str:
    columns = [(data, n) for data, by in found.items() for n in next(iter(by.values()))]
    lines = [["backbone", *(f"{data}, {n}" for data, n in columns)], ["---"] * (1 + len(columns))]
    lines += [[name, *(f"{found[data][name][n][0]:.1%}" for data, n in columns)] for name in found["trashnet"]]
    return rows(lines)


def front(points: list[dict]) -> str:
    lines = [["network", "bytes", "ms", "accuracy"], ["---"] * 4]
    lines += [[p["name"], f"{p['bytes']:,}", f"{p['milliseconds']:.1f}", f"{p['accuracy']:.1%}"] for p in points]
    return rows(lines)


def card(metrics: dict, manifest: dict) -> str:
    five, chambers, weights = metrics["five_folds"], metrics["chambers"], metrics["weights"]
    shipped = metrics["shipped"]["validation"]
    return CARD.format(
        version=metrics["version"],
        side=manifest["input"]["width"],
        labels=", ".join(LABELS),
        embedding=manifest["embedding"],
        bytes_backbone=metrics["files"]["backbone.onnx"]["bytes"],
        bytes_head=metrics["files"]["head.onnx"]["bytes"],
        temperature=metrics["shipped"]["temperature"],
        steps=metrics["steps"],
        photos=five["images"],
        images=five["images"],
        accuracy=five["accuracy"],
        accuracy_low=five["accuracy_interval"][0],
        accuracy_high=five["accuracy_interval"][1],
        macro=five["macro_f1"],
        macro_low=five["macro_f1_interval"][0],
        macro_high=five["macro_f1_interval"][1],
        majority=max(sum(row) for row in five["confusion"]) / five["images"],
        by_fold=rows([[str(i), str(f["images"]), f"{f['accuracy']:.1%}", f"{f['macro_f1']:.3f}"] for i, f in enumerate(five["by_fold"])]),
        shipped=shipped["accuracy"],
        shipped_images=shipped["images"],
        shipped_low=shipped["accuracy_interval"][0],
        shipped_high=shipped["accuracy_interval"][1],
        shipped_macro=shipped["macro_f1"],
        confusion=confusion(five),
        ece_before=metrics["calibration"]["error_before"],
        ece_after=metrics["calibration"]["error_after"],
        risk=rows([[f"{c} %", f"{r:.1%}"] for c, r in metrics["risk_coverage"].items()]),
        sure=metrics["thresholds"]["sure"],
        wrong_of_sure=metrics["thresholds"]["wrong_of_sure"],
        spoiled=rows([[kind, f"{s['accuracy']:.1%}", f"{s['macro_f1']:.3f}"] for kind, s in metrics["spoiled"].items()]),
        chambers=chambers["accuracy"],
        chambers_low=chambers["accuracy_interval"][0],
        chambers_high=chambers["accuracy_interval"][1],
        chambers_shipped=metrics["shipped"]["chambers"]["accuracy"],
        transfer=transfer(metrics["transfer"]),
        front=front(metrics["front"]),
        front_steps=next(p["steps"] for p in metrics["front"] if p["steps"]),
        weights_8=weights["8"]["bytes"],
        weights_32=weights["32"]["bytes"],
        weights_8_accuracy=weights["8"]["accuracy"],
        weights_32_accuracy=weights["32"]["accuracy"],
        weights_8_ms=weights["8"]["milliseconds"],
        weights_32_ms=weights["32"]["milliseconds"],
    )
