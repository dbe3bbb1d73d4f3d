# SPDX-License-Identifier: Apache-2.0
"""Lets a U-Net feel the 8-bit integers of weights/FORMAT.md while it trains.

Each convolution but the stem reads activations of 8 bits, a unit for each channel, and has weights of 8 bits, a unit
for each output, of which neighbours may add up to 128 at most. Rounding passes gradients as if it were not there.
"""
import contextlib

import torch

from unet import Convolution

# Units cover what the calibration scenes hold, which is more than a batch.
MARGIN = 1.5


class Round(torch.autograd.Function):
    """(x, unit) -> the nearest multiples of unit; the gradient passes as it is."""

    @staticmethod
    def forward(_, x, unit):
        return (x / unit).round_().mul_(unit)

    @staticmethod
    def backward(_, gradient):
        return gradient, None


rounded = Round.apply


def greatest(rows):
    """Of each column. Halving is several times as fast as amax for bfloat16 on a CPU."""
    if rows.is_cuda:
        return rows.amax(0)
    while len(rows) > 64:
        half = (len(rows) + 1) // 2  # an odd row in the middle is in both halves
        rows = torch.maximum(rows[:half], rows[-half:])
    return rows.amax(0)


def activation_units(x):
    """By channel, of every fourth row: 0..255 from zero up, or -127..127 where there was no ReLU."""
    pixels = x.detach()[:, :, ::4].permute(0, 2, 3, 1).flatten(0, 2)
    reach = MARGIN * greatest(pixels.abs()).float().view(1, -1, 1, 1).clamp_min(1e-6)
    return torch.where(pixels.min() < 0, reach / 127, reach / 255)


def weight_units(weight):
    """By output: weights are at most 127 in size, two neighbours 128: channels 2i and 2i + 1, taps of a row."""
    size = weight.detach().abs()
    if size.shape[1] > 1:
        even = size[:, : size.shape[1] // 2 * 2]
        pairs = even[:, 0::2] + even[:, 1::2]
    else:
        pairs = size[..., :-1] + size[..., 1:]
    unit = torch.maximum(size.flatten(1).amax(1) / 127, pairs.flatten(1).amax(1) / 128)
    return unit.clamp_min(1e-12).view(-1, 1, 1, 1)


def round_all(parts, weight, groups):
    """A convolution's inputs, which stand beside one another in channels, and its weights."""
    units = [activation_units(x) for x in parts]
    of_input = torch.cat(units, 1)
    of_input = of_input if groups == 1 else of_input.view(-1, 1, 1, 1)
    weight = weight * of_input  # what the integers of the input meet
    weight = rounded(weight, weight_units(weight)) / of_input
    return [rounded(x, unit.to(x.dtype)) for x, unit in zip(parts, units)], weight


def quantised_convolutions(model):
    return [m for name, m in model.named_modules() if isinstance(m, Convolution) and name != "encoder.features.0.0"]


def quantise(model):
    """From here on the model computes as described above; its parameters stay what they are."""
    for m in quantised_convolutions(model):
        m.rounding = round_all


@contextlib.contextmanager
def without_rounding(model):
    """What quantise() made of the model computes in floats meanwhile."""
    for m in quantised_convolutions(model):
        m.rounding = None
    yield
    quantise(model)
