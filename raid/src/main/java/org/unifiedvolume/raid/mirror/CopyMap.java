package org.unifiedvolume.raid.mirror;

/// Where the copies of an array's bytes are, and which legs have them now: an immutable picture.
final class CopyMap {
    private final CopyPlaces places;
    private final CopySet[] sets;

    /// @param sets by [CopyPlaces#setAt]; none before the array begins
    CopyMap(CopyPlaces places, CopySet... sets) {
        this.places = places;
        this.sets = sets;
    }

    CopyPlaces places() {
        return places;
    }

    /// The same sets of legs in an array that is larger.
    CopyMap grown(CopyPlaces larger) {
        return new CopyMap(larger, sets);
    }

    /// The legs that have the byte at an offset.
    CopySet setAt(long offsetBytes) {
        return sets[places.setAt(offsetBytes)];
    }
}
