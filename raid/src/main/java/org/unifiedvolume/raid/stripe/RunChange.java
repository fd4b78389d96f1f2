package org.unifiedvolume.raid.stripe;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest.Zero;

/// The change of whole stripes that follow one another: reads nothing, and sends each leg all of
/// its rows at once, data and parity as they come.
final class RunChange extends StripePart {
    private final long stripe;
    private final long stripes;
    private final boolean isDegraded;
    private final Patience patience = new Patience();

    /// By stripe; then by P and Q. Null where the leg is missing, or all is zeroes.
    private Buffers[][] parity;

    RunChange(StripeChange change, long stripe, long endStripe, boolean isDegraded) {
        super(change);
        this.stripe = stripe;
        this.stripes = endStripe - stripe;
        this.isDegraded = isDegraded;
    }

    private ParityGeometry geometry() {
        return level().geometry();
    }

    private long row() {
        return geometry().startOnMembers(stripe);
    }

    private long lengthBytes() {
        return stripes * geometry().chunkBytes();
    }

    void start() {
        if (!change().isZero() && !generate()) {
            release();
            DeviceFault why = StripeRows.noMemory();
            if (!patience.retry(why, group().io(), this::start)) {
                notDone(why);
            }
            return;
        }
        journalAndSend(row(), row() + lengthBytes());
    }

    @Override
    void describe(JournalChange entry) {
        if (isDegraded) {
            for (int role = 0; role < geometry().memberCount(); role++) {
                if (change().roles().isWritable(role)) {
                    entry.add(role, row(), lengthBytes(), null);
                }
            }
        }
    }

    private boolean generate() {
        parity = new Buffers[(int) stripes][];
        for (int i = 0; i < parity.length; i++) {
            parity[i] = new Buffers[geometry().parityCount()];
            if (!generate(Band.whole(geometry(), stripe + i), parity[i])) {
                return false;
            }
        }
        return true;
    }

    private boolean generate(Band band, Buffers[] made) {
        Roles roles = change().roles();
        boolean hasP = roles.isWritable(geometry().memberOfP(band.stripe()));
        boolean hasQ = made.length > 1 && roles.isWritable(geometry().memberOfQ(band.stripe()));
        if (hasP) {
            made[0] = group().io().pool().allocate(band.lengthBytes());
        }
        if (hasQ) {
            made[1] = group().io().pool().allocate(band.lengthBytes());
        }
        if ((hasP && made[0] == null) || (hasQ && made[1] == null)) {
            return false;
        }
        Buffers[] data = new Buffers[geometry().dataCount()];
        for (int i = 0; i < data.length; i++) {
            data[i] = change().source(band, i);
        }
        level().generate(data, made[0], hasQ ? made[1] : null);
        return true;
    }

    @Override
    void sendTo(LegWrites all) {
        for (int role = 0; role < geometry().memberCount(); role++) {
            if (change().roles().isWritable(role)) {
                all.send(change().roles().leg(role), row(), lengthBytes(), gather(role));
            }
        }
    }

    @Override
    void notSent(DeviceFault why) {
        release();
        notDone(why);
    }

    /// What one leg gets; null for zeroes.
    private Buffers gather(int role) {
        if (change().isZero()) {
            return null;
        }
        Buffers[] parts = new Buffers[(int) stripes];
        for (int i = 0; i < parity.length; i++) {
            int data = geometry().dataIndexOf(stripe + i, role);
            if (data >= 0) {
                parts[i] = change().source(Band.whole(geometry(), stripe + i), data);
            } else {
                parts[i] = parity[i][role == geometry().memberOfP(stripe + i) ? 0 : 1];
            }
        }
        return stripes == 1 ? parts[0] : Buffers.concat(parts);
    }

    @Override
    void release() {
        if (parity != null) {
            for (Buffers[] ofStripe : parity) {
                for (int i = 0; ofStripe != null && i < ofStripe.length; i++) {
                    if (ofStripe[i] != null) {
                        ofStripe[i].release();
                    }
                }
            }
            parity = null;
        }
    }

    @Override
    void ended(LegWrites all) {
        if (change().what() instanceof Zero zero && zero.fastOnly() && all.isRefusedBySome()) {
            change().repeatSlowly();
        }
        super.ended(all);
    }

    @Override
    void sendAgain() throws DeviceFault, InterruptedException {
        for (int role = 0; role < geometry().memberCount(); role++) {
            if (change().roles().isWritable(role) && (failed() >> role & 1) != 0) {
                Leg leg = change().roles().leg(role);
                LegWrites.again(group(), leg, row(), lengthBytes(), gather(role));
            }
        }
    }
}
