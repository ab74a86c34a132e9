import { expect, it } from "vitest";
import { filmsOf } from "./video";

it.each([
  // Chromium with H.264, and Safari.
  [["video/mp4", "video/mp4;codecs=avc1.640033", "video/mp4;codecs=avc1", "video/webm", "video/webm;codecs=vp9"], ["mp4 video/mp4;codecs=avc1.640033", "webm video/webm;codecs=vp9"]],
  [["video/mp4", "video/mp4;codecs=avc1.42E01E", "video/mp4;codecs=avc1"], ["mp4 video/mp4;codecs=avc1.42E01E"]],
  // Chromium without it puts other pictures into an MP4, which few programs open.
  [["video/mp4", "video/mp4;codecs=vp9", "video/webm", "video/webm;codecs=vp8"], ["webm video/webm;codecs=vp8"]],
  [["video/webm"], ["webm video/webm"]],
  [[], []],
])("a browser that records %j films as %j", (types, films) => {
  expect(filmsOf((type) => types.includes(type)).map(({ id, type }) => `${id} ${type}`)).toEqual(films);
});
