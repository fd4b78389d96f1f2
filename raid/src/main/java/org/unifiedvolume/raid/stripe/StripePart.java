package org.unifiedvolume.raid.stripe;

import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.request.DeviceFault;

/// A part of a change of stripes: enters the journal, if there is one, sends the legs what they
/// get, and stays in memory and in the journal until they agree.
abstract class StripePart {
    private final StripeChange change;
    private JournalChange entry;
    private LegWrites sent;

    /// Whether a replay may carry it out although its entry could not be written everywhere.
    private boolean isDoubtful;

    StripePart(StripeChange change) {
        this.change = change;
    }

    final StripeChange change() {
        return change;
    }

    final ParityLevel level() {
        return change.level();
    }

    final Group group() {
        return change.group();
    }

    /// What is to be sent is known: enters the journal and sends it.
    final void journalAndSend(long row, long endRow) {
        if (level().journal() == null) {
            send();
            return;
        }
        entry =
                new JournalChange(row, endRow, level().geometry().memberCount()) {
                    @Override
                    void entered(DeviceFault fault) {
                        StripePart.this.entered(fault);
                    }
                };
        describe(entry);
        if (level().journal().enter(entry)) {
            entered(null);
        }
    }

    private void entered(DeviceFault fault) {
        if (fault == null) {
            isDoubtful = false;
            // Which legs lacked what the journal was given has to be known on disk.
            group().whenRecorded(this::recorded);
        } else {
            isDoubtful |= entry.mayStand;
            notSent(fault);
        }
    }

    private void recorded(DeviceFault fault) {
        if (fault == null) {
            send();
        } else if (entry.isJournalled()) {
            change.broke(this, fault); // a replay would carry it out, so the legs have to get it
        } else {
            level().journal().left(entry);
            notSent(fault);
        }
    }

    /// It was not sent, and is not tried again before whoever asked for it is told.
    final void notDone(DeviceFault why) {
        if (isDoubtful) {
            change.broke(this, why);
        } else {
            change.ended(why);
        }
    }

    private void send() {
        sent = new LegWrites(change, (_, _) -> ended(sent));
        sendTo(sent);
        sent.allSubmitted();
    }

    /// Adds to the journal's entry what legs get, if their rows have to fit together.
    abstract void describe(JournalChange newEntry);

    /// Sends each leg what it gets.
    abstract void sendTo(LegWrites legs);

    /// It must not be sent. Tries again, or gives its memory back and is [#notDone].
    abstract void notSent(DeviceFault why);

    /// All legs have answered.
    void ended(LegWrites legs) {
        change.sent(this, legs);
    }

    /// The roles whose legs failed, or did not do, what they were sent; all if nothing was sent.
    final long failed() {
        return sent == null ? -1 : sent.failed();
    }

    /// It has failed, and stays until it is mended.
    final void lasts() {
        if (entry != null) {
            level().journal().lasts(entry);
        }
    }

    /// Makes legs and journal agree on it: what was sent, or stands in the journal, the legs get;
    /// what may stand there is written over. On a control thread.
    final void mend() throws DeviceFault, InterruptedException {
        DeviceFault why = null;
        if (isDoubtful) {
            why = group().blocking().ask(level().journal()::settle);
        } else if (sent == null) {
            why = group().blocking().ask(group()::whenRecorded);
        }
        if (why != null) {
            throw why;
        }
        if (!isDoubtful) {
            sendAgain();
        }
    }

    /// Sends it again to the legs that failed it and are still in use. On a control thread.
    abstract void sendAgain() throws DeviceFault, InterruptedException;

    /// It is not needed any more, nor what the journal has of it.
    final void letGo() {
        release();
        if (entry != null) {
            level().journal().left(entry);
        }
    }

    /// Gives its memory back, and leaves the rest to the journal.
    abstract void release();
}
