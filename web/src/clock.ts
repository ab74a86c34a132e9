/** A worker that ticks thirty times a second, also while its page is hidden. */

setInterval(() => self.postMessage(null), 1000 / 30);
