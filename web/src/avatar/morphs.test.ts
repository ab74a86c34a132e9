import { BufferAttribute, BufferGeometry, Mesh } from "three";
import { expect, it } from "vitest";
import { Morphs } from "./morphs";

it("adds up the few vertices that each target moves", () => {
  const geometry = new BufferGeometry();
  const rest = new BufferAttribute(Float32Array.of(0, 0, 0, 1, 1, 1), 3);
  geometry.setAttribute("position", rest);
  const target = (...deltas: number[]) => new BufferAttribute(Float32Array.from(deltas), 3);
  geometry.morphAttributes.position = [target(0, 0, 0, 1, 0, 0), target(0, 2, 0, 0, 2, 0)];
  const mesh = new Mesh(geometry);
  mesh.updateMorphTargets();
  const influences = mesh.morphTargetInfluences ?? [];
  const morphs = new Morphs(mesh);
  const shown = () => [...(geometry.attributes.position.array as Float32Array)];
  expect(shown()).toEqual([0, 0, 0, 1, 1, 1]);
  influences[0] = 0.5;
  influences[1] = 1;
  morphs.apply();
  expect(shown()).toEqual([0, 2, 0, 1.5, 3, 1]);
  influences.fill(0);
  morphs.apply();
  expect(shown()).toEqual([0, 0, 0, 1, 1, 1]);
  // Another mesh may use the same values.
  expect([...rest.array]).toEqual([0, 0, 0, 1, 1, 1]);
  expect(geometry.morphAttributes).toEqual({});
});
