"""Made landmarks: true to the model, labelled, kept in a cache that can be damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.channels import ARKIT_52, index_of
from mien.lab.datasets.samples import NEUTRAL_TURNED
from mien.lab.synthetic import landmarks
from mien.lab.synthetic.correspondence import Correspondence
from mien.lab.synthetic.faces import Scene, person
from mien.lab.synthetic.landmarks import Points, geometric
from mien.lab.synthetic.noise import Noise
from mien.morphable import LinearFaceModel, ict
from mien.topology import IRIS_CENTRES

TONGUE = index_of("tongueOut")


def test_points_follow_the_whole_model(head: LinearFaceModel, places: Correspondence) -> None:
    points = Points(head, places)
    rng = np.random.default_rng(0)
    who = rng.normal(size=4)
    how = np.zeros(52, np.float32)
    for name in ("jawOpen", "mouthSmileLeft", "eyeLookUpLeft", "eyeLookOutLeft", "eyeLookInRight"):
        how[index_of(name)] = 0.7
    whole = ict.head(head, who, how)
    expected = np.einsum("pc,pcd->pd", places.weights, whole[places.corners])
    np.testing.assert_allclose(points(who, how), expected, atol=1e-3)


def test_irises_look_where_the_channels_say(head: LinearFaceModel, places: Correspondence) -> None:
    points = Points(head, places)
    neutral = points(np.zeros(4), np.zeros(52))
    up = np.zeros(52)
    up[index_of("eyeLookUpLeft")] = up[index_of("eyeLookUpRight")] = 1
    moved = points(np.zeros(4), up) - neutral
    for first in IRIS_CENTRES.values():
        assert moved[first, 1] > 0.3


def test_exact_samples(head: LinearFaceModel, places: Correspondence) -> None:
    made = geometric(head, [5, 900], 6, places=places)
    assert len(made) == 12
    assert made.subjects == ["ict-5"] * 6 + ["ict-900"] * 6
    assert set(made.engine) == {"exact"}
    assert set(made.source) == {"ict"}
    assert made.channels == ARKIT_52
    assert np.isnan(made.target[:, TONGUE]).all()
    assert np.isfinite(np.delete(made.target, TONGUE, axis=1)).all()
    one = Scene.named(made.names[3])
    expected = one.shot.project(Points(head, places)(person(5)[:4], one.expression))
    np.testing.assert_allclose(made.pixels[3], expected, atol=1e-3)


def test_neutral_samples_have_no_target(head: LinearFaceModel, places: Correspondence) -> None:
    made = geometric(head, [1], 3, kind="neutral", places=places)
    assert set(made.source) == {NEUTRAL_TURNED}
    assert np.isnan(made.target).all()


def test_no_people(head: LinearFaceModel, places: Correspondence) -> None:
    assert len(geometric(head, [], 3, places=places)) == 0


def test_noise_moves_the_points_in_the_head_frame(
    head: LinearFaceModel, places: Correspondence
) -> None:
    shift = np.zeros((6, 478, 3), np.float32)
    shift[0, 13, 1] = 0.5  # one point up; it is no point of the alignment
    none = np.zeros((0, 478, 3), np.float32)
    noise = Noise("facemesh", shift, none, none, np.zeros((478, 3), np.float32))
    exact = geometric(head, [1], 8, places=places)
    noisy = geometric(head, [1], 8, places=places, noise=noise)
    assert set(noisy.engine) == {"facemesh"}
    off = noisy.aligned - exact.aligned
    np.testing.assert_allclose(off[:, 13], np.tile([0, 0.5, 0], (8, 1)), atol=0.01)
    off[:, 13] = 0
    assert np.abs(off).max() < 1e-3
    np.testing.assert_array_equal(noisy.target, exact.target)


class _Fake:
    """Stands for studio and engines: finds the exact points, and every fifth face not at all."""

    calls = 0

    def __init__(self, model: LinearFaceModel, names: tuple[str, ...]) -> None:
        self.points = Points(model, self.places)
        self.names = names

    def __call__(self, scene: Scene) -> np.ndarray:
        type(self).calls += 1
        seen = scene.shot.project(self.points(person(scene.person)[:4], scene.expression))
        both = np.stack([seen + i for i in range(len(self.names))]).astype(np.float32)
        both[0, :, :] = np.nan if scene.number == 4 else both[0]
        return both

    def __enter__(self) -> _Fake:
        return self

    def __exit__(self, *_: object) -> None: ...


def test_rendered_samples_are_kept(
    head: LinearFaceModel,
    places: Correspondence,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(_Fake, "places", places, raising=False)
    monkeypatch.setattr(_Fake, "calls", 0)
    monkeypatch.setattr(landmarks, "_Studio", _Fake)
    monkeypatch.setattr(landmarks, "_CHUNK", 2)

    def read(people: range) -> landmarks.Samples:
        return landmarks.rendered(head, people, 5, ("one", "two"), cache=tmp_path)

    first = read(range(3))
    assert _Fake.calls == 15
    assert len(first) == 3 * (4 + 5)  # "one" misses a face of each person
    assert sorted(set(first.engine)) == ["one", "two"]
    assert set(first.source) == {"ict-renders"}
    again = read(range(3))
    assert _Fake.calls == 15
    assert again.fingerprint() == first.fingerprint()
    # Two whole files and no rubbish; a damaged one is made again.
    files = sorted(tmp_path.iterdir())
    assert [f.suffix for f in files] == [".npz", ".npz"]
    files[0].write_bytes(files[0].read_bytes()[:100])
    assert not caplog.text
    assert read(range(3)).fingerprint() == first.fingerprint()
    assert 15 < _Fake.calls < 30
    assert f"{files[0]} is damaged" in caplog.text
