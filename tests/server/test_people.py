"""``/calibrations``: who is known, and how to be forgotten."""

import numpy as np
import pytest

from mien import people
from mien.retarget.calibrate import Calibration

TOKEN = "a-token-of-some-length"  # noqa: S105


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))


def keep(name: str, head: str = "ruler") -> None:
    neutral, scale = np.zeros(52, np.float32), np.ones(52, np.float32)
    people.save(Calibration(name, head, "0" * 64, "fake", neutral, scale, "2026-01-01T00:00:00"))


def test_nobody_is_known_at_first(client):
    assert client.get("/calibrations").json() == {"calibrations": []}


def test_everybody_is_listed_with_what_is_wrong(client):
    keep("Ada L.")
    keep("Bob", head="yours")
    keep("Cy")
    people.file("Cy").write_text("{")
    ada, bob, cy = client.get("/calibrations").json()["calibrations"]
    assert ada == {
        "name": "Ada L.", "head": "ruler", "engine": "fake", "created": "2026-01-01T00:00:00",
        "trouble": None,
    }  # fmt: skip
    assert "learnt with the head yours" in bob["trouble"]
    assert (cy["name"], "no calibration" in cy["trouble"]) == ("Cy", True)


@pytest.mark.parametrize("name", ["Ada L.", "Ada-L", "Ada%20L."])
def test_a_person_can_be_forgotten(client, name):
    keep("Ada L.")
    assert client.delete(f"/calibrations/{name}").status_code == 204
    assert people.names() == []
    again = client.delete(f"/calibrations/{name}")
    assert (again.status_code, again.json()["error"]["code"]) == (404, "not_found")


def test_what_is_no_name_is_refused(client):
    assert client.delete("/calibrations/***").status_code == 422
    assert client.delete("/calibrations/..%2F..%2Fhome").status_code in (404, 405)


def test_the_token_is_asked_for(make_client):
    client = make_client(token=TOKEN)
    keep("Ada")
    assert client.get("/calibrations").status_code == 401
    assert client.delete("/calibrations/Ada").status_code == 401
    assert people.names() == ["Ada"]
    given = {"Authorization": f"Bearer {TOKEN}"}
    assert len(client.get("/calibrations", headers=given).json()["calibrations"]) == 1
    assert client.delete("/calibrations/Ada", headers=given).status_code == 204


def test_another_site_may_not_forget_anybody(client):
    keep("Ada")
    answer = client.delete("/calibrations/Ada", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert people.names() == ["Ada"]
