/** Names, orders and the mesh, read from the tables of the Python package. */

import canonicalTable from "../../src/mien/assets/canonical_face.json";
import channelTable from "../../src/mien/assets/channels.json";
import topologyTable from "../../src/mien/assets/topology.json";

export const CHANNELS: readonly string[] = channelTable.arkit52;
export const GROUPS: Readonly<Record<string, readonly string[]>> = channelTable.groups;

/** Standard deviations of the ten coefficients of the face model, as published with 3DDFA_V2. */
export const MODE_DEVIATIONS: readonly number[] = channelTable.morphable_deviation;

export const POINTS = topologyTable.points;
/** Three indices a triangle, counter-clockwise from outside; eyes and mouth are holes. */
export const TRIANGLES = Uint16Array.from(topologyTable.triangles.flat());
/** Two indices an edge. */
export const EDGES = Uint16Array.from(topologyTable.edges.flat());
export const RIGID: readonly number[] = topologyTable.rigid;
/** Contours in drawing order; ovals, lips, eyes and irises close on themselves. */
export const REGIONS = topologyTable.regions;
export const IRIS_CENTRES = topologyTable.iris_centres;

/** Mean neutral face in the head frame: x to the subject's left, y up, z forward; centimetres. */
export const CANONICAL = Float32Array.from(canonicalTable.points.flat());
