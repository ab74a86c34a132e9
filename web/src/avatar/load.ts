/** Reads an avatar's file into what the stage can move. Loaded only when one is wanted. */

import { type VRM, VRMLoaderPlugin, VRMUtils } from "@pixiv/three-vrm";
import { type Mesh, MeshStandardMaterial, type Object3D, TextureLoader } from "three";
import { type GLTF, GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { CHANNELS } from "../tables";
import { type Expressions, Figure } from "./figure";
import { channelOf } from "./names";
import { driven, expressionOf, type Recipe } from "./recipes";
import { AvatarError, openGltf } from "./refusal";

/** Channels among its expressions from which on an avatar needs no presets. */
const PERFECT = 10;
/** Metal mirrors its surroundings, and the stage has none: it would be black. */
const METAL = 0.2;

/**
 * Read a GLB, an embedded glTF or a VRM.
 *
 * @throws AvatarError
 */
export async function loadFigure(bytes: ArrayBuffer, name: string): Promise<Figure> {
  const { json } = openGltf(bytes, name);
  const loader = new GLTFLoader();
  loader.register((parser) => {
    // The other loader fetches the pictures, which the page's policy forbids.
    const images = new TextureLoader(parser.options.manager);
    Object.assign(parser, { textureLoader: images });
    straighten(parser.json as Vrm0);
    return new VRMLoaderPlugin(parser);
  });
  if (json.extensionsUsed?.includes("EXT_meshopt_compression")) {
    const { MeshoptDecoder } = await import("three/addons/libs/meshopt_decoder.module.js");
    loader.setMeshoptDecoder(MeshoptDecoder);
  }
  let gltf: GLTF;
  try {
    gltf = await loader.parseAsync(bytes, "");
  } catch (error) {
    throw new AvatarError(`${name} cannot be used: it is damaged (${error instanceof Error ? error.message : "unknown"}). Export it again.`);
  }
  const vrm = (gltf.userData.vrm as VRM | undefined) ?? null;
  const scene = vrm?.scene ?? gltf.scene;
  tame(scene);
  if (vrm) prepare(vrm);
  const { associations } = gltf.parser;
  return new Figure({
    name,
    scene,
    bytes,
    // Keys of the map are whatever was read.
    indexOf: (node) => associations.get(node)?.nodes ?? associations.get(node.parent ?? node)?.nodes ?? null,
    ...(vrm && { bones: bonesOf(vrm), expressions: expressionsOf(vrm), reach: reachOf(vrm) }),
    dispose: () => VRMUtils.deepDispose(scene),
  });
}

/** What of a file is looked at here. */
interface Vrm0 {
  readonly extensions?: { readonly VRM?: { readonly firstPerson?: Record<string, unknown> } };
}

/** The curve that three-vrm takes as none; it warns of all others, and of those that are missing. */
const STRAIGHT = [0, 0, 0, 1, 1, 1, 1, 0];

/** The stage turns the eyes itself, so the curves of a VRM 0.x along which they turn do not matter. */
function straighten(json: Vrm0): void {
  const first = json.extensions?.VRM?.firstPerson;
  if (!first) return;
  for (const name of ["HorizontalInner", "HorizontalOuter", "VerticalDown", "VerticalUp"]) {
    first[`lookAt${name}`] = { ...(first[`lookAt${name}`] as object | undefined), curve: STRAIGHT };
  }
}

function tame(scene: Object3D): void {
  scene.traverse((node) => {
    if (!("isMesh" in node)) return;
    const { material } = node as Mesh<never>;
    for (const one of Array.isArray(material) ? material : [material]) {
      if (one instanceof MeshStandardMaterial && !one.envMap) one.metalness = Math.min(one.metalness, METAL);
    }
  });
  for (const light of scene.getObjectsByProperty("isLight", true)) light.removeFromParent();
}

function prepare(vrm: VRM): void {
  VRMUtils.rotateVRM0(vrm);
  // The stage turns the bones themselves, and the eyes too.
  vrm.humanoid.autoUpdateHumanBones = false;
  if (vrm.lookAt) vrm.lookAt.autoUpdate = false;
}

function bonesOf({ humanoid }: VRM) {
  const bones = { head: "head", neck: "neck", jaw: "jaw", leftEye: "leftEye", rightEye: "rightEye", leftArm: "leftUpperArm", rightArm: "rightUpperArm" } as const;
  const found: Partial<Record<keyof typeof bones, Object3D>> = {};
  for (const [name, bone] of Object.entries(bones)) {
    const node = humanoid.getRawBoneNode(bone);
    if (node) found[name as keyof typeof bones] = node;
  }
  return found;
}

/** How far its eyes turn, in degrees; the file says so. */
function reachOf({ lookAt }: VRM): { across: number; up: number; down: number } | undefined {
  const applier = lookAt?.applier;
  if (!applier || !("rangeMapVerticalUp" in applier)) return undefined;
  const { rangeMapHorizontalOuter: across, rangeMapVerticalUp: up, rangeMapVerticalDown: down } = applier as Record<string, { outputScale: number }>;
  return { across: across.outputScale, up: up.outputScale, down: down.outputScale };
}

interface Driver {
  readonly recipe: Recipe;
  readonly apply: { weight: number };
}

function expressionsOf(vrm: VRM): Expressions {
  const shown = new Set<number>();
  const drivers: Driver[] = [];
  const looksByExpression = vrm.lookAt?.applier ? !("humanoid" in vrm.lookAt.applier) : false;
  const all = (vrm.expressionManager?.expressions ?? []).filter(({ binds }) => binds.length > 0);
  const own = all.flatMap((apply) => {
    const channel = channelOf(apply.expressionName);
    return channel < 0 ? [] : [{ apply, channel }];
  });
  for (const { apply, channel } of own) drivers.push({ apply, recipe: [[channel, 1]] });
  if (own.length < PERFECT) {
    const presets = all.flatMap((apply) => {
      const expression = expressionOf(apply.expressionName);
      // Eyes that are turned as bones are not moved by expressions as well.
      if (!expression || (expression.name.startsWith("look") && !looksByExpression)) return [];
      return [{ apply, expression }];
    });
    for (const { apply, expression } of driven(presets)) drivers.push({ apply, recipe: expression.recipe });
  }
  for (const { recipe } of drivers) for (const [channel, weight] of recipe) if (weight > 0) shown.add(channel);
  return {
    shown,
    looks: looksByExpression || own.some(({ channel }) => CHANNELS[channel].startsWith("eyeLook")),
    set: (weights) => {
      for (const { recipe, apply } of drivers) {
        let sum = 0;
        for (const pair of recipe) sum += weights[pair[0]] * pair[1];
        apply.weight = Math.min(1, Math.max(0, sum));
      }
    },
    update: (elapsed) => vrm.update(elapsed),
  };
}

