package org.unifiedvolume.raid.stripe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// What may be read of an array, sector by sector, now and after a power cut.
///
/// A change is *begun* when it is submitted and *ended* when it is answered. Until a flush that was
/// submitted after its end has succeeded, a power cut may leave each of its sectors as it was
/// before, or as any change since.
final class SectorModel {
    static final int SECTOR = 512;

    private static final class State {
        private byte[] bytes;
        private final boolean isWholeStripe;

        /// Whether all legs were there at some time while it was under way.
        private boolean wasHealthy;

        private boolean ended;

        State(byte[] bytes, boolean isWholeStripe) {
            this.bytes = bytes;
            this.isWholeStripe = isWholeStripe;
        }
    }

    /// By sector: the last state that is certain to be durable, then what came after it.
    private final List<List<State>> states = new ArrayList<>();

    private final boolean[] isOpen;

    SectorModel(int sizeBytes) {
        for (int i = 0; i < sizeBytes / SECTOR; i++) {
            states.add(new ArrayList<>(List.of(new State(new byte[SECTOR], false))));
            states.getLast().getFirst().ended = true;
        }
        isOpen = new boolean[states.size()];
    }

    /// @param wholeFrom where the whole stripes in the range begin
    /// @param wholeTo where they end
    void begin(int offset, byte[] bytes, long wholeFrom, long wholeTo, boolean isHealthy) {
        for (int at = 0; at < bytes.length; at += SECTOR) {
            boolean isWhole = offset + at >= wholeFrom && offset + at < wholeTo;
            State state = new State(Arrays.copyOfRange(bytes, at, at + SECTOR), isWhole);
            state.wasHealthy = isHealthy;
            states.get((offset + at) / SECTOR).add(state);
        }
    }

    void end(int offset, int length, boolean isWell, boolean isDurable, boolean isHealthy) {
        for (int sector = offset / SECTOR; sector < (offset + length) / SECTOR; sector++) {
            List<State> all = states.get(sector);
            all.getLast().ended = true;
            all.getLast().wasHealthy |= isHealthy;
            isOpen[sector] = !isWell;
            if (isWell && isDurable) {
                all.subList(0, all.size() - 1).clear();
            }
        }
    }

    /// Which state of each sector a flush that is submitted now makes durable.
    int[] flushBegins() {
        int[] marks = new int[states.size()];
        for (int i = 0; i < marks.length; i++) {
            List<State> all = states.get(i);
            marks[i] = System.identityHashCode(all.get(all.getLast().ended ? all.size() - 1 : 0));
        }
        return marks;
    }

    void flushed(int[] marks) {
        for (int i = 0; i < marks.length; i++) {
            List<State> all = states.get(i);
            for (int j = 0; j < all.size(); j++) {
                if (System.identityHashCode(all.get(j)) == marks[i]) {
                    all.subList(0, j).clear();
                    break;
                }
            }
        }
    }

    /// What a reader has to find, while nothing is under way; null if that is open.
    byte[] certain(int sector) {
        return isOpen[sector] ? null : states.get(sector).getLast().bytes;
    }

    /// The power goes: what is under way ends nowhere.
    void cut(boolean isHealthy) {
        for (List<State> all : states) {
            all.getLast().wasHealthy |= isHealthy && !all.getLast().ended;
        }
    }

    /// Takes in what was found after a power cut.
    ///
    /// @param lostLegs whether legs were lost at the same time
    /// @return what is wrong with it; null if nothing
    String crashed(int sector, byte[] found, boolean lostLegs) {
        List<State> all = states.get(sector);
        boolean fits = isOpen[sector];
        for (State state : all) {
            fits |= Arrays.equals(state.bytes, found);
        }
        // The journal does not hold whole stripes of all legs: what was lost of them is nobody's
        // promise.
        // Until the resync has ended, a leg that is lost then may take them with it too.
        boolean isTorn = isOpen[sector];
        for (State state : all.subList(1, all.size())) {
            isTorn |= state.isWholeStripe && state.wasHealthy;
        }
        fits |= lostLegs && isTorn;
        if (!fits) {
            return "sector %d is none of its %d states (%s)"
                    .formatted(sector, all.size(), which(found));
        }
        State now = new State(found, false);
        now.ended = true;
        all.clear();
        all.add(now);
        isOpen[sector] = isTorn;
        return null;
    }

    static String which(byte[] found) {
        return "begins with " + Arrays.toString(Arrays.copyOf(found, 8));
    }
}
