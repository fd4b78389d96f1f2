package org.unifiedvolume.raid.integrity;

import org.unifiedvolume.layer.RangeQueue;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.Outcome;

/// A write on its way: data and checksums go out together, and both are answered before it is.
///
/// When the data fail the new checksums stay: what is there now is unspecified until it is written
/// again, and it must not be read if it is something else.
final class CheckedWrite implements Completion {
    private final IntegrityLayer layer;
    private final Write write;
    private final Completion done;
    private final long first;
    private final RangeQueue.Claim claim;
    private final BlockUse use;
    private final SaveWait wait;

    CheckedWrite(IntegrityLayer layer, Write write, Completion done) {
        this.layer = layer;
        this.write = write;
        this.done = done;
        this.first = layer.numberOf(write.offsetBytes());
        long end = write.offsetBytes() + write.lengthBytes();
        this.claim = new RangeQueue.Claim(write.offsetBytes(), end, true, this::claimed);
        this.use = new BlockUse(layer.area(), first, count());
        this.wait = new SaveWait(1 + use.saveCount(), this::answered);
    }

    void start() {
        layer.begins();
        layer.queue().claim(claim);
    }

    private long count() {
        return IntegrityLayer.countOf(write.lengthBytes());
    }

    private void claimed() {
        use.begin(
                true,
                fault -> {
                    if (fault == null) {
                        send();
                    } else {
                        answer(fault);
                    }
                });
    }

    private void send() {
        int[] found = layer.area().checksums().of(first, write.source());
        for (int i = 0; i < found.length; i++) {
            use.set(first + i, found[i]);
        }
        layer.below().submit(write, this);
        use.save(write.durability(), wait);
    }

    @Override
    public void complete(IoRequest request, Outcome outcome) {
        wait.saved(outcome instanceof Outcome.Failed(DeviceFault fault) ? fault : null);
    }

    @Override
    public boolean isAwaited() {
        return done.isAwaited();
    }

    private void answered(DeviceFault fault) {
        use.giveBack();
        answer(fault);
    }

    private void answer(DeviceFault fault) {
        layer.queue().release(claim);
        layer.answer(write, fault == null ? Outcome.Done.DONE : new Outcome.Failed(fault), done);
    }
}
