/**
 * One step of Loop subdivision as a fixed linear map (Loop, "Smooth subdivision surfaces based on
 * triangles", 1987). The mesh never changes, only its points do, so the weights are found once.
 */

export interface Refinement {
  /** Number of refined points: the given ones first, then one for each edge. */
  readonly count: number;
  readonly triangles: Uint16Array;
  /** Refined point i is the sum of `weights[k] * points[sources[k]]`, k from `starts[i]`. */
  readonly starts: Uint32Array;
  readonly sources: Uint16Array;
  readonly weights: Float32Array;
  /** The refined point on the edge between two given points. */
  readonly between: (a: number, b: number) => number;
}

interface Edge {
  readonly a: number;
  readonly b: number;
  readonly opposite: number[];
  readonly index: number;
}

export function refine(triangles: ArrayLike<number>, points: number): Refinement {
  const edges = new Map<number, Edge>();
  const key = (a: number, b: number) => Math.min(a, b) * points + Math.max(a, b);
  const neighbours = Array.from({ length: points }, () => new Set<number>());
  for (let t = 0; t < triangles.length; t += 3) {
    for (let corner = 0; corner < 3; corner++) {
      const a = triangles[t + corner];
      const b = triangles[t + ((corner + 1) % 3)];
      const c = triangles[t + ((corner + 2) % 3)];
      neighbours[a].add(b);
      neighbours[b].add(a);
      const edge = edges.get(key(a, b));
      if (edge) edge.opposite.push(c);
      else edges.set(key(a, b), { a, b, opposite: [c], index: points + edges.size });
    }
  }
  const between = (a: number, b: number): number => {
    const edge = edges.get(key(a, b));
    if (!edge) throw new RangeError(`the mesh has no edge between points ${a} and ${b}`);
    return edge.index;
  };

  const rim = Array.from({ length: points }, () => [] as number[]);
  for (const { a, b, opposite } of edges.values()) {
    if (opposite.length === 1) {
      rim[a].push(b);
      rim[b].push(a);
    }
  }

  const starts: number[] = [0];
  const sources: number[] = [];
  const weights: number[] = [];
  const add = (terms: readonly (readonly [number, number])[]) => {
    for (const [source, weight] of terms) {
      sources.push(source);
      weights.push(weight);
    }
    starts.push(sources.length);
  };
  for (let v = 0; v < points; v++) {
    const around = [...neighbours[v]];
    if (rim[v].length === 2) {
      add([[v, 0.75], [rim[v][0], 0.125], [rim[v][1], 0.125]]);
    } else if (rim[v].length > 0 || around.length < 3) {
      add([[v, 1]]);
    } else {
      const beta = around.length === 3 ? 3 / 16 : 3 / (8 * around.length);
      add([[v, 1 - around.length * beta], ...around.map((n) => [n, beta] as const)]);
    }
  }
  for (const { a, b, opposite } of edges.values()) {
    if (opposite.length === 2) {
      add([[a, 0.375], [b, 0.375], [opposite[0], 0.125], [opposite[1], 0.125]]);
    } else {
      add([[a, 0.5], [b, 0.5]]);
    }
  }

  const refined: number[] = [];
  for (let t = 0; t < triangles.length; t += 3) {
    const a = triangles[t];
    const b = triangles[t + 1];
    const c = triangles[t + 2];
    const ab = between(a, b);
    const bc = between(b, c);
    const ca = between(c, a);
    refined.push(a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca);
  }
  return {
    count: points + edges.size,
    triangles: Uint16Array.from(refined),
    starts: Uint32Array.from(starts),
    sources: Uint16Array.from(sources),
    weights: Float32Array.from(weights),
    between,
  };
}

/** Refine `points` (`stride` numbers each) into `out`; allocates nothing. */
export function applyRefinement(
  map: Refinement,
  points: Float32Array,
  stride: 2 | 3,
  out: Float32Array,
): void {
  const { count, starts, sources, weights } = map;
  for (let i = 0; i < count; i++) {
    let x = 0;
    let y = 0;
    let z = 0;
    for (let k = starts[i]; k < starts[i + 1]; k++) {
      const w = weights[k];
      const s = sources[k] * stride;
      x += w * points[s];
      y += w * points[s + 1];
      if (stride === 3) z += w * points[s + 2];
    }
    const o = i * stride;
    out[o] = x;
    out[o + 1] = y;
    if (stride === 3) out[o + 2] = z;
  }
}

/** Normals of a mesh, weighted by the areas of the triangles around each point. */
export function normalsOf(
  positions: Float32Array,
  triangles: Uint16Array,
  normals: Float32Array,
): void {
  normals.fill(0);
  for (let t = 0; t < triangles.length; t += 3) {
    const a = triangles[t] * 3;
    const b = triangles[t + 1] * 3;
    const c = triangles[t + 2] * 3;
    const ux = positions[b] - positions[a];
    const uy = positions[b + 1] - positions[a + 1];
    const uz = positions[b + 2] - positions[a + 2];
    const vx = positions[c] - positions[a];
    const vy = positions[c + 1] - positions[a + 1];
    const vz = positions[c + 2] - positions[a + 2];
    const nx = uy * vz - uz * vy;
    const ny = uz * vx - ux * vz;
    const nz = ux * vy - uy * vx;
    normals[a] += nx; normals[a + 1] += ny; normals[a + 2] += nz;
    normals[b] += nx; normals[b + 1] += ny; normals[b + 2] += nz;
    normals[c] += nx; normals[c + 1] += ny; normals[c + 2] += nz;
  }
  for (let i = 0; i < normals.length; i += 3) {
    const length = Math.hypot(normals[i], normals[i + 1], normals[i + 2]);
    if (length > 0) {
      normals[i] /= length;
      normals[i + 1] /= length;
      normals[i + 2] /= length;
    }
  }
}
