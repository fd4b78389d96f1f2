package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.raid.bitmap.WriteIntentBitmap;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.Reshape;
import org.unifiedvolume.spi.LayoutMember;

/// Gives an array more legs, and has it reshaped over them.
///
/// New members become spares first: whatever a crash leaves of the rest, they are known. Then one
/// state says that there are more roles, who has them, and that nothing has its new shape yet.
/// Until it is on all legs nothing moves.
final class Widening {
    private static final Logger LOG = LoggerFactory.getLogger(Widening.class);
    private static final long PATIENCE_NANOS = 10_000_000_000L;

    private final RedundantArray array;
    private final Superblocks superblocks;

    Widening(RedundantArray array, Superblocks superblocks) {
        this.array = array;
        this.superblocks = superblocks;
    }

    /// Takes members in; what moves the array over to them is begun after that.
    ///
    /// @param waiting spares that get a role, too
    /// @param force whether what they carry may be given up
    /// @throws IOException if it must not be now, or they do not fit: nothing was written then
    void widen(List<LayoutMember> fresh, List<Spare> waiting, boolean force)
            throws IOException, InterruptedException {
        checkState(fresh.size() + waiting.size());
        for (LayoutMember member : fresh) {
            array.membership().checkNew(member, null, force);
        }
        List<Spare> spares = new ArrayList<>(waiting);
        boolean isDone = false;
        try {
            for (LayoutMember member : fresh) {
                spares.add(array.membership().addSpare(member, force));
            }
            takeIn(spares);
            isDone = true;
        } finally {
            if (!isDone) {
                for (Spare spare : spares.subList(waiting.size(), spares.size())) {
                    array.membership().disown(spare);
                }
            }
        }
    }

    private void takeIn(List<Spare> spares) throws IOException, InterruptedException {
        BlockingLegs.Held all = new BlockingLegs.Held(0, array.level().rowBytes());
        if (!array.blocking().holdWithin(PATIENCE_NANOS, array.locks(), all)) {
            all.abandon();
            throw refusal("changes are under way that do not end; try again");
        }
        try {
            checkState(spares.size());
            for (Spare spare : spares) {
                superblocks.setSeat(spare.member(), spare.seat());
                copyBitmap(spare.member());
            }
            giveRoles(spares);
        } finally {
            array.locks().release(all);
        }
    }

    private void checkState(int more) throws IOException {
        String why = array.level().whyNotWider();
        if (why != null) {
            throw refusal(why);
        }
        if (more == 0 || array.legs().all().size() + more > Level.MOST_LEGS) {
            throw refusal(
                    "it has %d members and cannot have %d more; arrays have %d at the most"
                            .formatted(array.legs().all().size(), more, Level.MOST_LEGS));
        }
        for (Leg leg : array.legs().all()) {
            if (leg.device() == null || !leg.state().isComplete()) {
                throw refusal(
                        "%s is not in sync; a reshape begins when all members are"
                                .formatted(leg.name()));
            }
            if (leg.hasLosses()) {
                throw refusal(
                        "%s lacks %s that no other member has; write these ranges again first (uvol detail %s --json lists them)"
                                .formatted(
                                        leg.name(),
                                        Units.size(leg.member().lost().totalBytes()),
                                        array.volume()));
            }
        }
        if (!array.legs().reserve().replacements().isEmpty()) {
            throw refusal("one of its members is being replaced; wait until it is");
        }
        boolean isScrubbed = array.jobs().scrub() != null && !array.jobs().scrub().hasEnded();
        if (array.legs().isMeasured() || isScrubbed) {
            throw refusal("its members are being compared; wait until that is done");
        }
    }

    private void giveRoles(List<Spare> spares) throws InterruptedException {
        ArrayDescription before = superblocks.array();
        List<Leg> legs = new ArrayList<>();
        MemberAreas[] areas = new MemberAreas[spares.size()];
        for (int i = 0; i < areas.length; i++) {
            areas[i] = spares.get(i).seat().areas();
            legs.add(
                    new Leg(
                            before.roles() + i,
                            spares.get(i).member(),
                            LegState.IN_SYNC,
                            "",
                            Instant.now(),
                            before.rowBytes()));
        }
        ArrayDescription wide =
                new ArrayDescription(
                        before.uuid(),
                        before.name(),
                        before.level(),
                        before.copies(),
                        before.chunkBytes(),
                        before.sizeBytes(),
                        before.rowBytes(),
                        before.roles() + areas.length,
                        before.createdMicros(),
                        new Reshape(0, before.roles(), before.chunkBytes()));
        LOG.info("volume {}: {} members become {}", array.volume(), before.roles(), wide.roles());
        try {
            array.legs()
                    .takeIn(
                            legs,
                            () -> {
                                array.level().widen(wide, areas);
                                superblocks.widen(wide);
                            });
            array.saveBitmap();
        } catch (IOException e) {
            // They are members all the same: before anything moves it is tried again.
            LOG.warn("volume {}: {}", array.volume(), e.getMessage());
        }
    }

    /// A member that a superblock calls complete has to have a bitmap, too.
    private void copyBitmap(LegMember fresh) throws IOException {
        WriteIntentBitmap bitmap = array.bitmap();
        if (bitmap == null) {
            return;
        }
        Leg model = array.roles().writable()[0];
        byte[] blocks =
                new MemberAccess(model.device(), array.blocking())
                        .read(
                                superblocks.seat(model.member()).areas().bitmap().offset(),
                                bitmap.lengthBytes());
        new MemberAccess(fresh.device(), array.blocking())
                .writeDurable(superblocks.seat(fresh).areas().bitmap().offset(), blocks);
    }

    private IOException refusal(String problem) {
        return new IOException("volume %s: %s".formatted(array.volume(), problem));
    }
}
