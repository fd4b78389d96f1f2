package org.unifiedvolume.raid.mirror;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.raid.array.CommonShape;
import org.unifiedvolume.raid.redundant.BlockingLegs;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Discard;
import org.unifiedvolume.request.IoRequest.Prefetch;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// Levels that keep copies: RAID 1, where every leg holds the same bytes, and RAID 10.
public final class Replication implements Level {
    private final String name;
    private final ReplicationOptions options;
    private volatile CopyMap map;
    private volatile ReadLoad[] loads = {};
    private volatile boolean discards;

    Replication(String name, CopyPlaces places, ReplicationOptions options) {
        this.name = name;
        this.options = options;
        this.map = new CopyMap(places);
    }

    @Override
    public String name() {
        return name;
    }

    /// Where copies are and which legs have them now: for each request it is taken once.
    CopyMap map() {
        return map;
    }

    CopyPlaces places() {
        return map.places();
    }

    @Override
    public long sizeBytes() {
        return places().sizeBytes();
    }

    @Override
    public long rowBytes() {
        return places().rowBytes();
    }

    @Override
    public boolean canGrow() {
        return true;
    }

    /// Copies of what was there stay where they are: both layouts go on row by row.
    @Override
    public synchronized void grow(ArrayDescription grown) {
        map = map.grown(CopyPlaces.of(grown));
    }

    @Override
    public boolean isOnEveryLeg() {
        return places().chunks() == null;
    }

    @Override
    public boolean isEnough(long completeLegs) {
        CopyPlaces places = places();
        if (places.chunks() == null) {
            return completeLegs != 0;
        }
        for (int set = 0; set < places.setCount(); set++) {
            boolean found = false;
            for (int role : places.rolesOf(set)) {
                found |= (completeLegs >> role & 1) != 0;
            }
            if (!found) {
                return false;
            }
        }
        return true;
    }

    @Override
    public DeviceShape shape(DeviceShape common) {
        DeviceShape own = CommonShape.discardingByZeroing(common);
        discards = own.can(Ability.DISCARD);
        return own;
    }

    @Override
    public synchronized void rolesChanged(Roles roles) {
        CopyPlaces places = places().overLegs(roles.count());
        addLoads(roles.count());
        long avoided = 0;
        for (int role = 0; role < roles.count(); role++) {
            boolean isAvoided = options.writeMostly().contains(roles.leg(role).name());
            avoided |= isAvoided ? 1L << role : 0;
        }
        CopySet[] all = new CopySet[places.setCount()];
        for (int set = 0; set < all.length; set++) {
            all[set] = CopySet.of(roles, places.rolesOf(set), options.policy(), avoided, loads);
        }
        map = new CopyMap(places, all);
    }

    /// Reads under way go on with the loads that they began with.
    private void addLoads(int count) {
        if (loads.length < count) {
            ReadLoad[] more = Arrays.copyOf(loads, count);
            for (int i = loads.length; i < count; i++) {
                more[i] = new ReadLoad();
            }
            loads = more;
        }
    }

    ReadLoad load(Leg leg) {
        return loads[leg.role()];
    }

    @Override
    public long firstRow(long offsetBytes, long lengthBytes) {
        CopyPlaces places = places();
        long row = places.row(offsetBytes, 0);
        return places.run(offsetBytes, lengthBytes) == lengthBytes
                ? row
                : row - row % places.chunks().chunkBytes(); // where the next chunk begins
    }

    @Override
    public long endRow(long offsetBytes, long lengthBytes) {
        CopyPlaces places = places();
        long last = offsetBytes + lengthBytes - 1;
        if (places.chunks() == null) {
            return last + 1;
        }
        // A run of several chunks may have another chunk end later on its leg.
        long end = 0;
        long chunk = places.chunks().chunkBytes();
        long from = Math.max(offsetBytes, last - last % chunk - (long) places.legs() * chunk);
        long length;
        for (long at = from; at <= last; at += length) {
            length = places.run(at, last + 1 - at);
            end = Math.max(end, places.row(at, places.copies() - 1) + length);
        }
        return end;
    }

    @Override
    public Locality locality(Group group, Operation operation, long offsetBytes, long lengthBytes) {
        CopyMap now = map;
        CopyPlaces places = now.places();
        Locality found = localityAt(now, operation, offsetBytes);
        if (places.chunks() == null) {
            return found;
        }
        long end = offsetBytes + Math.max(1, lengthBytes);
        int seen = 0;
        for (long at = offsetBytes;
                at < end && seen < places.legs();
                at += places.run(at, end - at)) {
            found = found.and(localityAt(now, operation, at));
            seen++;
        }
        return found;
    }

    private static Locality localityAt(CopyMap now, Operation operation, long offsetBytes) {
        CopySet set = now.setAt(offsetBytes);
        return operation.changesData() ? set.writeLocality() : set.readLocality();
    }

    @Override
    public long localityRun(Group group, long offsetBytes) {
        CopyPlaces places = places();
        long rest = places.sizeBytes() - offsetBytes;
        return places.run(offsetBytes, rest);
    }

    @Override
    public void read(Group group, IoRequest request, Completion done) {
        boolean isOneRun =
                places().run(request.offsetBytes(), request.lengthBytes()) == request.lengthBytes();
        if (request instanceof Prefetch) {
            Completion succeeding = (_, _) -> done.complete(request, Outcome.Done.DONE);
            if (isOneRun) {
                new CopyRead(this, group, request, succeeding).start();
            } else {
                new RunsRead(this, group, request, succeeding, Long.MAX_VALUE).start();
            }
        } else if (isOneRun) {
            new CopyRead(this, group, request, done).start();
        } else {
            new RunsRead(this, group, withoutFile(request), whole(request, done), Long.MAX_VALUE)
                    .start();
        }
    }

    /// Parts of a read are joined in memory.
    private static IoRequest withoutFile(IoRequest request) {
        return request instanceof Read read && read.mayRefer()
                ? new Read(read.tag(), read.offsetBytes(), read.lengthBytes())
                : request;
    }

    private static Completion whole(IoRequest request, Completion done) {
        return request instanceof Read read && read.mayRefer()
                ? new Completion.Mapped(request, done)
                : done;
    }

    @Override
    public void change(Group group, IoRequest request, Change done) {
        switch (request) {
            case Zero zero when zero.fastOnly() -> zeroFast(group, zero, done);
            case Discard discard -> discard(group, discard, done);
            case IoRequest other -> new CopyChange(this, group, done, other, other, done).start();
        }
    }

    private void zeroFast(Group group, Zero zero, Change done) {
        CopyChange[] way = new CopyChange[1];
        way[0] =
                new CopyChange(
                        this,
                        group,
                        done,
                        zero,
                        zero,
                        (_, outcome) -> {
                            if (way[0].mustRepeatSlowly()) {
                                Zero slow = zeroOf(zero, zero.mayUnmap());
                                new CopyChange(this, group, done, zero, slow, done).start();
                            } else {
                                done.complete(zero, outcome);
                            }
                        });
        way[0].start();
    }

    private static Zero zeroOf(IoRequest request, boolean mayUnmap) {
        return new Zero(
                request.tag(),
                request.offsetBytes(),
                request.lengthBytes(),
                mayUnmap,
                false,
                durabilityOf(request));
    }

    private static Durability durabilityOf(IoRequest request) {
        return switch (request) {
            case Zero zero -> zero.durability();
            case Discard discard -> discard.durability();
            case IoRequest other -> throw new AssertionError(other + " changes nothing");
        };
    }

    private void discard(Group group, Discard discard, Change done) {
        if (discards) {
            new CopyChange(this, group, done, discard, zeroOf(discard, true), done).start();
        } else {
            done.complete(discard, Outcome.Done.DONE);
        }
    }

    @Override
    public void restore(Group group, Leg leg, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        if (group.roles().isMeasured() && group.roles().isComplete(leg.role())) {
            // Only what cannot be read may come from others: the rest is the measure, perhaps.
            resync(group, row, lengthBytes);
            return;
        }
        forEachRun(
                leg.role(),
                row,
                lengthBytes,
                (offset, at, length) -> restoreRun(group, leg, offset, at, length));
    }

    /// What is done with a run of bytes that lie one after another on a leg.
    private interface RunWork {
        void accept(long offset, long row, long length) throws DeviceFault, InterruptedException;
    }

    private void forEachRun(int role, long row, long lengthBytes, RunWork work)
            throws DeviceFault, InterruptedException {
        CopyPlaces places = places();
        long end = row + lengthBytes;
        long length;
        for (long at = row; at < end; at += length) {
            length = places.chunks() == null ? end - at : runOnLeg(at, end - at);
            long offset = places.offset(role, at);
            if (offset >= 0) {
                work.accept(offset, at, length);
            }
        }
    }

    private long runOnLeg(long row, long most) {
        long chunk = places().chunks().chunkBytes();
        return Math.min(most, chunk - (row & (chunk - 1)));
    }

    private void restoreRun(Group group, Leg leg, long offset, long row, long length)
            throws DeviceFault, InterruptedException {
        BlockingLegs blocking = group.blocking();
        Buffers bytes = fetch(group, leg, offset, length);
        if (bytes == null) {
            if (!blocking.isZero(leg, row, length)) {
                blocking.zero(leg, row, length);
            }
            return;
        }
        try {
            blocking.write(leg, row, bytes);
        } finally {
            bytes.release();
        }
    }

    /// The bytes of a run, each block from the first good copy that has it; null if they are
    /// zeroes.
    ///
    /// @param target the leg that does not count
    private Buffers fetch(Group group, Leg target, long offset, long length)
            throws DeviceFault, InterruptedException {
        try {
            return fetchWhole(group, target, offset, length, false);
        } catch (DeviceFault fault) {
            if (length <= CopyRead.BLOCK_BYTES || !Leg.isOfLeg(fault)) {
                throw fault;
            }
        }
        List<Buffers> parts = new ArrayList<>();
        boolean ended = false;
        try {
            long part;
            for (long at = 0; at < length; at += part) {
                long block = CopyRead.BLOCK_BYTES;
                part = Math.min(length - at, block - (offset + at) % block);
                parts.add(fetchWhole(group, target, offset + at, part, true));
            }
            ended = true;
            return Buffers.concat(parts.toArray(Buffers[]::new));
        } finally {
            if (!ended) {
                parts.forEach(Buffers::release);
            }
        }
    }

    /// @param fromAny whether to go on to the next copy when the best one fails
    private Buffers fetchWhole(Group group, Leg target, long offset, long length, boolean fromAny)
            throws DeviceFault, InterruptedException {
        CopyMap now = map;
        CopySet set = now.setAt(offset);
        long tried = 0;
        DeviceFault last =
                new DeviceFault(
                        DeviceFault.Kind.IO, "no good leg to copy from at offset " + offset);
        for (int copy = set.next(tried); copy >= 0; copy = set.next(tried)) {
            tried |= 1L << copy;
            Leg source = set.leg(copy);
            long row = now.places().row(offset, copy);
            if (source == target || !group.roles().isComplete(source.role())) {
                continue;
            }
            try {
                boolean isHole = !fromAny && group.blocking().isZero(source, row, length);
                return isHole ? null : group.blocking().read(source, row, length);
            } catch (DeviceFault fault) {
                last = fault;
                group.readFailed(source, fault, row, length);
                if (!fromAny && length > CopyRead.BLOCK_BYTES) {
                    throw fault;
                }
            }
        }
        throw last;
    }

    @Override
    public void resync(Group group, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        scrub(group, row, lengthBytes, true);
    }

    /// The measure is the copy that readers would get.
    @Override
    public long scrub(Group group, long row, long lengthBytes, boolean repairs)
            throws DeviceFault, InterruptedException {
        long[] wrong = new long[1];
        CopyPlaces places = places();
        for (int role = 0; role < places.legs(); role++) {
            int first = role;
            forEachRun(
                    role,
                    row,
                    lengthBytes,
                    (offset, at, length) -> {
                        if (places.copy(first, at) == 0) {
                            wrong[0] += compare(group, offset, length, repairs);
                        }
                    });
        }
        return wrong[0];
    }

    private long compare(Group group, long offset, long length, boolean repairs)
            throws DeviceFault, InterruptedException {
        Roles roles = group.roles();
        CopyMap now = map;
        CopyPlaces places = now.places();
        CopySet set = now.setAt(offset);
        int measure = set.next(0);
        if (measure < 0) {
            return 0;
        }
        Leg source = set.leg(measure);
        if (!isAnyOther(group, set, source)) {
            return 0;
        }
        Buffers bytes;
        try {
            long row = places.row(offset, measure);
            boolean isHole = group.blocking().isZero(source, row, length);
            bytes = isHole ? null : group.blocking().read(source, row, length);
        } catch (DeviceFault fault) {
            if (!Leg.isOfLeg(fault)) {
                throw fault;
            }
            group.readFailed(source, fault, places.row(offset, measure), length);
            source = null; // it has to be mended too
            bytes = fetch(group, null, offset, length);
        }
        long wrong = 0;
        try {
            for (int copy = 0; copy < set.copyCount(); copy++) {
                Leg leg = set.leg(copy);
                if (leg == source || !roles.isComplete(leg.role())) {
                    continue;
                }
                long row = places.row(offset, copy);
                if (!agrees(group, leg, row, length, bytes)) {
                    wrong += length;
                    if (repairs) {
                        give(group, leg, row, length, bytes);
                    }
                }
            }
        } finally {
            if (bytes != null) {
                bytes.release();
            }
        }
        return wrong;
    }

    private static boolean isAnyOther(Group group, CopySet set, Leg source) {
        for (int copy = 0; copy < set.copyCount(); copy++) {
            Leg leg = set.leg(copy);
            if (leg != source && group.roles().isComplete(leg.role())) {
                return true;
            }
        }
        return false;
    }

    private static boolean agrees(Group group, Leg leg, long row, long length, Buffers bytes)
            throws DeviceFault, InterruptedException {
        BlockingLegs blocking = group.blocking();
        try {
            if (bytes == null && blocking.isZero(leg, row, length)) {
                return true;
            }
            Buffers found = blocking.read(leg, row, length);
            try {
                return bytes == null
                        ? BlockingLegs.isZero(found)
                        : BlockingLegs.sameBytes(bytes, found);
            } finally {
                found.release();
            }
        } catch (DeviceFault fault) {
            if (!Leg.isOfLeg(fault)) {
                throw fault;
            }
            group.readFailed(leg, fault, row, length);
            return !group.roles().isComplete(leg.role());
        }
    }

    private static void give(Group group, Leg leg, long row, long length, Buffers bytes)
            throws DeviceFault, InterruptedException {
        try {
            if (bytes == null) {
                group.blocking().zero(leg, row, length);
            } else {
                group.blocking().write(leg, row, bytes);
            }
        } catch (DeviceFault fault) {
            if (!Leg.isOfLeg(fault)) {
                throw fault;
            }
            DeviceFault[] faults = new DeviceFault[group.roles().count()];
            faults[leg.role()] = fault;
            DeviceFault why = group.settle(faults);
            if (why != null) {
                throw why;
            }
        }
    }
}
