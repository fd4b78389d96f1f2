package org.unifiedvolume.raid.mirror;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.LayoutMember;

/// A mirror over any devices on virtual time, that can be killed and started again.
final class MirrorRig implements AutoCloseable {
    static final MirrorOptions PLAIN = new MirrorOptions(0, false, null);
    static final MirrorOptions ASSUME_CLEAN = new MirrorOptions(0, true, null);
    static final long DEADLINE_NANOS = 1_000_000_000L;

    final Rig rig = new Rig();
    final SimulatedStore store = new SimulatedStore(rig.time, new Random(1));
    SimulatedThreads threads;

    /// Starts a mirror of legs `a`, `b`, `c` … over these devices; null is a missing one.
    MirrorArray open(MirrorOptions options, BlockDevice... devices) throws IOException {
        List<LayoutMember> members = new ArrayList<>();
        for (int i = 0; i < devices.length; i++) {
            String name = Character.toString('a' + i);
            members.add(
                    devices[i] == null
                            ? LayoutMember.missing(name, Locality.REMOTE, "no route to host")
                            : rig.member(name, devices[i], DEADLINE_NANOS));
        }
        threads = new SimulatedThreads(rig.time);
        store.usedBy(threads);
        return MirrorArray.open(members, options, rig.context(), store, threads);
    }

    /// Ends the process without closing anything.
    void kill() {
        threads.kill();
        store.powerCut();
    }

    @Override
    public void close() {
        rig.time.runUntilIdle();
        rig.close();
    }
}
