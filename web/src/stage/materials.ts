/** What the face is made of. Shared by all faces of a stage. */

import {
  BackSide,
  Color,
  DoubleSide,
  LineBasicMaterial,
  MeshBasicMaterial,
  MeshLambertMaterial,
  MeshStandardMaterial,
  ShaderMaterial,
  SRGBColorSpace,
  Texture,
  LinearFilter,
  Vector3,
} from "three";

import type { Backdrop } from "../settings";

export type ThemeName = "dark" | "light";

/** Colours of the stage; they match the tokens of `index.css`. */
export const PALETTE = {
  dark: { inner: "#34383f", outer: "#121417", line: "#7ee0d2", dot: "#d9dde3", accent: "#5ad1c1", fill: "#1d2025" },
  light: { inner: "#f6f7f8", outer: "#c9ced5", line: "#0d6e64", dot: "#30353c", accent: "#0b7a6f", fill: "#dde1e6" },
} as const;

/** Grounds to choose from; where there is none, that of the theme. */
export const BACKDROP: Record<ThemeName, { inner: string; outer: string }> & Partial<Record<Backdrop, { inner: string; outer: string }>> = {
  dark: PALETTE.dark,
  light: PALETTE.light,
  sand: { inner: "#e9dfcf", outer: "#b39a7d" },
  dusk: { inner: "#5b4d72", outer: "#1c1a2b" },
  lagoon: { inner: "#2f7f86", outer: "#0d2530" },
  key: { inner: "#00b140", outer: "#00b140" },
};

/** What the vertices of an eye hand to its pixels; both shaders have to name it. */
const EYE_VARYINGS = /* glsl */ `
varying vec3 vPosition;
varying vec3 vIris;
varying vec3 vForward;
varying vec3 vNormal;
varying float vRadius;
varying float vDepth;
`;
const EYE_VERTEX = /* glsl */ `
attribute float depth;
attribute vec4 iris;
uniform vec3 forward;
${EYE_VARYINGS}
void main() {
  vec4 p = modelViewMatrix * vec4(position, 1.0);
  vPosition = p.xyz;
  vIris = (modelViewMatrix * vec4(iris.xyz, 1.0)).xyz;
  vForward = normalize((modelViewMatrix * vec4(forward, 0.0)).xyz);
  vNormal = normalize(normalMatrix * normal);
  vRadius = iris.w * length(modelViewMatrix[0].xyz);
  vDepth = depth;
  gl_Position = projectionMatrix * p;
}`;

// The iris is drawn by distance from its centre, across the line of sight of the head, so that the
// lids cut it off like a real one.
const EYE_FRAGMENT = /* glsl */ `
${EYE_VARYINGS}
uniform vec3 tint;
void main() {
  vec3 d = vPosition - vIris;
  d -= dot(d, vForward) * vForward;
  float r = length(d) / max(vRadius, 1e-4);
  float soft = fwidth(r) + 0.02;
  vec3 n = vNormal * sign(vNormal.z);
  float light = 0.62 + 0.38 * max(dot(n, normalize(vec3(-0.35, 0.55, 0.75))), 0.0);
  float lid = smoothstep(0.0, 0.42, vDepth);
  vec3 white = vec3(0.90, 0.885, 0.87) * light * mix(0.42, 1.0, lid);
  float fibre = 0.5 + 0.5 * sin(atan(d.y, d.x) * 34.0);
  vec3 ring = tint * mix(0.62, 1.18, smoothstep(0.95, 0.35, r)) * (0.93 + 0.07 * fibre);
  ring *= mix(0.38, 1.0, smoothstep(1.02, 0.82, r));
  ring *= mix(0.6, 1.0, lid);
  vec3 colour = mix(ring, white, smoothstep(1.0 - soft, 1.0 + soft, r));
  colour = mix(vec3(0.015), colour, smoothstep(0.40 - soft, 0.42 + soft, r));
  vec2 spark = d.xy / max(vRadius, 1e-4) - vec2(-0.32, 0.36);
  colour += vec3(0.9) * smoothstep(0.26, 0.12, length(spark)) * lid;
  gl_FragColor = vec4(colour, 1.0);
  #include <colorspace_fragment>
}`;

const DOT_VERTEX = /* glsl */ `
uniform float size;
void main() {
  vec4 p = modelViewMatrix * vec4(position, 1.0);
  gl_PointSize = size / -p.z;
  gl_Position = projectionMatrix * p;
}`;
const DOT_FRAGMENT = /* glsl */ `
uniform vec3 colour;
void main() {
  float r = length(gl_PointCoord - 0.5);
  if (r > 0.5) discard;
  gl_FragColor = vec4(colour, 1.0);
  #include <colorspace_fragment>
}`;

export class Materials {
  readonly texture = new Texture<TexImageSource>();
  readonly clay = new MeshStandardMaterial({ color: "#d8cfc6", roughness: 0.58 });
  /** The inside of the mask. */
  readonly inside = new MeshLambertMaterial({ color: "#3a3f47", side: BackSide });
  readonly photo: MeshLambertMaterial;
  /** Hides the lines and dots of the far side. */
  readonly veil = new MeshBasicMaterial({
    side: DoubleSide,
    transparent: true,
    opacity: 0.55,
    polygonOffset: true,
    polygonOffsetFactor: 2,
    polygonOffsetUnits: 2,
  });
  readonly mouth = new MeshStandardMaterial({ color: "#3a1616", roughness: 0.5 });
  readonly line = new LineBasicMaterial({ transparent: true, opacity: 0.85 });
  readonly eye = new ShaderMaterial({
    vertexShader: EYE_VERTEX,
    fragmentShader: EYE_FRAGMENT,
    uniforms: { tint: { value: new Color("#5b8f93") }, forward: { value: new Vector3(0, 0, 1) } },
  });
  readonly dot = new ShaderMaterial({
    vertexShader: DOT_VERTEX,
    fragmentShader: DOT_FRAGMENT,
    uniforms: { size: { value: 200 }, colour: { value: new Color() } },
  });

  constructor() {
    this.texture.colorSpace = SRGBColorSpace;
    this.texture.generateMipmaps = false;
    this.texture.minFilter = LinearFilter;
    this.texture.magFilter = LinearFilter;
    // Bitmaps cannot be turned over on upload; texture coordinates count from the first row.
    this.texture.flipY = false;
    // The photo carries its own light; a little of the stage's shows the relief when turned.
    this.photo = new MeshLambertMaterial({
      color: "#7d7d7d",
      emissive: "#b4b4b4",
    });
  }

  /** Lay a new picture on the faces. */
  paint(image: TexImageSource): void {
    const { texture, photo } = this;
    const old = texture.image as { width: number; height: number } | null;
    const size = image as { width: number; height: number };
    // Storage on the GPU has a fixed size.
    if (old && (old.width !== size.width || old.height !== size.height)) texture.dispose();
    texture.image = image;
    texture.needsUpdate = true;
    if (!photo.map) {
      photo.map = texture;
      photo.emissiveMap = texture;
      photo.needsUpdate = true;
    }
  }

  dress(theme: ThemeName): void {
    const colours = PALETTE[theme];
    this.line.color.set(colours.line);
    this.veil.color.set(colours.fill);
    (this.dot.uniforms.colour.value as Color).set(colours.dot);
  }

  dispose(): void {
    for (const m of [this.clay, this.inside, this.photo, this.veil, this.mouth, this.line, this.eye, this.dot]) {
      m.dispose();
    }
    this.texture.dispose();
  }
}
