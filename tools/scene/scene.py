# SPDX-License-Identifier: Apache-2.0
"""Makes a simulated Sentinel-2 L1C product with known truth.

    python3 tools/scene/scene.py OUT [--size 420] [--seed 13] [--preview OUT.png]

OUT/S2A_MSIL1C_....SAFE  13 bands as JPEG 2000 with ESA's parameters and metadata in ESA's schema; baseline 05.11, so
                         reflectance = (DN - 1000) / 10000; DN 0 is no data, in a slanted corner of the swath
OUT/truth/mask.jp2       true classes at 10 m: 0 clear, 1 thick cloud, 2 thin cloud, 3 shadow, 255 no data
OUT/truth/BXX.jp2        true surface reflectance x 10000, native resolution, as seen without clouds; all but B10
OUT/truth/scene.json     checksum of the simulator, seed, sun, class shares

A coast with fields, woods on hills and a town, cumulus with shadows, and a band of cirrus. Ground spectra are those
the networks were not trained on; the air, of moderate haze, and the sun are the same for every seed, and the
corrections were trained on such air too. Needs numpy, PyTorch and opj_compress.
"""
import argparse
import json
import os
import struct
import sys
import zlib

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "train"))
from atmosphere import BANDS, RESOLUTION_M, Atmosphere, AtmosphereTable  # noqa: E402
from clouds import Layer, above, cirrus  # noqa: E402
from fields import Draws, modulation, parcels, power_noise, slopes  # noqa: E402
from ground import Ground, Spectra  # noqa: E402
from metrics import simulator  # noqa: E402
from safe import Product, write_jp2, write_product  # noqa: E402
from simulate import CLASS_NAMES, MARGIN, block_mean, compose, sense_band  # noqa: E402

OFFSET = -1000
NO_DATA = 255
NOISE = (0.002, 0.0005)  # relative and absolute, near the instrument's
SUN_AZIMUTH = 150.0  # degrees from north: late morning, northern hemisphere


def typical(rng, spectra, kind, band, low, high):
    """A spectrum of a kind whose reflectance in one band is moderate; the library also holds rarities."""
    while True:
        spectrum = spectra.pick(rng, kind)
        if low <= spectrum[BANDS.index(band)] <= high:
            return spectrum


def field_palette(rng, spectra, count):
    """Crops in leaf, bare soils and stubble."""
    out = []
    for _ in range(count):
        green = rng.random() < 0.6
        plant = typical(rng, spectra, "veg", "B04", 0.02, 0.09)
        soil = typical(rng, spectra, "soil", "B04", 0.10, 0.24)
        share = rng.uniform(0.7, 1.0) if green else rng.uniform(0.0, 0.35)
        out.append(share * plant + (1 - share) * soil)
    return torch.stack(out)


def unit_square(size):
    """Coordinates x and y of the pixels, 0..1."""
    at = torch.arange(size) / size
    return at[None], at[:, None]


def landscape(rng, size, spectra):
    """Sea in the lowlands, fields, woods on the hills, a town near the middle."""
    scale = size / 480
    height = power_noise(rng, size, 3.6, lowest=1.3 * scale)
    rough = height + 0.025 * power_noise(rng, size, 2.2)
    count = int(380 * scale**2) + 1
    rho = field_palette(rng, spectra, count)[parcels(rng, size, count)] * modulation(rng, size, 0.02, 2.3)

    canopy = 0.5 * (typical(rng, spectra, "veg", "B04", 0.015, 0.04) + typical(rng, spectra, "veg", "B04", 0.015, 0.04))
    edge = height + 0.10 * power_noise(rng, size, 2.4)
    woods = torch.sigmoid((edge - torch.quantile(edge, 0.68)) * 25)[..., None]
    rho = rho * (1 - woods) + canopy * modulation(rng, size, 0.10, 2.2) * woods

    shore = torch.quantile(height, 0.14)
    count = int(3600 * scale**2) + 1
    blocks = parcels(rng, size, count)
    roofs = torch.stack([typical(rng, spectra, "urban", "B04", 0.08, 0.3) for _ in range(40)])
    streets = 0.10 + 0.45 * roofs[torch.from_numpy(rng.integers(40, size=count))] + 0.15 * canopy
    x, y = unit_square(size)
    distance = torch.hypot(x - 0.62, y - 0.40) * scale + 0.02 * power_noise(rng, size, 2.4)
    built = (rng.uniform_field(count) < 0.8)[blocks] & (distance < 0.11) & (height > shore + 0.1)
    rho = torch.where(built[..., None], streets[blocks], rho)

    beach = torch.exp(-(((rough - shore) / 0.035) ** 2))[..., None]
    rho = rho * (1 - beach) + typical(rng, spectra, "soil", "B04", 0.2, 0.3) * beach
    sea = typical(rng, spectra, "water", "B03", 0.03, 0.07) * modulation(rng, size, 0.08, 2.4)
    rho = torch.where((rough < shore)[..., None], sea, rho)

    gx, gy = slopes(height + 0.015 * power_noise(rng, size, 3.0))
    steep = ((height - shore) * 0.8).clamp(0, 1) * 5 * scale
    rho = rho.clamp(0, 1).permute(2, 0, 1).contiguous()
    return Ground(rho, "coast, fields, woods, town", (gx * steep, gy * steep))


def sky(rng, size):
    """Cumulus towards the lower right, a band of cirrus across the upper left."""
    scale = size / 480
    x, y = unit_square(size)
    z = power_noise(rng, size, 3.6, lowest=4 * scale) + 0.22 * power_noise(rng, size, 2.7)
    z = z - 3.0 * (1.05 - (x + y)).clamp(0, 1)
    wisps = torch.exp(0.45 * power_noise(rng, size, 2.7))
    heaps = Layer(40 * (1 - torch.exp(-0.9 * above(z, 0.885))) ** 1.5 * wisps, 1050.0, False)
    veil = cirrus(rng, size, 1.0)
    streaks = (veil.tau / torch.quantile(veil.tau, 0.95)).clamp(max=1.4)
    band = torch.exp(-(((x + 0.55 * y - 0.46) / 0.19) ** 4))
    return [heaps, Layer(band * (0.05 + 1.1 * streaks), 9500.0, True)]


def between(table, zenith):
    """An atmosphere between two of the table: moderate haze, the sun near `zenith`."""
    s = table.states
    fit = np.abs(s[:, 0] - zenith) / 5 + np.abs(s[:, 5] - 0.14) / 0.05 + s[:, 6] / 0.3 + np.abs(s[:, 3] - 1.8)
    a, b = (table.row(i) for i in np.argsort(fit)[:2])
    mean = {k: 0.5 * (getattr(a, k) + getattr(b, k)) for k in Atmosphere.__dataclass_fields__}
    return Atmosphere(**mean)


def outside_swath(size, resolution):
    """Pixels beyond the slanted edge of the swath, in the upper left corner; the same line at any resolution."""
    y, x = (np.mgrid[: size * 10 // resolution, : size * 10 // resolution] + 0.5) * resolution
    return x + 0.35 * y < 0.115 * size * 10


def write_png(path, rgb):
    """8-bit RGB image."""
    height, width, _ = rgb.shape
    rows = b"".join(b"\0" + row.tobytes() for row in rgb)

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def preview(images, mask):
    """True colour beside the true classes: thick cloud yellow, thin green, shadow red."""
    rgb = np.stack([images[b].astype(np.float32) for b in ("B04", "B03", "B02")], -1)
    rgb = np.clip((rgb + OFFSET) / 5500, 0, 1) ** 0.5
    colour = np.zeros((256, 3), np.uint8)
    colour[:4] = [[60, 60, 60], [255, 220, 0], [0, 200, 70], [220, 30, 30]]
    return np.concatenate([(rgb * 255).astype(np.uint8), colour[mask]], 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="folder to write into")
    parser.add_argument("--size", type=int, default=420, help="pixels of 10 m, a multiple of 6")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--preview", help="PNG of true colour and true classes")
    args = parser.parse_args()
    if args.size % 6 or args.size < 60:
        parser.error("--size must be a multiple of 6, at least 60")

    torch.set_num_threads(1)  # sums in the same order everywhere
    rng = Draws(args.seed)
    full = args.size + 2 * MARGIN
    inner = slice(MARGIN, MARGIN + args.size)
    ground = landscape(rng, full, Spectra("test"))
    air = between(AtmosphereTable("test"), 33.0)
    azimuth = np.radians(SUN_AZIMUTH - 90)  # along x (east) and y (south)
    layers = sky(rng, full)
    toa, mask = compose(rng, ground, layers, air, 10.0, azimuth)
    clear, _ = compose(rng, ground, [], air, 10.0, azimuth)
    toa, clear, mask = (image[..., inner, inner] for image in (toa, clear, mask))
    rho = air.surface(np.moveaxis(clear.numpy().astype(np.float64), 0, -1))
    mask = mask.numpy().copy()

    images, truth = {}, {}
    gain = (1 + rng.normal(0, 0.008, 13)).tolist()
    for i, (band, resolution) in enumerate(zip(BANDS, RESOLUTION_M)):
        k = resolution // 10
        dn = torch.round(sense_band(rng, toa[i], k, gain[i], NOISE) * 10000).int().numpy() - OFFSET
        lost = outside_swath(args.size, resolution)
        images[band] = np.where(lost, 0, dn).astype(np.uint16)
        mask[np.repeat(np.repeat(lost, k, 0), k, 1)] = NO_DATA
        if band != "B10":
            seen = np.clip(block_mean(rho[..., i], k), 0, 1.5)
            truth[band] = np.round(seen * 10000).astype(np.uint16)

    product = Product(args.size)
    os.makedirs(os.path.join(args.out, "truth"), exist_ok=True)
    share = np.bincount(mask.ravel(), minlength=256) / mask.size
    cloudy = 100 * float(share[1] + share[2])
    write_product(args.out, product, BANDS, images, RESOLUTION_M, OFFSET, (air.sun_zenith, SUN_AZIMUTH), cloudy)
    write_jp2(os.path.join(args.out, "truth", "mask.jp2"), mask, 10, bits=8)
    for band, x in truth.items():
        write_jp2(os.path.join(args.out, "truth", band + ".jp2"), x, RESOLUTION_M[BANDS.index(band)])
    shares = {name: round(float(share[i]), 4) for i, name in enumerate(CLASS_NAMES)}
    facts = {
        "what": "simulated by tools/scene/scene.py",
        "simulator": simulator(),
        "seed": args.seed,
        "size": args.size,
        "sun_zenith": round(air.sun_zenith, 3),
        "shares": {**shares, "no data": round(float(share[NO_DATA]), 4)},
    }
    with open(os.path.join(args.out, "truth", "scene.json"), "w") as f:
        json.dump(facts, f, indent=1)
        f.write("\n")
    if args.preview:
        write_png(args.preview, preview(images, mask))
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
