# SPDX-License-Identifier: Apache-2.0
"""Draws the five figures of the DTACSNet paper for this program, as PNG.

    python3 tools/figures/figures.py OUT [--dtacs build/native/dtacs] [--simulate 4] [--scene DIR]...
        [--weights NAME=FILE.dtw]...

OUT/figure1.png  F2 of the mask against the time for a tile, beside published values
OUT/figure2.png  true colour, true classes and the mask found, by scene
OUT/figure3.png  RMSE by band: no correction, a linear model, the network
OUT/figure4.png  top of atmosphere, corrected and true surface in colour, and how far the first two are from the third
OUT/figure5.png  RMSE by band of networks that see fewer bands
OUT/runs         everything the figures were drawn from

Scored are the demo scene, every --scene (a folder with one *.SAFE and truth/, as tools/scene makes it) and as many
scenes simulated here as --simulate says. --weights takes other correction weights than those of the repository: linear
(figure 3), phisat2, planetscope or probav (figure 5). Needs numpy and matplotlib, and what tools/scene needs unless
--simulate is 0.
"""
import argparse
import os

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

from experiment import ALL, ROOT, SUBSETS, Experiment, Scene, simulate  # noqa: E402
from rasters import on_grid, read_jp2, read_tiff  # noqa: E402

# Median F2 over the test patches of CloudSEN12, as the paper's figure 1 gives them.
PUBLISHED = {"DTACSNet": 0.92, "Fmask": 0.70, "Sen2Cor": 0.65}
CLASS_COLOURS = np.array([[0, 0, 0], [255, 220, 0], [0, 200, 70], [220, 30, 30]]) / 255
RED_GREEN_BLUE = ["B04", "B03", "B02"]


def save(figure, out, name):
    figure.savefig(os.path.join(out, name), dpi=150, bbox_inches="tight")
    plt.close(figure)
    print(os.path.join(out, name))


def figure1(out, points):
    """points: label -> (seconds per tile, scores of the mask)."""
    figure, axes = plt.subplots(figsize=(6.4, 4.2))
    for group, colour in (("invalid", "tab:red"), ("cloud", "tab:blue")):
        for label, (seconds, scores) in points.items():
            f2 = scores["patches"][group]["f2"]
            low, high = f2["median"] - f2["q25"], f2["q75"] - f2["median"]
            axes.errorbar(seconds / 60, f2["median"], [[low], [high]], fmt="o", color=colour, capsize=3)
            axes.annotate(f" {label}, {group}", (seconds / 60, f2["median"]), fontsize=8, va="bottom")
    # Their times were taken on other machines: they stand at the edge, at their F2 alone.
    for name, f2 in PUBLISHED.items():
        axes.axhline(f2, color="0.8", lw=0.8, ls=":")
        axes.plot(0.97, f2, "o", mfc="none", color="k", transform=axes.get_yaxis_transform())
        axes.annotate(f"{name} (published) ", (0.95, f2), xycoords=axes.get_yaxis_transform(), fontsize=8, ha="right")
    axes.set_xlim(0, 2.2 * max(seconds for seconds, _ in points.values()) / 60)
    axes.set_ylim(0, 1)
    axes.set_xlabel("minutes for a tile of 110 km, by area from the scenes measured here")
    axes.set_ylabel("F2: median and quartiles over patches")
    axes.set_title("Simulated scenes; published values are for CloudSEN12", fontsize=9)
    save(figure, out, "figure1.png")


def overlay(rgb, classes, strength=0.55):
    """Thick cloud yellow, thin green, shadow red; no data black."""
    known = np.where(classes < 4, classes, 0)
    mixed = np.where((known > 0)[..., None], (1 - strength) * rgb + strength * CLASS_COLOURS[known], rgb)
    return np.where((classes == 255)[..., None], 0, mixed)


class Pictures:
    """Images of a scene on the 10 m grid."""

    def __init__(self, experiment, scene):
        self.truth_classes = read_jp2(experiment.dtacs, os.path.join(scene.truth, "mask.jp2"))
        self.shape = self.truth_classes.shape
        folder = experiment.folder("10m", scene)
        self.classes = read_tiff(os.path.join(folder, "mask.tif"))[0][0]
        corrected, self.bands = read_tiff(os.path.join(folder, "reflectance.tif"))
        self.corrected = corrected / 1e4

        def read(path):
            return on_grid(read_jp2(experiment.dtacs, path), self.shape)

        dn = np.stack([read(scene.image(b)) for b in self.bands])
        self.toa = np.where(dn > 0, (dn - 1000.0) / 1e4, 0)  # scene.py's offset
        self.truth = np.stack([read(os.path.join(scene.truth, f"{b}.jp2")) for b in self.bands]) / 1e4

    def rgb(self, stack):
        image = np.stack([stack[self.bands.index(b)] for b in RED_GREEN_BLUE], -1)
        return np.clip(image / 0.3, 0, 1) ** 0.7


def panels(count, titles):
    figure, axes = plt.subplots(count, len(titles), figsize=(2.6 * len(titles), 2.6 * count), squeeze=False)
    for a in axes.ravel():
        a.set_xticks([])
        a.set_yticks([])
    for a, title in zip(axes[0], titles):
        a.set_title(title, fontsize=9)
    return figure, axes


def figure2(out, pictures):
    figure, axes = panels(len(pictures), ["true colour", "truth", "found"])
    for row, p in zip(axes, pictures):
        rgb = p.rgb(p.toa)
        for a, image in zip(row, [rgb, overlay(rgb, p.truth_classes), overlay(rgb, p.classes)]):
            a.imshow(image)
    names = ["thick cloud", "thin cloud", "cloud shadow"]
    handles = [plt.Rectangle((0, 0), 1, 1, color=CLASS_COLOURS[i + 1]) for i in range(3)]
    figure.legend(handles, names, loc="lower center", ncol=3, fontsize=8, frameon=False)
    save(figure, out, "figure2.png")


def figure4(out, pictures):
    titles = ["top of atmosphere", "corrected", "truth", "mean |top - truth|", "mean |corrected - truth|"]
    figure, axes = panels(len(pictures), titles)
    for row, p in zip(axes, pictures):
        hidden = (p.truth_classes != 0) | (p.corrected == 0).any(0)
        for a, stack in zip(row, [p.toa, p.corrected, p.truth]):
            a.imshow(p.rgb(stack))
        for a, stack in zip(row[3:], [p.toa, p.corrected]):
            distance = np.ma.array(np.abs(stack - p.truth).mean(0), mask=hidden)
            a.set_facecolor("0.85")
            shown = a.imshow(distance, vmin=0, vmax=0.1, cmap="viridis")
    figure.colorbar(shown, ax=axes[:, 3:], fraction=0.03, label="reflectance, clear pixels")
    save(figure, out, "figure4.png")


def boxes(out, name, methods, title):
    """methods: label -> RMSE over patches by band, as dtacs eval writes it."""
    bands = [b for b in ALL if any(b in m for m in methods.values())]
    figure, axes = plt.subplots(figsize=(10, 4))
    width = 0.8 / len(methods)
    colours = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    for i, (label, scores) in enumerate(methods.items()):
        stats, places = [], []
        for x, band in enumerate(bands):
            if band not in scores:
                continue
            s = scores[band]
            stats.append({"med": s["median"], "q1": s["q25"], "q3": s["q75"], "whislo": s["min"], "whishi": s["max"]})
            places.append(x + (i - (len(methods) - 1) / 2) * width)
        drawn = axes.bxp(stats, places, widths=0.85 * width, showfliers=False, patch_artist=True, manage_ticks=False)
        for box in drawn["boxes"]:
            box.set(facecolor=colours[i], alpha=0.6)
        for median in drawn["medians"]:
            median.set(color="k")
        axes.plot([], [], "s", color=colours[i], alpha=0.6, label=label)
    axes.set_xticks(range(len(bands)), bands)
    axes.set_yscale("log")
    axes.set_ylabel("RMSE of a patch, clear pixels (reflectance)")
    axes.set_title(title, fontsize=9)
    axes.legend(fontsize=8, ncol=len(methods))
    save(figure, out, name)


def corrections(experiment, given):
    """name -> scores of the paper's other correction models, beside the network inside."""
    scores = {}
    for name in ("linear", *SUBSETS):
        path = given.get(name, os.path.join(ROOT, "weights", f"correction_{name}.dtw"))
        experiment.run(name, "--weights", path, "--only", "reflectance")
        scores[name] = experiment.score(name, "reflectance")
    return scores


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="folder to write into")
    parser.add_argument("--dtacs", default=os.path.join(ROOT, "build", "native", "dtacs"), metavar="FILE")
    parser.add_argument("--scene", action="append", default=[], metavar="DIR")
    parser.add_argument("--simulate", type=int, default=4, metavar="N")
    parser.add_argument("--size", type=int, default=420, help="pixels of simulated scenes, a multiple of 6")
    parser.add_argument("--patch", type=int, default=105, help="pixels of a patch for medians and boxes")
    parser.add_argument("--weights", action="append", default=[], metavar="NAME=FILE")
    args = parser.parse_args()
    given = dict(w.split("=", 1) for w in args.weights)
    unknown = set(given) - {"linear", *SUBSETS}
    if unknown:
        parser.error(f"--weights {unknown.pop()}: expected linear, {', '.join(SUBSETS)}")

    os.makedirs(os.path.join(args.out, "runs"), exist_ok=True)
    made = os.path.join(args.out, "scenes")
    scenes = [Scene(os.path.join(ROOT, "tests", "data", "demo"))] + [Scene(s) for s in args.scene]
    scenes += [simulate(made, 201 + i, args.size) for i in range(args.simulate)]
    experiment = Experiment(args.out, os.path.abspath(args.dtacs), scenes, args.patch)

    points = {}
    for label, options in {"10m": [], "20m": ["--res", "20"]}.items():
        seconds = experiment.run(label, *options)
        points[label] = (seconds, experiment.score(label, "mask"))
    figure1(args.out, points)
    pictures = [Pictures(experiment, s) for s in scenes[:4]]
    figure2(args.out, pictures)
    figure4(args.out, pictures)

    ours = experiment.score("10m", "reflectance")["methods"]
    others = corrections(experiment, given)
    over_patches = {k: s["methods"]["found"]["rmse_over_patches"] for k, s in others.items()}
    network = ours["found"]["rmse_over_patches"]
    linear = {"linear": over_patches.pop("linear")}
    none = {"no correction": ours["no correction"]["rmse_over_patches"]}
    note = f"{len(scenes)} simulated scenes in patches of about {args.patch} pixels; boxes: quartiles, whiskers: extremes"
    boxes(args.out, "figure3.png", {**none, **linear, "network": network}, note)
    boxes(args.out, "figure5.png", {"all bands": network, **over_patches}, note)


if __name__ == "__main__":
    main()
