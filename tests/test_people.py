"""Calibrations on the disk: named after people, whole or not there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien import people
from mien.errors import InputError, OutputError
from mien.retarget.calibrate import Calibration


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def calibration(name: str = "Ada", neutral: float = 0.1) -> Calibration:
    neutrals = np.full(52, neutral, np.float32)
    scales = np.full(52, 1 + neutral, np.float32)
    return Calibration(name, "head", "0" * 64, "facemesh", neutrals, scales)


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ("Ada", "Ada"),
        ("  Ada  Lovelace ", "Ada-Lovelace"),
        ("Zoë 李", "Zoë-李"),
        ("../../etc/passwd", "etc-passwd"),
        ("a/b\\c:d*e", "a-b-c-d-e"),
        (".hidden.", "hidden"),
        ("A\u0308da", "Äda"),
        ("con", "_con"),
        ("tab\tand\nline\0", "tab-and-line"),
    ],
)
def test_names_become_names_of_files(given: str, cleaned: str) -> None:
    assert people.clean_name(given) == cleaned
    assert people.file(given).parent == people.folder()


@pytest.mark.parametrize("name", ["", " ", "../", "***", "_", "x" * 65, "\0"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="name"):
        people.clean_name(name)


def test_what_is_saved_is_found_again(home: Path) -> None:
    assert people.names() == []
    path = people.save(calibration("Ada L."))
    people.save(calibration("bob"))
    assert path == home / "people" / "Ada-L.json"
    assert people.names() == ["Ada-L", "bob"]
    again = people.load("Ada L.")
    np.testing.assert_allclose(again.neutral, 0.1, atol=1e-4)
    assert (again.name, again.head) == ("Ada L.", "head")
    assert people.find("Ada L.").name == people.find(str(path)).name == "Ada L."
    assert not list(path.parent.glob("*.part"))


def test_a_person_is_learnt_anew_in_one_step() -> None:
    people.save(calibration(neutral=0.1))
    people.save(calibration(neutral=0.2))
    assert people.load("Ada").neutral[0] == pytest.approx(0.2)
    assert people.names() == ["Ada"]


def test_who_is_not_there_is_named_with_who_is() -> None:
    people.save(calibration())
    with pytest.raises(InputError, match=r"no calibration of 'Bob' .there is: Ada.*--name 'Bob'"):
        people.load("Bob")
    with pytest.raises(InputError, match="there is: Ada"):
        people.delete("Bob")
    people.delete("Ada")
    with pytest.raises(InputError, match="nobody yet"):
        people.load("Ada")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no calibration .*x\.json"):
        people.find(str(tmp_path / "x.json"))


@pytest.mark.parametrize(
    ("text", "told"),
    [("{", "is no calibration"), ("[]", "is no calibration"), ("{}", "format 1, got None")],
)
def test_a_damaged_file_is_named(text: str, told: str) -> None:
    path = people.save(calibration())
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=told) as raised:
        people.load("Ada")
    assert "Ada.json" in str(raised.value)


def test_a_file_edited_out_of_bounds_is_refused() -> None:
    path = people.save(calibration())
    table = json.loads(path.read_text("utf-8"))
    table["channels"]["eyeBlinkLeft"]["scale"] = 1.0
    path.write_text(json.dumps(table), "utf-8")
    with pytest.raises(InputError, match="eyes from closing"):
        people.load("Ada")


def test_a_folder_that_cannot_be_written_is_told(home: Path) -> None:
    home.mkdir()
    (home / "people").write_text("a file in its place")
    with pytest.raises(OutputError, match="taken by a file"):
        people.save(calibration())
    assert people.names() == []


def test_there_is_an_end_to_the_people_that_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "_MOST", 2)
    people.save(calibration("Ada"))
    people.save(calibration("Bob"))
    people.save(calibration("Ada"))
    with pytest.raises(InputError, match="delete some"):
        people.save(calibration("Cy"))
