"""What works on this machine, and what to do about the rest (``mien doctor``)."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Literal, TypeAlias

from . import engines, heads, zoo

__all__ = ["Camera", "Finding", "Machine", "Status", "examine"]

Status: TypeAlias = Literal["ok", "warning", "missing"]
"""``warning``: mien runs, something is not available. ``missing``: mien does not run."""

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parents[1]
_VIDEO_NODES = Path("/sys/class/video4linux")
_ROOMY = 1_000_000_000  # bytes: an hour of overlay video, or all models several times


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what was looked at.
        status: whether it is good.
        detail: what was found.
        remedy: what to do, often a line to run; None where nothing is to be done.
    """

    name: str
    status: Status
    detail: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Camera:
    """A video device that exists; whether it gives pictures is seen when it is opened.

    Attributes:
        path: for instance ``/dev/video0``.
        name: as its driver calls it.
        allowed: whether this user may open it.
    """

    path: str
    name: str
    allowed: bool


def _family() -> str:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return ""
    return f"{release.get('ID', '')} {release.get('ID_LIKE', '')}"


def _free(folder: Path) -> int:
    return shutil.disk_usage(_existing(folder)).free


def _writable(folder: Path) -> bool:
    return os.access(_existing(folder), os.W_OK | os.X_OK)


def _existing(folder: Path) -> Path:
    return next((f for f in (folder, *folder.parents) if f.exists()), Path.cwd())


def _cameras() -> list[Camera] | None:
    if sys.platform != "linux":
        return None
    found = []
    for device in sorted(_VIDEO_NODES.glob("video*"), key=lambda d: int(d.name[5:])):
        # A camera has further nodes for metadata, with an index of their own.
        if (device / "index").read_text().strip() == "0":
            path = f"/dev/{device.name}"
            name = (device / "name").read_text().strip()
            found.append(Camera(path, name, os.access(path, os.R_OK | os.W_OK)))
    return found


def _node() -> str | None:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603
            [node, "--version"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip().removeprefix("v")


def _port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name != "nt":  # where it means something else
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


@dataclass(frozen=True, slots=True)
class Machine:
    """What the checks ask of the machine; a test answers in its place."""

    system: str = field(default_factory=platform.system)
    family: str = field(default_factory=_family)
    """Linux distribution and those it is like, for instance ``ubuntu debian``."""
    python: tuple[int, int] = sys.version_info[:2]
    load: Callable[[str], Any] = import_module
    version: Callable[[str], str] = metadata.version
    library: Callable[[str], Any] = ctypes.CDLL
    engines: Callable[[], Mapping[str, str | None]] = engines.available
    heads: Callable[[], Mapping[str, str | None]] = heads.available
    model_problem: Callable[[zoo.ModelSpec], str | None] = zoo.problem
    free: Callable[[Path], int] = _free
    writable: Callable[[Path], bool] = _writable
    cameras: Callable[[], list[Camera] | None] = _cameras
    """None: this system does not tell without opening them."""
    node: Callable[[], str | None] = _node
    port_is_free: Callable[[int], bool] = _port_is_free
    studio: Path = _PACKAGE / "server" / "studio" / "index.html"
    sources: Path = _CHECKOUT / "web" / "package.json"


def examine(*, port: int = 8765, machine: Machine | None = None) -> list[Finding]:
    """Look at everything that mien needs; nothing is changed, fetched or opened for long.

    Args:
        port: where the server would listen.
        machine: answers in place of this machine.

    Returns:
        findings in the order of the road; a failed check is a finding, never an exception.
    """
    machine = machine or Machine()
    findings: list[Finding] = []
    first = (_python, _opencv, _mediapipe, _engines, _heads, _video)
    for check in (*first, _models, _camera, _page, _disk):
        findings += check(machine)
    findings += _port(machine, port)
    return findings


def _python(machine: Machine) -> Iterator[Finding]:
    version = ".".join(map(str, machine.python))
    if (3, 10) <= machine.python < (3, 14):
        yield Finding("Python", "ok", version)
    else:
        yield Finding(
            "Python", "missing", f"{version}; 3.10 to 3.13 are supported", "install Python 3.11"
        )


def _opencv(machine: Machine) -> Iterator[Finding]:
    try:
        cv2 = machine.load("cv2")
    except Exception as error:  # noqa: BLE001  (what a broken native library raises is anyone's guess)
        yield Finding("OpenCV", "missing", _said(error), _opencv_remedy(machine, str(error)))
    else:
        yield Finding("OpenCV", "ok", cv2.__version__)


def _opencv_remedy(machine: Machine, said: str) -> str:
    if not any(library in said for library in ("libGL", "libgthread", "libglib", "libSM")):
        return _native_remedy(machine)
    try:
        version = f"=={machine.version('opencv-contrib-python')}"
    except metadata.PackageNotFoundError:
        version = ""
    headless = (
        "pip install --no-deps --force-reinstall "
        f"opencv-contrib-python-headless{version} (it needs no desktop libraries)"
    )
    packages = {
        "debian": "apt-get install libgl1 libglib2.0-0",
        "fedora": "dnf install mesa-libGL glib2",
        "rhel": "dnf install mesa-libGL glib2",
        "arch": "pacman -S libglvnd glib2",
        "suse": "zypper install Mesa-libGL1 libgthread-2_0-0",
    }
    for family, line in packages.items():
        if family in machine.family:
            return f"{line}, or {headless}"
    return headless


def _native_remedy(machine: Machine) -> str:
    if machine.system == "Windows":
        return "install the Microsoft Visual C++ Redistributable (x64), then install mien again"
    return "install mien again, with the versions of its constraints.txt"


def _mediapipe(machine: Machine) -> Iterator[Finding]:
    try:
        mediapipe = machine.load("mediapipe")
        if machine.system == "Linux" and not mediapipe.__version__.startswith("0.10."):
            # From 1.0 on it brings none of its own, and misses them when an engine starts.
            for library in ("libEGL.so.1", "libGLESv2.so.2"):
                machine.library(library)
    except Exception as error:  # noqa: BLE001
        yield Finding("MediaPipe", "missing", _said(error), _mediapipe_remedy(machine, str(error)))
    else:
        yield Finding("MediaPipe", "ok", mediapipe.__version__)


def _mediapipe_remedy(machine: Machine, said: str) -> str:
    if "libGL.so" in said or "cv2" in said:
        return "mend OpenCV first (above)"
    if "libEGL" in said or "libGLES" in said:
        return (
            "apt-get install libegl1 libgles2"
            if "debian" in machine.family
            else "install the EGL and OpenGL ES libraries of your system (libEGL, libGLESv2)"
        )
    return _native_remedy(machine)


def _engines(machine: Machine) -> Iterator[Finding]:
    if any(finding.status == "missing" for finding in _mediapipe(machine)):
        yield Finding("engines", "missing", "none without MediaPipe", "mend MediaPipe (above)")
        return
    reasons = machine.engines()
    # One is enough; without any, each is what could be had.
    otherwise: Status = "warning" if None in reasons.values() else "missing"
    lacking = [model.name for model in zoo.SPECS.values() if machine.model_problem(model)]
    for name, reason in reasons.items():
        said = reason or "can run"
        for model in lacking:
            if said.startswith(f"the model {model} "):  # told once, among the models
                said = f"needs the model {model} (below)"
        yield Finding(f"engine {name}", otherwise if reason else "ok", said)


def _heads(machine: Machine) -> Iterator[Finding]:
    for name, reason in machine.heads().items():
        remedy = "install mien again" if reason else None
        yield Finding(f"head {name}", "missing" if reason else "ok", reason or "can run", remedy)


def _video(machine: Machine) -> Iterator[Finding]:
    try:
        av = machine.load("av")
    except Exception as error:  # noqa: BLE001
        yield Finding("video files", "missing", _said(error), _native_remedy(machine))
        return
    try:
        encoder = av.codec.Codec("h264", "w").name
    except ValueError:
        yield Finding(
            "video files",
            "warning",
            f"PyAV {av.__version__} reads them, but has no H.264 encoder: no overlay videos",
            "pip install --force-reinstall --only-binary av av (the wheel brings one)",
        )
    else:
        yield Finding("video files", "ok", f"PyAV {av.__version__}, H.264 by {encoder}")


def _models(machine: Machine) -> Iterator[Finding]:
    folder = zoo.folder()
    if machine.writable(folder):
        yield Finding("model cache", "ok", str(folder))
    else:
        yield Finding(
            "model cache",
            "warning",
            f"{folder} cannot be written, so nothing can be pulled",
            "name another folder in MIEN_HOME",
        )
    for model in zoo.SPECS.values():
        trouble = machine.model_problem(model)
        if trouble is None:
            yield Finding(f"model {model.name}", "ok", f"{model.size / 1e6:.1f} MB, verified")
        else:
            # Whether an engine is left without it is said among the engines.
            detail = f"{trouble.removeprefix('is ')} ({model.summary})"
            yield Finding(f"model {model.name}", "warning", detail, f"mien pull {model.name}")


def _camera(machine: Machine) -> Iterator[Finding]:
    cameras = machine.cameras()
    if cameras is None:
        yield Finding("cameras", "ok", f"{machine.system} shows them when they are opened")
    elif not cameras:
        yield Finding(
            "cameras",
            "warning",
            "none on this machine; the studio uses the camera of the browser's machine",
            "plug one in; in a container: docker run --device /dev/video0",
        )
    for camera in cameras or ():
        name = f"camera {camera.path}"
        if camera.allowed:
            yield Finding(name, "ok", camera.name)
        else:
            yield Finding(
                name,
                "warning",
                f"{camera.name}: this user may not open it",
                "sudo usermod -aG video $USER, then log in again",
            )


def _page(machine: Machine) -> Iterator[Finding]:
    built = machine.studio.is_file()
    if built:
        yield Finding("studio", "ok", "built")
    if not machine.sources.is_file():
        if not built:
            yield Finding(
                "studio",
                "warning",
                "this installation came without the page; the programming interface works",
                "install mien from a released wheel, or run `make run` in a checkout",
            )
        return
    version = machine.node()
    fit = version is not None and _builds_the_page(version)
    if fit:
        if not built:
            yield Finding("studio", "warning", "the page is not built", "make web")
        yield Finding("Node.js", "ok", str(version))
    elif not built:
        found = f"Node.js {version} is too old" if version else "there is no Node.js with npm"
        yield Finding(
            "studio",
            "warning",
            f"the page is not built, and {found}; the programming interface works",
            f"{_node_remedy(machine)}, then make web",
        )


def _builds_the_page(version: str) -> bool:
    major, minor = (int(part) for part in version.split(".")[:2])
    return (major, minor) >= (22, 12) or (major == 20 and minor >= 19)


def _node_remedy(machine: Machine) -> str:
    if machine.system == "Darwin":
        return "brew install node"
    if machine.system == "Windows":
        return "winget install OpenJS.NodeJS.LTS"
    return "install Node.js 22 (nodejs.org, or nvm install 22)"


def _disk(machine: Machine) -> Iterator[Finding]:
    for name, folder in _distinct([("here", Path.cwd()), ("model cache", zoo.folder())]):
        try:
            free = machine.free(folder)
        except OSError as error:
            yield Finding(f"disk ({name})", "warning", f"{folder}: {error.strerror}")
            continue
        detail = f"{free / 1e9:.1f} GB free"
        if free >= _ROOMY:
            yield Finding(f"disk ({name})", "ok", detail)
        else:
            yield Finding(
                f"disk ({name})", "warning", f"{detail} at {folder}", "make room before recording"
            )


def _distinct(folders: Iterable[tuple[str, Path]]) -> Iterator[tuple[str, Path]]:
    """One folder of each file system."""
    seen = set()
    for name, folder in folders:
        device = _existing(folder).stat().st_dev
        if device not in seen:
            seen.add(device)
            yield name, folder


def _port(machine: Machine, port: int) -> Iterator[Finding]:
    name = f"port {port}"
    try:
        free = machine.port_is_free(port)
    except OSError as error:
        yield Finding(name, "warning", f"cannot be tried: {error.strerror}")
        return
    if free:
        yield Finding(name, "ok", "free")
    else:
        yield Finding(
            name,
            "warning",
            "in use, perhaps by mien itself",
            f"mien live --port {port + 1}",
        )


def _said(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
