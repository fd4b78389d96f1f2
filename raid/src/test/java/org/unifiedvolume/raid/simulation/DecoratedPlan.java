package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.raid.redundant.LevelPlan;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.MemberAreas;

/// A plan whose levels somebody gets between.
record DecoratedPlan(LevelPlan plan, UnaryOperator<Level> decoration) implements LevelPlan {
    @Override
    public String name() {
        return plan.name();
    }

    @Override
    public boolean hasJournal() {
        return plan.hasJournal();
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
        return plan.describe(uuid, name, members, leastDataBytes, blockBytes, createdMicros);
    }

    @Override
    public void check(ArrayDescription array) throws IOException {
        plan.check(array);
    }

    @Override
    public Level make(ArrayDescription array, MemberAreas[] areas) throws IOException {
        return decoration.apply(plan.make(array, areas));
    }
}
