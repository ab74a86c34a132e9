from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

from mien.errors import InputError
from mien.lab import tracking


def test_without_mlflow_it_is_said_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tracking, "find_spec", lambda _: None)
    with (
        pytest.raises(InputError, match="pip install mlflow, or leave the option out"),
        tracking.tracking("tiny", {}, tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    ("table", "flat"),
    [
        ({}, {}),
        ({"a": 1, "b": {"c": [1], "d": {"e": "x"}}}, {"a": "1", "b.c": "[1]", "b.d.e": "x"}),
        ({"a": "y" * 9000}, {"a": "y" * 6000}),
    ],
)
def test_recipes_become_parameters(table: dict[str, Any], flat: dict[str, str]) -> None:
    assert tracking._flat(table) == flat


@pytest.mark.filterwarnings("ignore")  # those of MLflow's own libraries are not ours
def test_a_run_is_kept_in_a_store_of_ones_own(tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="in the lab extra")
    made = tmp_path / "tiny.txt"
    made.write_text("x")
    with tracking.tracking("tiny", {"train": {"lr": 0.1}}, tmp_path / "store") as log:
        log.epoch({"epoch": 1, "validation": 0.5, "lr": 0.1})
        log.epoch({"epoch": 2, "validation": 0.25, "lr": 0.1})
        log.file(made)
    with sqlite3.connect(tmp_path / "store" / "mlflow.db") as store:
        rows = store.execute("select key, step, value from metrics order by key, step").fetchall()
        assert ("validation", 1, 0.5) in rows
        assert ("validation", 2, 0.25) in rows
        assert store.execute("select value from params where key='train.lr'").fetchall() == [
            ("0.1",)
        ]
        assert store.execute("select status from runs").fetchall() == [("FINISHED",)]
    store.close()
    assert [p.name for p in (tmp_path / "store" / "mlartifacts").rglob("*.txt")] == ["tiny.txt"]
    assert not (tmp_path / "mlruns").exists()
    import mlflow.telemetry

    assert mlflow.telemetry.get_telemetry_client() is None
