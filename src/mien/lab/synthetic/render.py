"""Pictures of ICT heads, for training only: moderngl on EGL, no window.

Vertex normals, three lights, a colour per region. It is meant to be read by landmark nets, which
ask for shading and contrast in the right places, not for beauty.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from scipy.sparse import csr_matrix

from ...arrays import Array, Float, Float32, RGBImage
from ...errors import EngineError
from ...morphable import LinearFaceModel
from .correspondence import IRIS
from .faces import SIZE, Shot
from .paint import Look, Paint

__all__ = ["Renderer", "camera_faults"]

_HIDDEN = ("lacrimal_fluid", "eye_blend", "eye_occlusion", "iris_left", "iris_right")

_VERTEX = """
#version 330
uniform mat4 view;
in vec3 position; in vec3 normal; in vec3 colour; in vec2 eye;
out vec3 n; out vec3 c; out vec2 e;
void main() { gl_Position = view * vec4(position, 1.0); n = normal; c = colour; e = eye; }
"""
_FRAGMENT = """
#version 330
uniform vec3 lights[3]; uniform vec3 tints[3]; uniform vec3 ambient;
uniform vec3 iris; uniform float pupil; uniform float rim; uniform float gloss;
in vec3 n; in vec3 c; in vec2 e;
out vec4 seen;
void main() {
    vec3 normal = normalize(n);
    vec3 base = c;
    float shine = gloss;
    if (e.x > 0.5) {
        float a = e.y;
        vec3 ring = iris * (0.75 + 0.5 * smoothstep(pupil, rim, a));
        base = mix(vec3(0.02), ring, smoothstep(pupil - 1.0, pupil + 1.0, a));
        base = mix(base, iris * 0.35, smoothstep(rim - 4.0, rim - 1.0, a));
        base = mix(base, c, smoothstep(rim - 1.0, rim + 1.5, a));
        shine = 0.5;
    }
    vec3 light = ambient;
    float spark = 0.0;
    for (int i = 0; i < 3; i++) {
        light += tints[i] * max(dot(normal, lights[i]), 0.0);
        vec3 h = normalize(lights[i] + vec3(0.0, 0.0, 1.0));
        spark += tints[i].g * pow(max(dot(normal, h), 0.0), e.x > 0.5 ? 120.0 : 24.0);
    }
    seen = vec4(base * light + vec3(shine * spark), 1.0);
}
"""


class Renderer:
    """Draws heads of one model.

    Args:
        model: ICT-FaceKit (:func:`mien.morphable.ict.read`).

    Raises:
        EngineError: moderngl is not installed, or there is no EGL to draw with.
    """

    def __init__(self, model: LinearFaceModel) -> None:
        self._paint = Paint(model)
        hidden = np.zeros(len(model.mean), bool)
        for name in _HIDDEN:
            hidden[model.regions[name]] = True
        triangles = model.triangles[~hidden[model.triangles].any(axis=1)]
        self._corners = triangles.ravel()
        self._triangles = triangles
        self._gather = csr_matrix(
            (
                np.ones(triangles.size, np.float32),
                (self._corners, np.repeat(np.arange(len(triangles)), 3)),
            ),
            shape=(len(model.mean), len(triangles)),
        )
        try:
            import moderngl

            settings: dict[str, Any] = {"backend": "egl"}
            gl: Any = moderngl.create_standalone_context(**settings)
        except ImportError as error:
            raise EngineError(
                "drawing made heads needs moderngl: pip install 'mien[lab]'"
            ) from error
        except Exception as error:  # moderngl raises bare ones
            raise EngineError(
                f"there is no EGL to draw with ({error}); on Debian: apt install libegl1 "
                "libegl-mesa0 libgl1-mesa-dri"
            ) from error
        self._gl = gl
        self._program = gl.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        count = len(model.mean)
        self._vertices = gl.buffer(reserve=count * 11 * 4, dynamic=True)
        index = gl.buffer(triangles.astype("i4").tobytes())
        self._array = gl.vertex_array(
            self._program,
            [(self._vertices, "3f 3f 3f 2f", "position", "normal", "colour", "eye")],
            index,
        )
        # Without multisampling: it takes three times as long in Mesa's software driver.
        self._drawn = gl.framebuffer(
            [gl.renderbuffer((SIZE, SIZE), 3)], gl.depth_renderbuffer((SIZE, SIZE))
        )
        self._backdrop = gl.texture((SIZE, SIZE), 3)
        self._flat = gl.program(
            vertex_shader="#version 330\nin vec2 p; out vec2 t;"
            "void main() { t = p * vec2(0.5, -0.5) + 0.5; gl_Position = vec4(p, 0.999, 1); }",
            fragment_shader="#version 330\nuniform sampler2D s; in vec2 t; out vec4 c;"
            "void main() { c = texture(s, t); }",
        )
        quad = gl.buffer(np.array([-1, -1, 1, -1, -1, 1, 1, 1], "f4").tobytes())
        self._screen = gl.vertex_array(self._flat, [(quad, "2f", "p")])

    def render(self, vertices: Float32[Array, "v 3"], shot: Shot, look: Look) -> RGBImage:
        """Draw one head.

        Args:
            vertices: in the head frame, centimetres.
            shot: the view.
            look: colours and light.

        Returns:
            uint8 RGB (SIZE, SIZE, 3).
        """
        gl = self._gl
        normals = self._normals(vertices)
        colours = self._paint.colours(look, vertices, normals)
        seen = shot.camera(vertices), normals @ shot.rotation.T, colours, self._paint.eye
        data = np.concatenate(seen, axis=1)
        self._vertices.write(np.ascontiguousarray(data, "f4").tobytes())
        self._program["view"].write(_view(shot).T.astype("f4").tobytes())
        for name in ("lights", "tints", "ambient", "iris"):
            self._program[name].write(getattr(look, name).astype("f4").tobytes())
        self._program["pupil"].value = look.pupil
        self._program["rim"].value = IRIS
        self._program["gloss"].value = look.gloss
        self._drawn.use()
        self._drawn.clear(0.5, 0.5, 0.5, depth=1.0)
        gl.enable(gl.DEPTH_TEST)
        self._backdrop.write(np.ascontiguousarray(look.background).tobytes())
        self._backdrop.use()
        self._screen.render(gl.TRIANGLE_STRIP)
        self._array.render()
        raw = np.frombuffer(self._drawn.read(components=3), np.uint8)
        return np.ascontiguousarray(raw.reshape(SIZE, SIZE, 3)[::-1])

    def _normals(self, vertices: Array) -> Array:
        a, b, c = (vertices[self._triangles[:, i]] for i in range(3))
        sums: Array = self._gather @ np.cross(b - a, c - a)
        unit: Array = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
        return unit

    def close(self) -> None:
        """Free the context."""
        self._gl.release()

    def __enter__(self) -> Renderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _view(shot: Shot) -> Float[Array, "4 4"]:
    """Clip coordinates of points in camera axes relative to the pivot."""
    near, far = shot.distance - 25.0, shot.distance + 25.0
    near = max(near, 1.0)
    move = np.eye(4)
    move[2, 3] = -shot.distance
    lens = np.zeros((4, 4))
    lens[0, 0] = 2 * shot.focal / SIZE
    lens[1, 1] = 2 * shot.focal / SIZE
    lens[0, 2] = -(2 * shot.centre[0] / SIZE - 1)
    lens[1, 2] = 2 * shot.centre[1] / SIZE - 1
    lens[2, 2] = -(far + near) / (far - near)
    lens[2, 3] = -2 * far * near / (far - near)
    lens[3, 2] = -1
    return lens @ move


def camera_faults(image: RGBImage, rng: np.random.Generator) -> RGBImage:
    """Sometimes out of focus, sometimes noisy."""
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.5))
    if rng.random() < 0.5:
        noisy = image + rng.normal(0, rng.uniform(1, 8), image.shape)
        image = np.clip(noisy, 0, 255).astype(np.uint8)
    return image
