"""Writes the trained backbone as ONNX: convolutions, ReLU, a global mean; batch 1; input `input`
`[1, 3, side, side]` of x/127.5 − 1, output `embedding`. Checks it against PyTorch."""

import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from data import SIDE
from network import WIDTHS, Backbone

OPSET = 13


def to_onnx(folded: torch.nn.Module) -> onnx.ModelProto:
    nodes, weights, last = [], [], "input"
    for index, layer in enumerate(folded):
        if isinstance(layer, torch.nn.Conv2d):
            weights += [
                numpy_helper.from_array(layer.weight.detach().numpy(), f"w{index}"),
                numpy_helper.from_array(layer.bias.detach().numpy(), f"b{index}"),
            ]
            shape = {"kernel_shape": [3, 3], "strides": list(layer.stride), "pads": [1, 1, 1, 1]}
            nodes.append(helper.make_node("Conv", [last, f"w{index}", f"b{index}"], [f"x{index}"], **shape))
        elif isinstance(layer, torch.nn.ReLU):
            nodes.append(helper.make_node("Relu", [last], [f"x{index}"]))
        elif isinstance(layer, torch.nn.AdaptiveAvgPool2d):
            nodes.append(helper.make_node("GlobalAveragePool", [last], [f"x{index}"]))
        else:
            nodes.append(helper.make_node("Flatten", [last], ["embedding"], axis=1))
        last = f"x{index}"
    graph = helper.make_graph(
        nodes,
        "pilah_backbone",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, WIDTHS[-1]])],
        weights,
    )
    model = helper.make_model(graph, producer_name="pilah", opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    backbone = Backbone()
    backbone.load_state_dict(torch.load(args.weights, weights_only=True))
    backbone.eval()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(to_onnx(backbone.folded().eval()), args.out)
    session = onnxruntime.InferenceSession(str(args.out), providers=["CPUExecutionProvider"])
    x = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        expected = backbone(x).numpy()
    worst = float(np.abs(session.run(None, {"input": x.numpy()})[0] - expected).max())
    print(f"{args.out}: {args.out.stat().st_size} bytes, differs from PyTorch by {worst:.2e} at most")
    if worst > 1e-3 * max(1.0, float(np.abs(expected).max())):
        raise SystemExit("the exported network computes something else")


if __name__ == "__main__":
    main()
