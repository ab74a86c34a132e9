"""Vocabularies of avatars, and the way from one to another by weighted tables.

``RIGS`` has the names of each vocabulary; the tables between them are in ``assets/rigs.json``, and
``python -m mien.retarget.rigs`` writes them into ``docs/rigs.md``. ARKit's 52 channels stand in
the middle: a table leads from them and one back, and what has no table of its own goes through
them. A way is compiled to one matrix, so that a frame costs one product and a clamp. Nothing here
knows files: an avatar gives the names of its targets or expressions, as they are spelt in it.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from .. import assets
from ..arrays import Array, Float32
from ..channels import ACTION_UNITS, ARKIT_52
from ..errors import InputError
from ..types import RigPose

__all__ = ["RIGS", "VOCABULARIES", "Mapping", "Meaning", "mapping", "meaning", "near", "table"]

_tables = assets.load("rigs")


def _sided(name: str, suffixes: tuple[str, str]) -> str:
    """``eyeBlinkLeft`` as ``eyeBlink_L``; jawLeft and mouthRight are no sides but ways to go."""
    for word, suffix in zip(("Left", "Right"), suffixes, strict=True):
        if name.endswith(word) and name not in ("jaw" + word, "mouth" + word):
            return name.removesuffix(word) + suffix
    return name


def _ict() -> tuple[str, ...]:
    """ICT-FaceKit's 53: two channels are split into sides, and there is no tongue."""
    names = []
    for name in ARKIT_52:
        if name in ("browInnerUp", "cheekPuff"):
            names += [name + "_L", name + "_R"]
        elif name != "tongueOut":
            names.append(_sided(name, ("_L", "_R")))
    return tuple(names)


RIGS: Table[str, tuple[str, ...]] = MappingProxyType(
    {
        "arkit52": ARKIT_52,
        "livelink": tuple(name[0].upper() + name[1:] for name in ARKIT_52),
        "ifacialmocap": tuple(_sided(name, ("_L", "_R")) for name in ARKIT_52),
        "ict": _ict(),
        "vrm1": tuple(_tables["vrm1"]),
        "vrm0": tuple(_tables["vrm0"]),
        "visemes": tuple(_tables["visemes"]),
        "facs": (*ACTION_UNITS, *_tables["facs_beyond"]),
        "units": tuple(_tables["units"]),
    }
)
"""Names by rig. The first four are spellings of ARKit's channels; the two of VRM share a meaning.

``facs`` are the 27 of :data:`mien.channels.ACTION_UNITS` and ten beyond them that ARKit can say.
"""

VOCABULARIES = ("arkit52", "facs", "vrm1", "visemes", "units")
"""Whose names are what others are spellings of; the order in which a source is asked."""


class Meaning(NamedTuple):
    """What a name stands for: ``Blink_L`` is ``blinkLeft`` of ``vrm1``."""

    vocabulary: str
    name: str


_SIDE = {"L": "Left", "R": "Right"}


def _plain(name: str) -> str:
    """A name without what spellings differ in: case, separators, and how sides are marked."""
    name = re.sub(r"[ ._-]+([LRlr])$", lambda m: _SIDE[m[1].upper()], name.strip())
    return re.sub(r"[ _-]", "", name).lower()


@cache
def _dictionary() -> dict[str, Meaning]:
    known: dict[str, Meaning] = {}
    for rig in ("arkit52", "livelink", "ifacialmocap", "ict", "vrm1", "vrm0", "visemes", "facs",
                "units"):  # fmt: skip
        for name in RIGS[rig]:
            if rig == "vrm0":
                found = Meaning("vrm1", _tables["vrm0"][name])
            elif rig in ("livelink", "ifacialmocap", "ict"):
                bare = re.sub("_[LR]$", "", name)
                split = rig == "ict" and bare in ("browInnerUp", "cheekPuff")
                found = Meaning("arkit52", bare) if split else known[_plain(name)]
            else:
                found = Meaning(rig, name)
            known.setdefault(_plain(name), found)
    # AU1 and AU01 are one.
    known.update(
        {_plain(f"AU{int(m[1])}{m[2]}"): Meaning("facs", name)
         for name in RIGS["facs"] if (m := re.fullmatch(r"AU(\d+)(\w?)", name))}
    )  # fmt: skip
    return known


def meaning(name: str) -> Meaning | None:
    """What a name stands for, in whatever spelling, or None.

    Case, blanks, ``_`` and ``-`` do not count, ``_L`` and ``.R`` are sides, and what stands before
    a dot is the name of an object (``blendShape1.jawOpen``).
    """
    known = _dictionary()
    return known.get(_plain(name)) or known.get(_plain(re.sub(r"^.*\.(?=\w{3})", "", name)))


def near(name: str, known: Sequence[str]) -> str:
    """The end of a message about an unknown name: which ones it may have been meant for."""
    found = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if found:
        return f"did you mean {', '.join(found)}?"
    more = f" and {len(known) - 12} more" if len(known) > 12 else ""
    return f"known: {', '.join(known[:12])}{more}"


@cache
def table(source: str, target: str) -> Float32[Array, "t s"]:
    """Weights of the way between two of :data:`VOCABULARIES`; ``target = table @ source``, clamped.

    Raises:
        InputError: an unknown vocabulary.
    """
    for name in (source, target):
        if name not in VOCABULARIES:
            raise InputError(f"there is no vocabulary {name!r}; {near(name, VOCABULARIES)}")
    if source == target:
        return np.eye(len(RIGS[source]), dtype=np.float32)
    if target == "units":  # are driven by action units, whatever those come from
        rows = _rows(_tables["from_facs"]["units"], RIGS["units"], RIGS["facs"])
        return rows @ table(source, "facs") if source != "facs" else rows
    if source == "arkit52":
        return _rows(_tables["from_arkit"][target], RIGS[target], ARKIT_52)
    if target == "arkit52":
        return _rows(_tables["to_arkit"][source], RIGS[source], ARKIT_52).T
    return table("arkit52", target) @ table(source, "arkit52")


def _rows(
    entries: Table[str, Table[str, float]], names: Sequence[str], columns: Sequence[str]
) -> Float32[Array, "n c"]:
    """Explicit weights as a matrix; ``mouthSmile*`` are both sides."""
    matrix = np.zeros((len(names), len(columns)), np.float32)
    for name, weights in entries.items():
        for column, weight in weights.items():
            sides = ("Left", "Right") if column.endswith("*") else ("",)
            for side in sides:
                at = columns.index(column.removesuffix("*") + side)
                matrix[names.index(name), at] = weight
    return matrix


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """A way from one list of names to another.

    Attributes:
        source, target: names, each once.
        matrix: float32 (target, source).
        low, high: float32 (target,), the range of each target; 0 and 1 unless overridden.
        missing: names of the source that raise nothing in the target.
        idle: names of the target that nothing drives.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    matrix: Float32[Array, "t s"]
    low: Float32[Array, "t"]
    high: Float32[Array, "t"]
    missing: tuple[str, ...]
    idle: tuple[str, ...]

    def apply(self, weights: Float32[Array, "s"]) -> Float32[Array, "t"]:
        """Weights of the target for those of the source."""
        out = self.matrix @ weights
        np.maximum(out, self.low, out=out)
        np.minimum(out, self.high, out=out)
        return out

    def __call__(self, pose: RigPose) -> RigPose:
        """The same pose in the names of the target; rotations stay what they are.

        Raises:
            ValueError: the pose has other names than the source.
        """
        if pose.names != self.source:
            raise ValueError(
                f"the pose has {len(pose.names)} channels that begin with {pose.names[:3]}, "
                f"this mapping takes {len(self.source)} that begin with {self.source[:3]}"
            )
        return replace(pose, names=self.target, weights=self.apply(pose.weights))

    def report(self) -> str:
        """One paragraph for people: what the target lacks, and what of it nothing drives."""
        lines = []
        if self.missing:
            lines.append(f"lacks {len(self.missing)}: {', '.join(self.missing)}")
        if self.idle:
            lines.append(f"nothing drives {len(self.idle)}: {', '.join(self.idle)}")
        return "; ".join(lines) or "every channel has its target"


def mapping(
    source: str | Sequence[str],
    target: str | Sequence[str],
    *,
    rename: Table[str, str] = MappingProxyType({}),
    extra: Table[str, Table[str, float]] = MappingProxyType({}),
) -> Mapping:
    """The way from what drives to what an avatar has.

    A target is driven by the source of the same meaning. Where there is none, the tables say what
    drives it, unless the avatar has channels of its own for most of that: an avatar with jawOpen
    needs no ``aa`` on top, one with blinkLeft and blinkRight no ``blink``.

    Args:
        source: a rig of :data:`RIGS`, or names in any spelling, each taken once. One that reaches
            nothing is missing.
        target: the same. One that means nothing is idle.
        rename: for names of the target, what they stand for.
        extra: for names of the target, weights of source names, instead of what would drive them.

    Raises:
        InputError: an unknown rig, or a name in ``rename`` or ``extra`` that does not exist.
    """
    sources, targets = _names(source), _names(target)
    for name in [*rename, *extra]:
        if name not in targets:
            raise InputError(f"the avatar has no target {name!r}; {near(name, targets)}")
    matrix = _compile(sources, targets, rename)
    for name, weights in extra.items():
        row = matrix[targets.index(name)]
        row[:] = 0
        for channel, weight in weights.items():
            row[_source_places(channel, sources, name)] = weight
    return Mapping(
        sources,
        targets,
        matrix,
        low=np.zeros(len(targets), np.float32),
        high=np.ones(len(targets), np.float32),
        missing=tuple(n for n, any_ in zip(sources, (matrix > 0).any(0), strict=True) if not any_),
        idle=tuple(n for n, any_ in zip(targets, (matrix > 0).any(1), strict=True) if not any_),
    )


def _names(rig: str | Sequence[str]) -> tuple[str, ...]:
    """The names of a rig, or those given, each once."""
    if isinstance(rig, str):
        if rig not in RIGS:
            raise InputError(f"there is no rig {rig!r}; {near(rig, tuple(RIGS))}")
        return RIGS[rig]
    return tuple(dict.fromkeys(rig))


def _source_places(channel: str, sources: Sequence[str], target: str) -> list[int]:
    if channel in sources:
        return [sources.index(channel)]
    found = meaning(channel)
    places = [i for i, name in enumerate(sources) if found and meaning(name) == found]
    if not places:
        raise InputError(
            f"target {target!r}: nothing is named {channel!r}; {near(channel, sources)}"
        )
    return places


def _compile(
    sources: tuple[str, ...], targets: tuple[str, ...], rename: Table[str, str]
) -> Float32[Array, "t s"]:
    """The matrix of a mapping; see :func:`mapping` for the rules."""
    spelt = {_plain(name): i for i, name in enumerate(sources)}
    given: dict[Meaning, list[int]] = {}  # places of the sources by what they mean
    for i, name in enumerate(sources):
        if found := meaning(name):
            given.setdefault(found, []).append(i)
    wanted = [meaning(rename.get(name, name)) for name in targets]
    # For each target its weights on canonical names, where no source means the same.
    matrix = np.zeros((len(targets), len(sources)), np.float32)
    tabled: list[int] = []
    for row, (name, want) in enumerate(zip(targets, wanted, strict=True)):
        if (same := spelt.get(_plain(rename.get(name, name)))) is not None:
            matrix[row, same] = 1  # left to left, where both are split
        elif want in given:
            places = given[want]
            matrix[row, places] = 1 / len(places)
        elif want:
            matrix[row] = _by_table(want, given, len(sources))
            tabled.append(row)
    direct = np.ones(len(targets), bool)
    direct[tabled] = False
    heard = (matrix[direct] > 0).any(0)
    has = {want.name for want in wanted if want}
    for row in tabled:
        want = wanted[row]
        positive = np.maximum(matrix[row], 0)
        others = _tables["spoken_for"].get(want.name if want else "", ())
        if (others and has.issuperset(others)) or positive[heard].sum() > positive.sum() / 2 - 1e-6:
            matrix[row] = 0
    return matrix


def _by_table(want: Meaning, given: Table[Meaning, list[int]], count: int) -> Float32[Array, "s"]:
    """Weights by the first vocabulary of the source that has some."""
    row = np.zeros(count, np.float32)
    for vocabulary in VOCABULARIES:
        weights = _row_of(vocabulary, want)
        for name, weight in zip(RIGS[vocabulary], weights.tolist(), strict=True):
            places = given.get(Meaning(vocabulary, name))
            if weight and places:
                row[places] = weight / len(places)
        if (row > 0).any():
            break
        row[:] = 0
    return row


@lru_cache(maxsize=1024)
def _row_of(vocabulary: str, want: Meaning) -> Float32[Array, "s"]:
    weights: Array = table(vocabulary, want.vocabulary)[RIGS[want.vocabulary].index(want.name)]
    return weights


_HEADING = "## Tables\n"


def document(page: str) -> str:
    """The page ``docs/rigs.md`` with its last part, the tables, as they are now."""
    parts = [page.partition(_HEADING)[0] + _HEADING, "| rig | names |", "|---|---|"]
    for rig, known in RIGS.items():
        spelling = rig in ("livelink", "ifacialmocap", "ict")
        shown = (*known[:3], "...", known[-1]) if spelling else known
        parts.append(f"| `{rig}` ({len(known)}) | {', '.join(shown)} |")
    ways = [("arkit52", target) for target in ("vrm1", "visemes", "facs")]
    ways += [("facs", "units")]
    ways += [(source, "arkit52") for source in ("vrm1", "visemes", "facs", "units")]
    for source, target in ways:
        # Towards ARKit it reads better by what is asked for than by what moves.
        out = target == "arkit52"
        weights = table(source, target).T if out else table(source, target)
        names, others = (source, target) if out else (target, source)
        parts += ["", f"### {source} to {target}", ""]
        parts += [f"| `{names}` | {'drives' if out else 'is driven by'} `{others}` |", "|---|---|"]
        for name, row in zip(RIGS[names], weights, strict=True):
            cell = _sum(dict(zip(RIGS[others], row.tolist(), strict=True)))
            parts.append(f"| {name} | {cell or '–'} |")
    return "\n".join(parts) + "\n"


def _sum(weights: dict[str, float]) -> str:
    """``0.5 mouthSmile* - 0.3 jawOpen``; a ``*`` is both sides."""
    terms = []
    for name, weight in weights.items():
        bare = name.removesuffix("Left").removesuffix("Right")
        both = weight and weights.get(bare + "Left") == weights.get(bare + "Right") == weight
        if not weight or (both and name.endswith("Right")):
            continue
        sign = "+" if weight > 0 else "−"
        factor = "" if abs(weight) == 1 else f"{abs(weight):g} "
        terms.append(f"{sign} {factor}{bare + '*' if both else name}")
    return " ".join(terms).removeprefix("+ ")


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/rigs.md")
    target.write_text(document(target.read_text("utf-8")), "utf-8")
