#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A U-Net with realistic weights as PyTorch runs it: a checkpoint, inputs, and every activation.

    make_torch_case.py ENCODER.npz SCENE.npz OUT

ENCODER.npz: MobileNetV2 features with batch norms folded ("features.0.0.weight", ...). SCENE.npz: "dn", 13 bands of
u16.

Writes OUT/model.pt (state_dict with segmentation_models_pytorch's names behind the prefix "model."), and for each size
OUT/HxW/input.u16 (band, y, x), OUT/HxW/KEY.f32 for every layer of net/unet_mobilenet_v2.h (y, x, channel), of the image
padded by reflection to a multiple of 32.
"""
import os
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SIZES = [(288, 300), (75, 101), (33, 31)]
STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


def conv_bn(inputs, outputs, kernel, stride=1, groups=1, act=nn.ReLU6):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
              nn.BatchNorm2d(outputs)]
    return layers + ([act()] if act else [])


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride, expand):
        super().__init__()
        wide = inputs * expand
        self.residual = stride == 1 and inputs == outputs
        layers = [nn.Sequential(*conv_bn(inputs, wide, 1))] if expand != 1 else []
        layers += [nn.Sequential(*conv_bn(wide, wide, 3, stride, wide)), *conv_bn(wide, outputs, 1, act=None)]
        self.conv = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class Decoder(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Sequential(*conv_bn(inputs, outputs, 3, act=nn.ReLU))
        self.conv2 = nn.Sequential(*conv_bn(outputs, outputs, 3, act=nn.ReLU))


class Unet(nn.Module):
    def __init__(self, bands=13, classes=4):
        super().__init__()
        self.encoder = nn.Module()
        features, channels = [nn.Sequential(*conv_bn(bands, 32, 3, 2))], 32
        for expand, outputs, repeat, stride in STAGES:
            for k in range(repeat):
                features.append(Residual(channels, outputs, stride if k == 0 else 1, expand))
                channels = outputs
        features.append(nn.Sequential(*conv_bn(channels, 1280, 1)))
        self.encoder.features = nn.Sequential(*features)
        self.decoder = nn.Module()
        sizes = zip((1280, 256, 128, 64, 32), (96, 32, 24, 16, 0), (256, 128, 64, 32, 16))
        self.decoder.blocks = nn.ModuleList(Decoder(a + skip, out) for a, skip, out in sizes)
        self.segmentation_head = nn.Sequential(nn.Conv2d(16, classes, 3, padding=1))

    def convs(self):
        """(key, convolution, batch norm or None) in execution order."""
        f = self.encoder.features
        yield "e0", f[0][0], f[0][1]
        for i in range(1, 18):
            parts = list(f[i].conv)
            if len(parts) == 4:
                yield f"e{i}.exp", parts[0][0], parts[0][1]
            yield f"e{i}.dw", parts[-3][0], parts[-3][1]
            yield f"e{i}.prj", parts[-2], parts[-1]
        yield "e18", f[18][0], f[18][1]
        for d, block in enumerate(self.decoder.blocks):
            yield f"d{d}.c1", block.conv1[0], block.conv1[1]
            yield f"d{d}.c2", block.conv2[0], block.conv2[1]
        yield "head", self.segmentation_head[0], None

    def forward(self, x):
        """Logits and every layer's output by key."""
        out, f, skips = {}, self.encoder.features, []
        x = out["e0"] = f[0](x)
        for i in range(1, 18):
            start = x
            for name, part in zip(("exp", "dw") if len(f[i].conv) == 4 else ("dw",), f[i].conv):
                x = out[f"e{i}.{name}"] = part(x)
            x = f[i].conv[-1](f[i].conv[-2](x))
            x = out[f"e{i}.prj"] = start + x if f[i].residual else x
            if i in (1, 3, 6, 13):
                skips.append(x)
        x = out["e18"] = f[18](x)
        for d, block in enumerate(self.decoder.blocks):
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            if d < 4:
                x = torch.cat([x, skips[3 - d]], 1)
            x = out[f"d{d}.c1"] = block.conv1(x)
            x = out[f"d{d}.c2"] = block.conv2(x)
        out["head"] = self.segmentation_head(x)
        return out


def pad(x):
    """As the reference: half of what is missing to a multiple of 32 before, the rest after."""
    for axis in (1, 2):
        missing = -x.shape[axis] % 32
        widths = [(0, 0)] * 3
        widths[axis] = (missing // 2, missing - missing // 2)
        x = np.pad(x, widths, "reflect")
    return torch.from_numpy(x / np.float32(10000))[None]


def folded_name(key):
    """Where ENCODER.npz keeps an encoder layer."""
    block, _, part = key[1:].partition(".")
    if not part:
        return f"features.{block}.0"
    first = block == "1"  # no expansion
    return f"features.{block}.conv." + {"exp": "0.0", "dw": "0.0" if first else "1.0", "prj": "1" if first else "2"}[part]


def initialise(model, encoder):
    """The encoder's weights from the file, He's elsewhere; each split into a convolution and a batch norm with
    statistics that are not trivial, such that together they are what they were."""
    folded = np.load(encoder)
    generator = torch.Generator().manual_seed(7)
    for key, conv, norm in model.convs():
        outputs = conv.weight.shape[0]
        weight = torch.randn(conv.weight.shape, generator=generator) * (2 / conv.weight[0].numel()) ** 0.5
        bias = torch.randn(outputs, generator=generator) * 0.1
        if key.startswith("e"):
            stored = folded[folded_name(key) + ".weight"].astype("f4")
            if key == "e0":  # three colours to thirteen bands of about a tenth of the brightness
                stored = np.repeat(stored.mean(1, keepdims=True), 13, 1)
            weight = torch.from_numpy(stored)
            bias = torch.from_numpy(folded[folded_name(key) + ".bias"].astype("f4"))
        if norm is None:
            conv.weight.copy_(weight)
            conv.bias.copy_(bias)
            continue
        scale = torch.rand(outputs, generator=generator) * 1.5 + 0.5
        norm.running_mean.copy_(torch.randn(outputs, generator=generator))
        norm.running_var.copy_(torch.rand(outputs, generator=generator) * 3 + 0.05)
        conv.weight.copy_(weight * scale.view(-1, 1, 1, 1))
        norm.weight.copy_(torch.sqrt(norm.running_var + norm.eps) / scale)
        norm.bias.copy_(bias + norm.running_mean / scale)


def main(encoder, scene, out):
    torch.manual_seed(0)
    model = Unet().eval()
    dn = np.load(scene)["dn"]
    with torch.no_grad():
        initialise(model, encoder)
        os.makedirs(out, exist_ok=True)
        torch.save({"state_dict": {"model." + k: v for k, v in model.state_dict().items()}}, out + "/model.pt")
        for height, width in SIZES:
            folder = f"{out}/{height}x{width}"
            os.makedirs(folder, exist_ok=True)
            crop = dn[:, :height, :width]
            crop.astype("<u2").tofile(folder + "/input.u16")
            for key, tensor in model.double()(pad(crop.astype("f4")).double()).items():
                tensor[0].permute(1, 2, 0).contiguous().numpy().astype("<f4").tofile(f"{folder}/{key}.f32")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
