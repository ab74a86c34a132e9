/** What this browser has sent, and deleting it. */

import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { forgetFeedback, told } from "../feedback/client";
import { dropToken, onToken, tokenKept } from "../feedback/person";
import { useStudio } from "./context";

const PLAIN = "control border border-line px-4 text-text";

export function FeedbackDelete() {
  const studio = useStudio();
  const person = useSyncExternalStore(onToken, tokenKept);
  const [asking, setAsking] = useState(false);
  const [note, setNote] = useState<string | null>(null);
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    // The harmless answer is the one that Enter gives.
    if (asking) keep.current?.focus();
  }, [asking]);
  const forget = async () => {
    if (person === null) return;
    try {
      const { submissions, queued } = await forgetFeedback(person, studio.token);
      dropToken(person);
      setNote(queued ? "The database does not answer; everything is deleted as soon as it is back." : submissions === 1 ? "1 correction is deleted." : `${submissions ?? 0} corrections are deleted.`);
    } catch (error) {
      setNote(told(error));
    }
    setAsking(false);
  };
  return (
    <section className="flex flex-col gap-2 text-s" aria-label="Feedback">
      <h2 className="font-semibold">Feedback</h2>
      {person === null ? (
        <p className="text-quiet" data-testid="feedback-none">
          No corrections of emotions are known to have been sent from this browser.
        </p>
      ) : (
        <>
          <p className="text-quiet">Corrections of emotions that were sent from this browser can be deleted here, or by whoever runs the server with this token.</p>
          <details>
            <summary className="min-h-10 content-center">Deletion token</summary>
            <code className="block pb-2 break-all select-all" data-testid="feedback-token">
              {person}
            </code>
          </details>
          {asking ? (
            <div className="flex flex-wrap items-center gap-2">
              <span className="w-full">Delete all corrections that were sent from this browser?</span>
              <button type="button" className={`${PLAIN} text-live!`} data-testid="feedback-delete-sure" onClick={() => void forget()}>
                Delete
              </button>
              <button ref={keep} type="button" className={PLAIN} data-testid="feedback-delete-not" onClick={() => setAsking(false)}>
                Keep
              </button>
            </div>
          ) : (
            <button type="button" className={`${PLAIN} self-start`} data-testid="feedback-delete" onClick={() => setAsking(true)}>
              Delete my data
            </button>
          )}
        </>
      )}
      <p role="status" data-testid="feedback-delete-note">
        {note}
      </p>
    </section>
  );
}
