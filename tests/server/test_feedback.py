"""``/feedback``: what is taken, what is refused, and that it can be taken back."""

import base64
import json
import sqlite3
from uuid import UUID

import pytest

pytest.importorskip("sqlalchemy", reason="feedback: pip install 'mien[feedback]'")

from mien.feedback import LABELS, Desk
from mien.feedback import desk as desks
from mien.feedback.consent import CURRENT
from mien.heads import HeadId
from mien.server import feedback
from mien.server.feedback import models
from mien.server.settings import Settings
from mien.topology import CANONICAL

TOKEN = "a-token-of-some-length"  # noqa: S105
SENDER = "a-random-token-of-one-browser"
HEAD = HeadId("emotion", "1", "cd" * 32)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(feedback, "models", lambda settings: [HEAD])
    return tmp_path / "home"


def points(scale: float = 20) -> str:
    return base64.b64encode((CANONICAL * scale + 300).astype("<f4").tobytes()).decode()


def correction(number: int = 1, **changes: object) -> dict[str, object]:
    return {
        "id": str(UUID(int=number)),
        "token": SENDER,
        "consent": CURRENT,
        "model": HEAD.name,
        "version": HEAD.version,
        "engine": "facemesh",
        "said": [0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],
        "label": "happy",
        "size": [640, 480],
        "landmarks": points(),
    } | changes  # fmt: skip


def kept(home) -> list:
    desk = Desk(None, home / "feedback")
    found = list(desk.submissions())
    desk.close()
    return found


def test_it_says_how(client):
    answer = client.get("/feedback").json()
    assert answer["available"] is True
    assert answer["problem"] is None
    assert answer["labels"] == list(LABELS)
    assert answer["models"] == {"emotion": "1"}
    assert answer["consent"]["version"] == CURRENT
    assert "delete" in answer["consent"]["text"]


def test_a_correction_is_stored_once(client, home):
    states = [client.post("/feedback", json=correction()).json() for _ in range(2)]
    assert states == [{"state": "stored"}, {"state": "known"}]
    (found,) = kept(home)
    assert (found.label, found.told, found.crop) == ("happy", "angry", None)
    assert found.model.sha256 == HEAD.sha256, "the server knows which weights ran"
    assert SENDER not in str(found)
    raw = b"".join(p.read_bytes() for p in (home / "feedback").iterdir())
    assert SENDER.encode() not in raw, "the token itself is nowhere"


def test_who_thinks_again_has_the_last_word(client, home):
    """The page sends the same id when an answer was lost, whatever is chosen then."""
    states = [
        client.post("/feedback", json=correction(label=label)).json()["state"]
        for label in ("happy", "sad", "sad")
    ]
    assert states == ["stored", "stored", "known"]
    assert [s.label for s in kept(home)] == ["sad"]


def test_each_head_is_named_once():
    default = models(Settings())
    assert default
    assert len(set(default)) == len(default)
    assert set(models(Settings(emotion="none"))) == set(default)


def test_a_head_that_was_trained_anew_does_not_get_the_words_of_the_one_before(
    client, home, monkeypatch
):
    """The one before still runs where it was loaded."""
    anew = HeadId("emotion", "2", "ef" * 32)
    monkeypatch.setattr(feedback, "models", lambda settings: [anew])
    for number, version in ((1, "1"), (2, "2")):
        sent = client.post("/feedback", json=correction(number, version=version))
        assert sent.json() == {"state": "stored"}
    assert {s.id.int: s.model.sha256 for s in kept(home)} == {1: HEAD.sha256, 2: anew.sha256}
    assert client.post("/feedback", json=correction(3, version="3")).status_code == 422


def test_a_picture_is_kept_when_it_is_given(client, home):
    crop = base64.b64encode(bytes(range(48)) * 48).decode()
    client.post("/feedback", json=correction(crop=crop))
    assert kept(home)[0].crop[7].tolist() == list(range(48))


def test_it_is_taken_back_and_all_is_deleted(make_client, home):
    client = make_client(feedback_rate=100)
    for n in (1, 2, 3):
        client.post("/feedback", json=correction(n))
    client.post("/feedback", json=correction(4, token=SENDER + "-two"))
    others = client.post("/feedback/withdraw", json={"id": str(UUID(int=4)), "token": SENDER})
    assert others.json() == {"submissions": 0, "queued": False}
    mine = client.post("/feedback/withdraw", json={"id": str(UUID(int=1)), "token": SENDER})
    assert mine.json() == {"submissions": 1, "queued": False}
    everything = client.post("/feedback/forget", json={"token": SENDER})
    assert everything.json() == {"submissions": 2, "queued": False}
    assert [s.id.int for s in kept(home)] == [4]
    late = client.post("/feedback", json=correction(5))
    assert late.status_code == 422
    assert "reload the page" in late.text


def test_a_locked_database_is_waited_for(client, home):
    client.post("/feedback", json=correction(1))
    with sqlite3.connect(home / "feedback" / "feedback.sqlite", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert client.post("/feedback", json=correction(2)).json() == {"state": "queued"}
        gone = client.post("/feedback/forget", json={"token": SENDER + "-two"}).json()
        assert gone == {"submissions": None, "queued": True}
        other.execute("ROLLBACK")
    other.close()
    assert [s.id.int for s in kept(home)] == [1, 2]


@pytest.mark.parametrize(
    ("change", "status", "code", "words"),
    [
        ({"consent": "0"}, 422, "invalid_value", "nothing is stored without it"),
        ({"consent": None}, 422, "invalid_value", "consent"),
        ({"label": "hungry"}, 422, "invalid_value", "the label is one of"),
        ({"label": ""}, 422, "invalid_value", "the label is one of"),
        ({"token": "short"}, 422, "invalid_value", "22 to 128"),
        ({"id": "7"}, 422, "invalid_value", "id"),
        ({"said": [1.0]}, 422, "invalid_value", "said"),
        ({"said": [1.0] * 7}, 422, "invalid_value", "sum 1"),
        ({"landmarks": "AAAA"}, 422, "invalid_value", "5736 bytes"),
        ({"landmarks": points(0)}, 422, "invalid_value", "no face"),
        ({"landmarks": points(1e30)}, 422, "invalid_value", "points of a picture"),
        ({"crop": "AAAA"}, 422, "invalid_value", "2304 bytes"),
        ({"crop": "x" * 5000}, 422, "invalid_value", "crop"),
        ({"size": [0, 0]}, 422, "invalid_value", "width and height"),
        ({"model": "another"}, 422, "invalid_value", "no emotion head another 1"),
        ({"version": "2"}, 422, "invalid_value", "there is: emotion 1"),
        ({"more": True}, 422, "invalid_value", "more"),
        ({"label": "x" * 40_000}, 413, "too_large", "at most 32,768"),
    ],
)  # fmt: skip
def test_what_is_refused(client, home, change, status, code, words):
    answer = client.post("/feedback", json=correction(**change))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert words in f"{error['message']}; {error['hint']}"
    assert not (home / "feedback").exists()


@pytest.mark.parametrize("path", ["/feedback", "/feedback/withdraw", "/feedback/forget"])
@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"", "application/json", 422),
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"\xff\x00", "application/json", 422),
        (b"{}", "application/json", 422),
        (b"x" * 40_000, "application/json", 413),
        (json.dumps(correction()).encode(), "text/plain", 415),
        (b"a=b", "application/x-www-form-urlencoded", 415),
    ],
)
def test_garbage(client, path, body, media, status):
    answer = client.post(path, content=body, headers={"Content-Type": media})
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_the_servers_token_is_asked_for(make_client, home):
    client = make_client(token=TOKEN)
    assert client.get("/feedback").status_code == 401
    assert client.post("/feedback", json=correction()).status_code == 401
    assert client.post("/feedback/forget", json={"token": SENDER}).status_code == 401
    assert not (home / "feedback").exists()
    given = {"Authorization": f"Bearer {TOKEN}"}
    assert client.post("/feedback", json=correction(), headers=given).status_code == 200


def test_pages_of_other_sites_may_not_send(client, home):
    answer = client.post("/feedback", json=correction(), headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert not (home / "feedback").exists()


def test_nobody_sends_too_often(make_client):
    client = make_client(feedback_rate=0.001)
    assert client.post("/feedback", json=correction(1)).status_code == 200
    often = client.post("/feedback", json=correction(2))
    assert (often.status_code, often.json()["error"]["code"]) == (429, "rate_limited")
    assert int(often.headers["Retry-After"]) > 0
    assert client.get("/feedback").status_code == 200


def test_without_its_libraries_it_says_so(client, monkeypatch):
    monkeypatch.setattr(desks, "find_spec", lambda name: None)
    monkeypatch.setattr(feedback, "missing", desks.missing)
    answer = client.get("/feedback").json()
    assert answer["available"] is False
    assert "mien[feedback]" in answer["problem"]
    refused = client.post("/feedback", json=correction())
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "busy")


def test_what_waits_is_stored_while_the_server_runs(home):
    import asyncio

    from mien.feedback import Model, Submission, person_of

    values = correction()
    waiting = Desk(None, home / "feedback")
    waiting.queue.add(
        Submission.from_values(
            id=UUID(int=1), person=person_of(SENDER), model=Model(*HEAD), crop=None,
            **{k: values[k] for k in ("consent", "engine", "said", "label", "size", "landmarks")},
        )
    )  # fmt: skip

    async def run() -> None:
        async with feedback.draining(waiting, 0.01):
            while not waiting.queue.empty:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(run(), 60))
    assert len(kept(home)) == 1


def test_an_error_that_nobody_thought_of_does_not_end_it(caplog):
    import asyncio

    class Broken:
        asked = closed = 0

        def drain(self) -> int:
            self.asked += 1
            raise RuntimeError("nobody thought of it")

        def close(self) -> None:
            self.closed += 1

    desk = Broken()

    async def run() -> None:
        async with feedback.draining(desk, 0.001):
            while desk.asked < 5:
                await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(run(), 60))
    assert desk.closed == 1
    said = [record for record in caplog.records if "nobody thought of it" in record.getMessage()]
    assert len(said) == 1, "told, and once"
