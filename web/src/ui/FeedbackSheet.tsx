/** "Not right?": what was said, what is right, what is sent with it, and taking it back. */

import { useEffect, useId, useRef, useState } from "react";
import { EMOTION_LABELS, percent } from "../emotion";
import { type FeedbackAnswer, feedbackOffered, type Receipt, sendFeedback, told, withdrawFeedback } from "../feedback/client";
import { type Moment, momentOf, requestOf } from "../feedback/correction";
import { CROP_SIDE } from "../feedback/crop";
import { tokenMade } from "../feedback/person";
import { EMOTIONS } from "../tables";
import { useStudio, useStudioState } from "./context";
import { Icon } from "./icons";

const PLAIN = "control border border-line px-4 text-text";
const MAIN = "control bg-accent px-6 font-semibold text-on-accent! hover:bg-accent! hover:brightness-108";
const NONE = "none";
const TOLD = {
  stored: "Thank you. It is stored.",
  known: "Thank you. It was stored before.",
  queued: "Thank you. It is kept, and goes into the database as soon as that is back.",
  withdrawn: "It is deleted.",
  leaving: "The database does not answer; it is deleted as soon as that is back.",
} as const;

/** The small control beside what is read, and the sheet that it opens. */
export function FeedbackButton() {
  const studio = useStudio();
  const reads = useStudioState((s) => s.session?.emotion != null);
  const seen = useStudioState((s) => s.faces > 0);
  const [moment, setMoment] = useState<Moment | "nothing" | null>(null);
  if (!reads) return null;
  return (
    <>
      <button type="button" className={`${PLAIN} text-s`} disabled={!seen} data-testid="feedback-open" onClick={() => setMoment(momentOf(studio) ?? "nothing")}>
        Not right?
      </button>
      {moment === "nothing" && (
        <p role="status" className="pt-1 text-s text-quiet">
          Nothing is read at this moment; try again when it is.
        </p>
      )}
      {moment !== null && moment !== "nothing" && <Sheet key={moment.id} moment={moment} close={() => setMoment(null)} />}
    </>
  );
}

function Sheet({ moment, close }: { moment: Moment; close: () => void }) {
  const { token } = useStudio();
  const title = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const [offer, setOffer] = useState<FeedbackAnswer | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [sent, setSent] = useState<Receipt["state"] | "withdrawn" | "leaving" | null>(null);
  // Another tab may have deleted, and sent with another one since.
  const [person, setPerson] = useState("");
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    feedbackOffered(token).then(
      (answer) => (answer.available ? setOffer(answer) : setProblem(answer.problem ?? "This server stores no feedback.")),
      (error: unknown) => setProblem(told(error)),
    );
  }, [token]);
  // What had the focus is gone.
  useEffect(() => {
    if (sent !== null) heading.current?.focus();
  }, [sent]);
  const back = sent === "withdrawn" || sent === "leaving";
  const undo = () =>
    withdrawFeedback(moment.id, person, token).then(
      ({ queued }) => {
        setProblem(null);
        setSent(queued ? "leaving" : "withdrawn");
      },
      (error: unknown) => setProblem(told(error)),
    );
  return (
    <dialog
      ref={dialog}
      aria-labelledby={title}
      className="panel m-auto max-h-[calc(100dvh-16px)] w-[min(440px,calc(100%-16px))] overflow-y-auto overscroll-contain bg-raised p-4 text-text backdrop:bg-black/50 max-md:mb-2"
      data-testid="feedback"
      data-state={sent ?? "asking"}
      onClose={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div className="flex items-center justify-between pb-2">
        <h2 ref={heading} id={title} tabIndex={-1} className="text-l font-semibold outline-none">
          {sent === null ? "Not right?" : back ? "Taken back" : "Sent"}
        </h2>
        <button type="button" className="control" aria-label="Close" data-testid="feedback-close" onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </div>
      {sent === null && offer && (
        <Form
          moment={moment}
          offer={offer}
          sent={(state, by) => {
            setPerson(by);
            setSent(state);
          }}
          problem={setProblem}
        />
      )}
      {sent === null && !offer && problem === null && <p className="text-quiet">Asking the server …</p>}
      {sent !== null && (
        <>
          <p className="pb-3" role="status" data-testid="feedback-note">
            {TOLD[sent]}
          </p>
          <div className="flex flex-wrap gap-2">
            {!back && (
              <button type="button" className={PLAIN} data-testid="feedback-undo" onClick={() => void undo()}>
                Undo
              </button>
            )}
            <button type="button" className={MAIN} data-testid="feedback-done" onClick={() => dialog.current?.close()}>
              Done
            </button>
          </div>
        </>
      )}
      {problem !== null && (
        <p role="alert" className="pt-3 text-s font-semibold text-live" data-testid="feedback-problem">
          {problem}
        </p>
      )}
    </dialog>
  );
}

interface FormProps {
  moment: Moment;
  offer: FeedbackAnswer;
  sent: (state: Receipt["state"], person: string) => void;
  problem: (text: string | null) => void;
}

function Form({ moment, offer, sent, problem }: FormProps) {
  const { token } = useStudio();
  const kept = useStudioState((s) => s.settings.private);
  const [label, setLabel] = useState<string | null>(null);
  const [withCrop, setWithCrop] = useState(false);
  const [agreed, setAgreed] = useState(false);
  const [busy, setBusy] = useState(false);
  const best = moment.said.indexOf(Math.max(...moment.said));
  const send = async () => {
    if (label === null || !agreed || busy) return;
    setBusy(true);
    try {
      const person = tokenMade();
      const request = requestOf(moment, label, offer.consent.version, person, withCrop);
      const { state } = await sendFeedback(request, token);
      problem(null);
      sent(state, person);
    } catch (error) {
      problem(told(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="flex flex-col gap-3 text-s"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <p data-testid="feedback-said">
        The model said <strong className="font-semibold">{EMOTION_LABELS[best]}</strong>, {percent(moment.said[best])}.
      </p>
      <fieldset>
        <legend className="pb-1 font-semibold">What does this face show?</legend>
        <div className="grid grid-cols-2 gap-x-2">
          {offer.labels.map((name) => (
            <label key={name} className="flex min-h-10 items-center gap-2 rounded-lg px-2 hover:bg-sunken/60">
              <input type="radio" name="feedback-label" className="size-5 accent-accent" checked={label === name} data-testid={`feedback-${name}`} onChange={() => setLabel(name)} />
              {name === NONE ? "None of these" : (EMOTION_LABELS[EMOTIONS.indexOf(name)] ?? name)}
            </label>
          ))}
        </div>
      </fieldset>
      <p className="text-quiet" data-testid="feedback-what">
        The 478 points of the face are sent, and no picture{moment.crop ? ", unless you tick it" : kept ? ": in private mode pictures stay in this page" : ""}.
      </p>
      {moment.crop && (
        <label className="flex min-h-12 items-center gap-3">
          <input type="checkbox" className="size-5 shrink-0 accent-accent" checked={withCrop} data-testid="feedback-crop" onChange={(event) => setWithCrop(event.target.checked)} />
          <span className="flex-1">Send this small grey picture too. Models that look at pictures learn from it.</span>
          <Crop grey={moment.crop} />
        </label>
      )}
      <label className="flex items-start gap-3">
        <input type="checkbox" className="mt-1 size-5 shrink-0 accent-accent" checked={agreed} data-testid="feedback-consent" onChange={(event) => setAgreed(event.target.checked)} />
        <span data-testid="feedback-words">{offer.consent.text}</span>
      </label>
      <div className="flex flex-wrap gap-2">
        <button type="submit" className={MAIN} disabled={label === null || !agreed || busy} data-testid="feedback-send">
          {busy ? "Sending …" : "Send"}
        </button>
      </div>
    </form>
  );
}

/** What would be sent, as it would be. */
function Crop({ grey }: { grey: Uint8Array }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const image = context.createImageData(CROP_SIDE, CROP_SIDE);
    grey.forEach((value, i) => image.data.set([value, value, value, 255], 4 * i));
    context.putImageData(image, 0, 0);
  }, [grey]);
  return <canvas ref={canvas} width={CROP_SIDE} height={CROP_SIDE} className="size-18 shrink-0 rounded-lg" role="img" aria-label="The picture of your face that would be sent" />;
}
