# SPDX-License-Identifier: Apache-2.0
"""Random fields and tessellations that scenes are composed of, as tensors on the device where they are made.

Every function takes a Draws, so a scene is a function of its seed (and of the kind of device, whose generators differ).
Fields are periodic: a shift with wrap-around keeps their statistics.
"""
import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F


class Draws(np.random.Generator):
    """Random numbers: single ones as numpy's generator draws them, whole fields on `device`."""

    def __init__(self, seed, device="cpu"):
        super().__init__(np.random.PCG64(seed))
        self.device = torch.device(device)
        self.fields = torch.Generator(self.device)
        self.fields.manual_seed(int(self.integers(2**62)))

    def uniform_field(self, *shape):
        return torch.rand(shape, generator=self.fields, device=self.device)

    def normal_field(self, *shape):
        return torch.randn(shape, generator=self.fields, device=self.device)

    def tensor(self, array):
        """A small table of numpy's, on the device."""
        return torch.as_tensor(np.asarray(array, np.float32), device=self.device)


def frequencies(size, device):
    """Cycles per pixel along y and x, as rfft2 orders them."""
    return torch.fft.fftfreq(size, device=device)[:, None], torch.fft.rfftfreq(size, device=device)[None]


def power_noise(rng, size, slope=2.2, stretch=1.0, angle=0.0, lowest=0.0):
    """Gaussian noise with spectrum k^-slope, zero mean and unit variance, (size, size) float32.

    stretch, angle: anisotropy and its direction in radians.
    lowest: cycles per image below which nothing is drawn (sets the size of the largest structures).
    """
    fy, fx = frequencies(size, rng.device)
    along = (math.cos(angle) * fx + math.sin(angle) * fy) * stretch
    across = -math.sin(angle) * fx + math.cos(angle) * fy
    k = torch.hypot(along, across)
    k[0, 0] = 1.0
    amplitude = k ** (-slope / 2)
    amplitude[0, 0] = 0.0
    if lowest:
        amplitude = torch.where(k < lowest / size, 0.0, amplitude)
    field = torch.fft.irfft2(torch.polar(amplitude, 2 * math.pi * rng.uniform_field(*k.shape)), s=(size, size))
    return (field - field.mean()) / (field.std(unbiased=False) + 1e-12)


def modulation(rng, size, amount, slope=1.2, low=0.4, high=1.8):
    """Multiplicative texture around 1, (size, size, 1)."""
    return (1 + amount * power_noise(rng, size, slope)).clamp(low, high)[..., None]


def mixture_weights(rng, size, parts, sharpness, slope=2.2, stretch=1.0, angle=0.0):
    """Soft partition of the image into `parts`, (size, size, parts), sums to 1."""
    return torch.softmax(
        sharpness * torch.stack([power_noise(rng, size, slope, stretch, angle) for _ in range(parts)], -1), -1
    )


def parcels(rng, size, count, angular=True):
    """Tessellation into `count` fields or building blocks: an index per pixel, (size, size) int64.

    angular: edges along two axes of a random direction (fields), otherwise rounded cells. Cells are found by jump
    flooding: a pixel asks neighbours at shrinking distances for a nearer centre than its own.
    """
    centres = rng.uniform_field(count, 2) * size
    own = torch.zeros(size, size, dtype=torch.int64, device=rng.device)
    at = centres.long().clamp(max=size - 1)
    own[at[:, 1], at[:, 0]] = torch.arange(1, count + 1, device=rng.device)  # 0: none known yet
    y, x = torch.meshgrid(*[torch.arange(size, dtype=torch.float32, device=rng.device)] * 2, indexing="ij")
    warp = power_noise(rng, size, 3.0) * size * (0.004 if angular else 0.02)
    points = torch.stack([x + warp, y - warp], -1)
    metric = "round"
    if angular:
        a = rng.uniform(0, np.pi)
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) * [[rng.uniform(0.6, 1.6)], [1.0]]
        points, centres = points @ rng.tensor(turn.T), centres @ rng.tensor(turn.T)
        metric = rng.choice(["diamond", "square"])
    px, py = points[..., 0].contiguous(), points[..., 1].contiguous()
    cx, cy = torch.cat([torch.full((1, 2), 1e9, device=rng.device), centres]).T.contiguous()

    def distance(index):
        dx, dy = (px - cx[index]).abs_(), (py - cy[index]).abs_()
        if metric == "round":
            return dx.square_().add_(dy.square_())
        return dx.add_(dy) if metric == "diamond" else torch.maximum(dx, dy)

    nearest = distance(own)
    reach = 2 ** math.ceil(math.log2(size / 2))
    for step in [reach >> i for i in range(reach.bit_length())] + [2, 1]:
        for dy, dx in itertools.product((-step, 0, step), repeat=2):
            if dy or dx:
                other = torch.roll(own, (dy, dx), (0, 1))
                far = distance(other)
                own, nearest = torch.where(far < nearest, other, own), torch.minimum(far, nearest)
    return own - 1


def shift_periodic(field, dy, dx):
    """Shifts by a fraction of pixels with wrap-around, bilinear: sharp edges must not ring."""
    for axis, by in ((0, dy), (1, dx)):
        whole = math.floor(by)
        field = torch.lerp(torch.roll(field, whole, axis), torch.roll(field, whole + 1, axis), by - whole)
    return field


def blur(field, sigma, edge="circular"):
    """Gaussian blur of (..., height, width), pixel by pixel: it does not ring either. edge: as F.pad names it."""
    radius = min(int(4 * sigma + 0.5), field.shape[-1] - 1)
    x = torch.arange(-radius, radius + 1, dtype=torch.float32, device=field.device)
    kernel = torch.exp(-0.5 * (x / sigma) ** 2)
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    out = field.reshape(-1, 1, *field.shape[-2:])
    out = F.conv2d(F.pad(out, (radius, radius, 0, 0), edge), kernel)
    return F.conv2d(F.pad(out, (0, 0, radius, radius), edge), kernel.transpose(2, 3)).reshape(field.shape)


def blur_wide(field, parts):
    """Periodic blur by a sum of Gaussians [(share, standard deviation in pixels)], possibly wider than the field."""
    fy, fx = frequencies(field.shape[-1], field.device)
    squared = 2 * math.pi**2 * (fx * fx + fy * fy)
    kernel = sum(share * torch.exp(-squared * sigma * sigma) for share, sigma in parts)
    return torch.fft.irfft2(torch.fft.rfft2(field) * kernel, s=field.shape[-2:])


def slopes(field):
    """Differences along x and y."""
    along_y, along_x = torch.gradient(field)
    return along_x, along_y


def grow(mask):
    """A mask and its four neighbours."""
    out = mask.clone()
    out[1:] |= mask[:-1]
    out[:-1] |= mask[1:]
    out[:, 1:] |= mask[:, :-1]
    out[:, :-1] |= mask[:, 1:]
    return out


def close_gaps(mask):
    return ~grow(~grow(mask))
