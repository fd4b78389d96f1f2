package org.unifiedvolume.raid.stripe;

import java.io.IOException;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.raid.array.CommonShape;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.parity.Parity;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Discard;
import org.unifiedvolume.request.IoRequest.Locate;
import org.unifiedvolume.request.IoRequest.Prefetch;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// RAID 5 and RAID 6: chunks of data with one or two chunks of parity in every stripe.
///
/// A change of less than a stripe goes through the [Journal], if there is one, so that a power cut
/// together with a lost leg does not take bytes with it that nobody was writing. Without a journal
/// it may.
///
/// A discard zeroes the whole stripes in its range, if all legs zero fast and give space back, and
/// leaves the rest as it is: after it, a whole stripe reads as zeroes, on every leg and whichever
/// is lost later.
public final class ParityLevel implements Level {
    /// An answer that walks more chunks than this ends early; whoever asks will ask for the rest.
    private static final long MAX_LOCATED_CHUNKS = 1 << 12;

    /// All rows are held while it changes: each part of a change sees one of them.
    private volatile ParityGeometry geometry;

    private final Parity parity;
    private final Journal journal;
    private final StripeJobs jobs;
    private boolean discards;

    /// @param journal null for none
    public ParityLevel(ParityGeometry geometry, Parity parity, Journal journal) {
        this.geometry = geometry;
        this.parity = parity;
        this.journal = journal;
        this.jobs = new StripeJobs(this);
    }

    ParityGeometry geometry() {
        return geometry;
    }

    Parity parity() {
        return parity;
    }

    StripeJobs jobs() {
        return jobs;
    }

    /// Null if there is none.
    Journal journal() {
        return journal;
    }

    /// How many rows a band may have at the most, so that it fits into one entry of the journal.
    long mostRows() {
        return journal == null
                ? geometry.chunkBytes()
                : Math.min(geometry.chunkBytes(), journal.mostRows(geometry.memberCount()));
    }

    /// Makes the parities that have memory.
    void generate(Buffers[] data, Buffers p, Buffers q) {
        if (p != null && q != null) {
            parity.generate(data, p, q);
        } else if (p != null) {
            parity.generate(data, p);
        } else if (q != null) {
            parity.generateQ(data, q);
        }
    }

    @Override
    public String name() {
        return geometry.parityCount() == 1 ? "raid5" : "raid6";
    }

    @Override
    public long sizeBytes() {
        return geometry.sizeBytes();
    }

    @Override
    public long rowBytes() {
        return geometry.memberBytes();
    }

    @Override
    public boolean canGrow() {
        return true;
    }

    /// What was there stays where it is: stripes go on row by row.
    @Override
    public void grow(ArrayDescription grown) {
        geometry =
                new ParityGeometry(
                        geometry.memberCount(),
                        geometry.parityCount(),
                        geometry.chunkBytes(),
                        grown.rowBytes() / geometry.chunkBytes());
    }

    @Override
    public boolean gathers() {
        return true;
    }

    @Override
    public long gatherBytes() {
        return geometry.stripeBytes();
    }

    @Override
    public boolean isEnough(long completeLegs) {
        return geometry.memberCount() - Long.bitCount(completeLegs) <= geometry.parityCount();
    }

    @Override
    public DeviceShape shape(DeviceShape common) {
        if (journal != null) {
            journal.setBlocks(common.blockBytes(), common.maxTransferBytes());
        }
        DeviceShape own = CommonShape.discardingByZeroing(common);
        discards = own.can(Ability.DISCARD);
        return own;
    }

    /// Within one chunk a request touches exactly its rows, else whole chunks.
    @Override
    public long firstRow(long offsetBytes, long lengthBytes) {
        return geometry.isWithinChunk(offsetBytes, lengthBytes)
                ? geometry.memberOffset(offsetBytes)
                : geometry.startOnMembers(geometry.stripeAt(offsetBytes));
    }

    @Override
    public long endRow(long offsetBytes, long lengthBytes) {
        return geometry.isWithinChunk(offsetBytes, lengthBytes)
                ? geometry.memberOffset(offsetBytes) + lengthBytes
                : geometry.startOnMembers(geometry.stripeAt(offsetBytes + lengthBytes - 1) + 1);
    }

    @Override
    public Locality locality(Group group, Operation operation, long offsetBytes, long lengthBytes) {
        Roles roles = group.roles();
        if (operation.changesData()) {
            return roles.writeLocality();
        }
        long chunk = geometry.chunkBytes();
        long end = offsetBytes + Math.max(1, lengthBytes);
        long at = offsetBytes - offsetBytes % chunk;
        Locality found = null;
        // After a chunk of each stripe's legs nothing new can come.
        for (int seen = 0; at < end && seen < geometry.memberCount(); seen++) {
            int role = geometry.memberAt(at);
            Locality here =
                    roles.isComplete(role) ? roles.leg(role).locality() : roles.writeLocality();
            found = found == null ? here : found.and(here);
            at += chunk;
        }
        return found;
    }

    @Override
    public long localityRun(Group group, long offsetBytes) {
        long chunk = geometry.chunkBytes();
        return chunk - offsetBytes % chunk;
    }

    @Override
    public void rolesChanged(Roles roles) {
        if (journal != null) {
            journal.rolesChanged(roles);
        }
    }

    @Override
    public void seated(int role, MemberAreas areas) {
        if (journal != null) {
            MemberAreas.Area area = areas.journal();
            journal.seated(
                    role, area.isPresent() ? new JournalPlace(area.offset(), area.length()) : null);
        }
    }

    @Override
    public void open(Group group, boolean wasClean) throws IOException, InterruptedException {
        if (journal != null) {
            journal.open(group, wasClean);
        }
    }

    @Override
    public long flushBegins() {
        return journal == null ? 0 : journal.flushBegins();
    }

    @Override
    public void flushed(Group group, long mark) {
        if (journal != null) {
            journal.flushed(mark);
        }
    }

    @Override
    public void read(Group group, IoRequest request, Completion done) {
        if (geometry.isWithinChunk(request.offsetBytes(), request.lengthBytes())) {
            Completion told =
                    request instanceof Prefetch
                            ? (_, _) -> done.complete(request, Outcome.Done.DONE)
                            : done;
            new ChunkRead(this, group, request, told).start();
            return;
        }
        long longest = MAX_LOCATED_CHUNKS * geometry.chunkBytes();
        switch (request) {
            case Read read -> new SpreadRead(this, group, read, done).start();
            case Locate _, Prefetch _ ->
                    new SpreadLocate(
                                    this,
                                    group,
                                    request,
                                    Math.min(longest, request.lengthBytes()),
                                    done)
                            .start();
            case IoRequest other -> throw new AssertionError(other + " is no question");
        }
    }

    @Override
    public void change(Group group, IoRequest request, Change done) {
        switch (request) {
            case Write _ -> new StripeChange(this, group, done, request, request, done).start();
            case Zero zero when zero.fastOnly() -> zeroFast(group, zero, done);
            case Zero _ -> new StripeChange(this, group, done, request, request, done).start();
            case Discard discard -> discard(group, discard, done);
            case IoRequest other -> throw new AssertionError(other + " changes nothing");
        }
    }

    /// Whole stripes can be zeroed fast. What is less needs new parity: at the edges, at most two
    /// stripes, that is done; a range without any whole stripe is refused.
    private void zeroFast(Group group, Zero zero, Change done) {
        Zero middle = wholeStripes(zero, zero.mayUnmap(), true, zero.durability());
        if (middle == null) {
            done.complete(
                    zero,
                    Outcome.failed(
                            DeviceFault.Kind.NOT_SUPPORTED,
                            "volume %s: less than a stripe of %d bytes cannot be zeroed fast"
                                    .formatted(group.volume(), geometry.stripeBytes())));
            return;
        }
        StripeChange[] way = new StripeChange[1];
        way[0] =
                new StripeChange(
                        this,
                        group,
                        done,
                        zero,
                        middle,
                        (_, outcome) -> {
                            if (way[0].mustRepeatSlowly()) {
                                zeroSlowly(group, done, zero, zero, done);
                            } else if (outcome.isSuccess()) {
                                zeroEdges(group, zero, middle, done);
                            } else {
                                done.complete(zero, outcome);
                            }
                        });
        way[0].start();
    }

    private void zeroEdges(Group group, Zero zero, Zero middle, Change done) {
        long start = zero.offsetBytes();
        long behind = middle.offsetBytes() + middle.lengthBytes();
        long end = start + zero.lengthBytes();
        Completion last =
                (_, outcome) -> {
                    if (outcome.isSuccess() && behind < end) {
                        zeroSlowly(group, done, zero, part(zero, behind, end - behind), done);
                    } else {
                        done.complete(zero, outcome);
                    }
                };
        if (start < middle.offsetBytes()) {
            zeroSlowly(group, done, zero, part(zero, start, middle.offsetBytes() - start), last);
        } else {
            last.complete(zero, Outcome.Done.DONE);
        }
    }

    private static Zero part(Zero zero, long offset, long length) {
        return new Zero(zero.tag(), offset, length, zero.mayUnmap(), false, zero.durability());
    }

    private void zeroSlowly(Group group, Change whole, Zero parent, Zero range, Completion done) {
        Zero slow = part(range, range.offsetBytes(), range.lengthBytes());
        new StripeChange(this, group, whole, parent, slow, done).start();
    }

    private void discard(Group group, Discard discard, Change done) {
        Zero middle = discards ? wholeStripes(discard, true, false, discard.durability()) : null;
        if (middle == null) {
            done.complete(discard, Outcome.Done.DONE);
        } else {
            new StripeChange(this, group, done, discard, middle, done).start();
        }
    }

    /// A zeroing of the whole stripes within a request's range; null if there are none.
    private Zero wholeStripes(
            IoRequest request, boolean mayUnmap, boolean fastOnly, Durability durability) {
        long stripe = geometry.stripeBytes();
        long from = (request.offsetBytes() + stripe - 1) / stripe * stripe;
        long to = (request.offsetBytes() + request.lengthBytes()) / stripe * stripe;
        return from >= to
                ? null
                : new Zero(request.tag(), from, to - from, mayUnmap, fastOnly, durability);
    }

    @Override
    public Use useOf(int role, long row, long most) {
        if (row >= geometry.memberBytes()) {
            return new Use(-1, most);
        }
        long chunk = geometry.chunkBytes();
        long length = Math.min(most, chunk - (row & (chunk - 1)));
        return new Use(geometry.arrayOffset(role, row), length);
    }

    @Override
    public boolean restore(Group group, Leg leg, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        return jobs.restore(group, leg, row, lengthBytes);
    }

    /// Makes parity fit the data. Parity that stands for missing data is all there is of it, and
    /// stays; with two parities Q is made to fit P then.
    @Override
    public void resync(Group group, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        jobs.resync(group, row, lengthBytes);
    }

    /// Nothing can be compared while a leg is missing. With two parities the single leg that is
    /// wrong is found, block by block, and is what is made right; with one, parity is.
    @Override
    public long scrub(Group group, long row, long lengthBytes, boolean repairs)
            throws DeviceFault, InterruptedException {
        return jobs.scrub(group, row, lengthBytes, repairs);
    }
}
