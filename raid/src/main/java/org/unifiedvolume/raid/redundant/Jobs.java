package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.unifiedvolume.request.DeviceFault;

/// The jobs of an array: rebuilds of legs, the resync after an unclean stop, the scrub, the
/// reshape.
final class Jobs {
    private final RedundantArray array;
    private final JobOptions options;
    private volatile RowJob resync;
    private volatile RowJob scrub;
    private volatile ReshapeJob reshape;
    private volatile boolean scrubRepairs;
    private final AtomicLong copyingJobs = new AtomicLong();
    private final AtomicLong copiedBytes = new AtomicLong();

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

    /// Makes the rows alike that are marked in the bitmap.
    void startResync() {
        copyingJobs.incrementAndGet();
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
        copyingJobs.incrementAndGet();
        Rebuild work = new Rebuild(leg);
        RowSet rows = new RowSet(array.level().rowBytes(), filledBytes, array.bitmap());
        RowJob job = new RowJob("rebuild of " + member.name(), array, rows, options, work);
        work.job = job;
        return job;
    }

    /// The reshape of the array is carried out by a job.
    void startReshape(ReshapeJob job) {
        reshape = job;
        job.start();
    }

    /// The last reshape; null if there was none.
    ReshapeJob reshape() {
        return reshape;
    }

    /// What the user said about all jobs.
    JobOptions options() {
        return options;
    }

    /// How many jobs that make legs right were begun since the array started.
    long copyingJobs() {
        return copyingJobs.get();
    }

    /// How many bytes of rows they have been through so far, those that had nothing to copy
    /// included.
    long copiedBytes() {
        return copiedBytes.get();
    }

    /// The job that fills a replacement.
    RowJob jobOf(Replacement replacement, RowJob.Work work) {
        String name =
                "replacement of %s by %s".formatted(replacement.leg().name(), replacement.name());
        RowSet rows =
                new RowSet(array.level().rowBytes(), replacement.filledBytes(), array.bitmap());
        return new RowJob(name, array, rows, options, work);
    }

    /// Null if there is none.
    RowJob resync() {
        return resync;
    }

    /// The last scrub; null if there was none.
    RowJob scrub() {
        return scrub;
    }

    /// Whether the last scrub made right what it found.
    boolean scrubRepairs() {
        return scrubRepairs;
    }

    /// Starts to compare all copies, or data with parity.
    ///
    /// @param maxRateBytes a second; 0 for what the user said about all jobs
    /// @throws IOException if it must not begin now
    synchronized void startScrub(boolean repairs, long maxRateBytes) throws IOException {
        if (scrub != null && !scrub.hasEnded()) {
            throw new IOException(
                    "volume %s: a scrub is under way; wait for it, or stop it with uvol scrub %s --stop"
                            .formatted(array.volume(), array.volume()));
        }
        if (array.legs().isMeasured()) {
            throw new IOException(
                    "volume %s: its legs are being made alike after an unclean stop; scrub it when that is done"
                            .formatted(array.volume()));
        }
        scrubRepairs = repairs;
        JobOptions pace =
                maxRateBytes == 0
                        ? options
                        : new JobOptions(
                                maxRateBytes, options.checkpointBytes(), options.idleWindowBytes());
        RowSet rows = RowSet.all(array.level().rowBytes());
        RowJob job = new RowJob("scrub", array, rows, pace, new Scrub(repairs));
        scrub = job;
        job.start();
    }

    synchronized void stopScrub() throws IOException {
        if (scrub == null || scrub.hasEnded()) {
            throw new IOException("volume %s: no scrub is under way".formatted(array.volume()));
        }
        scrub.cancel();
    }

    /// All jobs that are under way, and the last scrub.
    List<Job> all() {
        List<Job> all = new ArrayList<>();
        if (resync != null && !resync.hasEnded()) {
            all.add(resync);
        }
        if (scrub != null) {
            all.add(scrub);
        }
        if (reshape != null && !reshape.hasEnded()) {
            all.add(reshape);
        }
        for (Leg leg : array.legs().all()) {
            if (leg.rebuild() != null) {
                all.add(leg.rebuild());
            }
        }
        for (Replacement replacement : array.legs().reserve().replacements()) {
            if (replacement.job() != null) {
                all.add(replacement.job());
            }
        }
        return all;
    }

    void cancelAll() {
        List<Job> all = new ArrayList<>();
        all.add(resync);
        all.add(scrub);
        all.add(reshape);
        array.legs().all().forEach(leg -> all.add(leg.rebuild()));
        array.legs().reserve().replacements().forEach(replacement -> all.add(replacement.job()));
        for (Job job : all) {
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
            copiedBytes.addAndGet(lengthBytes);
            return 0;
        }

        /// What the superblocks say is in sync has to be so after a power cut too: what the leg was
        /// given, and what that was computed from. While it took no changes, others could change
        /// without a journal, and what they lost would not fit to what this one holds.
        @Override
        public void flush() throws DeviceFault, InterruptedException {
            array.flushAll();
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
            array.mendLosses();
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

    /// Compares copies or parity.
    private final class Scrub implements RowJob.Work {
        private final boolean repairs;

        Scrub(boolean repairs) {
            this.repairs = repairs;
        }

        @Override
        public long window(long row, long lengthBytes) throws DeviceFault, InterruptedException {
            long wrong = array.level().scrub(array, row, lengthBytes, repairs);
            if (repairs && wrong > 0) {
                array.replacements().follow(row, lengthBytes);
            }
            return wrong;
        }

        @Override
        public void flush() throws DeviceFault, InterruptedException {
            array.flushAll();
        }

        @Override
        public void ended() {
            // What it found stays to be asked for.
        }

        @Override
        public void failed(DeviceFault fault) {
            // Nothing depends on it; status says why.
        }
    }

    /// Makes the rows alike that were being changed when the array stopped.
    private final class Resync implements RowJob.Work {
        @Override
        public long window(long row, long lengthBytes) throws DeviceFault, InterruptedException {
            array.level().resync(array, row, lengthBytes);
            copiedBytes.addAndGet(lengthBytes);
            array.replacements().follow(row, lengthBytes);
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
