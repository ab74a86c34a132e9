"""FER-2013's table and the votes of FER+: where they may lie, what they say, what is refused."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mien.channels import EMOTIONS
from mien.errors import InputError
from mien.lab.datasets.fer_csv import Table, table_in, votes_of

TITLES = "emotion,pixels,Usage"
VOTES = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


def row(emotion: object = 3, level: int = 0, usage: str = "Training") -> str:
    return f"{emotion},{' '.join([str(level)] * 2304)},{usage}"


ROWS = (row(0, 10), row(3, 20, "PublicTest"), row(6, 30, "PrivateTest"))


def written(place: Path, lines: Sequence[str] = ROWS, titles: str = TITLES) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("\n".join([titles, *lines]) + "\n")
    return place


def zipped(place: Path, **files: str) -> Path:
    with zipfile.ZipFile(place, "w") as opened:
        for name, text in files.items():
            opened.writestr(name.replace("__", "/") + ".csv", text)
    return place


@pytest.mark.parametrize("where", ["alone", "folder", "zip", "deep in a zip", "the other name"])
def test_the_table_is_found(where: str, tmp_path: Path) -> None:
    text = "\n".join([TITLES, *ROWS])
    if where == "alone":
        written(tmp_path / "fer2013.csv")
    elif where == "folder":
        written(tmp_path / "fer2013" / "fer2013.csv")
    elif where == "the other name":  # with its columns in another order, and spaces
        lines = [f"{e}, {u}, {p}" for e, p, u in (line.split(",") for line in ROWS)]
        written(tmp_path / "icml_face_data.csv", lines, "emotion, Usage, pixels")
    else:
        name = "fer2013" if where == "zip" else "data__fer2013"
        zipped(tmp_path / "fer2013.zip", **{name: text})
    table = table_in(tmp_path, 192)
    assert table is not None
    assert table.members == ("Training_00000", "PublicTest_00001", "PrivateTest_00002")
    rows = table.rows()
    assert [EMOTIONS[i] for i in rows.emotion] == ["angry", "happy", "neutral"]
    picture = table.raw("PublicTest_00001")
    assert picture is not None
    assert (picture == 20).all()
    seen = table.read("PublicTest_00001")
    assert seen is not None
    assert seen.shape == (272, 272, 3)


def test_no_table_is_none(tmp_path: Path) -> None:
    assert table_in(tmp_path, 192) is None
    zipped(tmp_path / "fer2013.zip", other="text")
    assert table_in(tmp_path, 192) is None


def test_the_table_is_read_once(tmp_path: Path, home: Path) -> None:
    path = written(tmp_path / "fer2013.csv")
    assert table_in(tmp_path, 0) == table_in(tmp_path, 0)
    assert len(list((home / "lab").glob("fer2013-rows-*.npz"))) == 1
    path.write_text(path.read_text().replace("Training", "PublicTest"))
    again = table_in(tmp_path, 0)
    assert again is not None
    assert again.members[0] == "PublicTest_00000"


@pytest.mark.parametrize(
    "pixels", ["", "1 2 3", " ".join(["1"] * 2303 + ["x"]), " ".join(["256"] * 2304), "-1 " * 2304]
)
def test_a_row_without_a_picture_is_damaged(pixels: str, tmp_path: Path) -> None:
    written(tmp_path / "fer2013.csv", [f"3,{pixels},Training", row()])
    table = table_in(tmp_path, 0)
    assert table is not None
    assert table.rows().there.tolist() == [False, True]
    assert table.raw(table.members[0]) is None


@pytest.mark.parametrize(
    ("titles", "lines", "message"),
    [
        ("pixels,Usage", ["1,Training"], "lacks the column emotion: expected emotion, pixels, Us"),
        ("", [], "lacks the column emotion.*found nothing"),
        (TITLES, [], "has titles alone; expected a row for each of 35,887 pictures"),
        (TITLES, [row(7)], "row 0: emotion is 0 to 6 .angry, disgust, .*; got '7'"),
        (TITLES, [row(), row("happy")], "row 1: emotion is 0 to 6"),
        (TITLES, [row(usage="Test")], "row 0: Usage is one of .'Training', .*; got 'Test'"),
        (TITLES, ["3,1 2"], "row 0: Usage is one of .*; got ''"),  # cut off
    ],
)
def test_another_table_is_refused(
    titles: str, lines: list[str], message: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "fer2013.csv", lines, titles)
    with pytest.raises(InputError, match=message) as error:
        table_in(tmp_path, 0)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("data", "message"), [(b"\xff\xfe\x00", "fetch it again"), (b"a\x00b\rc,d", "fetch it|lacks")]
)
def test_bytes_that_are_no_table(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "fer2013.csv").write_bytes(data)
    with pytest.raises(InputError, match=message):
        table_in(tmp_path, 0)


def test_a_damaged_zip_file(tmp_path: Path) -> None:
    place = zipped(tmp_path / "fer2013.zip", fer2013="\n".join([TITLES, *ROWS]))
    data = bytearray(place.read_bytes())
    data[60] ^= 255
    place.write_bytes(data)
    with pytest.raises(InputError, match="cannot be read to its end"):
        table_in(tmp_path, 0)
    place.write_bytes(b"PK")
    with pytest.raises(InputError, match="no whole zip file"):
        table_in(tmp_path, 0)


def voted(folder: Path, *votes: str) -> Table:
    """A table with as many rows of Training, and these votes beside it."""
    written(folder / "fer2013.csv", [row()] * len(votes))
    written(folder / "fer2013new.csv", [f"Training,{line}" for line in votes], VOTES)
    table = table_in(folder, 0)
    assert table is not None
    return table


@pytest.mark.parametrize(
    ("votes", "share", "reason"),
    [
        # neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, NF
        ("fer1.png,0,10,0,0,0,0,0,0,0,0", {"happy": 1.0}, ""),
        ("fer1.png,4,0,0,1,3,2,0,0,0,0", {"neutral": 4 / 9, "angry": 3 / 9, "disgust": 2 / 9}, ""),
        ("fer1.png,0,0,6,0,0,0,2,2,0,0", {"surprise": 0.75, "fear": 0.25}, ""),
        ("fer1.png,0,0,0,4,0,0,0,4,1,1", {"sad": 1.0}, ""),  # equals stay
        (",0,0,0,0,0,0,0,0,0,10", {}, "no face"),
        ("fer1.png,1,1,0,0,0,0,0,0,2,6", {}, "no face"),
        ("fer1.png,4,0,0,0,0,0,0,6,0,0", {}, "contempt"),
        ("fer1.png,3,0,0,1,0,0,0,1,5,0", {}, "unknown"),
        ("fer1.png,1,1,1,1,1,1,1,1,1,1", {}, "unknown"),  # no two agree
    ],
)
def test_what_votes_say(votes: str, share: dict[str, float], reason: str, tmp_path: Path) -> None:
    said = votes_of(voted(tmp_path, votes))
    assert said.reason == (reason,)
    expected = [share.get(name, 0.0) for name in EMOTIONS]
    np.testing.assert_allclose(said.share[0], expected, rtol=1e-6)


def test_votes_lie_in_the_zip_file_too(tmp_path: Path) -> None:
    votes = f"{VOTES}\nTraining,fer0.png,0,10,0,0,0,0,0,0,0,0\n"
    table = f"{TITLES}\n{row()}\n"
    zipped(tmp_path / "fer2013.zip", data__fer2013=table, data__fer2013new=votes)
    found = table_in(tmp_path, 0)
    assert found is not None
    assert votes_of(found).share[0].argmax() == EMOTIONS.index("happy")


@pytest.mark.parametrize(
    ("lines", "titles", "message"),
    [
        (None, VOTES, "votes: expected fer2013new.csv .from FER.* beside"),
        ([], VOTES, "has votes on 0 rows, the table .* 1; expected the same rows"),
        (["Training,a" + ",1" * 10] * 2, VOTES, "row 1: the votes are about 'Training'.* nothing"),
        (["PublicTest,a" + ",1" * 10], VOTES, "row 0: the votes are about 'PublicTest'.*Training"),
        (["Training,a" + ",x" * 10], VOTES, "row 0: votes are numbers"),
        (["Training,a,1,2"], VOTES, "row 0: votes are numbers"),
        (["Training,1"], "Usage,neutral", "lacks the column Image name"),
    ],
)  # fmt: skip
def test_votes_on_something_else_are_refused(
    lines: list[str] | None, titles: str, message: str, tmp_path: Path
) -> None:
    written(tmp_path / "fer2013.csv", [row()])
    if lines is not None:
        written(tmp_path / "fer2013new.csv", lines, titles)
    table = table_in(tmp_path, 0)
    assert table is not None
    with pytest.raises(InputError, match=message):
        votes_of(table)
