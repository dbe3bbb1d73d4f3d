# SPDX-License-Identifier: Apache-2.0
"""Simulates a few scenes with numpy's doors shut: whatever would leave the device raises.

    python3 make_scenes.py TOOLS_TRAIN

Prints what the scenes hold; shape and dtype of every image are checked on the way.
"""
import sys

sys.path.insert(0, sys.argv[1])
import torch  # noqa: E402

torch.set_num_threads(1)
from atmosphere import AtmosphereTable  # noqa: E402
from clouds import Layer  # noqa: E402
from fields import Draws, parcels  # noqa: E402
from ground import KINDS, Spectra  # noqa: E402
from simulate import Particles, gas_above, random_scene, spread_below  # noqa: E402

spectra, atmospheres = Spectra("train"), AtmosphereTable("train")


def shut(*_, **__):
    raise RuntimeError("a tensor left its device")


for door in ("__array__", "numpy", "tolist", "cpu", "item", "__float__", "__int__", "__bool__"):
    setattr(torch.Tensor, door, shut)
scenes = [random_scene(Draws([7, i]), 96, spectra, atmospheres) for i in range(24)]
cells = parcels(Draws(1), 96, 40)
for door in ("__bool__", "item", "__int__", "__float__", "tolist"):
    delattr(torch.Tensor, door)

for scene in scenes:
    assert scene.toa.shape == scene.rho.shape == (13, 96, 96) and scene.label.shape == (96, 96)
    assert scene.toa.dtype == scene.rho.dtype == torch.float32 and scene.label.dtype == torch.uint8
labels = torch.cat([scene.label.flatten() for scene in scenes])
toa = torch.stack([scene.toa for scene in scenes])
print("grounds", len({scene.info["ground"] for scene in scenes}), "of", len(KINDS))
print("classes", (torch.bincount(labels, minlength=4) > 1000).tolist())
print("reflectance", bool((toa >= 0.0001).all() and (toa <= 2).all() and torch.isfinite(toa).all()))


def median(band, label):
    return float(toa[:, band].flatten()[labels == label].median())


print("thick over clear in B02", median(1, 1) > 2 * median(1, 0))
print("shadow below clear in B08", median(7, 3) < 0.8 * median(7, 0))
print("cells", len(cells.unique()) > 35 and bool((cells >= 0).all()))

# A checkerboard of 8 pixels below even clouds 1 km high: exp(-tau / 2) of 1 - reflectance comes straight through.
y, x = torch.meshgrid(torch.arange(128), torch.arange(128), indexing="ij")
board = 0.2 + 0.1 * (((x // 8 + y // 8) % 2).float() * 2 - 1)[None]
for tau, low, high in ((0.28, 0.88, 0.92), (2.5, 0.3, 0.42), (10.0, 0.0, 0.03)):
    seen = spread_below(board, Layer(torch.full((128, 128), tau), 1000.0, False), 10.0)
    contrast = float((seen.max() - seen.min()) / 0.2)
    print("pattern below", tau, low < contrast < high and abs(float(seen.mean()) - 0.2) < 1e-4)
gas = torch.full((13, 1), 0.5)
droplets = Particles(None, None, None, 0.7, 0.6)
clouds = (500, 20.0), (500, 0.1), (9000, 20.0)
low, thin, high = (gas_above(height, torch.full((1,), tau), gas, droplets)[9] for height, tau in clouds)
print("vapour of B09", bool((low < thin) & (thin < high)))
