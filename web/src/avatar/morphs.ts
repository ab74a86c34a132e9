/**
 * Morph targets without a graphics card. A card adds up all targets at every vertex; most of them
 * move few vertices, so that a processor which has to play the card does better to add those few.
 */

import { BufferAttribute, DynamicDrawUsage, type InterleavedBufferAttribute, type Mesh } from "three";

/** Weights below this move nothing that is seen. */
const FAINT = 1e-3;

type Values = BufferAttribute | InterleavedBufferAttribute;

interface Sparse {
  readonly vertices: Uint32Array;
  readonly deltas: Float32Array;
}

function dense(values: Values): Float32Array {
  const out = new Float32Array(values.count * 3);
  for (let i = 0; i < values.count; i++) {
    out[i * 3] = values.getX(i);
    out[i * 3 + 1] = values.getY(i);
    out[i * 3 + 2] = values.getZ(i);
  }
  return out;
}

function sparse(values: Values): Sparse {
  const all = dense(values);
  const vertices: number[] = [];
  for (let i = 0; i < values.count; i++) {
    if (all[i * 3] !== 0 || all[i * 3 + 1] !== 0 || all[i * 3 + 2] !== 0) vertices.push(i);
  }
  const deltas = new Float32Array(vertices.length * 3);
  vertices.forEach((vertex, i) => deltas.set(all.subarray(vertex * 3, vertex * 3 + 3), i * 3));
  return { vertices: Uint32Array.from(vertices), deltas };
}

/** Positions or normals of a mesh, and what its targets do to them. */
class Layer {
  private readonly rest: Float32Array;
  private readonly targets: readonly Sparse[];
  private readonly shown: BufferAttribute;

  constructor(mesh: Mesh, name: "position" | "normal", targets: readonly Values[]) {
    const { geometry } = mesh;
    this.rest = dense(geometry.attributes[name]);
    this.targets = targets.map(sparse);
    // Several meshes may share the values of a file.
    this.shown = new BufferAttribute(this.rest.slice(), 3).setUsage(DynamicDrawUsage);
    geometry.setAttribute(name, this.shown);
  }

  apply(influences: readonly number[]): void {
    const { shown } = this;
    const out = shown.array as Float32Array;
    out.set(this.rest);
    for (let t = 0; t < this.targets.length; t++) {
      const weight = influences[t];
      if (Math.abs(weight) < FAINT) continue;
      const { vertices, deltas } = this.targets[t];
      for (let i = 0, d = 0; i < vertices.length; i++, d += 3) {
        const at = vertices[i] * 3;
        out[at] += weight * deltas[d];
        out[at + 1] += weight * deltas[d + 1];
        out[at + 2] += weight * deltas[d + 2];
      }
    }
    shown.needsUpdate = true;
  }
}

export class Morphs {
  private readonly layers: Layer[] = [];
  private readonly influences: readonly number[];
  private readonly last: Float32Array;

  /** Takes the targets off the mesh's geometry; its influences stay what drives it. */
  constructor(mesh: Mesh) {
    const { geometry } = mesh;
    this.influences = mesh.morphTargetInfluences ?? [];
    this.last = new Float32Array(this.influences.length);
    for (const name of ["position", "normal"] as const) {
      const targets = geometry.morphAttributes[name] as readonly Values[] | undefined;
      if (targets && name in geometry.attributes) this.layers.push(new Layer(mesh, name, targets));
    }
    geometry.morphAttributes = {};
  }

  /** Move the vertices to where the influences want them. */
  apply(): void {
    const { influences, last } = this;
    let changed = false;
    for (let i = 0; i < last.length; i++) {
      if (Math.abs(influences[i] - last[i]) < FAINT) continue;
      last[i] = influences[i];
      changed = true;
    }
    if (!changed) return;
    for (const layer of this.layers) layer.apply(influences);
  }
}
