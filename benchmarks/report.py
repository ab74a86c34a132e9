"""What a benchmark returns, and how it is written down."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results" / "speed.json"
PAGE = ROOT / "docs" / "speed.md"


@dataclass(frozen=True)
class Line:
    """One measured figure and what it was aimed at.

    Attributes:
        name: what was measured.
        value: the figure.
        unit: ``x`` for a ratio against the reference of the same run.
        target: as in ``<= 1.15``.
        detail: the absolute values behind the figure.
        command: what measures it again.
    """

    name: str
    value: float
    unit: str
    target: str
    detail: str
    command: str

    @property
    def met(self) -> bool:
        """Whether the figure meets its target."""
        relation, bound = self.target.split()[:2]
        return self.value <= float(bound) if relation == "<=" else self.value >= float(bound)


def save(lines: list[Line]) -> None:
    """Merge the lines into ``results/speed.json`` and write ``docs/speed.md`` from it."""
    known: dict[str, dict[str, object]] = {}
    if RESULTS.exists():
        known = {line["name"]: line for line in json.loads(RESULTS.read_text("utf-8"))["lines"]}
    known.update({line.name: asdict(line) for line in lines})
    machine = {
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    data = {"machine": machine, "lines": list(known.values())}
    RESULTS.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(data), "utf-8")


def page(data: dict[str, object]) -> str:
    """``docs/speed.md`` for the content of ``results/speed.json``."""
    machine = data["machine"]
    assert isinstance(machine, dict)
    rows = [Line(**line) for line in data["lines"]]  # type: ignore[attr-defined]
    table = "\n".join(
        f"| {r.name} | {r.value:.2f} {r.unit} | {r.target} | {'yes' if r.met else 'no'} "
        f"| {r.detail} | `{r.command}` |"
        for r in rows
    )
    return (
        "# Speed\n\n"
        "Written by `make bench` from `results/speed.json`; do not edit. A ratio (x) compares with "
        "a reference that was measured in the same run, on the same frames.\n\n"
        f"Measured on {machine['system']} {machine['machine']}, {machine['cores']} cores, "
        f"Python {machine['python']}.\n\n"
        "| what | figure | target | met | detail | measure again |\n"
        "|---|---|---|---|---|---|\n" + table + "\n"
    )
