# SPDX-License-Identifier: Apache-2.0
"""Runs and scores behind the figures: scenes with a known answer, dtacs run, dtacs eval."""
import glob
import json
import os
import struct
import subprocess
import sys

import numpy as np

from rasters import on_grid, read_jp2

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
ALL = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12"]
SUBSETS = {
    "phisat2": ["B02", "B03", "B04", "B05", "B06", "B07", "B08"],
    "planetscope": ["B02", "B03", "B04", "B08"],
    "probav": ["B02", "B04", "B08", "B11"],
}
FIT_SEED = 900  # scenes for fitting; those that are scored have other seeds


class Scene:
    """A folder with one product (*.SAFE) and truth/ beside it."""

    def __init__(self, folder):
        products = glob.glob(os.path.join(folder, "*.SAFE"))
        if len(products) != 1 or not os.path.isdir(os.path.join(folder, "truth")):
            sys.exit(f"{folder}: expected one *.SAFE and a folder truth")
        self.name = os.path.basename(os.path.normpath(folder))
        self.product, self.truth = products[0], os.path.join(folder, "truth")

    def image(self, band):
        return glob.glob(os.path.join(self.product, "GRANULE", "*", "IMG_DATA", f"*_{band}.jp2"))[0]


def simulate(out, seed, size):
    """A scene made by tools/scene/scene.py, once."""
    folder = os.path.join(out, f"simulated_{seed}")
    if not os.path.exists(os.path.join(folder, "truth", "scene.json")):
        maker = os.path.join(ROOT, "tools", "scene", "scene.py")
        subprocess.run(
            [sys.executable, maker, folder, "--seed", str(seed), "--size", str(size)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return Scene(folder)


class Experiment:
    def __init__(self, out, dtacs, scenes, patch):
        self.out, self.dtacs, self.scenes, self.patch = out, dtacs, scenes, patch

    def folder(self, run, scene):
        return os.path.join(self.out, "runs", run, scene.name)

    def run(self, run, *options):
        """dtacs run on every scene; the seconds a tile of 10,980 x 10,980 pixels of 10 m would take, by area."""
        seconds = []
        for scene in self.scenes:
            folder = self.folder(run, scene)
            subprocess.run([self.dtacs, "run", scene.product, "-o", folder, "--stack", "--quiet", *options], check=True)
            report = json.load(open(os.path.join(folder, "report.json")))
            grid = report["grid"]
            area = grid["width"] * grid["height"] * grid["pixel_size"] ** 2
            seconds.append(report["seconds"]["total"] * 109800**2 / area)
        return float(np.mean(seconds))

    def score(self, run, what):
        """dtacs eval over all scenes."""
        pairs = os.path.join(self.out, "runs", run, f"{what}.txt")
        with open(pairs, "w") as f:
            for scene in self.scenes:
                found = os.path.abspath(self.folder(run, scene))
                truth, product = os.path.abspath(scene.truth), os.path.abspath(scene.product)
                f.write("\t".join([found, truth] if what == "mask" else [found, truth, truth, product]) + "\n")
        scores = pairs.replace(".txt", ".json")
        command = [self.dtacs, "eval", what, "--list", pairs, "--patch", str(self.patch), "--json", scores]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.load(open(scores))


def clear_pixels(dtacs, scene):
    """(pixels, 13) top-of-atmosphere and true surface reflectance of clear pixels, on the 10 m grid."""
    mask = read_jp2(dtacs, os.path.join(scene.truth, "mask.jp2"))
    offset = -1000 if "_N05" in scene.product else 0  # what scene.py writes
    toa = np.stack([on_grid(read_jp2(dtacs, scene.image(b)), mask.shape) for b in ALL], -1)
    blank = np.zeros(mask.shape, np.uint16)
    path = {b: os.path.join(scene.truth, f"{b}.jp2") for b in ALL}
    sr = np.stack(
        [on_grid(read_jp2(dtacs, path[b]), mask.shape) if os.path.exists(path[b]) else blank for b in ALL], -1
    )
    keep = (mask == 0) & (toa > 0).all(-1)
    return (toa[keep].astype(np.float64) + offset) / 1e4, sr[keep] / 1e4


def fit_linear(dtacs, scenes, bands, path):
    """Weights of the least-squares linear model of these bands, as the paper's baseline has it."""
    parts = [clear_pixels(dtacs, s) for s in scenes]
    toa, sr = (np.concatenate([p[i] for p in parts]) for i in range(2))
    inputs = [ALL.index(b) for b in bands]
    outputs = [i for i in inputs if ALL[i] != "B10"]
    x = np.column_stack([toa[:, inputs], np.ones(len(toa))])
    solution = np.linalg.lstsq(x, sr[:, outputs], rcond=None)[0].astype("<f4")
    tensors = {
        "cnn_layers.0.weight": np.ascontiguousarray(solution[:-1].T)[:, :, None, None],
        "cnn_layers.0.bias": solution[-1],
    }
    header, body = {}, b""
    for name, t in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [len(body), len(body) + t.nbytes]}
        body += t.tobytes()
    text = json.dumps(header).encode()
    checkpoint = path.replace(".dtw", ".safetensors")
    with open(checkpoint, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + body)
    command = [dtacs + "-convert", checkpoint, "-o", path, "--net", "linear", "--bands", ",".join(bands)]
    command += ["--outputs", ",".join(ALL[i] for i in outputs)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path
