/** MediaPipe's loader of its WebAssembly, which Vite gives an export (see `vite.config.ts`). */
declare module "*/vision_wasm_internal.js" {
  const ModuleFactory: unknown;
  export default ModuleFactory;
}
