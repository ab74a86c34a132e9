"""Draws scenes: off screen into pictures, or into the window of a program that has one.

A picture comes about in two steps. The actors are drawn into a buffer of linear light with alpha;
then one pass over the screen puts that before the background and encodes it as sRGB.

Where the processor draws (Mesa's llvmpipe), a triangle costs more than its pixels. There edges are
smoothed by drawing twice as wide and high instead of by multisampling, which takes twice as long;
fine meshes are lit at their vertices instead of their pixels; and morph targets are added up before
they reach OpenGL, which takes a tenth of the time that its vertex shader takes there.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, TypeAlias

import numpy as np

from ..arrays import Array, Float, UInt8
from ..errors import EngineError, InputError
from .background import Background, painted
from .context import is_software, open_context
from .programs import Kind, Programs
from .scene import Actor, Scene, Sprites
from .sight import Sight, layout, normal_matrix, write
from .uploaded import Part, Uploaded

__all__ = ["Renderer"]

_Drawn: TypeAlias = tuple[Actor, Part, Uploaded, Float[Array, "4 4"]]

_LARGEST = 8192
_MOST_LIGHTS = 4
_CORNERS = tuple((i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1))
_SMALL = 14.0
"""Pixels: a mesh with shorter edges shows no facets when it is lit at its vertices."""


class Renderer:
    """Draws pictures of one size.

    Args:
        width, height: pixels, 1 to 8192.
        samples: for smooth edges, 1 (none) to 16; where the processor draws, 2 and more are four.
        morphing: where morph targets are added up, ``card`` or ``processor``; ``auto`` takes what
            is faster.
        context: a moderngl context of a window to draw in; None opens one without a window.

    Raises:
        InputError: a size or number of samples out of range.
        EngineError: there is nothing to draw with.

    Belongs to the thread that made it. Use it as a context manager, or call :meth:`close`.
    """

    def __init__(
        self,
        width: int,
        height: int,
        samples: int = 4,
        *,
        morphing: Literal["auto", "card", "processor"] = "auto",
        context: Any | None = None,
    ) -> None:
        if not (1 <= width <= _LARGEST and 1 <= height <= _LARGEST):
            raise InputError(
                f"a picture of {width}x{height} cannot be drawn; expected 1 to {_LARGEST} pixels "
                "a side"
            )
        if not 1 <= samples <= 16:
            raise InputError(f"samples: expected 1 to 16, got {samples}")
        self.size = (width, height)
        self._own = context is None
        gl: Any = open_context() if context is None else context
        self._gl = gl
        self.software = is_software(gl)
        """Whether the processor draws."""
        self.about = str(gl.info["GL_RENDERER"])
        """What draws, in the driver's words."""
        self._fused = morphing == "processor" or (morphing == "auto" and self.software)
        try:
            self._allocate(gl, samples)
        except Exception as error:  # moderngl raises bare ones
            if self._own:
                gl.release()
            raise EngineError(
                f"this graphics driver ({gl.info['GL_RENDERER']}) cannot draw {width}x{height}: "
                f"{error}"
            ) from error
        self._models: dict[int, Uploaded] = {}
        self._painted: tuple[Background, bool, float] | None = None
        self._sprites: tuple[Any, Any] | None = None

    def _allocate(self, gl: Any, samples: int) -> None:
        width, height = self.size
        twice = 2 if self.software and samples > 1 else 1
        drawn = (width * twice, height * twice)
        if max(drawn) > int(gl.info["GL_MAX_TEXTURE_SIZE"]):
            raise ValueError("the picture is larger than the largest texture")
        self._layer = gl.texture(drawn, 4, dtype="f2")
        self._layer.repeat_x = self._layer.repeat_y = False
        many = 0 if self.software else min(samples, int(gl.max_samples))
        self._flat = gl.framebuffer([self._layer], gl.depth_renderbuffer(drawn))
        self._stage = self._flat
        self._owned = [self._layer, self._flat.depth_attachment, self._flat]
        if many > 1:
            colour = gl.renderbuffer(drawn, 4, samples=many, dtype="f2")
            depth = gl.depth_renderbuffer(drawn, samples=many)
            self._stage = gl.framebuffer([colour], depth)
            self._owned += [colour, depth, self._stage]
        result = gl.renderbuffer(self.size, 4)
        self._result = gl.framebuffer([result])
        self._programs = Programs(gl)
        corners = gl.buffer(np.array([-1, -1, 3, -1, -1, 3], "f4").tobytes())
        self._screen = gl.vertex_array(self._programs.finish, [(corners, "2f", "corner")])
        self._behind = gl.texture(self.size, 4)
        self._ground = gl.framebuffer([self._behind])
        self._behind.filter = (gl.NEAREST, gl.NEAREST)
        self._owned += [result, self._result, self._ground, self._behind, corners, self._screen]

    def draw(self, scene: Scene) -> UInt8[Array, "h w c"]:
        """Draw a scene.

        Returns:
            uint8 sRGB, (height, width, 3), row 0 on top; (height, width, 4) with straight alpha
            where the scene has no background.

        Raises:
            InputError: a model that this graphics card cannot hold.
        """
        width, height = self.size
        channels = 4 if scene.background is None else 3
        picture = np.empty((height, width, channels), np.uint8)
        with self._current():
            self._paint(scene, self._result, rise=-1.0)
            self._result.read_into(picture, components=channels)
        return picture

    def draw_into(self, scene: Scene, target: Any) -> None:
        """Draw a scene into a framebuffer of the same context, ``context.screen`` for one."""
        with self._current():
            self._paint(scene, target, rise=1.0)

    def _current(self) -> AbstractContextManager[Any]:
        """Makes the context the current one, as another renderer may have its own."""
        return self._gl if self._own else nullcontext()

    def _paint(self, scene: Scene, target: Any, rise: float) -> None:
        gl = self._gl
        width, height = self.size
        if len(scene.lights) > _MOST_LIGHTS:
            raise ValueError(f"a scene has at most {_MOST_LIGHTS} lights, got {len(scene.lights)}")
        self._keep([actor.model for actor in scene.actors])
        view = scene.camera.view()
        sight = Sight(scene, scene.camera.projection(width / height), view, height)
        drawn = self._ordered(scene)
        left, bottom, right, top = self._touched(scene, sight, drawn)
        twice = self._layer.width // width
        self._stage.use()
        self._stage.scissor = tuple(twice * n for n in (left, bottom, right - left, top - bottom))
        gl.enable_only(gl.DEPTH_TEST | gl.CULL_FACE)
        gl.blend_func = gl.ONE, gl.ONE_MINUS_SRC_ALPHA
        self._stage.depth_mask = True
        self._stage.clear(0.0, 0.0, 0.0, 0.0)
        for actor, part, upload, matrix in drawn:
            self._draw_part(sight, actor, part, upload, matrix)
        if scene.sprites is not None and len(scene.sprites):
            self._draw_sprites(scene.sprites, sight)
        self._stage.depth_mask = True
        if self._stage is not self._flat:
            gl.copy_framebuffer(self._flat, self._stage)
        gl.enable_only(gl.NOTHING)
        target.use()
        self._lay_ground(scene, target, rise)
        if scene.mirrored:
            left, right = width - right, width - left
        if rise < 0:
            bottom, top = height - top, height - bottom
        target.scissor = (left, bottom, right - left, top - bottom)
        self._finish(scene, rise)
        target.scissor = None

    def _touched(
        self, scene: Scene, sight: Sight, drawn: list[_Drawn]
    ) -> tuple[int, int, int, int]:
        """Left, bottom, right and top of the pixels that anything may be drawn to."""
        width, height = self.size
        whole = (0, 0, width, height)
        if scene.sprites is not None and len(scene.sprites):
            return whole
        low, high = np.array([np.inf, np.inf]), np.array([-np.inf, -np.inf])
        for _, part, _, matrix in drawn:
            box = part.shape.box
            if box is None:
                return whole
            corners = np.array([(box[i, 0], box[j, 1], box[k, 2], 1.0) for i, j, k in _CORNERS])
            clip = corners @ matrix.T @ sight.project
            if (clip[:, 3] < 1e-6).any():
                return whole
            at = clip[:, :2] / clip[:, 3:]
            low, high = np.minimum(low, at.min(axis=0)), np.maximum(high, at.max(axis=0))
        if not (low < high).all():
            return (0, 0, 0, 0)
        size = np.array(self.size)
        # A margin, as smoothing looks at the pixels beside.
        first = np.clip(np.floor((low + 1) / 2 * size) - 2, 0, size).astype(int)
        last = np.clip(np.ceil((high + 1) / 2 * size) + 2, 0, size).astype(int)
        return int(first[0]), int(first[1]), int(last[0]), int(last[1])

    def _keep(self, models: list[Any]) -> None:
        """Upload what is new and free what has left the stage."""
        wanted = {id(model): model for model in models}
        for key in [key for key in self._models if key not in wanted]:
            self._models.pop(key).release()
        for key, model in wanted.items():
            if key not in self._models:
                self._models[key] = Uploaded(self._gl, model, fused=self._fused)

    def _ordered(self, scene: Scene) -> list[_Drawn]:
        """What to draw: first the opaque, the nearest first; then what blends, from the back."""
        view = scene.camera.view()
        opaque: list[tuple[float, int, _Drawn]] = []
        blended: list[tuple[float, int, _Drawn]] = []
        for actor in scene.actors:
            upload = self._models[id(actor.model)]
            upload.pose(actor)
            for part in upload.parts:
                matrix = upload.place(part, actor)
                middle = matrix[:3, :3] @ part.rest + matrix[:3, 3]
                depth = float(view[2, :3] @ middle + view[2, 3])  # the nearer, the greater
                one = (depth, len(opaque) + len(blended), (actor, part, upload, matrix))
                (blended if part.material.alpha == "blend" else opaque).append(one)
        opaque.sort(key=lambda one: (-one[0], one[1]))
        blended.sort(key=lambda one: (one[0], one[1]))
        return [item for _, _, item in (*opaque, *blended)]

    def _draw_part(
        self, sight: Sight, actor: Actor, part: Part, upload: Uploaded, matrix: Array
    ) -> None:
        gl = self._gl
        if upload.actor is not actor:  # two actors with one model take turns with its buffers
            upload.pose(actor)
        material = part.material
        shading = actor.shading or material.shading
        textures = upload.textures(part, actor)
        plain = actor.shading == "clay" and material.alpha == "opaque"
        if plain:
            textures.pop("picture", None)
        bumps = "bumps" in textures and shading not in ("unlit", "faceted")
        surface = "surface" in textures and shading in ("standard", "faceted", "skin")
        # Where they change from pixel to pixel, and metal shines in the colours of its picture.
        uneven = bumps or surface or (material.metallic > 0 and "picture" in textures)
        kind = Kind(
            shading=shading,
            morph="moves" in textures,
            skin="bones" in textures,
            texture="picture" in textures,
            bumps=bumps,
            surface=surface,
            alpha=material.alpha,
            both_sides=material.double_sided,
            vertex_lit=self.software
            and not uneven
            and shading in ("standard", "skin", "clay")
            and bool(part.edge * sight.pixels(matrix, part.rest) < _SMALL),
            lights=len(sight.lights),
        )
        program = self._programs.of(kind)
        if kind not in part.arrays:
            content = []
            for names, (buffer, form) in part.shape.buffers.items():
                used = [name if name in program else "" for name in names.split(", ")]
                if any(used):
                    content.append(layout(buffer, form, used))
            part.arrays[kind] = gl.vertex_array(program, content, part.shape.index)
        sight.tell(program)
        write(program, "place", matrix.T)
        turn, swapped = normal_matrix(matrix)
        write(program, "turn", turn)
        colour = (0.62, 0.60, 0.57, 1.0) if plain else material.colour
        write(program, "colour", colour)
        write(program, "emissive", (0.0, 0.0, 0.0) if plain else material.emissive)
        write(program, "roughness", material.roughness)
        write(program, "metallic", material.metallic)
        write(program, "cutoff", material.cutoff)
        for unit, (name, texture) in enumerate(textures.items()):
            if name in program:
                texture.use(unit)
                program[name].value = unit
        gl.front_face = "cw" if swapped else "ccw"
        blend = material.alpha == "blend"
        self._stage.depth_mask = not blend
        (gl.enable if blend else gl.disable)(gl.BLEND)
        array = part.arrays[kind]
        if not material.double_sided:
            gl.enable(gl.CULL_FACE)
            gl.cull_face = "back"
            array.render()
        elif blend:  # the far side of a glass before its near one
            gl.enable(gl.CULL_FACE)
            for side in ("front", "back"):
                gl.cull_face = side
                array.render()
        else:
            gl.disable(gl.CULL_FACE)
            array.render()

    def _draw_sprites(self, sprites: Sprites, sight: Sight) -> None:
        gl, program = self._gl, self._programs.sprite
        if self._sprites is None or self._sprites[0].size < 40 * len(sprites):
            for old in self._sprites or ():
                old.release()
            buffer = gl.buffer(reserve=40 * max(64, 2 * len(sprites)), dynamic=True)
            square = gl.buffer(np.array([-1, -1, 1, -1, -1, 1, 1, 1], "f4").tobytes())
            names = ("centre", "size", "angle", "paint", "kind")
            array = gl.vertex_array(
                program, [(square, "2f", "corner"), (buffer, "3f 1f 1f 4f 1f/i", *names)]
            )
            self._sprites = (buffer, array)
        buffer, array = self._sprites
        columns = (sprites.sizes, sprites.turns, sprites.colours, sprites.kinds)
        data = np.column_stack([sprites.positions, *columns]).astype("f4")
        buffer.write(np.ascontiguousarray(data).tobytes())
        write(program, "project", sight.project)
        write(program, "right", sight.view[0, :3])
        write(program, "up", sight.view[1, :3])
        gl.disable(gl.CULL_FACE)
        gl.enable(gl.BLEND)
        gl.front_face = "ccw"
        self._stage.depth_mask = False
        array.render(gl.TRIANGLE_STRIP, vertices=4, instances=len(sprites))

    def _lay_ground(self, scene: Scene, target: Any, rise: float) -> None:
        """Fill the target with the background."""
        if scene.background is None:
            target.clear(0.0, 0.0, 0.0, 0.0)
            return
        state = (scene.background, scene.mirrored, rise)
        if self._painted != state:
            picture = painted(scene.background, *self.size)
            if scene.mirrored:
                picture = picture[:, ::-1]
            if rise > 0:
                picture = picture[::-1]
            opaque = np.full((*picture.shape[:2], 1), 255, np.uint8)
            self._behind.write(np.concatenate([picture, opaque], axis=2).tobytes())
            self._painted = state
        self._gl.copy_framebuffer(target, self._ground)
        target.use()

    def _finish(self, scene: Scene, rise: float) -> None:
        program = self._programs.finish
        self._behind.use(1)
        program["behind"].value = 1
        self._layer.use(0)
        program["drawn"].value = 0
        program["bare"].value = scene.background is None
        write(program, "mirror", -1.0 if scene.mirrored else 1.0)
        write(program, "rise", rise)
        self._screen.render(self._gl.TRIANGLES, vertices=3)

    def close(self) -> None:
        """Free everything; closing twice is allowed."""
        if self._gl is None:
            return
        with self._current():
            for upload in self._models.values():
                upload.release()
            self._models.clear()
            for thing in (*(self._sprites or ()), *self._owned):
                thing.release()
            self._programs.release()
        if self._own:
            self._gl.release()
        self._gl = None

    def __enter__(self) -> Renderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
