package org.unifiedvolume.raid.stripe;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.raid.redundant.Mover;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MemberAreas.Area;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Locate;
import org.unifiedvolume.request.IoRequest.Prefetch;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// RAID 5 and RAID 6 whose bytes may be on their way to more legs: what has its new shape is one
/// [ParityLevel]'s, what has not is another one's.
///
/// Where a change goes is decided while its rows are held, so that it stays true. A read holds no
/// rows: it relies on a [StripePicture], and nothing that this shows is written over before it has
/// ended. Reads of what moves at this moment wait.
public final class ReshapableParity implements Level {
    private record WaitingRead(Group group, IoRequest request, Completion done) {}

    private final ReentrantLock lock = new ReentrantLock();
    private final List<WaitingRead> waiting = new ArrayList<>();
    private DeviceFault refusal;
    private volatile StripePicture picture;
    private volatile StripeMover mover;
    private DeviceShape common;

    /// An array that is on no way to anywhere.
    public ReshapableParity(ParityLevel level) {
        this.picture = StripePicture.steady(level);
    }

    /// An array that is on its way.
    ///
    /// @param row how many rows have the shape of `after`
    public ReshapableParity(ParityLevel before, ParityLevel after, long row) {
        this.mover = new StripeMover(this, before, after, row);
        this.picture = mover.picture(0);
    }

    StripePicture picture() {
        return picture;
    }

    /// Shows another picture. Reads that were waiting look again.
    ///
    /// @return the one before, which reads may still rely on
    StripePicture show(StripePicture next) {
        StripePicture old;
        List<WaitingRead> again;
        lock.lock();
        try {
            old = picture;
            picture = next;
            refusal = null;
            again = List.copyOf(waiting);
            waiting.clear();
        } finally {
            lock.unlock();
        }
        again.forEach(read -> read(read.group, read.request, read.done));
        return old;
    }

    /// Reads of what moves fail until another picture is shown.
    void refuse(DeviceFault why) {
        List<WaitingRead> refused;
        lock.lock();
        try {
            refusal = why;
            refused = List.copyOf(waiting);
            waiting.clear();
        } finally {
            lock.unlock();
        }
        refused.forEach(read -> read.done.complete(read.request, new Outcome.Failed(why)));
    }

    /// All bytes have their new shape.
    void arrived(ParityLevel after) {
        mover = null;
        show(StripePicture.steady(after));
    }

    @Override
    public String name() {
        return picture.after().name();
    }

    /// The array is as large as before until all of it has its new shape.
    @Override
    public long sizeBytes() {
        StripePicture now = picture;
        return (now.before() == null ? now.after() : now.before()).sizeBytes();
    }

    @Override
    public long rowBytes() {
        return picture.after().rowBytes();
    }

    @Override
    public boolean isEnough(long completeLegs) {
        return picture.after().isEnough(completeLegs);
    }

    @Override
    public boolean gathers() {
        return true;
    }

    /// Nothing while bytes move: it would be what stripes of one shape hold.
    @Override
    public long gatherBytes() {
        StripePicture now = picture;
        return now.before() == null ? now.after().gatherBytes() : 0;
    }

    @Override
    public boolean canGrow() {
        return picture.after().canGrow();
    }

    /// Not while anything moves.
    @Override
    public void grow(ArrayDescription grown) {
        picture.after().grow(grown);
    }

    @Override
    public Use useOf(int role, long row, long most) {
        StripePicture now = picture;
        return mover == null && now.before() == null ? now.after().useOf(role, row, most) : null;
    }

    @Override
    public boolean isReshapable() {
        return true;
    }

    @Override
    public String whyNotWider() {
        if (mover != null) {
            return "it is being reshaped already";
        }
        return picture.after().journal() == null
                ? "it was made without a journal, which keeps what is moved over itself"
                : null;
    }

    @Override
    public void widen(ArrayDescription wide, MemberAreas[] areas) {
        ParityLevel before = picture.after();
        ParityGeometry old = before.geometry();
        ParityGeometry geometry =
                new ParityGeometry(
                        wide.roles(), old.parityCount(), old.chunkBytes(), old.stripeCount());
        JournalPlace[] places = new JournalPlace[areas.length];
        for (int i = 0; i < areas.length; i++) {
            Area area = areas[i].journal();
            places[i] = area.isPresent() ? new JournalPlace(area.offset(), area.length()) : null;
        }
        before.journal().widen(places);
        ParityLevel after = new ParityLevel(geometry, before.parity(), before.journal());
        after.shape(common);
        mover = new StripeMover(this, before, after, 0);
        mover.show(0);
    }

    @Override
    public Mover mover() {
        return mover;
    }

    @Override
    public DeviceShape shape(DeviceShape ofLegs) {
        common = ofLegs;
        StripePicture now = picture;
        if (now.before() != null) {
            now.before().shape(ofLegs);
        }
        return now.after().shape(ofLegs);
    }

    @Override
    public long firstRow(long offsetBytes, long lengthBytes) {
        return firstRow(picture, offsetBytes, lengthBytes);
    }

    @Override
    public long endRow(long offsetBytes, long lengthBytes) {
        return endRow(picture, offsetBytes, lengthBytes);
    }

    private static long firstRow(StripePicture now, long offset, long length) {
        return now.isAcross(offset, length)
                ? now.after().firstRow(offset, now.movedBytes() - offset)
                : now.at(offset).firstRow(offset, length);
    }

    private static long endRow(StripePicture now, long offset, long length) {
        long cut = now.movedBytes();
        return now.isAcross(offset, length)
                ? now.before().endRow(cut, offset + length - cut)
                : now.at(offset).endRow(offset, length);
    }

    @Override
    public boolean isWithin(long offsetBytes, long lengthBytes, long row, long endRow) {
        StripePicture now = picture;
        return firstRow(now, offsetBytes, lengthBytes) == row
                && endRow(now, offsetBytes, lengthBytes) == endRow;
    }

    @Override
    public Locality locality(Group group, Operation operation, long offsetBytes, long lengthBytes) {
        StripePicture now = picture;
        if (!now.isAcross(offsetBytes, lengthBytes)) {
            return now.at(offsetBytes).locality(group, operation, offsetBytes, lengthBytes);
        }
        long cut = now.movedBytes();
        return now.after()
                .locality(group, operation, offsetBytes, cut - offsetBytes)
                .and(now.before().locality(group, operation, cut, offsetBytes + lengthBytes - cut));
    }

    @Override
    public long localityRun(Group group, long offsetBytes) {
        return picture.at(offsetBytes).localityRun(group, offsetBytes);
    }

    @Override
    public void rolesChanged(Roles roles) {
        picture.after().rolesChanged(roles);
    }

    @Override
    public void seated(int role, MemberAreas areas) {
        picture.after().seated(role, areas);
    }

    /// What the journal has of a reshape goes into the superblocks before it is forgotten.
    @Override
    public void open(Group group, boolean wasClean) throws IOException, InterruptedException {
        Journal journal = picture.after().journal();
        if (journal != null) {
            journal.open(group, wasClean, row -> replayed(group, row));
        }
    }

    private void replayed(Group group, long row) throws IOException {
        StripeMover now = mover;
        if (now != null && row > now.row()) {
            group.recordReshape(now.bytesBefore(row));
            now.replayed(row);
        }
    }

    @Override
    public long flushBegins() {
        return picture.after().flushBegins();
    }

    @Override
    public void flushed(Group group, long mark) {
        picture.after().flushed(group, mark);
    }

    @Override
    public void read(Group group, IoRequest request, Completion done) {
        while (true) {
            StripePicture now = picture;
            if (now.isMoving(request.offsetBytes(), request.lengthBytes())) {
                if (waits(now, group, request, done)) {
                    return;
                }
            } else if (now.enter()) {
                read(now, group, request, new CountedRead(now, request, done));
                return;
            }
        }
    }

    /// Has a read wait until another picture is shown, or fails it.
    ///
    /// @return false if there is another one already
    private boolean waits(StripePicture seen, Group group, IoRequest request, Completion done) {
        DeviceFault why;
        lock.lock();
        try {
            if (picture != seen) {
                return false;
            }
            why = refusal;
            if (why == null) {
                waiting.add(new WaitingRead(group, request, done));
            }
        } finally {
            lock.unlock();
        }
        if (why != null) {
            done.complete(request, new Outcome.Failed(why));
        }
        return true;
    }

    private static void read(StripePicture now, Group group, IoRequest request, CountedRead done) {
        if (now.before() == null) {
            now.after().read(group, request, done);
            return;
        }
        long offset = request.offsetBytes();
        boolean isAcross = now.isAcross(offset, request.lengthBytes());
        // An answer may cover less than what was asked for, from its start on.
        long length = isAcross ? now.movedBytes() - offset : request.lengthBytes();
        switch (request) {
            // What lies in a file may be written over before it was sent.
            case Read read -> {
                Read inMemory = new Read(read.tag(), offset, read.lengthBytes());
                if (isAcross) {
                    new SplitRead(group, now, inMemory, done).start();
                } else {
                    now.at(offset).read(group, inMemory, done);
                }
            }
            case Locate locate ->
                    now.at(offset).read(group, new Locate(locate.tag(), offset, length), done);
            case Prefetch prefetch ->
                    now.at(offset).read(group, new Prefetch(prefetch.tag(), offset, length), done);
            case IoRequest other -> throw new AssertionError(other + " is no question");
        }
    }

    /// The rows are held: what they hold does not move meanwhile.
    @Override
    public void change(Group group, IoRequest request, Change done) {
        StripePicture now = picture;
        if (!now.isAcross(request.offsetBytes(), request.lengthBytes())) {
            now.at(request.offsetBytes()).change(group, request, done);
        } else if (request instanceof Zero zero && zero.fastOnly()) {
            done.complete(
                    request,
                    Outcome.failed(
                            DeviceFault.Kind.NOT_SUPPORTED,
                            "volume %s: what is being reshaped here cannot be zeroed fast"
                                    .formatted(group.volume())));
        } else {
            new SplitChange(group, now, request, done).start();
        }
    }

    /// What is done with those rows of a window that have one shape.
    private interface RowWork {
        void accept(ParityLevel level, long row, long length)
                throws DeviceFault, InterruptedException;
    }

    /// Between what has its new shape and what still has its old one lie rows that nobody needs.
    private void eachShape(long row, long lengthBytes, RowWork work)
            throws DeviceFault, InterruptedException {
        StripePicture now = picture;
        if (now.before() == null) {
            work.accept(now.after(), row, lengthBytes);
            return;
        }
        long end = row + lengthBytes;
        long moved = Math.min(end, now.row());
        if (row < moved) {
            work.accept(now.after(), row, moved - row);
        }
        ParityGeometry old = now.before().geometry();
        long rest =
                now.movedBytes() >= old.sizeBytes()
                        ? end
                        : Math.max(row, old.startOnMembers(old.stripeAt(now.movedBytes())));
        if (rest < end) {
            work.accept(now.before(), rest, end - rest);
        }
    }

    @Override
    public boolean restore(Group group, Leg leg, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        boolean[] couldAll = {true};
        eachShape(
                row,
                lengthBytes,
                (level, at, length) -> {
                    // The old shape knows nothing of the new legs.
                    if (leg.role() < level.geometry().memberCount()) {
                        couldAll[0] &= level.restore(group, leg, at, length);
                    }
                });
        return couldAll[0];
    }

    @Override
    public void resync(Group group, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        eachShape(row, lengthBytes, (level, at, length) -> level.resync(group, at, length));
    }

    @Override
    public long scrub(Group group, long row, long lengthBytes, boolean repairs)
            throws DeviceFault, InterruptedException {
        long[] wrong = new long[1];
        eachShape(
                row,
                lengthBytes,
                (level, at, length) -> wrong[0] += level.scrub(group, at, length, repairs));
        return wrong[0];
    }
}
