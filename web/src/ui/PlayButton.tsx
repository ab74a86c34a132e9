import { Icon } from "./icons";

/** Seconds as people read them: "1:02.5". */
export function clock(seconds: number): string {
  const whole = Math.max(0, seconds);
  return `${Math.floor(whole / 60)}:${(whole % 60).toFixed(1).padStart(4, "0")}`;
}

export function PlayButton({ playing, onClick }: { playing: boolean; onClick: () => void }) {
  return (
    <button type="button" className="control" aria-label={playing ? "Pause" : "Play"} data-testid="play" onClick={onClick}>
      <Icon name={playing ? "pause" : "play"} filled={!playing} />
    </button>
  );
}
