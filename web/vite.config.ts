import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const repository = fileURLToPath(new URL("..", import.meta.url));
const server = "http://127.0.0.1:8765";

/** MediaPipe's loader is a script, which a worker of today's kind cannot load: it becomes a module. */
const loader: Plugin = {
  name: "mediapipe-loader",
  transform(code, id) {
    if (!/tasks-vision\/wasm\/\w+\.js$/.test(id)) return undefined;
    // What it requires on Node, and how it exports itself there, is of no use in a browser; a module
    // has to declare all names that it uses.
    const [script] = code.split("if (typeof exports === 'object'");
    return { code: `const require = undefined;\nconst custom_dbg = () => {};\n${script}\nexport default ModuleFactory;\n`, map: null };
  },
};

export default defineConfig({
  // Relative, so that the page also works behind a proxy that serves it under a path.
  base: "./",
  plugins: [react(), tailwindcss(), loader],
  build: {
    outDir: "../src/mien/server/studio",
    emptyOutDir: true,
    target: "es2022",
    // The policy the page is served under allows no data: scripts or fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // What changes least is kept by the browser when the rest is built anew.
        codeSplitting: {
          groups: [
            { name: "three", test: /node_modules\/three\/(build|src|examples\/jsm\/controls)/ },
            // Wanted only by those who wear an avatar.
            { name: "meshopt", test: /meshopt_decoder/ },
            { name: "avatars", test: /node_modules\/(@pixiv|three)\// },
            { name: "react", test: /node_modules/ },
          ],
        },
      },
    },
    chunkSizeWarningLimit: 600,
  },
  worker: { format: "es", plugins: () => [loader] },
  server: {
    // The tables of names and points are those of the Python package.
    fs: { allow: [repository] },
    proxy: {
      "/ws": { target: server, ws: true },
      "/infer": server,
      "/calibrations": server,
      "/health": server,
      "/sample.jpg": server,
      "/avatars": server,
      "/models": server,
    },
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
