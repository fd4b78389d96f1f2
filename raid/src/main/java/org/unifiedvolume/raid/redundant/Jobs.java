package org.unifiedvolume.raid.redundant;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.request.DeviceFault;

/// The jobs of an array: rebuilds of legs, the resync after an unclean stop, the scrub.
final class Jobs {
    private final RedundantArray array;
    private final JobOptions options;
    private volatile RowJob resync;
    private volatile RowJob scrub;

    Jobs(RedundantArray array, JobOptions options) {
        this.array = array;
        this.options = options;
    }

    /// Goes on with what the last run left to do.
    void begin() {
        Legs legs = array.legs();
        for (Leg leg : legs.all()) {
            if (leg.device() != null && leg.state() == LegState.REBUILDING) {
                RowJob job = rebuildOf(leg, leg.member(), leg.filledBytes());
                leg.setRebuild(job);
                job.start();
            }
        }
        if (legs.isMeasured()) {
            startResync();
        }
    }

    private void startResync() {
        RowJob job =
                new RowJob(
                        "resync",
                        array,
                        new RowSet(
                                array.level().rowBytes(),
                                array.bitmap() == null ? 0 : array.level().rowBytes(),
                                array.bitmap()),
                        options,
                        new Resync());
        resync = job;
        job.start();
    }

    /// The job that gives a leg its bytes.
    ///
    /// @param filledBytes up to which row it holds everything that is not marked in the bitmap
    RowJob rebuildOf(Leg leg, LegMember member, long filledBytes) {
        Rebuild work = new Rebuild(leg);
        RowSet rows = new RowSet(array.level().rowBytes(), filledBytes, array.bitmap());
        RowJob job = new RowJob("rebuild of " + member.name(), array, rows, options, work);
        work.job = job;
        return job;
    }

    /// Null if there is none.
    RowJob resync() {
        return resync;
    }

    /// The last scrub; null if there was none.
    RowJob scrub() {
        return scrub;
    }

    void cancelAll() {
        List<RowJob> all = new ArrayList<>();
        all.add(resync);
        all.add(scrub);
        array.legs().all().forEach(leg -> all.add(leg.rebuild()));
        for (RowJob job : all) {
            if (job != null) {
                job.cancel();
            }
        }
    }

    /// Gives one leg the bytes that it lacks.
    private final class Rebuild implements RowJob.Work {
        private final Leg leg;
        private RowJob job;

        Rebuild(Leg leg) {
            this.leg = leg;
        }

        @Override
        public long window(long row, long lengthBytes) throws DeviceFault, InterruptedException {
            array.level().restore(array, leg, row, lengthBytes);
            return 0;
        }

        /// What the superblocks say is in sync has to be so after a power cut too.
        @Override
        public void flush() throws DeviceFault, InterruptedException {
            array.blocking().flush(leg);
        }

        @Override
        public void checkpoint(long row) {
            if (array.bitmap() != null) {
                array.legs().checkpoint(leg, job, row);
            }
        }

        @Override
        public void ended() {
            array.legs().inSync(leg, job);
        }

        @Override
        public void failed(DeviceFault fault) {
            // When the volume is closed the next start goes on with it.
            if (fault.kind() != DeviceFault.Kind.STOPPING) {
                boolean isAway =
                        fault.kind() == DeviceFault.Kind.DISCONNECTED
                                || fault.kind() == DeviceFault.Kind.TIMED_OUT;
                array.legs()
                        .rebuildFailed(
                                leg, job, "its rebuild stopped: " + fault.getMessage(), isAway);
            }
        }
    }

    /// Makes the rows alike that were being changed when the array stopped.
    private final class Resync implements RowJob.Work {
        @Override
        public long window(long row, long lengthBytes) throws DeviceFault, InterruptedException {
            array.level().resync(array, row, lengthBytes);
            return 0;
        }

        @Override
        public void flush() throws DeviceFault, InterruptedException {
            array.flushAll();
        }

        @Override
        public void ended() {
            array.legs().alike();
        }

        @Override
        public void failed(DeviceFault fault) {
            // The array stays measured; the next start tries again.
        }
    }
}
