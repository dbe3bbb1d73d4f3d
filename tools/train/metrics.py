# SPDX-License-Identifier: Apache-2.0
"""Scores of a classification, and what they were measured with. F2 weighs recall four times precision, as is usual
for cloud masks.
"""
import functools
import hashlib
import os
import subprocess

import numpy as np
import torch

GROUPS = {"cloud": (1, 2), "shadow": (3,), "invalid": (1, 2, 3), "thick": (1,), "thin": (2,)}


def confusion(predicted, truth, classes=4):
    """(classes, classes) counts; rows truth, columns prediction."""
    index = truth.astype(np.int64).ravel() * classes + predicted.astype(np.int64).ravel()
    return np.bincount(index, minlength=classes**2).reshape(classes, classes)


def scores(matrix):
    """Recall, precision, F1 and F2 of each group, and overall accuracy, from all pixels."""
    out = {"accuracy": round(float(np.trace(matrix) / matrix.sum()), 4)}
    for name, group in GROUPS.items():
        hit = matrix[np.ix_(group, group)].sum()
        recall = hit / max(matrix[list(group)].sum(), 1)
        precision = hit / max(matrix[:, list(group)].sum(), 1)
        f = {b: (1 + b * b) * precision * recall / max(b * b * precision + recall, 1e-12) for b in (1, 2)}
        values = {"recall": recall, "precision": precision, "F1": f[1], "F2": f[2]}
        out[name] = {key: round(float(v), 4) for key, v in values.items()}
    return out


@functools.lru_cache(None)
def simulator():
    """A checksum of what scenes depend on: our code and tables, and the library whose numbers are drawn."""
    here = os.path.dirname(os.path.abspath(__file__))
    files = [f"{name}.py" for name in ("atmosphere", "clouds", "fields", "ground", "simulate")]
    files += [os.path.join("data", name) for name in sorted(os.listdir(os.path.join(here, "data")))]
    digest = hashlib.sha256(torch.__version__.encode())
    for name in files:
        with open(os.path.join(here, name), "rb") as f:
            digest.update(f.read())
    return digest.hexdigest()[:8]


def source_commit():
    """The commit of these files, followed by + if they differ from it; empty outside a repository."""

    def git(*arguments):
        folder = os.path.dirname(os.path.abspath(__file__))
        return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True).stdout.strip()

    return git("log", "-1", "--format=%h", "--", ".") + ("+" if git("status", "--porcelain", "--", ".") else "")
