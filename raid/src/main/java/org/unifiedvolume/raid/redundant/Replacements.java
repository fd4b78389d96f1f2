package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.DeviceFault;

/// Fills members that are to take the place of complete ones, which serve until then, and lets them
/// have it.
///
/// If the one to be replaced fails meanwhile, the new one takes its role at once and is given the
/// rest by the other legs. If the new one fails, the old one stays. Blocks.
final class Replacements {
    private static final Logger LOG = LoggerFactory.getLogger(Replacements.class);
    private static final long NEXT_TRY_NANOS = 50_000_000L;

    private final RedundantArray array;

    /// Guarded by the lock of the states.
    private boolean watching;

    Replacements(RedundantArray array) {
        this.array = array;
    }

    /// A member begins to follow a leg. It is prepared and carries no superblock yet.
    void begin(Replacement replacement) throws IOException, InterruptedException {
        array.legs().reserve().replace(replacement);
        array.saveBitmap();
        start(replacement);
    }

    /// Goes on with those that the last run left.
    void resume() {
        array.legs().reserve().replacements().forEach(this::start);
    }

    private void start(Replacement replacement) {
        RowJob job = array.jobs().jobOf(replacement, new Filling(replacement));
        replacement.setJob(job);
        job.start();
    }

    /// Under the lock of the states, after each change of them: sees to it that the role of a leg
    /// that has failed goes to its replacement.
    void look() {
        boolean anyOrphan =
                array.legs().reserve().replacements().stream().anyMatch(Replacements::isOrphan);
        if (anyOrphan && !watching && !array.isClosed()) {
            watching = true;
            array.blocking().threads().start("uvol-replace-" + array.volume(), this::inherit);
        }
    }

    private static boolean isOrphan(Replacement replacement) {
        return replacement.leg().state() == LegState.STALE;
    }

    private void inherit() {
        try {
            while (array.legs().look(this::isWanted)) {
                if (array.beginMembership()) {
                    try {
                        for (Replacement replacement : array.legs().reserve().replacements()) {
                            if (isOrphan(replacement)) {
                                inherit(replacement);
                            }
                        }
                    } finally {
                        array.endMembership();
                    }
                }
                array.blocking().sleep(NEXT_TRY_NANOS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean isWanted() {
        watching =
                !array.isClosed()
                        && array.legs().reserve().replacements().stream()
                                .anyMatch(Replacements::isOrphan);
        return watching;
    }

    private void inherit(Replacement replacement) throws InterruptedException {
        try {
            array.membership().inherit(replacement);
        } catch (IOException e) {
            array.giveUp(replacement, e.getMessage());
        }
    }

    /// Copies rows that are held, and were changed otherwise than by a client.
    void follow(long row, long lengthBytes) throws InterruptedException {
        for (Replacement replacement : array.legs().reserve().replacements()) {
            try {
                copy(replacement, row, lengthBytes);
            } catch (DeviceFault fault) {
                array.giveUp(replacement, fault.getMessage());
            }
        }
    }

    private void copy(Replacement replacement, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        Leg leg = replacement.leg();
        if (replacement.hasEnded() || !leg.state().isComplete()) {
            return;
        }
        BlockingLegs blocking = array.blocking();
        Leg fresh = replacement.fresh();
        if (blocking.isZero(leg, row, lengthBytes)) {
            if (!blocking.isZero(fresh, row, lengthBytes)
                    || blocking.isUnproven(fresh, row, lengthBytes)) {
                blocking.zero(fresh, row, lengthBytes);
            }
            return;
        }
        Buffers bytes = read(replacement, row, lengthBytes);
        if (bytes != null) {
            try {
                blocking.write(fresh, row, bytes);
            } finally {
                bytes.release();
            }
        }
    }

    /// What the old one cannot read is written anew from the others, and read then. If it does not
    /// take that either, the new one alone is given it. What an unclean stop has left without
    /// checksums is settled on all legs.
    ///
    /// @return null if the new one has it
    private Buffers read(Replacement replacement, long row, long lengthBytes)
            throws DeviceFault, InterruptedException {
        Leg leg = replacement.leg();
        try {
            return array.blocking().read(leg, row, lengthBytes);
        } catch (DeviceFault fault) {
            if (!Leg.isOfLeg(fault)) {
                throw fault;
            }
            array.readFailed(leg, fault, row, lengthBytes);
            if (!leg.state().isComplete()) {
                throw fault;
            }
        }
        try {
            if (leg.hasChecksums() && array.isDoubtful(row, lengthBytes)) {
                array.level().makeAlike(array, row, lengthBytes);
            } else {
                array.level().restore(array, leg, row, lengthBytes);
            }
            return array.blocking().read(leg, row, lengthBytes);
        } catch (DeviceFault fault) {
            boolean mayBeComputed = leg.state().isComplete() && !array.roles().isMeasured();
            if (!Leg.isOfLeg(fault) || !mayBeComputed) {
                throw fault;
            }
            array.level().restore(array, replacement.fresh(), row, lengthBytes);
            return null;
        }
    }

    private void takeOver(Replacement replacement)
            throws IOException, DeviceFault, InterruptedException {
        while (!array.beginMembership()) {
            if (array.isClosed() || replacement.hasEnded()) {
                return;
            }
            array.blocking().sleep(NEXT_TRY_NANOS);
        }
        try {
            LegMember old = replacement.leg().member();
            if (takeOverHeld(replacement)) {
                LOG.info(
                        "volume {}: {} has taken the place of {}",
                        array.volume(),
                        replacement.name(),
                        old.name());
                array.membership().letGo(old);
            }
        } finally {
            array.endMembership();
        }
    }

    /// While all rows are held nothing changes: what was missed is copied, all is made durable, so
    /// that no journal has to know more, and one state gives the role to the new member. Only then
    /// may changes begin again.
    private boolean takeOverHeld(Replacement replacement)
            throws IOException, DeviceFault, InterruptedException {
        BlockingLegs.Held all = new BlockingLegs.Held(0, array.level().rowBytes());
        array.blocking().hold(array.locks(), all);
        try {
            for (Replacement.Missed missed : replacement.takeMissed()) {
                copy(replacement, missed.row(), missed.lengthBytes());
            }
            array.blocking().flush(replacement.member().device());
            array.flushAll();
            boolean isTaken = !array.isClosed() && array.legs().take(replacement);
            if (isTaken) {
                array.seated(replacement.leg(), replacement.member());
            }
            return isTaken;
        } finally {
            array.locks().release(all);
        }
    }

    /// Copies all rows of a leg.
    private final class Filling implements RowJob.Work {
        private final Replacement replacement;

        Filling(Replacement replacement) {
            this.replacement = replacement;
        }

        @Override
        public long window(long row, long lengthBytes) throws DeviceFault, InterruptedException {
            copy(replacement, row, lengthBytes);
            return 0;
        }

        @Override
        public void flush() throws DeviceFault, InterruptedException {
            array.blocking().flush(replacement.member().device());
        }

        @Override
        public void checkpoint(long row) {
            if (array.bitmap() != null) {
                array.legs().reserve().checkpoint(replacement, row);
            }
        }

        @Override
        public void ended() {
            try {
                takeOver(replacement);
            } catch (IOException | DeviceFault e) {
                array.giveUp(replacement, e.getMessage());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        /// If the old one has failed, the new one takes its role; when the volume is closed the
        /// next start goes on with it.
        @Override
        public void failed(DeviceFault fault) {
            if (replacement.leg().state().isComplete()
                    && fault.kind() != DeviceFault.Kind.STOPPING) {
                array.giveUp(replacement, fault.getMessage());
            }
        }
    }
}
