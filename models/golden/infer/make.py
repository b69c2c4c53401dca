"""Writes the golden networks and tensors of models/src/infer/conformance.rs.

    python make.py mobilenet_v2_1.0_224_quant.tflite

needs numpy, flatbuffers and ai-edge-litert 2.1.4. The tiny network is the one of models/src/onnx/tiny.rs
(seed 3, side 16, 4 numbers), as TFLite; what it gives is computed here by numpy alone, so that every
runtime is held to a third opinion. What the MobileNet gives is computed by LiteRT's own interpreter.
"""
import hashlib
import importlib.util
import json
import pathlib
import sys

import numpy as np
import flatbuffers

HERE = pathlib.Path(__file__).parent
SEED, SIDE, EMBEDDING, PATCH = 3, 16, 4, 4
MASK = (1 << 64) - 1


def draws(seed):
    """SplitMix64, as numbers from -1 to 1."""
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        z ^= z >> 31
        yield np.float32(z >> 40) / np.float32(1 << 23) - np.float32(1)


def images(width, height):
    """The pictures of models/src/infer/golden.rs."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    gradient = np.stack([x * 255 // (width - 1), y * 255 // (height - 1), 255 - (x + y) * 255 // (width + height - 2)], -1)
    radius = min(width, height) * 100 // 3
    blobs = np.full((height, width, 3), 24)
    for (cx, cy), tint in [((2, 3), (230, 60, 30)), ((6, 2), (40, 200, 90)), ((5, 6), (60, 90, 240))]:
        distance = (x * 100 - width * cx * 100 // 8) ** 2 + (y * 100 - height * cy * 100 // 8) ** 2
        strength = np.maximum(0, 256 - distance * 256 // (radius * radius))
        blobs = np.minimum(255, blobs + np.array(tint) * strength[..., None] // 256)
    fine = np.where((x + y) // 2 % 2 == 0, 40, 0)
    broad = (x + 2 * y) // max(width // 8, 1) % 3
    stripes = np.array([[200, 170, 90], [90, 110, 120], [30, 60, 160]])[broad] + fine[..., None]
    h = ((y * width + x) * 0x9E3779B1) & 0xFFFFFFFF
    h ^= h >> 15
    h = (h * 0x85EBCA77) & 0xFFFFFFFF
    h ^= h >> 13
    noise = np.stack([h & 0xFF, (h & 0xFF) // 2 + 64, (h >> 8) & 0xFF], -1)
    return [i.astype(np.uint8) for i in (gradient, blobs, stripes, noise)]


def real(image):
    return (image.astype(np.float32) - np.float32(127.5)) / np.float32(127.5)


def tiny():
    source = draws(SEED)
    inputs = 3 * PATCH * PATCH
    scale = np.sqrt(np.float32(3) / np.float32(inputs))
    kernel = np.array([next(source) * scale for _ in range(EMBEDDING * inputs)], np.float32)
    bias = np.array([next(source) * np.float32(0.5) for _ in range(EMBEDDING)], np.float32)
    return kernel.reshape(EMBEDDING, 3, PATCH, PATCH), bias


def tiny_output(image, kernel, bias):
    """Strided convolution, ReLU, mean over the picture; in double precision."""
    n = SIDE // PATCH
    patches = real(image).astype(np.float64).reshape(n, PATCH, n, PATCH, 3)
    maps = np.einsum("iyjxc,ecyx->ije", patches, kernel.astype(np.float64)) + bias
    return np.maximum(maps, 0).mean((0, 1)).tolist()


def tflite(schema, kernel, bias):
    def buffer(array=None):
        made = schema.BufferT()
        made.data = None if array is None else np.frombuffer(array.tobytes(), np.uint8)
        return made

    def tensor(name, shape, number, kind=0):
        made = schema.TensorT()
        made.name, made.shape, made.buffer, made.type = name, shape, number, kind
        return made

    def operator(code, inputs, outputs, kind, options):
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = code, inputs, outputs
        made.builtinOptionsType, made.builtinOptions = kind, options
        return made

    def code(builtin):
        made = schema.OperatorCodeT()
        made.builtinCode = made.deprecatedBuiltinCode = builtin
        made.version = 1
        return made

    n = SIDE // PATCH
    convolution = schema.Conv2DOptionsT()
    convolution.padding, convolution.strideW, convolution.strideH = schema.Padding.VALID, PATCH, PATCH
    convolution.dilationWFactor = convolution.dilationHFactor = 1
    convolution.fusedActivationFunction = schema.ActivationFunctionType.RELU
    mean = schema.ReducerOptionsT()
    mean.keepDims = False
    graph = schema.SubGraphT()
    graph.name = "tiny_backbone"
    graph.tensors = [
        tensor("image", [1, SIDE, SIDE, 3], 0),
        tensor("kernel", [EMBEDDING, PATCH, PATCH, 3], 1),
        tensor("bias", [EMBEDDING], 2),
        tensor("active", [1, n, n, EMBEDDING], 0),
        tensor("axes", [2], 3, schema.TensorType.INT32),
        tensor("embedding", [1, EMBEDDING], 0),
    ]
    graph.inputs, graph.outputs = [0], [5]
    graph.operators = [
        operator(0, [0, 1, 2], [3], schema.BuiltinOptions.Conv2DOptions, convolution),
        operator(1, [3, 4], [5], schema.BuiltinOptions.ReducerOptions, mean),
    ]
    model = schema.ModelT()
    model.version = 3
    model.description = "pilah tiny_backbone"
    model.operatorCodes = [code(schema.BuiltinOperator.CONV_2D), code(schema.BuiltinOperator.MEAN)]
    model.subgraphs = [graph]
    channels_last = np.ascontiguousarray(kernel.transpose(0, 2, 3, 1))
    model.buffers = [buffer(), buffer(channels_last), buffer(bias), buffer(np.array([1, 2], np.int32))]
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def mobilenet(path):
    from ai_edge_litert.interpreter import Interpreter
    network = Interpreter(model_path=path)
    network.allocate_tensors()
    (taken,), (given,) = network.get_input_details(), network.get_output_details()
    (scale, zero), (out_scale, out_zero) = taken["quantization"], given["quantization"]
    answers = []
    for image in images(224, 224):
        quantised = np.clip(np.round(real(image) / np.float32(scale)) + zero, 0, 255).astype(np.uint8)
        network.set_tensor(taken["index"], quantised[None])
        network.invoke()
        values = (network.get_tensor(given["index"])[0].astype(np.int64) - out_zero) * out_scale
        answers.append({str(place): float(values[place]) for place in np.flatnonzero(values)})
    return {"sha256": hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest(), "classes": 1001, "outputs": answers}


def main():
    import ai_edge_litert
    schema_file = pathlib.Path(ai_edge_litert.__file__).with_name("schema_py_generated.py")
    spec = importlib.util.spec_from_file_location("schema", schema_file)
    schema = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(schema)
    kernel, bias = tiny()
    (HERE / "tiny.tflite").write_bytes(tflite(schema, kernel, bias))
    outputs = [tiny_output(image, kernel, bias) for image in images(SIDE, SIDE)]
    golden = {"seed": SEED, "side": SIDE, "embedding": EMBEDDING, "outputs": outputs}
    (HERE / "tiny.json").write_text(json.dumps(golden, indent=1) + "\n")
    if len(sys.argv) > 1:
        (HERE / "mobilenet_v2_1.0_224_quant.json").write_text(json.dumps(mobilenet(sys.argv[1]), indent=1) + "\n")


if __name__ == "__main__":
    main()
