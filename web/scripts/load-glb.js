// A GLB as three's GLTFLoader sees it: node load-glb.js FILE [SECONDS]...
// Prints as JSON the morph targets of each mesh, and for each time what the first animation makes
// of weights and rotations, by the index of the node in the file.
import { readFile } from "node:fs/promises";
import { AnimationMixer, Texture } from "three";
import { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";

globalThis.self = globalThis; // which the loader expects of a browser

const [path, ...times] = process.argv.slice(2);
const data = await readFile(path);
const loader = new GLTFLoader();
// There is nothing here that decodes pictures.
loader.register(() => ({ name: "no-pictures", loadTexture: () => Promise.resolve(new Texture()) }));
const gltf = await loader.parseAsync(
  data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
  "",
);

const nodes = [];
gltf.scene.traverse((object) => {
  const at = gltf.parser.associations.get(object);
  if (at?.nodes !== undefined) nodes.push([at.nodes, object]);
});

// A mesh of several primitives is a group, whose children all have the targets.
const morphing = (object) => [object, ...object.children].find((o) => o.morphTargetDictionary);

const state = () => {
  const weights = {};
  const rotations = {};
  for (const [index, object] of nodes) {
    const mesh = morphing(object);
    if (mesh && gltf.parser.json.nodes[index].mesh !== undefined) {
      weights[index] = [...mesh.morphTargetInfluences];
    }
    rotations[index] = object.quaternion.toArray();
  }
  return { weights, rotations };
};

const targets = {};
for (const [index, object] of nodes) {
  const mesh = morphing(object);
  if (mesh && gltf.parser.json.nodes[index].mesh !== undefined) {
    targets[index] = Object.keys(mesh.morphTargetDictionary);
  }
}

const samples = [];
const clip = gltf.animations[0];
if (clip) {
  const mixer = new AnimationMixer(gltf.scene);
  mixer.clipAction(clip).play();
  for (const time of times) {
    mixer.setTime(Number(time));
    samples.push({ time: Number(time), ...state() });
  }
}
console.log(JSON.stringify({ targets, duration: clip?.duration ?? null, samples }));
