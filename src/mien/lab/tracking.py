"""MLflow, for those who compare many runs: optional, and a store on this machine.

Nothing else depends on it; the run's folder holds all of it without.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import InputError
from .training import Row

__all__ = ["Tracking", "tracking", "ui"]


class Tracking:
    """What a training tells MLflow."""

    def __init__(self, mlflow: Any) -> None:
        self._mlflow = mlflow

    def epoch(self, row: Row) -> None:
        """One row of the history."""
        figures = {k: v for k, v in row.items() if k != "epoch"}
        self._mlflow.log_metrics(figures, step=int(row["epoch"]))

    def figures(self, figures: Mapping[str, float]) -> None:
        """What came of it in the end, by name."""
        self._mlflow.log_metrics(dict(figures))

    def file(self, path: Path) -> None:
        """Something that the run made."""
        self._mlflow.log_artifact(str(path))


@contextmanager
def tracking(name: str, recipe: Mapping[str, Any], folder: Path) -> Iterator[Tracking]:
    """Log a run of an experiment to ``mlflow.db`` and ``mlartifacts`` in a folder.

    Args:
        name: of the experiment; each training is a run of it.
        recipe: see :meth:`mien.lab.recipe.Recipe.as_dict`.
        folder: of the store; `mien lab ui` shows it.

    Raises:
        InputError: MLflow is not installed.
    """
    if find_spec("mlflow") is None:
        raise InputError("--mlflow needs MLflow: pip install mlflow, or leave the option out")
    mlflow = _silent()
    for noisy in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    if mlflow.get_experiment_by_name(name) is None:
        mlflow.create_experiment(name, (folder / "mlartifacts").as_uri())
    mlflow.set_experiment(name)
    with mlflow.start_run():
        mlflow.log_params(_flat(recipe))
        yield Tracking(mlflow)


@contextmanager
def ui(folder: Path, host: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """MLflow's own page about a store, served as long as the block runs.

    Args:
        folder: see :func:`tracking`.
        host: address to listen on.
        port: and port.

    Raises:
        InputError: MLflow is not installed, or nothing has been logged there.
    """
    if find_spec("mlflow") is None:
        raise InputError("this shows runs by MLflow, which is missing: pip install mlflow")
    store = folder.absolute() / "mlflow.db"
    if not store.is_file():
        raise InputError(
            f"there is no store {store}: `mien train --mlflow`, `mien bench emotions --mlflow` and "
            "`mien bench search` fill it; --runs names another folder"
        )
    _silent()  # which the server inherits
    command = [
        sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", f"sqlite:///{store}",
        "--host", host, "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    with subprocess.Popen(command) as server:  # noqa: S603 - of our own making
        try:
            yield server
        finally:
            server.terminate()


def _silent() -> Any:
    """MLflow, which would tell its makers about every run."""
    mlflow = import_module("mlflow")
    import_module("mlflow.environment_variables").MLFLOW_DISABLE_TELEMETRY.set(True)
    import_module("mlflow.telemetry").set_telemetry_client()
    return mlflow


def _flat(table: Mapping[str, Any], where: str = "") -> dict[str, str]:
    """``{"train": {"lr": 1}}`` -> ``{"train.lr": "1"}``; MLflow takes at most 6,000 letters."""
    flat: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{where}{key}.")
        else:
            flat[f"{where}{key}"] = str(value)[:6000]
    return flat
