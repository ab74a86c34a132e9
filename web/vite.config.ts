import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const repository = fileURLToPath(new URL("..", import.meta.url));
const server = "http://127.0.0.1:8765";

export default defineConfig({
  // Relative, so that the page also works behind a proxy that serves it under a path.
  base: "./",
  plugins: [react(), tailwindcss()],
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
  worker: { format: "es" },
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
    },
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
