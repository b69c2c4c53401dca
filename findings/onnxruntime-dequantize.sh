#!/usr/bin/env bash
# ONNX Runtime 1.32.0 computes weights given by DequantizeLinear at each run, those given by Cast and Mul once.
#
# Versions: onnxruntime 1.32.0, onnx 1.23.2 (PyPI).
#
# A layer whose 8-bit weights are constants can be written in two ways that say the same. DequantizeLinear is the
# operator made for it, but ONNX Runtime keeps it for fusions with what is quantised behind it, and where nothing is, it
# stays in the optimised graph and runs over all weights with every input (256 × 128, one row: about 24 µs instead of
# 5). Cast and Mul are folded into floats when it is loaded. That folding leaves out DequantizeLinear is on purpose
# (https://github.com/microsoft/onnxruntime/pull/6643), but said of quantised networks, not of weights alone; the session's
# option "session.disable_quant_qdq" ends it.
#
# The operators of the graph that is run. Seen:
#
#   DequantizeLinear, operators 13: DequantizeLinear Gemm
#   DequantizeLinear, operators 21: DequantizeLinear Gemm
#   DequantizeLinear, disable_quant_qdq: Gemm
#   Cast and Mul, operators 13: Gemm
#   Cast and Mul, operators 21: Gemm
#
# Fails if that changes: Pilah writes heads with Cast and Mul (models/src/onnx/head.rs), which also mean the same in
# operator sets before 13, where DequantizeLinear knows one scale for all.
# Needs Python 3 and PyPI. Takes some seconds.
set -euo pipefail

expected=$(sed -n 's/^#   \(DequantizeLinear\|Cast and Mul\), /\1, /p' "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" --quiet --disable-pip-version-check install onnxruntime==1.32.0 onnx==1.23.2

cat >"$work/show.py" <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

numbers = np.random.default_rng(1)
whole = numbers.integers(-127, 128, (128, 256)).astype(np.int8)
scale = numbers.random(128, dtype=np.float32) / 100
bias = numbers.random(128, dtype=np.float32)
rows = numbers.random((8, 256), dtype=np.float32)
expected = rows @ (whole.astype(np.float32) * scale[:, None]).T + bias


def layer(way, operators):
    if way == "DequantizeLinear":
        shaped, nodes = scale, [helper.make_node(way, ["whole", "scale"], ["weights"], axis=0)]
    else:
        shaped = scale[:, None]
        nodes = [
            helper.make_node("Cast", ["whole"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["floats", "scale"], ["weights"]),
        ]
    nodes.append(helper.make_node("Gemm", ["x", "weights", "bias"], ["y"], transB=1))
    constants = [numpy_helper.from_array(t, n) for t, n in [(whole, "whole"), (shaped, "scale"), (bias, "bias")]]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", size]) for n, size in [("x", 256), ("y", 128)]]
    graph = helper.make_graph(nodes, "layer", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", operators)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def show(way, operators, said, option=None):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = sys.argv[1]
    if option:
        options.add_session_config_entry(option, "1")
    session = ort.InferenceSession(layer(way, operators), options, providers=["CPUExecutionProvider"])
    assert np.abs(session.run(None, {"x": rows})[0] - expected).max() < 1e-4
    print(f"{way}, {said}:", *(node.op_type for node in onnx.load(sys.argv[1]).graph.node))


show("DequantizeLinear", 13, "operators 13")
show("DequantizeLinear", 21, "operators 21")
show("DequantizeLinear", 13, "disable_quant_qdq", "session.disable_quant_qdq")
show("Cast and Mul", 13, "operators 13")
show("Cast and Mul", 21, "operators 21")
PYTHON

seen=$("$work/venv/bin/python" "$work/show.py" "$work/optimised.onnx")
echo "$seen"
diff <(echo "$expected") <(echo "$seen")
