"""Results of emotions as the tables want them, and what they are set beside.

All of it is made of ``results/emotions/*.json``. The study is the report whose models these are
("3DFER", with its published notebooks); its numbers are of its own test set, on which it also chose
settings and stopped training, and of found faces alone where a model needs landmarks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...arrays import Array, Bool
from ...errors import InputError
from ..emotions.scores import Comparison, mcnemar, unpacked

__all__ = [
    "EXPERIMENTS",
    "ORDER",
    "PICTURES",
    "RECONSTRUCTED",
    "STUDY",
    "Entry",
    "Studied",
    "apart",
    "best_of_each",
    "entries",
    "found_faces",
    "read",
    "searches",
    "versus",
]

PIXELS, HOG, LANDMARKS, EDGES, VOXELS, MESH, COEFFICIENTS, BOTH = ORDER = (
    "pixels", "HOG", "landmarks", "edge lengths", "voxels", "mesh", "coefficients",
    "pixels + landmarks",
)  # fmt: skip
"""What a method looks at."""

PICTURES = (PIXELS, HOG)
RECONSTRUCTED = (LANDMARKS, EDGES, VOXELS, MESH, COEFFICIENTS)
"""What is made of the face's points in three dimensions."""

_KINDS = {
    "mlp": LANDMARKS, "point": LANDMARKS, "edge": EDGES, "voxel": VOXELS, "mesh": MESH,
    "fusion": BOTH, "channels": COEFFICIENTS,
}  # fmt: skip

SAME = 0.05
"""p of McNemar's test from which on two methods are not told apart."""


@dataclass(frozen=True)
class Studied:
    """A model of the study.

    Attributes:
        model: as it calls it.
        looks_at: its input.
        accuracy: as it reports it; None where it gives no number.
        training: likewise.
        methods: ours that stand beside it.
    """

    model: str
    looks_at: str
    accuracy: float | None
    training: str
    methods: tuple[str, ...]


STUDY = (
    Studied("2D CNN", "48 x 48", 0.62, "< 10 min", ("emotion-cnn",)),
    Studied("ResNet50", "48 x 48, from scratch", None, "-", ("emotion-resnet50",)),
    Studied("VGG16", "224 x 224, weights of VGGFace", 0.67, "60 min", ("emotion-vgg16",)),
    Studied("landmark MLP", "478 x 3", 0.51, "2 min", ("emotion-point-mlp",)),
    Studied(
        "landmark CNN", "478 x 3", 0.55, "16 min",
        ("emotion-point-cnn-scrambled", "emotion-point-cnn"),
    ),
    Studied("voxel CNN", "24 x 24 x 24", 0.43, "18 min", ("emotion-voxel-cnn",)),
    Studied("distance CNN", "2,626 lengths", 0.57, "-", ("emotion-edge-cnn-doubled",)),
    Studied("mesh network", "mesh", None, "-", ("emotion-mesh",)),
)  # fmt: skip

EXPERIMENTS = (
    ("coordinates transposed, not reshaped", "emotion-point-cnn", "emotion-point-cnn-scrambled"),
    ("each edge once, not twice", "emotion-edge-cnn", "emotion-edge-cnn-doubled"),
    (
        "light: deviations, not darkest to brightest",
        "emotion-normalise-standard",
        "emotion-normalise-minmax",
    ),
    (
        "light: over its surroundings, not deviations",
        "emotion-normalise-illumination",
        "emotion-normalise-standard",
    ),
)
"""What was changed, the method with the change, the one without."""


@dataclass(frozen=True)
class Entry:
    """A method as the tables show it.

    Attributes:
        table: its results.
        row: those on the validation part, each picture looked at once.
        mirror: those with the mirror image too; None where that was not tried.
        looks_at: one of :data:`ORDER`.
    """

    table: Mapping[str, Any]
    row: Mapping[str, Any]
    mirror: Mapping[str, Any] | None
    looks_at: str

    @property
    def name(self) -> str:
        """Of the method."""
        return str(self.table["method"])

    @property
    def accuracy(self) -> float:
        """Of all pictures."""
        return float(self.row["accuracy"])

    def bits(self, key: str) -> Bool[Array, "n"]:
        """``right`` or ``seen`` of each picture."""
        return unpacked(self.row[key], self.row["pictures"])


def read(folder: Path) -> list[dict[str, Any]]:
    """All results of a folder, by name of the file; none where there is no folder.

    Raises:
        InputError: a file that is no result.
    """
    return _read(folder, {"method", "sets", "recipe"}, "results; evaluate again")


def searches(folder: Path) -> list[dict[str, Any]]:
    """All searches of a folder, likewise.

    Raises:
        InputError: a file that is no search.
    """
    return _read(folder, {"name", "space", "trials"}, "search; search again")


def _read(folder: Path, keys: set[str], what: str) -> list[dict[str, Any]]:
    tables = []
    for path in sorted(folder.glob("*.json")):
        try:
            table = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} is no JSON ({error}); remove it") from None
        if not isinstance(table, dict) or not keys <= set(table):
            raise InputError(f"{path} holds no {what}, or remove it")
        tables.append(table)
    return tables


def entries(tables: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """Methods with scores on the validation part, the best first.

    Those on other pictures than most are left out: they do not compare.
    """
    found = []
    by_name = {str(table["method"]): table for table in tables}
    for table in tables:
        rows = {
            r["mirror"]: r for r in table["sets"] if r["split"] == "validation" and "right" in r
        }
        if False in rows:
            found.append(Entry(table, rows[False], rows.get(True), _looks_at(table, by_name)))
    asked = [entry.row["asked"] for entry in found]
    usual = max(sorted(set(asked)), key=asked.count, default="")
    kept = [entry for entry in found if entry.row["asked"] == usual]
    return sorted(kept, key=lambda entry: (-entry.accuracy, entry.name))


def apart(one: Entry, other: Entry) -> list[str]:
    """Where the recipes of two methods differ but for their names: ``net.kind`` and the like."""
    a, b = (_flat(entry.table["recipe"]) for entry in (one, other))
    return sorted(key for key in {*a, *b} if a.get(key) != b.get(key) and key != "name")


def _flat(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in settings.items():
        found |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {above + key: value}
    return found


def _looks_at(table: Mapping[str, Any], by_name: Mapping[str, Mapping[str, Any]]) -> str:
    net = table["recipe"].get("net", {})
    kind = str(net.get("kind", ""))
    if kind == "svm" and net.get("runs"):  # on what another net has learnt to see
        other = by_name.get(Path(net["runs"][0]).name)
        return _looks_at(other, by_name) if other and other is not table else _seen(table)
    if kind == "svm":
        return HOG
    return _KINDS.get(kind, _KINDS.get(kind.partition("-")[0], PIXELS))


def _seen(table: Mapping[str, Any]) -> str:
    """Of a method whose net nobody knows: what misses pictures looks at landmarks."""
    missed = any(row["found"] < row["pictures"] for row in table["sets"])
    return LANDMARKS if missed else PIXELS


def best_of_each(found: Sequence[Entry], among: Sequence[str] = ORDER) -> list[Entry]:
    """The best method of each representation, the best of them first."""
    best: dict[str, Entry] = {}
    for entry in found:
        best.setdefault(entry.looks_at, entry)
    return [entry for name, entry in best.items() if name in among]


def versus(one: Entry, other: Entry) -> Comparison:
    """McNemar's test on all pictures."""
    return mcnemar(one.bits("right"), other.bits("right"))


def found_faces(found: Sequence[Entry]) -> Bool[Array, "n"] | None:
    """In which pictures a face was found; None where no method needs one."""
    for entry in found:
        if entry.row["found"] < entry.row["pictures"]:
            return entry.bits("seen")
    return None
