"""Writes the trained backbone as ONNX: convolutions, ReLU, a global mean; batch 1; input `input`
`[1, 3, side, side]` of x/127.5 − 1, output `embedding`. Checks it against PyTorch.

Weights are stored as 8-bit integers with a scale for each output channel. The runtime multiplies them out once, when it
loads, and computes in f32 as ever: a quarter of the bytes over the air, at the same speed.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from network import Backbone, Network

OPSET = 13


def stored(weight: np.ndarray, name: str, bits: int) -> tuple[list, list]:
    """Nodes and initialisers that give the weight, `[out, in, 3, 3]`, its name."""
    if bits == 32:
        return [], [numpy_helper.from_array(weight, name)]
    scale = np.abs(weight).max(axis=(1, 2, 3), keepdims=True) / 127
    whole = np.round(weight / scale).astype(np.int8)
    nodes = [
        helper.make_node("Cast", [f"{name}_int8"], [f"{name}_whole"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}_whole", f"{name}_scale"], [name]),
    ]
    return nodes, [numpy_helper.from_array(whole, f"{name}_int8"), numpy_helper.from_array(scale, f"{name}_scale")]


def to_onnx(folded: torch.nn.Module, network: Network, bits: int) -> onnx.ModelProto:
    nodes, weights, last = [], [], "input"
    for index, layer in enumerate(folded):
        if isinstance(layer, torch.nn.Conv2d):
            # The first layer is small, and looks at colours: it stays as it is.
            more, tensors = stored(layer.weight.detach().numpy(), f"w{index}", bits if index else 32)
            nodes += more
            weights += [*tensors, numpy_helper.from_array(layer.bias.detach().numpy(), f"b{index}")]
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
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, network.side, network.side])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, network.widths[-1]])],
        weights,
    )
    model = helper.make_model(graph, producer_name="pilah", opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bits", type=int, choices=(8, 32), default=8)
    args = parser.parse_args()
    trained = torch.load(args.weights, weights_only=True)
    network = Network(**trained["network"])
    backbone = Backbone(network)
    backbone.load_state_dict(trained["weights"])
    backbone.eval()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(to_onnx(backbone.folded().eval(), network, args.bits), args.out)
    session = onnxruntime.InferenceSession(str(args.out), providers=["CPUExecutionProvider"])
    x = torch.rand(1, 3, network.side, network.side, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        expected = backbone(x).numpy()
    found = session.run(None, {"input": x.numpy()})[0]
    worst = float(np.abs(found - expected).max() / np.abs(expected).max())
    print(f"{args.out}: {args.out.stat().st_size} bytes, differs from PyTorch by {worst:.1e} of the largest number at most")
    if worst > (1e-3 if args.bits == 32 else 0.1):
        raise SystemExit("the exported network computes something else")


if __name__ == "__main__":
    main()
