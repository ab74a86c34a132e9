import { createContext, useContext, useEffect } from "react";
import type { GalleryState } from "../avatar/gallery";
import type { Grasp } from "../avatar/hand";
import type { GuideState } from "../calibrate/guide";
import { useStore } from "../store";
import type { StudioState } from "../state";
import type { Studio } from "../studio";

export const StudioContext = createContext<Studio | null>(null);

export function useStudio(): Studio {
  const studio = useContext(StudioContext);
  if (!studio) throw new Error("useStudio needs a StudioContext above it");
  return studio;
}

/** A part of the studio's state; renders again only when that part differs. */
export function useStudioState<S>(select: (state: StudioState) => S): S {
  return useStore(useStudio().store, select);
}

/** A part of what the calibration is at. */
export function useGuide<S>(select: (state: GuideState) => S): S {
  return useStore(useStudio().guide.store, select);
}

/** A part of what there is to wear. */
export function useGallery<S>(select: (state: GalleryState) => S): S {
  return useStore(useStudio().closet.gallery.store, select);
}

/** A part of what is done to the avatar by hand. */
export function useHand<S>(select: (state: Grasp) => S): S {
  return useStore(useStudio().closet.hand.store, select);
}

/** Ten times a second, for numbers that are read. */
export function useTenth(callback: (now: number) => void): void {
  const studio = useStudio();
  useEffect(() => studio.rhythm.onTenth(callback), [studio, callback]);
}
