# SPDX-License-Identifier: Apache-2.0
"""Reads a weights file (weights/FORMAT.md) back into the networks that training works on."""
import struct

import numpy as np
import torch

from unet import LEAST_VARIANCE, STAGES, start_norms

DTYPES = {0: "<f4", 1: "<f2"}


def read_dtw(path):
    """({name: float32 array}, {key: value}). The file is taken to be sound: dtacs-convert and tests check that."""
    with open(path, "rb") as f:
        data = f.read()
    if data[:8] != b"DTACSW\r\n" or struct.unpack_from("<I", data, 8) != (1,):
        raise ValueError(f"{path}: not a weights file of version 1")
    tensors, pairs = struct.unpack_from("<II", data, 24)
    arrays, meta = {}, {}
    for at in range(64, 64 + 64 * tensors, 64):
        name, length, dtype, rank = struct.unpack_from("<IBBB", data, at)
        dims = struct.unpack_from("<4I", data, at + 8)[:rank]
        (place,) = struct.unpack_from("<Q", data, at + 24)
        values = np.frombuffer(data, DTYPES[dtype], int(np.prod(dims)), place).reshape(dims)
        arrays[data[name : name + length].decode()] = values.astype(np.float32)
    for at in range(64 + 64 * tensors, 64 + 64 * tensors + 16 * pairs, 16):
        key, key_length, value, value_length = struct.unpack_from("<4I", data, at)
        meta[data[key : key + key_length].decode()] = data[value : value + value_length].decode()
    return arrays, meta


def unet_layers():
    """(name in the weights file, convolution's name, batch norm's name) of every layer; the head has no batch norm."""
    names = [("e0", "encoder.features.0.0", "encoder.features.0.1")]
    block = 0
    for expansion, _, repeats, _ in STAGES:
        for _ in range(repeats):
            block += 1
            here = f"encoder.features.{block}.conv"
            parts = ["exp"] if expansion != 1 else []
            for i, part in enumerate(parts + ["dw"]):
                names.append((f"e{block}.{part}", f"{here}.{i}.0", f"{here}.{i}.1"))
            last = len(parts) + 1
            names.append((f"e{block}.prj", f"{here}.{last}", f"{here}.{last + 1}"))
    names.append((f"e{block + 1}", f"encoder.features.{block + 1}.0", f"encoder.features.{block + 1}.1"))
    for d in range(5):
        for c in (1, 2):
            here = f"decoder.blocks.{d}.conv{c}"
            names.append((f"d{d}.c{c}", f"{here}.0", f"{here}.1"))
    return names + [("head", "segmentation_head.0", None)]


def start_from_weights(model, path, scale, calibration):
    """Weights of a file, in which batch norm is folded, for a model that reads input x scale (1, bands, 1, 1).

    Batch norms start as the identity on `calibration` (input x scale) plus the folded bias. Each then takes over the
    spread of its channel, so that what reaches it varies by 1 as if the file had kept it, and training goes on from
    there. Still channels keep their scale: made to vary, they would need a tiny gamma, which the optimiser's steps,
    of one size for all, raise a thousandfold. Returns the file's metadata.
    """
    arrays, meta = read_dtw(path)
    modules = dict(model.named_modules())
    biases = {}
    with torch.no_grad():
        for layer, conv, norm in unet_layers():
            modules[conv].weight.copy_(torch.from_numpy(arrays[layer + ".w"]))
            bias = torch.from_numpy(arrays[layer + ".b"])
            if norm is None:
                modules[conv].bias.copy_(bias)
            else:
                biases[modules[norm]] = bias
        modules["encoder.features.0.0"].weight.div_(scale)
    start_norms(model, biases, calibration)
    with torch.no_grad():
        for _, conv, norm in unet_layers()[:-1]:
            conv, norm = modules[conv], modules[norm]
            still = norm.running_var < LEAST_VARIANCE
            spread = norm.running_var.sqrt().masked_fill(still, 1)
            conv.weight.div_(spread.view(-1, 1, 1, 1))
            norm.running_mean.div_(spread)
            norm.running_var.div_(spread**2).clamp_(min=LEAST_VARIANCE)
            norm.weight.copy_(spread * torch.sqrt(norm.running_var + norm.eps))
    return meta
