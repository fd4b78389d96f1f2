package org.unifiedvolume.config;

/// Something that a user wrote cannot be done as written. Nothing has been opened or changed.
public final class ConfigFault extends Exception {
    private final Place place;

    /// @param place where it was written
    /// @param problem what is wrong
    /// @param remedy what to do about it, as a phrase: "use KiB, MiB, GiB or TiB"
    public ConfigFault(Place place, String problem, String remedy) {
        super("%s: %s; %s".formatted(place, problem, remedy), null, false, false);
        this.place = place;
    }

    public Place place() {
        return place;
    }
}
