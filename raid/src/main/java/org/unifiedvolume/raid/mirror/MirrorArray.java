package org.unifiedvolume.raid.mirror;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.raid.array.CommonShape;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Discard;
import org.unifiedvolume.request.IoRequest.Flush;
import org.unifiedvolume.request.IoRequest.Locate;
import org.unifiedvolume.request.IoRequest.Prefetch;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.request.RequestIds;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.ManagedArray;

/// RAID 1: every leg holds the same bytes.
///
/// A change is acknowledged when every live leg has it. A leg that fails one, or is too slow for
/// its deadline, is dropped: the volume goes on DEGRADED, and the change is acknowledged when the
/// record says on disk that the leg lacks it, so that no later start takes it for good.
public final class MirrorArray implements BlockDevice, ManagedArray {
    private static final Logger LOG = LoggerFactory.getLogger(MirrorArray.class);
    private static final long CLOSE_NANOS = 5_000_000_000L;
    private static final long QUIET_NANOS = 5_000_000_000L;
    private static final long QUIET_LOOK_NANOS = 20_000_000L;

    private final String volume;
    private final Legs legs;
    private final DeviceShape shape;
    private final IoContext io;
    private final BlockingLegs blocking;
    private final MirrorStatus status;
    private final RangeLocks locks = new RangeLocks();
    private volatile boolean closed;

    private MirrorArray(
            LayoutContext context, Legs legs, DeviceShape shape, BlockingLegs blocking) {
        this.volume = context.volume();
        this.io = context.io();
        this.legs = legs;
        this.shape = shape;
        this.blocking = blocking;
        this.status = new MirrorStatus(volume, legs, shape.sizeBytes(), Instant.now());
    }

    /// Makes one device of the legs. Blocks: reads and writes the record, and looks at the legs of
    /// a new mirror.
    ///
    /// @throws IOException if they do not fit together or could show old bytes, saying what to do
    public static MirrorArray open(
            List<LayoutMember> members,
            MirrorOptions options,
            LayoutContext context,
            RecordStore store,
            ControlThreads threads)
            throws IOException {
        BlockingLegs blocking = new BlockingLegs(context.io(), threads);
        MirrorStart start = new MirrorStart(context.volume(), members, options, store);
        start.checkMembers();
        MirrorRecord last = start.load();
        int blockBytes = CommonShape.of(context.volume(), members, 0).blockBytes();
        long size = start.sizeBytes(last, blockBytes);
        MirrorRecord first =
                last == null
                        ? new FirstStart(context.volume(), members, options, blocking).decide(size)
                        : start.resume(last);
        List<Leg> all = new ArrayList<>();
        for (int i = 0; i < members.size(); i++) {
            all.add(new Leg(i, members.get(i), first.legs().get(i)));
        }
        Legs legs = new Legs(context.volume(), first, all, new RecordKeeper(store, threads));
        DeviceShape shape = mirrorShape(context.volume(), members, size);
        MirrorArray mirror = new MirrorArray(context, legs, shape, blocking);
        legs.save();
        mirror.goOnWithResyncs();
        return mirror;
    }

    /// A mirror discards by zeroing, as its legs must go on to hold the same bytes: it can do so
    /// only where all legs zero fast.
    private static DeviceShape mirrorShape(String volume, List<LayoutMember> members, long size)
            throws IOException {
        DeviceShape common = CommonShape.of(volume, members, size);
        if (common.can(Ability.FAST_ZERO) || !common.can(Ability.DISCARD)) {
            return common;
        }
        Set<Ability> abilities = EnumSet.copyOf(common.abilities());
        abilities.remove(Ability.DISCARD);
        return common.withAbilities(abilities);
    }

    private void goOnWithResyncs() {
        for (Leg leg : legs.all()) {
            boolean isHere = leg.device() != null;
            if (isHere && leg.state() == LegState.UNCLEAN) {
                startResync(leg, true);
            } else if (isHere && leg.state() == LegState.REBUILDING) {
                startResync(leg, false);
            }
        }
    }

    private void startResync(Leg leg, boolean compares) {
        Resync resync = newResync(leg, compares);
        leg.setResync(resync);
        resync.start();
    }

    private Resync newResync(Leg leg, boolean compares) {
        return new Resync(volume, leg, legs, locks, blocking, shape.sizeBytes(), compares);
    }

    Legs legs() {
        return legs;
    }

    RangeLocks locks() {
        return locks;
    }

    RequestIds ids() {
        return io.ids();
    }

    Timers timers() {
        return io.timers();
    }

    @Override
    public DeviceShape shape() {
        return shape;
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return switch (operation) {
            case READ, PREFETCH, LOCATE -> legs.roles().readLocality();
            case WRITE, ZERO, DISCARD, FLUSH -> legs.roles().writeLocality();
        };
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        if (closed) {
            done.complete(
                    request,
                    Outcome.failed(DeviceFault.Kind.STOPPING, "volume " + volume + " is closed"));
            return;
        }
        switch (request) {
            case Read _, Locate _ -> new MirrorRead(this, request, done).start();
            case Prefetch _ ->
                    new MirrorRead(
                                    this,
                                    request,
                                    (_, _) -> done.complete(request, Outcome.Done.DONE))
                            .start();
            case Write _ -> locks.acquire(new MirrorChange(this, request, done));
            case Zero zero -> zero(zero, done);
            case Discard discard -> discard(discard, done);
            case Flush flush ->
                    new LegFanOut(
                                    this,
                                    legs.roles().writable(),
                                    flush,
                                    (_, outcome) ->
                                            MirrorChange.acknowledge(this, flush, outcome, done))
                            .start();
        }
    }

    private void zero(Zero zero, Completion done) {
        if (zero.fastOnly() && !shape.can(Ability.FAST_ZERO)) {
            done.complete(
                    zero,
                    Outcome.failed(
                            DeviceFault.Kind.NOT_SUPPORTED,
                            "volume %s: not all legs zero fast".formatted(volume)));
            return;
        }
        locks.acquire(new MirrorChange(this, zero, done));
    }

    private void discard(Discard discard, Completion done) {
        if (!shape.can(Ability.DISCARD)) {
            done.complete(discard, Outcome.Done.DONE);
            return;
        }
        Zero zero =
                new Zero(
                        discard.tag(),
                        discard.offsetBytes(),
                        discard.lengthBytes(),
                        true,
                        false,
                        discard.durability());
        locks.acquire(
                new MirrorChange(this, zero, (_, outcome) -> done.complete(discard, outcome)));
    }

    @Override
    public DeviceStatus status() {
        return status.now();
    }

    @Override
    public void fail(String member) throws IOException {
        legs.fail(leg(member));
    }

    @Override
    public void readd(String member, boolean assumeClean) throws IOException {
        Leg leg = leg(member);
        if (leg.device() == null) {
            throw new IOException(
                    "volume %s: %s was not there when the volume started (%s); make it reachable, restart the volume, then re-add it"
                            .formatted(volume, member, leg.member().problem()));
        }
        try {
            awaitQuiet(leg);
            if (assumeClean) {
                BlockingLegs.Held all = new BlockingLegs.Held(0, shape.sizeBytes());
                blocking.hold(locks, all);
                try {
                    legs.rebuild(leg, null);
                    legs.inSync(leg, null);
                } finally {
                    locks.release(all);
                }
                legs.keeper().settle();
            } else {
                Resync resync = newResync(leg, false);
                legs.rebuild(leg, resync);
                resync.start();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while %s was re-added".formatted(member), e);
        }
    }

    /// A write that a leg did not answer in time may still reach its medium, and would then
    /// overwrite what the resync has put there: the leg must have answered everything first.
    private void awaitQuiet(Leg leg) throws IOException, InterruptedException {
        long deadline = timers().nanoTime() + QUIET_NANOS;
        boolean isInUse = legs.look(() -> leg.state() != LegState.STALE);
        while (!isInUse && leg.device().underWayCount() > 0) {
            if (timers().nanoTime() - deadline > 0) {
                throw new IOException(
                        "volume %s: %s still has %d requests that it has not answered; re-add it when it has"
                                .formatted(volume, leg.name(), leg.device().underWayCount()));
            }
            blocking.sleep(QUIET_LOOK_NANOS);
        }
    }

    private Leg leg(String member) throws IOException {
        if (closed) {
            throw new IOException("volume %s is closed".formatted(volume));
        }
        for (Leg leg : legs.all()) {
            if (leg.name().equals(member)) {
                return leg;
            }
        }
        throw new IOException(
                "volume %s has no member %s; it has %s"
                        .formatted(
                                volume,
                                member,
                                String.join(", ", legs.all().stream().map(Leg::name).toList())));
    }

    /// Waits for changes under way, makes all legs durable, and writes down that they are alike.
    /// What does not end within some seconds is left to the next start, which finds the record not
    /// clean.
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (Leg leg : legs.all()) {
            Resync resync = leg.resync();
            if (resync != null) {
                resync.cancel();
            }
        }
        BlockingLegs.Held all = new BlockingLegs.Held(0, shape.sizeBytes());
        try {
            if (blocking.holdWithin(CLOSE_NANOS, locks, all)) {
                for (Leg leg : legs.roles().writable()) {
                    blocking.flush(leg);
                }
                legs.saveClosed();
            } else {
                LOG.warn("volume {}: closed with changes under way; not clean", volume);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (DeviceFault | IOException e) {
            LOG.warn("volume {}: not closed clean: {}", volume, e.getMessage());
        } finally {
            for (Leg leg : legs.all()) {
                if (leg.device() != null) {
                    leg.device().close();
                }
            }
            if (all.isGranted()) {
                // Who came too late is answered by the closed legs.
                locks.release(all);
            }
        }
    }
}
