package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.raid.bitmap.WriteIntentBitmap;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MemberLayout;
import org.unifiedvolume.request.DeviceFault;

/// Lets an array use more of its members than before.
///
/// While all rows are held, old and new ones: the new rows are marked in the bitmap of every leg,
/// as the members may hold anything there, then one state says how large the array is. Whoever is
/// killed in between leaves superblocks of which the freshest says it; nobody was told of the new
/// size before all complete legs say so. A resync makes the new rows alike, and their parity. The
/// areas beside the data stay where they are. Blocks.
final class Growth {
    private static final Logger LOG = LoggerFactory.getLogger(Growth.class);
    private static final long PATIENCE_NANOS = 10_000_000_000L;

    private final RedundantArray array;
    private final Superblocks superblocks;
    private final LevelPlan plan;
    private final WriteIntentBitmapMaker bitmaps;

    /// Makes a bitmap for so many rows, of which nothing is on disk yet.
    interface WriteIntentBitmapMaker {
        WriteIntentBitmap make(long rowBytes, long regionBytes);
    }

    Growth(
            RedundantArray array,
            Superblocks superblocks,
            LevelPlan plan,
            WriteIntentBitmapMaker bitmaps) {
        this.array = array;
        this.superblocks = superblocks;
        this.plan = plan;
        this.bitmaps = bitmaps;
    }

    /// Makes the array larger.
    ///
    /// @param sizeBytes how large it shall be at least; 0 for as large as its members allow
    /// @return how large it is
    /// @throws IOException if it must not grow so, and nothing was written; or if writing failed
    long grow(long sizeBytes) throws IOException, InterruptedException {
        checkState();
        Map<UUID, MemberAreas> areas = new HashMap<>();
        Leg smallest = null;
        long room = Long.MAX_VALUE;
        for (Leg leg : array.legs().all()) {
            MemberAreas own =
                    superblocks
                            .seat(leg.member())
                            .areas()
                            .onMember(leg.device().shape().sizeBytes());
            areas.put(leg.member().uuid(), own);
            if (own.data().length() < room) {
                room = own.data().length();
                smallest = leg;
            }
        }
        ArrayDescription before = superblocks.array();
        long rows = sizeBytes == 0 ? room : rowsFor(before, sizeBytes);
        ArrayDescription grown = describe(before, Math.min(rows, room));
        if (rows > room || grown.rowBytes() > room || grown.sizeBytes() < sizeBytes) {
            throw refusal(
                    "%s has room for %s, and %s of each member would be needed; write a smaller size, or uvol replace it by a larger one"
                            .formatted(smallest.name(), Units.size(room), Units.size(rows)));
        }
        if (grown.sizeBytes() <= before.sizeBytes()) {
            throw refusal(
                    sizeBytes == 0
                            ? "%s has no more room; uvol replace it by a larger one"
                                    .formatted(smallest.name())
                            : "it is %s large already, and arrays do not shrink"
                                    .formatted(Units.size(before.sizeBytes())));
        }
        hold(before, grown, areas);
        LOG.info(
                "volume {}: grown from {} to {}",
                array.volume(),
                Units.size(before.sizeBytes()),
                Units.size(grown.sizeBytes()));
        return grown.sizeBytes();
    }

    private void checkState() throws IOException {
        if (!array.level().canGrow()) {
            throw refusal("%s does not grow yet".formatted(array.level().name()));
        }
        for (Leg leg : array.legs().all()) {
            if (leg.device() == null || !leg.state().isComplete()) {
                throw refusal(
                        "%s is not in sync; an array grows when all of its members are"
                                .formatted(leg.name()));
            }
        }
        if (array.level().mover() != null) {
            throw refusal("it is being reshaped; wait until that is done");
        }
        if (!array.legs().reserve().replacements().isEmpty()) {
            throw refusal("one of its members is being replaced; wait until it is");
        }
        boolean isScrubbed = array.jobs().scrub() != null && !array.jobs().scrub().hasEnded();
        if (array.legs().isMeasured() || isScrubbed) {
            throw refusal("its members are being compared; wait until that is done");
        }
    }

    /// How much of each member an array of a size uses at least.
    private static long rowsFor(ArrayDescription array, long sizeBytes) throws IOException {
        if (array.level() == 1) {
            return sizeBytes;
        }
        int parities = array.level() == 10 ? 0 : array.level() - 4;
        try {
            long copies = Math.multiplyExact(sizeBytes, (long) array.copies());
            long rows = Math.ceilDiv(copies, array.roles() - parities);
            return Math.multiplyExact(Math.ceilDiv(rows, array.chunkBytes()), array.chunkBytes());
        } catch (ArithmeticException e) {
            throw new IOException("no array is as large as that; write a smaller size", e);
        }
    }

    private ArrayDescription describe(ArrayDescription before, long rows) throws IOException {
        ArrayDescription grown =
                plan.describe(
                        before.uuid(),
                        before.name(),
                        before.roles(),
                        rows,
                        array.shape().blockBytes(),
                        before.createdMicros());
        // Rows that some leg uses stay where they are.
        return grown.rowBytes() < before.rowBytes() ? before : grown;
    }

    private void hold(ArrayDescription before, ArrayDescription grown, Map<UUID, MemberAreas> areas)
            throws IOException, InterruptedException {
        BlockingLegs.Held all = new BlockingLegs.Held(0, grown.rowBytes());
        if (!array.blocking().holdWithin(PATIENCE_NANOS, array.locks(), all)) {
            all.abandon();
            throw refusal("changes are under way that do not end; try again");
        }
        try {
            checkState();
            markNewRows(before, grown, areas);
            array.level().grow(grown);
            superblocks.grow(grown, areas, array.bitmap());
            // Nobody may see a size that a start could take back.
            try {
                array.legs().grown(grown.rowBytes());
            } finally {
                array.grown();
            }
        } catch (DeviceFault fault) {
            throw new IOException(
                    "volume %s: %s".formatted(array.volume(), fault.getMessage()), fault);
        } finally {
            array.locks().release(all);
        }
        array.jobs().startResync();
    }

    /// Until the superblocks say that there are more rows, a start reads only the first bits: they
    /// stay as they are, or are all set if a bit stands for more rows from now on.
    private void markNewRows(
            ArrayDescription before, ArrayDescription grown, Map<UUID, MemberAreas> areas)
            throws IOException, DeviceFault, InterruptedException {
        WriteIntentBitmap old = array.bitmap();
        if (old == null) {
            return;
        }
        long least =
                areas.values().stream().mapToLong(one -> one.bitmap().length()).min().orElseThrow();
        long region = Math.max(old.regionBytes(), MemberLayout.regionFor(grown.rowBytes(), least));
        old.close(); // clears nothing any more
        array.flushAll();
        array.saveBitmap();
        WriteIntentBitmap bitmap = bitmaps.make(grown.rowBytes(), region);
        if (region == old.regionBytes()) {
            bitmap.load(List.of(blocksOf(bitmap)));
        } else {
            bitmap.markAll();
        }
        array.setBitmap(bitmap);
        array.saveBitmap();
        long from = before.rowBytes();
        DeviceFault fault =
                array.blocking()
                        .ask(
                                told -> {
                                    if (bitmap.mark(from, grown.rowBytes() - from, told::accept)) {
                                        told.accept(null);
                                    }
                                });
        if (fault != null) {
            throw fault;
        }
    }

    /// What stands where the bitmap is; blocks that were not used yet are none, and count as dirty.
    private byte[] blocksOf(WriteIntentBitmap bitmap) throws IOException {
        List<IOException> failures = new ArrayList<>();
        for (Leg leg : array.legs().all()) {
            try {
                return new MemberAccess(leg.device(), array.blocking())
                        .read(
                                superblocks.seat(leg.member()).areas().bitmap().offset(),
                                bitmap.lengthBytes());
            } catch (IOException e) {
                failures.add(e);
            }
        }
        throw failures.getFirst();
    }

    private IOException refusal(String problem) {
        return new IOException("volume %s: %s".formatted(array.volume(), problem));
    }
}
