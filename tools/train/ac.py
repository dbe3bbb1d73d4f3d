# SPDX-License-Identifier: Apache-2.0
"""Trains the pixel-wise atmospheric correction on simulated pairs.

    python3 tools/train/ac.py --out ac.pt

corrected = toa[12 bands without B10] - W2 relu(W1 toa + b1) - b2 with 13 -> 52 -> 12 channels. Pairs are mixed spectra
of our library seen through our 6SV atmospheres. The checkpoint holds "state_dict" with the names model.cnn_layers.*;
OUT with .json beside it says how it was made and its cross-validated error per band.
"""
import argparse
import json
import os
import time

import numpy as np
import torch
from torch import nn

from atmosphere import BANDS, AtmosphereTable, load_spectra

KEEP = [i for i, band in enumerate(BANDS) if band != "B10"]
SHARES = {"soil": 0.26, "veg": 0.36, "water": 0.12, "snow": 0.07, "urban": 0.13, "burn": 0.06}


def surfaces(rng, count, spectra):
    """Mixtures of one to three spectra under varying illumination by slopes, (count, 13)."""
    kinds = list(SHARES)
    share = np.array([SHARES[k] for k in kinds])
    parts = rng.choice([1, 2, 3], count, p=[0.35, 0.45, 0.2])
    weight = rng.dirichlet([0.8] * 3, count).astype(np.float32)
    weight = np.where(np.arange(3) < parts[:, None], weight, 0)
    weight /= weight.sum(1, keepdims=True)
    first = rng.choice(len(kinds), count, p=share / share.sum())
    rho = np.zeros((count, 13), np.float32)
    for part in range(3):
        chosen = first if part == 0 else rng.choice(len(kinds), count, p=share / share.sum())
        if part > 0:  # water mixes less with other surfaces than they do with each other
            stays = (first == kinds.index("water")) & (rng.random(count) < 0.7)
            chosen = np.where(stays, kinds.index("water"), chosen)
        for k, kind in enumerate(kinds):
            at = np.flatnonzero(chosen == k)
            rho[at] += weight[at, part : part + 1] * spectra[kind][rng.integers(len(spectra[kind]), size=len(at))]
    rho *= np.clip(rng.normal(1, 0.12, (count, 1)), 0.5, 1.5).astype(np.float32)
    return np.clip(rho * (1 + rng.normal(0, 0.02, (count, 13))), 0, 1.2).astype(np.float32)


def pairs(rng, count, table, rows, spectra):
    """(toa (count, 13), surface (count, 12), atmosphere (count,)): with sensor noise and in steps of 1/10000."""
    rho = surfaces(rng, count, spectra)
    chance = table.chances(rng, 4000)[rows]
    index = rng.choice(rows, count, p=chance / chance.sum())
    o = table.optics[index]
    toa = o[..., 0] + o[..., 1] * o[..., 4] * o[..., 5] * rho / (1 - o[..., 6] * rho)
    toa = toa * (1 + rng.normal(0, 0.004, toa.shape)) + rng.normal(0, 0.0008, toa.shape)
    toa = np.round(np.clip(toa, 1e-4, 2) * 1e4) / 1e4
    return toa.astype(np.float32), rho[:, KEEP], index


class Corrector(nn.Module):
    """Over images (n, 13, h, w); training sees pixels as images of height 1."""

    def __init__(self, bands=13, outputs=12):
        super().__init__()
        self.model = nn.Module()
        first, last = nn.Conv2d(bands, 4 * bands, 1), nn.Conv2d(4 * bands, outputs, 1)
        self.model.cnn_layers = nn.Sequential(first, nn.ReLU(), last)

    def forward(self, x):
        return x[:, KEEP] - self.model.cnn_layers(x)


def predict(net, x):
    """(pixels, 13) -> (pixels, 12), as matrix products."""
    first, _, last = net.model.cnn_layers
    hidden = torch.relu(x @ first.weight[:, :, 0, 0].T + first.bias)
    return x[:, KEEP] - hidden @ last.weight[:, :, 0, 0].T - last.bias


def fit(net, toa, surface, args):
    x, y = torch.from_numpy(toa), torch.from_numpy(surface)
    optimiser = torch.optim.Adam(net.parameters(), lr=args.rate)
    steps = len(x) // args.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, args.rate, total_steps=args.epochs * steps, pct_start=0.1)
    for epoch in range(args.epochs):
        order, total = torch.randperm(len(x)), 0.0
        for k in range(steps):
            at = order[k * args.batch : (k + 1) * args.batch]
            loss = ((predict(net, x[at]) - y[at]) ** 2).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1} rmse {np.sqrt(total / steps):.5f}", flush=True)


def by_band(values):
    return {**{BANDS[i]: round(float(v), 5) for i, v in zip(KEEP, values)}, "mean": round(float(np.mean(values)), 5)}


def train(seed, table, rows, args):
    """A net trained on the atmospheres `rows`, and the linear least-squares solution on the same pixels."""
    torch.manual_seed(seed)
    toa, surface, _ = pairs(np.random.default_rng([seed, 0]), args.pixels, table, rows, load_spectra("train"))
    net = Corrector()
    fit(net, toa, surface, args)
    design = np.c_[toa[::8], np.ones(len(toa[::8]))].astype(np.float64)
    return net, np.linalg.lstsq(design, surface[::8].astype(np.float64), rcond=None)[0]


class Errors:
    """Squared errors of one method, pooled and by atmosphere."""

    def __init__(self, atmospheres):
        self.square, self.plain = np.zeros((2, atmospheres, 12))
        self.count = np.zeros(atmospheres)

    def add(self, error, index):
        for band in range(12):
            self.square[:, band] += np.bincount(index, error[:, band] ** 2, len(self.count))
            self.plain[:, band] += np.bincount(index, error[:, band], len(self.count))
        self.count += np.bincount(index, minlength=len(self.count))

    def report(self):
        """RMSE of all pixels; median over atmospheres of each one's RMSE; mean error."""
        seen = self.count > 50
        each = np.sqrt(self.square[seen] / self.count[seen, None])
        return {
            "rmse": by_band(np.sqrt(self.square.sum(0) / self.count.sum())),
            "median_rmse_of_atmospheres": by_band(np.median(each, 0)),
            "bias": by_band(self.plain.sum(0) / self.count.sum()),
        }


def cross_validate(table, args):
    """Every atmosphere is predicted by a net that never saw it, on spectra no net saw."""
    fold = np.arange(len(table.states)) % args.folds
    methods = {name: Errors(len(fold)) for name in ("network", "linear", "no_correction")}
    for k in range(args.folds):
        print(f"fold {k + 1} of {args.folds}", flush=True)
        net, linear = train(args.seed + 100 + k, table, np.flatnonzero(fold != k), args)
        rng = np.random.default_rng([args.seed, 1, k])
        toa, surface, index = pairs(rng, 200_000, table, np.flatnonzero(fold == k), load_spectra("test"))
        with torch.no_grad():
            corrected = predict(net, torch.from_numpy(toa)).numpy()
        methods["network"].add(corrected.astype(np.float64) - surface, index)
        methods["linear"].add(np.c_[toa, np.ones(len(toa))] @ linear - surface, index)
        methods["no_correction"].add(toa[:, KEEP].astype(np.float64) - surface, index)
    return {name: errors.report() for name, errors in methods.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="checkpoint to write (.pt)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pixels", type=int, default=1_500_000)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--rate", type=float, default=1e-2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folds", type=int, default=5)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    table = AtmosphereTable("all")
    begin = time.time()
    net, _ = train(args.seed, table, np.arange(len(table.states)), args)
    seconds = time.time() - begin
    torch.save({"state_dict": net.state_dict()}, args.out + ".tmp")
    os.replace(args.out + ".tmp", args.out)
    report = {
        "network": "CNN_corrector 13 -> 52 -> 12: toa without B10, minus the network's output",
        "training_data": f"{args.pixels} simulated pixels: own spectra, own 6SV2.1 runs (400 atmospheres)",
        "test": f"{args.folds}-fold cross-validation over atmospheres, on other spectra: nets trained like this one",
        "settings": {k: v for k, v in vars(args).items() if k != "out"},
        "seconds_trained": round(seconds),
        "scores": cross_validate(table, args),
    }
    with open(os.path.splitext(args.out)[0] + ".json", "w") as f:
        json.dump(report, f, indent=1)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
