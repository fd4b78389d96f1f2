package org.unifiedvolume.raid.simulation;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.spi.ManagedArray;
import org.unifiedvolume.testkit.SimulatedDisk;

/// Which sectors of an array may be lost: those that more legs could not read than the level
/// tolerates. Until they have been written, and nothing on the disks tells of it any more, they may
/// be an error, and nothing but an error, in strict lives too.
final class PossibleLosses {
    /// What one stroke hit.
    ///
    /// @param sectors of the array: all that depend on it
    /// @param places by disk: where
    record Stroke(BitSet sectors, List<Place> places) {}

    /// A block of a disk.
    ///
    /// @param role whose disk it was
    /// @param row where in its data
    record Place(SimulatedDisk disk, long offset, int role, long row) {
        boolean isSound() {
            return disk.isSound(offset, VolumeSimulation.BLOCK_BYTES);
        }
    }

    private final List<Stroke> strokes = new ArrayList<>();
    private final boolean areShared;
    private boolean anyEver;

    /// @param areShared whether what is written depends on other sectors, so that it may not be
    ///     possible while some are lost
    PossibleLosses(boolean areShared) {
        this.areShared = areShared;
    }

    void add(Stroke stroke) {
        strokes.add(stroke);
        anyEver = true;
    }

    /// Whether there ever were any.
    boolean wereAny() {
        return anyEver;
    }

    /// Whether a sector may be lost.
    boolean has(int sector) {
        return strokes.stream().anyMatch(stroke -> stroke.sectors.get(sector));
    }

    /// Whether one of some sectors may be lost.
    boolean touch(int first, int count) {
        for (int i = first; i < first + count; i++) {
            if (has(i)) {
                return true;
            }
        }
        return false;
    }

    /// Whether a change of some sectors may fail for the sake of what is lost.
    boolean mayFailChange(int first, int count) {
        return areShared ? !strokes.isEmpty() : touch(first, count);
    }

    /// Takes out what is not lost any more: none of its sectors failed to be read just now, no leg
    /// lists it, and no disk is flawed there.
    ///
    /// @param unreadable what failed to be read
    void settle(BlockDevice device, BitSet unreadable) {
        strokes.removeIf(
                stroke ->
                        !stroke.sectors.intersects(unreadable)
                                && stroke.places.stream().allMatch(Place::isSound)
                                && stroke.places.stream()
                                        .noneMatch(place -> isListed(device, place)));
    }

    private static boolean isListed(BlockDevice device, Place place) {
        List<?> legs = legs(device);
        return place.role < legs.size()
                && ranges(legs.get(place.role)).stream().anyMatch(range -> meet(range, place.row));
    }

    private static boolean meet(Map<?, ?> range, long row) {
        long start = (Long) range.get("row");
        long end = start + (Long) range.get("length");
        return start < row + VolumeSimulation.BLOCK_BYTES && row < end;
    }

    /// Whether a leg lists more than what more legs could not read: it lacks what others have.
    boolean lacksMore(BlockDevice device, String leg) {
        List<?> legs = legs(device);
        for (int role = 0; role < legs.size(); role++) {
            if (((Map<?, ?>) legs.get(role)).get("name").equals(leg)) {
                int here = role;
                return ranges(legs.get(role)).stream().anyMatch(range -> !isExpected(here, range));
            }
        }
        return false;
    }

    private boolean isExpected(int role, Map<?, ?> range) {
        long start = (Long) range.get("row");
        long end = start + (Long) range.get("length");
        long block = VolumeSimulation.BLOCK_BYTES;
        for (long row = start - start % block; row < end; row += block) {
            long at = row;
            boolean isStruck =
                    strokes.stream()
                            .flatMap(stroke -> stroke.places.stream())
                            .anyMatch(place -> place.role == role && place.row == at);
            if (!isStruck) {
                return false;
            }
        }
        return true;
    }

    private static List<?> legs(BlockDevice device) {
        return device instanceof ManagedArray array
                ? (List<?>) array.detail().getOrDefault("legs", List.of())
                : List.of();
    }

    private static List<Map<?, ?>> ranges(Object leg) {
        Map<?, ?> bad = (Map<?, ?>) ((Map<?, ?>) leg).get("bad-blocks");
        List<Map<?, ?>> found = new ArrayList<>();
        if (bad != null) {
            ((List<?>) bad.get("ranges")).forEach(range -> found.add((Map<?, ?>) range));
        }
        return found;
    }
}
