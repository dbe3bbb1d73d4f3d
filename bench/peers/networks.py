# SPDX-License-Identifier: Apache-2.0
"""The network of a weights file as a list of operations: for PyTorch, as ONNX (f32, or 8 bit with
quantise and dequantise nodes), and as the text that onednn_runner reads."""
import struct
from dataclasses import dataclass, field

import numpy as np

QUANTIFICATION = 10000  # of the reflectance that inputs hold


def read_dtw(path):
    """weights/FORMAT.md: ({tensor name: float32 array}, {key: value})."""
    data = open(path, "rb").read()
    assert data[:8] == b"DTACSW\r\n" and struct.unpack_from("<I", data, 8)[0] == 1, path
    tensors, pairs = struct.unpack_from("<II", data, 24)
    arrays, meta = {}, {}
    for i in range(tensors):
        at = 64 + 64 * i
        name, length, dtype, rank = struct.unpack_from("<IBBB", data, at)
        dims = struct.unpack_from("<4I", data, at + 8)[:rank]
        start, size = struct.unpack_from("<QQ", data, at + 24)
        values = np.frombuffer(data[start:start + size], ("<f4", "<f2")[dtype])
        arrays[data[name:name + length].decode()] = values.astype("f4").reshape(dims)
    for i in range(pairs):
        key, key_size, value, value_size = struct.unpack_from("<4I", data, 64 + 64 * tensors + 16 * i)
        meta[data[key:key + key_size].decode()] = data[value:value + value_size].decode()
    return arrays, meta


@dataclass
class Op:
    kind: str  # conv, up, concat, correct
    name: str
    src: list
    dst: str
    w: np.ndarray = None  # (outputs, inputs / groups, side, side)
    b: np.ndarray = None
    stride: int = 1
    groups: int = 1
    act: str = "none"  # none, relu, relu6
    add: str = None  # added after the activation; only where there is none
    bands: list = field(default_factory=list)  # correct: dst = src[0][bands] - src[1]


def operations(path):
    """[Op] from "x" to "y"."""
    arrays, meta = read_dtw(path)
    ops = []

    def conv(key, src, dst, act="none", stride=1, add=None):
        w, b = arrays[key + ".w"], arrays[key + ".b"]
        groups = w.shape[0] if key.endswith(".dw") else 1
        ops.append(Op("conv", key, [src], dst, w, b, stride, groups, act, add))
        return dst

    if meta["net"] in ("linear", "cnn_corrector"):
        if meta["net"] == "linear":
            conv("a0", "x", "y")
            return ops
        inputs, outputs = meta["bands"].split(","), meta["outputs"].split(",")
        conv("a1", conv("a0", "x", "h", "relu"), "f")
        ops.append(Op("correct", "correct", ["x", "f"], "y", bands=[inputs.index(o) for o in outputs]))
        return ops

    x = conv("e0", "x", "e0", "relu6", 2)
    block, skips = 0, []
    for repeat, stride in ((1, 1), (2, 2), (3, 2), (4, 2), (3, 1), (3, 2), (1, 1)):
        for k in range(repeat):
            block += 1
            if k == 0 and stride == 2:
                skips.append(x)
            key, source, wide = f"e{block}", x, x
            if key + ".exp.w" in arrays:
                wide = conv(key + ".exp", x, key + ".a", "relu6")
            wide = conv(key + ".dw", wide, key + ".b", "relu6", stride if k == 0 else 1)
            x = conv(key + ".prj", wide, key, add=source if k > 0 else None)
    x = conv("e18", x, "e18", "relu6")
    for d in range(5):
        ops.append(Op("up", f"d{d}.up", [x], f"d{d}.u"))
        x = f"d{d}.u"
        if d < 4:
            ops.append(Op("concat", f"d{d}.cat", [x, skips[3 - d]], f"d{d}.s"))
            x = f"d{d}.s"
        x = conv(f"d{d}.c1", x, f"d{d}.a", "relu")
        x = conv(f"d{d}.c2", x, f"d{d}", "relu")
    conv("head", x, "y")
    return ops


def run_torch(ops, x, dtype, watch=lambda name, tensor: None):
    """The result of the operations on x (1, bands, height, width), computed in `dtype`."""
    import torch
    import torch.nn.functional as F
    tensors = {"x": torch.from_numpy(x).to(dtype)}
    watch("x", tensors["x"])
    for o in ops:
        src = [tensors[s] for s in o.src]
        if o.kind == "conv":
            y = F.conv2d(src[0], torch.from_numpy(o.w).to(dtype), torch.from_numpy(o.b).to(dtype), o.stride,
                         o.w.shape[-1] // 2, 1, o.groups)
            y = y.clamp(0, 6) if o.act == "relu6" else y.relu() if o.act == "relu" else y
            y = y if o.add is None else y + tensors[o.add]
        elif o.kind == "up":
            y = F.interpolate(src[0], scale_factor=2, mode="nearest")
        elif o.kind == "concat":
            y = torch.cat(src, 1)
        else:
            y = src[0][:, o.bands] - src[1]
        tensors[o.dst] = y
        watch(o.dst, y)
    return tensors["y"].numpy()


class OnnxGraph:
    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, value, dtype="f4"):
        from onnx import numpy_helper
        self.constants.append(numpy_helper.from_array(np.array(value, dtype, order="C"), name))
        return name

    def node(self, kind, inputs, output, **attributes):
        from onnx import helper
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def conv(self, o, source, w, b, output):
        side = o.w.shape[-1]
        return self.node("Conv", [source, w, b], output, kernel_shape=[side] * 2, strides=[o.stride] * 2,
                         pads=[side // 2] * 4, group=o.groups)

    def up(self, source, output):
        return self.node("Resize", [source, "", "doubled"], output, mode="nearest",
                         coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    def save(self, path, inputs, outputs, size):
        import onnx
        from onnx import TensorProto, helper
        value = lambda name, channels: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, size, size])
        graph = helper.make_graph(self.nodes, "dtacs", [value("x", inputs)], [value("y", outputs)], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, path)


def channels(ops):
    last = [o for o in ops if o.kind == "conv"][-1]
    return ops[0].w.shape[1], last.w.shape[0]


def write_onnx(ops, path, size):
    g = OnnxGraph()
    g.constant("doubled", [1, 1, 2, 2])
    g.constant("zero", 0)
    g.constant("six", 6)
    for o in ops:
        if o.kind == "conv":
            at = o.dst if o.act == "none" and o.add is None else o.name + ".sum"
            g.conv(o, o.src[0], g.constant(o.name + ".w", o.w), g.constant(o.name + ".b", o.b), at)
            if o.act == "relu6":
                g.node("Clip", [at, "zero", "six"], o.dst)
            elif o.act == "relu":
                g.node("Relu", [at], o.dst)
            elif o.add is not None:
                g.node("Add", [at, o.add], o.dst)
        elif o.kind == "up":
            g.up(o.src[0], o.dst)
        elif o.kind == "concat":
            g.node("Concat", o.src, o.dst, axis=1)
        else:
            g.node("Sub", [g.node("Gather", ["x", g.constant("bands", o.bands, "i8")], "kept", axis=1), o.src[1]], o.dst)
    g.save(path, *channels(ops), size)


@dataclass
class Scale:
    step: float  # value of one unit
    signed: bool  # -127..127, or 0..255 where nothing is negative


def calibrate(ops, x):
    """{tensor: Scale} from the 0.01 % and 99.99 % quantiles of its values on x.  Both sides of a
    concatenation share a signed scale, so that it copies."""
    import torch
    lows, highs = {}, {}

    def note(name, tensor):
        values = tensor.flatten()[::max(1, tensor.numel() // 200000)].float()
        lows[name], highs[name] = float(torch.quantile(values, 0.0001)), float(torch.quantile(values, 0.9999))

    run_torch(ops, x, torch.float32, note)
    scales = {}

    def scale(name, signed):
        scales[name] = Scale(max(highs[name], -lows[name], 1e-6) / (127 if signed else 255), signed)

    scale("x", False)
    for o in ops:
        if o.kind == "conv":
            scale(o.dst, o.act == "none")
    before_up = {o.dst: o.src[0] for o in ops if o.kind == "up"}
    for o in ops:
        if o.kind == "concat":
            sides = [before_up[o.src[0]], o.src[1]]
            step = max(max(highs[s], -lows[s]) for s in sides) / 127
            for s in sides:
                scales[s] = Scale(step, True)
    for o in ops:
        if o.kind in ("up", "concat"):
            scales[o.dst] = scales[o.src[0]]
    return scales


def quantised_weights(o):
    """(int8 weights, step per output)"""
    steps = np.maximum(np.abs(o.w.reshape(o.w.shape[0], -1)).max(1), 1e-8) / 127
    return np.rint(o.w / steps.reshape(-1, 1, 1, 1)).astype("i1"), steps.astype("f4")


def write_quantised_onnx(ops, scales, path, size):
    """U-Nets only: every tensor passes a quantise and a dequantise node; the runtime folds them into
    integer operations.  Clamping to 0 or 6 is left to the saturation of an unsigned tensor."""
    g = OnnxGraph()
    g.constant("doubled", [1, 1, 2, 2])
    g.constant("zero", 0)

    def quantise(source, name, scale):
        step = g.constant(name + ".step", scale.step)
        zero = g.constant(name + ".zero", 128 if scale.signed else 0, "u1")
        q = g.node("QuantizeLinear", [source, step, zero], name + ".q")
        return g.node("DequantizeLinear", [q, step, zero], "y" if name == "y" else name + ".dq")

    at = {"x": quantise("x", "x", scales["x"])}
    for o in ops:
        if o.kind == "conv":
            source = scales[o.src[0]].step
            w, steps = quantised_weights(o)
            zeros = g.constant(o.name + ".zeros", np.zeros(len(steps)), "i1")
            zeros32 = g.constant(o.name + ".zeros32", np.zeros(len(steps)), "i4")
            wide = g.node("DequantizeLinear", [g.constant(o.name + ".w", w, "i1"), g.constant(o.name + ".ws", steps), zeros],
                          o.name + ".wd", axis=0)
            b = np.rint(o.b / (steps * source)).clip(-2**31, 2**31 - 1)
            bias = g.node("DequantizeLinear", [g.constant(o.name + ".b", b, "i4"),
                                               g.constant(o.name + ".bs", steps * source), zeros32], o.name + ".bd", axis=0)
            y = g.conv(o, at[o.src[0]], wide, bias, o.name + ".sum")
            if o.act != "none" and scales[o.dst].signed:
                y = g.node("Relu", [y], o.name + ".relu")
            if o.add is not None:
                y = g.node("Add", [quantise(y, o.name + ".part", scales[o.dst]), at[o.add]], o.name + ".added")
            at[o.dst] = quantise(y, o.dst, scales[o.dst])
        elif o.kind == "up":
            at[o.dst] = quantise(g.up(at[o.src[0]], o.name), o.dst, scales[o.dst])
        else:
            at[o.dst] = quantise(g.node("Concat", [at[s] for s in o.src], o.name, axis=1), o.dst, scales[o.dst])
    g.save(path, *channels(ops), size)


def write_onednn(ops, scales, path):
    """path.txt: an operation a line; path.f32: weights, then biases, in the order of the convolutions.
    scales is None for f32."""
    with open(path + ".txt", "w") as text, open(path + ".f32", "wb") as values:
        for name, s in (scales or {}).items():
            print("scale", name, f"{s.step:.9g}", int(s.signed), file=text)
        for o in ops:
            if o.kind == "conv":
                outputs, depth, side, _ = o.w.shape
                print("conv", o.name, o.src[0], o.dst, depth * o.groups, outputs, side, o.stride, o.groups, o.act,
                      o.add or "-", file=text)
                values.write(o.w.astype("<f4").tobytes() + o.b.astype("<f4").tobytes())
            elif o.kind == "correct":
                print("correct", o.name, *o.src, o.dst, *o.bands, file=text)
            else:
                print(o.kind, o.name, *o.src, o.dst, file=text)
