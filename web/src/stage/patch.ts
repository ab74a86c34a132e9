/** What fills the holes of the mesh: eyes and the inside of the mouth. */

import { BufferAttribute, BufferGeometry, DynamicDrawUsage } from "three";
import { CANONICAL, REGIONS } from "../tables";
import { normalsOf, type Refinement } from "./subdivide";

/** A ring of a patch: how far towards the middle (0 is the rim), how far forward. */
interface Ring {
  readonly inwards: number;
  readonly forward: number;
}

const EYE: readonly Ring[] = [
  { inwards: 0, forward: 0 },
  { inwards: 0.3, forward: 0.1 },
  { inwards: 0.65, forward: 0.19 },
  { inwards: 1, forward: 0.23 },
];
const MOUTH: readonly Ring[] = [
  { inwards: 0, forward: 0 },
  { inwards: 0.06, forward: -0.35 },
  { inwards: 0.25, forward: -0.9 },
  { inwards: 1, forward: -1.3 },
];

/** The rim of a hole on the refined mesh, counter-clockwise seen from the front. */
function rimOf(contour: readonly number[], map: Refinement): number[] {
  const rim = contour.flatMap((point, i) => [
    point,
    map.between(point, contour[(i + 1) % contour.length]),
  ]);
  let area = 0;
  contour.forEach((p, i) => {
    const q = contour[(i + 1) % contour.length];
    area += CANONICAL[p * 3] * CANONICAL[q * 3 + 1] - CANONICAL[q * 3] * CANONICAL[p * 3 + 1];
  });
  return area < 0 ? rim.reverse() : rim;
}

/** Concentric rings across one or more holes of the refined mesh. */
export class Patch {
  readonly geometry = new BufferGeometry();
  readonly positions: Float32Array;
  private readonly normals: Float32Array;
  private readonly uvs: Float32Array;
  private readonly triangles: Uint16Array;
  /** Vertices of each hole: as many rings as asked for, each as long as its rim. */
  private readonly perHole: number;

  constructor(
    private readonly rims: readonly (readonly number[])[],
    private readonly rings: readonly Ring[],
  ) {
    const length = rims[0].length;
    this.perHole = length * rings.length;
    const count = this.perHole * rims.length;
    this.positions = new Float32Array(count * 3);
    this.normals = new Float32Array(count * 3);
    this.uvs = new Float32Array(count * 2);
    const depth = new Float32Array(count);
    const triangles: number[] = [];
    rims.forEach((_, hole) => {
      rings.forEach((ring, r) => {
        for (let i = 0; i < length; i++) {
          const a = hole * this.perHole + r * length + i;
          depth[a] = ring.inwards;
          if (r + 1 === rings.length) continue;
          const b = hole * this.perHole + r * length + ((i + 1) % length);
          triangles.push(a, b, a + length, b, b + length, a + length);
        }
      });
    });
    this.triangles = Uint16Array.from(triangles);
    const dynamic = (array: Float32Array, size: number) =>
      new BufferAttribute(array, size).setUsage(DynamicDrawUsage);
    this.geometry.setAttribute("position", dynamic(this.positions, 3));
    this.geometry.setAttribute("normal", dynamic(this.normals, 3));
    this.geometry.setAttribute("uv", dynamic(this.uvs, 2));
    this.geometry.setAttribute("depth", new BufferAttribute(depth, 1));
    this.geometry.setIndex(new BufferAttribute(this.triangles, 1));
  }

  /** Follow the refined points; `fx, fy, fz` is the head's forward axis. */
  move(fine: Float32Array, fx: number, fy: number, fz: number): void {
    const { rims, rings, positions } = this;
    for (let hole = 0; hole < rims.length; hole++) {
      const rim = rims[hole];
      let cx = 0;
      let cy = 0;
      let cz = 0;
      for (const v of rim) {
        cx += fine[v * 3];
        cy += fine[v * 3 + 1];
        cz += fine[v * 3 + 2];
      }
      cx /= rim.length;
      cy /= rim.length;
      cz /= rim.length;
      let o = hole * this.perHole * 3;
      for (const { inwards, forward } of rings) {
        const keep = 1 - inwards;
        for (const v of rim) {
          positions[o++] = keep * fine[v * 3] + inwards * cx + forward * fx;
          positions[o++] = keep * fine[v * 3 + 1] + inwards * cy + forward * fy;
          positions[o++] = keep * fine[v * 3 + 2] + inwards * cz + forward * fz;
        }
      }
    }
    normalsOf(positions, this.triangles, this.normals);
    this.geometry.attributes.position.needsUpdate = true;
    this.geometry.attributes.normal.needsUpdate = true;
  }

  /** Follow the refined texture coordinates. */
  paint(fineUvs: Float32Array): void {
    const { rims, rings, uvs } = this;
    for (let hole = 0; hole < rims.length; hole++) {
      const rim = rims[hole];
      let cu = 0;
      let cv = 0;
      for (const v of rim) {
        cu += fineUvs[v * 2];
        cv += fineUvs[v * 2 + 1];
      }
      cu /= rim.length;
      cv /= rim.length;
      let o = hole * this.perHole * 2;
      for (const { inwards } of rings) {
        for (const v of rim) {
          uvs[o++] = (1 - inwards) * fineUvs[v * 2] + inwards * cu;
          uvs[o++] = (1 - inwards) * fineUvs[v * 2 + 1] + inwards * cv;
        }
      }
    }
    this.geometry.attributes.uv.needsUpdate = true;
  }

  dispose(): void {
    this.geometry.dispose();
  }
}

/** Both eyes, the subject's right first. */
export function eyePatch(map: Refinement): Patch {
  return new Patch([rimOf(REGIONS.right_eye, map), rimOf(REGIONS.left_eye, map)], EYE);
}

export function mouthPatch(map: Refinement): Patch {
  return new Patch([rimOf(REGIONS.lips_inner, map)], MOUTH);
}
