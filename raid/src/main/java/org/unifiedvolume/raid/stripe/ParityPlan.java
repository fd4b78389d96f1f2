package org.unifiedvolume.raid.stripe;

import java.io.IOException;
import java.util.List;
import java.util.UUID;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.parity.Parity;
import org.unifiedvolume.raid.parity.ParityKernels;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.raid.redundant.LevelPlan;
import org.unifiedvolume.raid.redundant.PlanChecks;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.Reshape;

/// RAID 5 or RAID 6 as the user described it.
///
/// @param volume its name, for messages
/// @param level 5 or 6
/// @param hasJournal whether changes of less than a stripe go through a journal. Without one, a
///     power cut together with a lost member may take bytes with it that nobody was writing
/// @param names the members, in the order in which they were written
public record ParityPlan(
        String volume, int level, long chunkBytes, boolean hasJournal, List<String> names)
        implements LevelPlan {
    private static final int SINGLE = 5;

    public ParityPlan {
        names = List.copyOf(names);
    }

    @Override
    public String name() {
        return "raid" + level;
    }

    private int parityCount() {
        return level == SINGLE ? 1 : 2;
    }

    @Override
    public ArrayDescription describe(
            UUID uuid,
            String name,
            int members,
            long leastDataBytes,
            int blockBytes,
            long createdMicros)
            throws IOException {
        PlanChecks.chunk(volume, blockBytes, chunkBytes);
        long stripes = leastDataBytes / chunkBytes;
        if (stripes == 0) {
            throw PlanChecks.lessThanAChunk(volume, leastDataBytes, chunkBytes);
        }
        ParityGeometry geometry = new ParityGeometry(members, parityCount(), chunkBytes, stripes);
        return new ArrayDescription(
                uuid,
                name,
                level,
                1,
                chunkBytes,
                geometry.sizeBytes(),
                geometry.memberBytes(),
                members,
                createdMicros);
    }

    @Override
    public void check(ArrayDescription array) throws IOException {
        PlanChecks.level(volume, this, array);
        if (array.chunkBytes() != chunkBytes) {
            throw new IOException(
                    "volume %s: the array was made with chunk: %s; write this"
                            .formatted(volume, Units.size(array.chunkBytes()).replace(" ", "")));
        }
        PlanChecks.members(volume, names.size(), array);
    }

    /// An array that was made with a journal keeps it, whatever the user writes now.
    @Override
    public Level make(ArrayDescription array, MemberAreas[] areas) {
        ParityGeometry geometry = geometry(array, array.roles());
        Parity parity = new Parity(ParityKernels.fastest());
        Journal journal = journal(array, areas, geometry);
        ParityLevel level = new ParityLevel(geometry, parity, journal);
        Reshape reshape = array.reshape();
        return reshape == null
                ? new ReshapableParity(level)
                : new ReshapableParity(
                        new ParityLevel(geometry(array, reshape.rolesBefore()), parity, journal),
                        level,
                        reshape.positionBytes() / geometry.dataCount());
    }

    private ParityGeometry geometry(ArrayDescription array, int roles) {
        return new ParityGeometry(
                roles, parityCount(), array.chunkBytes(), array.rowBytes() / array.chunkBytes());
    }

    private static Journal journal(
            ArrayDescription array, MemberAreas[] areas, ParityGeometry geometry) {
        JournalPlace[] places = new JournalPlace[areas.length];
        boolean isAny = false;
        for (int role = 0; role < areas.length; role++) {
            if (areas[role] != null && areas[role].journal().isPresent()) {
                MemberAreas.Area area = areas[role].journal();
                places[role] = new JournalPlace(area.offset(), area.length());
                isAny = true;
            }
        }
        return isAny
                ? new Journal(array.uuid(), places, geometry.parityCount(), geometry.memberBytes())
                : null;
    }
}
