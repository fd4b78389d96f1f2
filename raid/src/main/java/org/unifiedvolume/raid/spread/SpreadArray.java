package org.unifiedvolume.raid.spread;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.raid.array.LinearArray;
import org.unifiedvolume.raid.array.Part;
import org.unifiedvolume.raid.array.StripeArray;
import org.unifiedvolume.raid.redundant.BlockingLegs;
import org.unifiedvolume.raid.redundant.JobOptions;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.ManagedArray;
import org.unifiedvolume.volume.Member;

/// A linear array or a RAID 0 whose members carry superblocks: they are found wherever they moved,
/// and more of them can be added while it is used.
///
/// It needs all of its members: none can be taken out, and what fails on one of them fails.
public final class SpreadArray implements BlockDevice, ManagedArray, ReshapeJob.Owner {
    private static final Logger LOG = LoggerFactory.getLogger(SpreadArray.class);
    private static final long CLOSE_NANOS = 5_000_000_000L;
    private static final long LOOK_NANOS = 2_000_000L;

    private final String volume;
    private final String level;
    private final SpreadRecord record;
    private final BlockingLegs blocking;
    private final MemberWatch watch;
    private final Extension extension;
    private final String note;
    private final JobOptions jobs;
    private final Instant opened = Instant.now();
    private final AtomicBoolean changing = new AtomicBoolean();
    private volatile Way way;
    private volatile DeviceShape shape;
    private volatile ReshapeJob job;
    private volatile boolean closed;

    /// @param note what users should know although everything works; may be empty
    SpreadArray(
            String volume,
            String level,
            SpreadRecord record,
            BlockingLegs blocking,
            LongSupplier randomIds,
            String note,
            JobOptions jobs)
            throws IOException {
        this.volume = volume;
        this.level = level;
        this.record = record;
        this.blocking = blocking;
        this.note = note;
        this.jobs = jobs;
        this.watch = new MemberWatch(volume, record, blocking);
        this.extension = new Extension(this, record, blocking, randomIds);
        BlockDevice device = deviceOf(record.array(), record.members());
        this.way = new Way(device, watch::noticed);
        this.shape = device.shape();
    }

    /// Writes down that it is in use, and goes on with what the last run left to do.
    void begin() throws IOException {
        record.save(record.array(), record.members(), false);
        // Once more: the first ones could not know yet that the others would be written. A member
        // that is later set back to what it was before this start is told by that.
        record.save(record.array(), record.members(), false);
        if (way.device() instanceof ReshapingStripe stripe) {
            startReshape(stripe, null, jobs);
        }
    }

    /// What requests go through, as long as the array is so.
    private BlockDevice deviceOf(ArrayDescription array, List<SpreadMember> members)
            throws IOException {
        List<Part> parts = members.stream().map(SpreadMember::part).toList();
        if (array.level() == ArrayDescription.LINEAR) {
            return LinearArray.over(volume, parts, blocking.io());
        }
        StripeArray after = stripe(array, parts);
        if (array.reshape() == null) {
            return after;
        }
        StripeArray before = stripe(array, parts.subList(0, array.reshape().rolesBefore()));
        return new ReshapingStripe(
                before, after, array.reshape().positionBytes(), blocking.io().ids());
    }

    private StripeArray stripe(ArrayDescription array, List<Part> parts) throws IOException {
        long chunks = array.rowBytes() / array.chunkBytes();
        return StripeArray.over(volume, parts, array.chunkBytes(), chunks, blocking.io());
    }

    private void startReshape(ReshapingStripe stripe, Way former, JobOptions options) {
        ReshapeJob started = new ReshapeJob(this, stripe, record, blocking, options);
        job = started;
        started.start(former);
    }

    @Override
    public String volume() {
        return volume;
    }

    String level() {
        return level;
    }

    Instant opened() {
        return opened;
    }

    /// What users should know although everything works; may be empty.
    String note() {
        return note;
    }

    SpreadRecord record() {
        return record;
    }

    MemberWatch watch() {
        return watch;
    }

    /// The reshape that is or was under way; null if there was none.
    ReshapeJob job() {
        return job;
    }

    @Override
    public DeviceShape shape() {
        return shape;
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return way.device().locality(operation, offsetBytes, lengthBytes);
    }

    @Override
    public long localityRun(long offsetBytes) {
        return way.device().localityRun(offsetBytes);
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        DeviceFault refusal = watch.refusal();
        if (refusal != null) {
            done.complete(request, new Outcome.Failed(refusal));
            return;
        }
        while (!closed) {
            Way now = way;
            now.enter();
            if (now == way && !closed) {
                now.submit(request, done);
                return;
            }
            now.leave(); // it has just been left behind, and whoever did so may wait for it
        }
        done.complete(
                request,
                Outcome.failed(DeviceFault.Kind.STOPPING, "volume " + volume + " is closed"));
    }

    @Override
    public DeviceStatus status() {
        return new SpreadStatus(this).now();
    }

    @Override
    public List<String> memberNames() {
        return record.members().stream().map(SpreadMember::name).toList();
    }

    @Override
    public List<Member> members() {
        return record.members().stream().map(SpreadMember::device).toList();
    }

    @Override
    public Map<String, Object> detail() {
        return new SpreadDetail(this).view();
    }

    @Override
    public void fail(String member) throws IOException {
        throw needsAll("%s cannot be taken out of use".formatted(member));
    }

    @Override
    public void readd(String member, boolean assumeClean) throws IOException {
        throw needsAll("%s was never out of use".formatted(member));
    }

    @Override
    public String remove(String member) throws IOException {
        throw needsAll("%s cannot be removed".formatted(member));
    }

    @Override
    public void replace(String member, LayoutMember replacement, boolean force) throws IOException {
        throw needsAll("%s cannot be replaced".formatted(member));
    }

    @Override
    public boolean add(LayoutMember member, boolean force) throws IOException {
        throw needsAll(
                "there is no role for %s; uvol grow %s --add %s makes one"
                        .formatted(member.name(), volume, member.name()));
    }

    @Override
    public long grow(long sizeBytes) throws IOException {
        throw refusal(
                "%s grows by more members only: uvol grow %s --add URI".formatted(level, volume));
    }

    @Override
    public String setLegs(int count, List<LayoutMember> added, List<String> gone, boolean force)
            throws IOException {
        throw refusal(
                "%s has no legs; uvol grow %s --add URI gives it more members"
                        .formatted(level, volume));
    }

    @Override
    public void scrub(boolean repairs, long maxRateBytes) throws IOException {
        throw refusal("%s keeps each byte once: there is nothing to compare".formatted(level));
    }

    @Override
    public void stopScrub() throws IOException {
        throw refusal("no scrub is under way");
    }

    private IOException needsAll(String problem) {
        return refusal("%s needs all of its members: %s".formatted(level, problem));
    }

    IOException refusal(String problem) {
        return new IOException("volume %s: %s".formatted(volume, problem));
    }

    @Override
    public Extended extend(List<LayoutMember> fresh, boolean force, long maxRateBytes)
            throws IOException {
        if (closed || !changing.compareAndSet(false, true)) {
            throw refusal("its members are being changed just now; try again");
        }
        try {
            if (way.device() instanceof ReshapingStripe) {
                throw refusal("a reshape is under way; wait until it has ended");
            }
            extension.extend(fresh, force);
            BlockDevice device = deviceOf(record.array(), record.members());
            Way former = way;
            way = new Way(device, watch::noticed);
            shape = shape.withSize(device.shape().sizeBytes());
            if (device instanceof ReshapingStripe stripe) {
                startReshape(
                        stripe, former, maxRateBytes == 0 ? jobs : new JobOptions(maxRateBytes));
                return new Extended(shape.sizeBytes(), stripe.after().shape().sizeBytes());
            }
            return new Extended(shape.sizeBytes(), shape.sizeBytes());
        } finally {
            changing.set(false);
        }
    }

    @Override
    public void reshaped() throws IOException {
        ArrayDescription before = record.array();
        ArrayDescription after =
                new ArrayDescription(
                        before.uuid(),
                        before.name(),
                        before.level(),
                        before.copies(),
                        before.chunkBytes(),
                        before.rowBytes() * before.roles(),
                        before.rowBytes(),
                        before.roles(),
                        before.createdMicros());
        record.save(after, record.members(), false);
        way = new Way(deviceOf(after, record.members()), watch::noticed);
        shape = shape.withSize(after.sizeBytes());
    }

    /// Waits for requests under way, makes all members durable, and writes down that it was stopped
    /// in order. What does not end within some seconds is left to the next start.
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        watch.close();
        ReshapeJob last = job;
        if (last != null) {
            last.cancel();
        }
        try {
            if (isIdle(last)) {
                blocking.flush(way.device());
                record.save(record.array(), record.members(), true);
            } else {
                LOG.warn("volume {}: closed with requests under way; not clean", volume);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (DeviceFault | IOException e) {
            LOG.warn("volume {}: not closed clean: {}", volume, e.getMessage());
        } finally {
            for (Member member : members()) {
                member.close();
            }
        }
    }

    private boolean isIdle(ReshapeJob last) throws InterruptedException {
        long until = blocking.io().timers().nanoTime() + CLOSE_NANOS;
        while (!way.isEmpty() || (last != null && !last.hasEnded()) || changing.get()) {
            if (blocking.io().timers().nanoTime() > until) {
                return false;
            }
            blocking.sleep(LOOK_NANOS);
        }
        return true;
    }

    /// The states of its members, by role.
    List<DeviceStatus> memberStates() {
        List<DeviceStatus> states = new ArrayList<>();
        for (SpreadMember member : record.members()) {
            states.add(SpreadStatus.of(member, watch.troubleOf(member)));
        }
        return states;
    }
}
