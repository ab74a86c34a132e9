from __future__ import annotations

import dataclasses
import errno
import socket
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mien import doctor, zoo
from mien.doctor import Camera, Finding, Machine, examine

LIBGL = "libGL.so.1: cannot open shared object file: No such file or directory"
AV = SimpleNamespace(
    __version__="18", codec=SimpleNamespace(Codec=lambda *_: SimpleNamespace(name="libx264"))
)


def loader(**broken: Exception) -> Callable[[str], Any]:
    """Imports of which some fail."""

    def load(name: str) -> Any:
        if name in broken:
            raise broken[name]
        return AV if name == "av" else SimpleNamespace(__version__="1.0")

    return load


@pytest.fixture
def well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine on which nothing is wrong."""
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    studio, sources = tmp_path / "index.html", tmp_path / "package.json"
    studio.touch()
    sources.touch()
    return Machine(
        system="Linux",
        family="ubuntu debian",
        python=(3, 11),
        load=loader(),
        version=lambda _: "4.11.0.86",
        library=lambda _: None,
        engines=lambda: {"facemesh": None, "facelandmarker": None},
        heads=lambda: {"arkit52": None},
        model_problem=lambda _: None,
        free=lambda _: 10**12,
        writable=lambda _: True,
        cameras=lambda: [Camera("/dev/video0", "A Camera", True)],
        node=lambda: "22.12.0",
        port_is_free=lambda _: True,
        studio=studio,
        sources=sources,
    )


def unwell(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings if finding.status != "ok"}


def test_on_a_machine_where_all_is_well(well: Machine) -> None:
    findings = examine(machine=well)
    assert not unwell(findings)
    names = [finding.name for finding in findings]
    assert len(set(names)) == len(names)
    assert all(finding.detail and finding.remedy is None for finding in findings)


@pytest.mark.parametrize(
    ("change", "name", "status", "detail", "remedy"),
    [
        ({"python": (3, 9)}, "Python", "missing", "3.9;", "Python 3.11"),
        ({"python": (3, 14)}, "Python", "missing", "3.14;", "Python 3.11"),
        (
            {"heads": lambda: {"arkit52": "is damaged"}},
            "head arkit52", "missing", "is damaged", "install mien again",
        ),
        (
            {"load": loader(cv2=ImportError(LIBGL))},
            "OpenCV", "missing", "libGL.so.1", "apt-get install libgl1 libglib2.0-0, or pip",
        ),
        (
            {"load": loader(cv2=ImportError(LIBGL)), "family": "fedora"},
            "OpenCV", "missing", "libGL.so.1", "dnf install mesa-libGL",
        ),
        (
            {"load": loader(cv2=ImportError(LIBGL)), "family": ""},
            "OpenCV", "missing", "libGL.so.1", "opencv-contrib-python-headless==4.11.0.86",
        ),
        (
            {"load": loader(cv2=ImportError("DLL load failed")), "system": "Windows"},
            "OpenCV", "missing", "DLL load failed", "Visual C++",
        ),
        (
            {"load": loader(cv2=ModuleNotFoundError("No module named 'cv2'"))},
            "OpenCV", "missing", "No module named", "install mien again",
        ),
        ({"load": loader(cv2=RuntimeError())}, "OpenCV", "missing", "RuntimeError", "again"),
        (
            {"load": loader(mediapipe=ImportError(LIBGL))},
            "MediaPipe", "missing", "libGL", "mend OpenCV first",
        ),
        (
            {"load": loader(mediapipe=ImportError("libEGL.so.1: cannot open"))},
            "MediaPipe", "missing", "libEGL", "apt-get install libegl1 libgles2",
        ),
        (
            {"load": loader(mediapipe=ImportError("libEGL.so.1: cannot open")), "family": "arch"},
            "MediaPipe", "missing", "libEGL", "OpenGL ES libraries",
        ),
        (
            {"load": loader(mediapipe=ImportError("one\ntwo"))},
            "engines", "missing", "none without MediaPipe", "mend MediaPipe",
        ),
        (
            {"engines": lambda: {"facemesh": None, "facelandmarker": "run `mien pull x`"}},
            "engine facelandmarker", "warning", "run `mien pull x`", None,
        ),
        (
            {"engines": lambda: {"facemesh": "ended", "facelandmarker": "run `mien pull x`"}},
            "engine facemesh", "missing", "ended", None,
        ),
        ({"load": loader(av=ImportError("no av"))}, "video files", "missing", "no av", "again"),
        (
            {"writable": lambda _: False},
            "model cache", "warning", "cannot be written", "MIEN_HOME",
        ),
        (
            {"model_problem": lambda _: "is damaged: 3 bytes"},
            "model face_landmarker", "warning", "damaged: 3 bytes", "mien pull face_landmarker",
        ),
        ({"cameras": list}, "cameras", "warning", "none on this machine", "--device"),
        (
            {"cameras": lambda: [Camera("/dev/video2", "A Camera", False)]},
            "camera /dev/video2", "warning", "A Camera: this user may not", "usermod -aG video",
        ),
        ({"free": lambda _: 999_999_999}, "disk (here)", "warning", "1.0 GB", "make room"),
        ({"port_is_free": lambda _: False}, "port 8765", "warning", "in use", "--port 8766"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_remedy(
    well: Machine,
    change: dict[str, Any],
    name: str,
    status: str,
    detail: str,
    remedy: str | None,
) -> None:
    found = unwell(examine(machine=dataclasses.replace(well, **change)))
    assert found[name].status == status
    assert detail in found[name].detail
    assert "\n" not in found[name].detail
    if remedy is None:
        assert found[name].remedy is None
    else:
        assert remedy in str(found[name].remedy)


def test_a_model_that_is_missing_is_told_once(well: Machine) -> None:
    said = "the model face_landmarker (/a/b.task) is missing; run `mien pull face_landmarker`"
    machine = dataclasses.replace(
        well,
        engines=lambda: {"facemesh": None, "facelandmarker": said, "crop": said},
        model_problem=lambda m: "is missing" if m.name == "face_landmarker" else None,
    )
    found = unwell(examine(machine=machine))
    assert found["engine crop"].detail == "needs the model face_landmarker (below)"
    told = [f.name for f in found.values() if "mien pull" in f"{f.detail} {f.remedy}"]
    assert told == ["model face_landmarker"]


def test_headless_opencv_without_a_known_version(well: Machine) -> None:
    def version(_: str) -> str:
        raise metadata.PackageNotFoundError

    machine = dataclasses.replace(well, load=loader(cv2=ImportError(LIBGL)), version=version)
    remedy = unwell(examine(machine=machine))["OpenCV"].remedy
    assert "opencv-contrib-python-headless (" in str(remedy)


@pytest.mark.parametrize(
    ("mediapipe", "system", "names"),
    [
        ("1.2.2", "Linux", {"MediaPipe", "engines"}),
        ("1.2.2", "Darwin", set()),
        ("0.10.21", "Linux", set()),  # brings its own
    ],
)
def test_mediapipe_without_egl(well: Machine, mediapipe: str, system: str, names: set[str]) -> None:
    def library(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file: No such file or directory")

    def load(name: str) -> Any:
        return AV if name == "av" else SimpleNamespace(__version__=mediapipe)

    found = unwell(
        examine(machine=dataclasses.replace(well, load=load, library=library, system=system))
    )
    assert found.keys() == names
    if names:
        assert "apt-get install libegl1 libgles2" in str(found["MediaPipe"].remedy)


def test_no_h264_encoder(well: Machine) -> None:
    def codec(*_: str) -> Any:
        raise ValueError("h264")

    av = SimpleNamespace(__version__="18", codec=SimpleNamespace(Codec=codec))
    machine = dataclasses.replace(well, load=lambda name: av if name == "av" else AV)
    finding = unwell(examine(machine=machine))["video files"]
    assert (finding.status, "no H.264" in finding.detail) == ("warning", True)


@pytest.mark.parametrize(
    ("built", "checkout", "node", "system", "expected"),
    [
        (True, True, "22.12.0", "Linux", {}),
        (True, True, None, "Linux", {}),
        (True, False, None, "Linux", {}),
        (False, True, "22.12.0", "Linux", {"studio": "make web"}),
        (False, True, "20.19.0", "Linux", {"studio": "make web"}),
        (False, True, "20.18.3", "Linux", {"studio": "nvm install 22"}),
        (False, True, "21.7.0", "Linux", {"studio": "nvm install 22"}),
        (False, True, None, "Darwin", {"studio": "brew install node"}),
        (False, True, None, "Windows", {"studio": "winget"}),
        (False, False, "22.12.0", "Linux", {"studio": "released wheel"}),
    ],
)
def test_the_page_and_what_builds_it(
    well: Machine,
    built: bool,
    checkout: bool,
    node: str | None,
    system: str,
    expected: dict[str, str],
) -> None:
    if not built:
        well.studio.unlink()
    if not checkout:
        well.sources.unlink()
    found = unwell(examine(machine=dataclasses.replace(well, node=lambda: node, system=system)))
    assert found.keys() == expected.keys()
    for name, remedy in expected.items():
        assert found[name].status == "warning"
        assert remedy in str(found[name].remedy)


def test_cameras_that_only_show_when_opened(well: Machine) -> None:
    machine = dataclasses.replace(well, cameras=lambda: None, system="Darwin")
    assert Finding("cameras", "ok", "Darwin shows them when they are opened") in examine(
        machine=machine
    )


@pytest.mark.parametrize("check", ["free", "port_is_free"])
def test_a_check_that_fails_is_a_finding(well: Machine, check: str) -> None:
    def fail(*_: object) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    found = unwell(examine(machine=dataclasses.replace(well, **{check: fail})))
    assert [("Input/output error" in f.detail, f.status) for f in found.values()] == [
        (True, "warning")
    ]


def test_the_port_of_a_real_listener(well: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        machine = dataclasses.replace(well, port_is_free=Machine().port_is_free)
        assert f"port {port}" in unwell(examine(port=port, machine=machine))
    assert f"port {port}" not in unwell(examine(port=port, machine=machine))


def test_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "not there yet"))
    findings = {finding.name: finding for finding in examine()}
    assert findings["Python"].status == findings["MediaPipe"].status == "ok"
    assert findings["model cache"] == Finding(
        "model cache", "ok", str(tmp_path / "not there yet" / "models")
    )
    assert findings["model face_landmarker"].remedy == "mien pull face_landmarker"
    assert not (tmp_path / "not there yet").exists()


def test_video_nodes_without_a_camera_of_their_own_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for node, index, name in [("video10", 0, "Second"), ("video0", 0, "First"), ("video1", 1, "")]:
        (tmp_path / node).mkdir()
        (tmp_path / node / "index").write_text(f"{index}\n")
        (tmp_path / node / "name").write_text(f"{name}\n")
    monkeypatch.setattr(doctor, "_VIDEO_NODES", tmp_path)
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    found = doctor._cameras()
    assert found is not None
    assert [(camera.path, camera.name) for camera in found] == [
        ("/dev/video0", "First"),
        ("/dev/video10", "Second"),
    ]


def test_every_model_is_looked_at(well: Machine) -> None:
    names = {finding.name for finding in examine(machine=well)}
    assert {f"model {name}" for name in zoo.SPECS} <= names
