# SPDX-License-Identifier: Apache-2.0
"""Golden activations of the scene classification U-Net: tests/data/net_golden.bin.

    python3 tools/golden/make_net_golden.py tests/data/net_golden.bin

The network has 6.6 M weights, too many for the repository. They come from a hash that any language computes exactly;
the file holds the steps they are multiplied with, the biases, and sampled activations of every layer, computed by
PyTorch in double precision. Biases and steps are chosen here as batch norm would: every layer neither dies nor
saturates, and its channels vary over the image.

The hash (64-bit, wrapping):
    fnv1a(text)   h = 0xCBF29CE484222325; for each byte: h = (h ^ byte) * 0x100000001B3
    mix(x)        x += 0x9E3779B97F4A7C15; x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
                  x = (x ^ x >> 27) * 0x94D049BB133111EB; return x ^ x >> 31
    bits(text, i) = mix(fnv1a(text) + i)
    unit(text, i) = float(bits >> 40) / 2^23 - 1                      exact in f32, in [-1, 1)

Weight i of layer KEY, in (output, input, ky, kx) order, skip inputs after the upsampled ones:
    w = weight_step * unit(KEY + ".weight", i)                        one f32 product
Bias of output c:  b = bias_step * bias[c]                            one f32 product

Input, DN of band b at (y, x), integers, / is floor division:
    node(o, j, i) = bits("input", ((b * 2 + o) * 64 + j) * 64 + i) >> 54                     0..1023
    smooth(o, s)  = sum over dj, di in {0, 1} of wj * wi * node(o, y / s + dj, x / s + di) / s^2
                    with wj = dj ? y % s : s - y % s, wi likewise; the sum is divided once
    DN = 100 + 4 * smooth(0, 16) + smooth(1, 4);   the network reads float(DN) / 10000, one f32 division

File, little-endian, no padding but where said:
    char magic[8] "DTACSGLD"; u32 version 1, layers, bands, height, width, classes, samples, logit_samples
    per layer, in execution order:
        char key[12] zero-filled; u32 outputs, inputs (of one group), kernel, sampled tensor's height, width;
        f32 weight_step, bias_step, rms; i8 bias[outputs], zero-filled to a multiple of 4; f32 value[samples]
    f32 logit[logit_samples]; u8 argmax[height * width], 255 where the best two classes are closer than 1e-3
A layer's tensor is its output after activation and residual sum. Sample k of layer KEY is at
    bits(KEY + ".sample", k) mod (outputs * height * width)           in (channel, y, x) order; logits: key "logits"
"""
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

BANDS, HEIGHT, WIDTH, CLASSES = 13, 64, 96, 4
SAMPLES, LOGIT_SAMPLES = 32, 512
STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
# Wanted before the activation: standard deviation, mean, and how far channels' means lie from it. Mostly linear on
# purpose: a random network that clips half of its values amplifies f32 rounding a thousandfold over 63 layers.
TARGET = {"relu6": (1.6, 2.4, 1.8), "relu": (1.0, 1.2, 1.0), "none": (1.0, 0.0, 0.5)}


def fnv1a(text):
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    return np.uint64(h)


def bits(text, index):
    with np.errstate(over="ignore"):
        x = fnv1a(text) + np.asarray(index, np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def unit(text, count):
    return (bits(text, np.arange(count)) >> np.uint64(40)).astype(np.float32) / np.float32(2**23) - np.float32(1)


def smooth(band, octave, s):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    total = np.zeros((HEIGHT, WIDTH), np.int64)
    for dj in (0, 1):
        for di in (0, 1):
            wj = y % s if dj else s - y % s
            wi = x % s if di else s - x % s
            node = bits("input", ((band * 2 + octave) * 64 + y // s + dj) * 64 + x // s + di) >> np.uint64(54)
            total += wj * wi * node.astype(np.int64)
    return total // (s * s)


def input_reflectance():
    dn = np.stack([100 + 4 * smooth(b, 0, 16) + smooth(b, 1, 4) for b in range(BANDS)])
    return torch.from_numpy(dn.astype(np.float32) / np.float32(10000)).double()[None]


class Recorder:
    """Makes each layer's weights, runs it, and keeps what goes into the file."""

    def __init__(self):
        self.records = []

    def layer(self, key, x, outputs, kernel, act, stride=1, depthwise=False, add=None):
        inputs = 1 if depthwise else x.shape[1]
        groups = x.shape[1] if depthwise else 1
        shape = (outputs, inputs, kernel, kernel)
        raw = unit(key + ".weight", int(np.prod(shape))).reshape(shape)

        def conv(w):
            return F.conv2d(x, torch.from_numpy(w).double(), None, stride, kernel // 2, 1, groups)

        y = conv(raw)
        spread = float(y.var((0, 2, 3), unbiased=False).mean().sqrt())
        deviation, mean, range_of_means = TARGET[act]
        weight_step = np.float32(deviation / spread)
        y = conv(weight_step * raw)
        wanted = mean + range_of_means * unit(key + ".mean", outputs)
        bias = wanted - y.mean((0, 2, 3)).numpy()
        bias_step = np.float32(np.abs(bias).max() / 127)
        bias = np.round(bias / bias_step).astype(np.int8)
        y = y + torch.from_numpy(bias_step * bias.astype(np.float32)).double().view(1, -1, 1, 1)
        y = {"relu6": lambda t: t.clamp(0, 6), "relu": torch.relu, "none": lambda t: t}[act](y)
        if add is not None:
            y = y + add
        self.keep(key, y, inputs, kernel, weight_step, bias_step, bias)
        return y

    def keep(self, key, y, inputs, kernel, weight_step, bias_step, bias):
        flat = y.numpy().ravel()
        rms = np.sqrt(np.mean(flat**2))
        outputs, height, width = y.shape[1:]
        sizes = (outputs, inputs, kernel, height, width)
        head = struct.pack("<12s5I3f", key.encode(), *sizes, weight_step, bias_step, rms)
        at = bits(key + ".sample", np.arange(SAMPLES)) % np.uint64(flat.size)
        padding = bytes(-outputs % 4)
        self.records.append(head + bias.tobytes() + padding + flat[at.astype(np.int64)].astype("<f4").tobytes())
        live, full = float((y != 0).double().mean()), float((y == 6).double().mean())
        print(f"{key:8s} {tuple(y.shape[1:])!s:16s} rms {rms:.2f} non-zero {live:.2f} at 6 {full:.3f}")


def run(net, x):
    """The layers of net/unet_mobilenet_v2.h, in its order."""
    x = net.layer("e0", x, 32, 3, "relu6", stride=2)
    channels, block, skips = 32, 0, {}
    for expand, outputs, repeat, first_stride in STAGES:
        for k in range(repeat):
            block += 1
            stride, start, wide = (first_stride if k == 0 else 1), x, channels * expand
            if expand != 1:
                x = net.layer(f"e{block}.exp", x, wide, 1, "relu6")
            x = net.layer(f"e{block}.dw", x, wide, 3, "relu6", stride, depthwise=True)
            residual = start if stride == 1 and channels == outputs else None
            x = net.layer(f"e{block}.prj", x, outputs, 1, "none", add=residual)
            channels = outputs
            skips[x.shape[2]] = x
    x = net.layer("e18", x, 1280, 1, "relu6")
    for d, outputs in enumerate((256, 128, 64, 32, 16)):
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        if d < 4:
            x = torch.cat([x, skips[x.shape[2]]], 1)
        x = net.layer(f"d{d}.c1", x, outputs, 3, "relu")
        x = net.layer(f"d{d}.c2", x, outputs, 3, "relu")
    return net.layer("head", x, CLASSES, 3, "none")


def main(path):
    net = Recorder()
    with torch.no_grad():
        logits = run(net, input_reflectance()).numpy()[0]
    at = bits("logits.sample", np.arange(LOGIT_SAMPLES)) % np.uint64(logits.size)
    order = np.sort(logits, 0)
    argmax = np.where(order[-1] - order[-2] < 1e-3, 255, logits.argmax(0)).astype(np.uint8)
    sizes = (1, len(net.records), BANDS, HEIGHT, WIDTH, CLASSES, SAMPLES, LOGIT_SAMPLES)
    with open(path, "wb") as f:
        f.write(b"DTACSGLD" + struct.pack("<8I", *sizes) + b"".join(net.records))
        f.write(logits.ravel()[at.astype(np.int64)].astype("<f4").tobytes() + argmax.tobytes())
    print("classes", np.bincount(argmax.ravel(), minlength=4)[:4], "undecided", int((argmax == 255).sum()))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
