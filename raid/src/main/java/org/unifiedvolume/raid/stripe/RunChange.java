package org.unifiedvolume.raid.stripe;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest.Zero;

/// The change of whole stripes that follow one another: reads nothing, and sends each leg all of
/// its rows at once, data and parity as they come.
final class RunChange implements StripeChange.Part {
    private final StripeChange change;
    private final ParityLevel level;
    private final Group group;
    private final long stripe;
    private final long stripes;
    private final boolean isDegraded;
    private final Patience patience = new Patience();

    /// By stripe; then by P and Q. Null where the leg is missing, or all is zeroes.
    private Buffers[][] parity;

    private JournalChange entry;
    private LegWrites sent;

    RunChange(StripeChange change, long stripe, long endStripe, boolean isDegraded) {
        this.change = change;
        this.level = change.level();
        this.group = change.group();
        this.stripe = stripe;
        this.stripes = endStripe - stripe;
        this.isDegraded = isDegraded;
    }

    private ParityGeometry geometry() {
        return level.geometry();
    }

    private long row() {
        return geometry().startOnMembers(stripe);
    }

    private long lengthBytes() {
        return stripes * geometry().chunkBytes();
    }

    void start() {
        if (!change.isZero() && !generate()) {
            release();
            DeviceFault why = StripeRows.noMemory();
            if (!patience.retry(why, group.io(), this::start)) {
                change.ended(why);
            }
            return;
        }
        if (level.journal() == null) {
            send(null);
            return;
        }
        entry =
                new JournalChange(row(), row() + lengthBytes(), geometry().memberCount()) {
                    @Override
                    void entered(DeviceFault fault) {
                        mayGo(fault);
                    }
                };
        if (isDegraded) {
            for (int role = 0; role < geometry().memberCount(); role++) {
                if (change.roles().isWritable(role)) {
                    entry.add(role, row(), lengthBytes(), null);
                }
            }
        }
        if (level.journal().enter(entry)) {
            mayGo(null);
        }
    }

    private void recorded(DeviceFault fault) {
        if (fault != null) {
            level.journal().left(entry);
        }
        send(fault);
    }

    private void mayGo(DeviceFault fault) {
        if (fault == null) {
            change.whenMaySend(this::recorded);
        } else {
            send(fault);
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
        Roles roles = change.roles();
        boolean hasP = roles.isWritable(geometry().memberOfP(band.stripe()));
        boolean hasQ = made.length > 1 && roles.isWritable(geometry().memberOfQ(band.stripe()));
        if (hasP) {
            made[0] = group.io().pool().allocate(band.lengthBytes());
        }
        if (hasQ) {
            made[1] = group.io().pool().allocate(band.lengthBytes());
        }
        if ((hasP && made[0] == null) || (hasQ && made[1] == null)) {
            return false;
        }
        Buffers[] data = new Buffers[geometry().dataCount()];
        for (int i = 0; i < data.length; i++) {
            data[i] = change.source(band, i);
        }
        level.generate(data, made[0], hasQ ? made[1] : null);
        return true;
    }

    private void send(DeviceFault fault) {
        if (fault != null) {
            release();
            change.ended(fault);
            return;
        }
        sent = new LegWrites(change, (_, _) -> ended());
        for (int role = 0; role < geometry().memberCount(); role++) {
            if (change.roles().isWritable(role)) {
                sent.send(change.roles().leg(role), row(), lengthBytes(), gather(role));
            }
        }
        sent.allSubmitted();
    }

    /// What one leg gets; null for zeroes.
    private Buffers gather(int role) {
        if (change.isZero()) {
            return null;
        }
        Buffers[] parts = new Buffers[(int) stripes];
        for (int i = 0; i < parity.length; i++) {
            int data = geometry().dataIndexOf(stripe + i, role);
            if (data >= 0) {
                parts[i] = change.source(Band.whole(geometry(), stripe + i), data);
            } else {
                parts[i] = parity[i][role == geometry().memberOfP(stripe + i) ? 0 : 1];
            }
        }
        return stripes == 1 ? parts[0] : Buffers.concat(parts);
    }

    @Override
    public void release() {
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

    private void ended() {
        if (change.what() instanceof Zero zero && zero.fastOnly() && sent.isRefusedBySome()) {
            change.repeatSlowly();
        }
        change.sent(this, sent);
    }

    @Override
    public void lasts() {
        if (entry != null) {
            level.journal().lasts(entry);
        }
    }

    @Override
    public void mend() throws DeviceFault, InterruptedException {
        for (int role = 0; role < geometry().memberCount(); role++) {
            if ((sent.failed() >> role & 1) != 0) {
                Leg leg = change.roles().leg(role);
                LegWrites.again(group, leg, row(), lengthBytes(), gather(role));
            }
        }
    }

    @Override
    public void letGo() {
        release();
        if (entry != null) {
            level.journal().left(entry);
        }
    }
}
