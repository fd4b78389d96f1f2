package org.unifiedvolume.raid.mirror;

import java.util.Arrays;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.raid.array.CommonShape;
import org.unifiedvolume.raid.redundant.BehindOptions;
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
    private final CopyJobs jobs = new CopyJobs(this);
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
    public BehindOptions behind() {
        return options.behind();
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
    public Use useOf(int role, long row, long most) {
        CopyPlaces places = places();
        if (row >= places.rowBytes()) {
            return new Use(-1, most);
        }
        long rest = Math.min(most, places.rowBytes() - row);
        long chunk = places.chunks() == null ? 0 : places.chunks().chunkBytes();
        long length = chunk == 0 ? rest : Math.min(rest, chunk - (row & (chunk - 1)));
        return new Use(places.offset(role, row), length);
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
            boolean isAvoided = options.isAvoided(roles.leg(role).name());
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
    public boolean restore(Group group, Leg leg, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        return jobs.restore(group, leg, row, lengthBytes);
    }

    @Override
    public void resync(Group group, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        jobs.scrub(group, row, lengthBytes, true);
    }

    @Override
    public long scrub(Group group, long row, long lengthBytes, boolean repairs)
            throws DeviceFault, InterruptedException {
        return jobs.scrub(group, row, lengthBytes, repairs);
    }
}
