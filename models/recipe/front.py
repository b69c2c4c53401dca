"""Accuracy against time and size: small networks of several shapes, each trained shortly on fold 0, beside ImageNet's
MobileNets; and 8-bit against f32 weights of what ships. All get their heads, and are timed, by `make_bundle`."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
WIDE, NARROW = (24, 48, 96, 144, 256), (16, 32, 64, 96, 192)
SHAPES = {
    "wide, 112 px": (112, WIDE),
    "wide, 144 px": (144, WIDE),
    "wide, 176 px": (176, WIDE),
    "narrow, 144 px": (144, NARROW),
    "narrow, 176 px": (176, NARROW),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--make", type=Path, required=True, help="the program make_bundle")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--shipped", type=int, required=True, help="steps of what ships")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()

    def python(script: str, *more: object) -> None:
        subprocess.run([sys.executable, HERE / script, *map(str, more)], check=True)

    def made(backbone: Path, out: Path) -> dict:
        if not (out / "made.json").exists():
            command = [args.make, args.work / "fold0/arranged", backbone, out, "front"]
            result = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            (out / "made.json").write_text(result)
        return json.loads((out / "made.json").read_text())

    points = []
    for name, (side, widths) in SHAPES.items():
        folder = args.work / "front" / name.replace(", ", "-").replace(" px", "")
        if not (folder / "backbone.pt").exists():
            shape = ["--side", side, "--widths", *widths]
            places = ["--work", args.work, "--shared", args.shared, "--out", folder]
            python("train.py", *places, "--steps", args.steps, "--threads", args.threads, *shape)
        python("export.py", "--weights", folder / "backbone.pt", "--out", folder / "backbone.onnx")
        points.append(made(folder / "backbone.onnx", folder / "bundle") | {"name": name, "steps": args.steps})
    points.append(made(args.work / "fold0/backbone.onnx", args.work / "front/ships") | {"name": "as shipped", "steps": args.shipped})
    for name in ("mobilenet_v2_1.0_224", "mobilenet_v2_0.35_224"):
        onnx = args.shared / f"data/backbones/{name}.onnx"
        points.append(made(onnx, args.work / "front" / name) | {"name": name, "steps": None})
    (args.work / "front.json").write_text(json.dumps(points, indent=1))

    weights = {}
    for bits in (8, 32):
        onnx = args.work / f"front/bits{bits}.onnx"
        python("export.py", "--weights", args.work / "fold0/backbone.pt", "--out", onnx, "--bits", bits)
        weights[str(bits)] = made(onnx, args.work / f"front/bits{bits}")
    (args.work / "weights.json").write_text(json.dumps(weights, indent=1))


if __name__ == "__main__":
    main()
