package org.unifiedvolume.testkit;

/// What a simulation does to a volume, by kind.
public enum DiskFault {
    /// The process ended without closing anything.
    KILL("kills"),
    /// The power went: what was volatile is gone in any part.
    POWER_CUT("power cuts"),
    /// A volatile change of which a power cut left nothing.
    LOST_CHANGE("volatile changes lost"),
    /// A change of which some sectors are on the medium and others not.
    TORN_CHANGE("torn changes"),
    /// A block of which some sectors are on the medium and others not.
    TORN_BLOCK("torn blocks"),
    READ_ERROR("read errors"),
    WRITE_ERROR("write errors"),
    FLUSH_ERROR("flush errors"),
    /// A request that is carried out long after it was asked for.
    HANG("hangs"),
    /// A leg that is slow at everything, but within its deadline.
    SLOW("slow legs"),
    /// A leg left while it was used.
    LEAVE("legs that leave"),
    /// It came back by itself.
    RETURN("legs that return"),
    /// It came back without what it had acknowledged and not made durable.
    FORGET("caches lost on return"),
    /// A leg was not there when the volume started.
    MISSING("legs missing at a start"),
    /// A sector that cannot be read until it is written again.
    LATENT_ERROR("unreadable sectors"),
    /// A bit flipped in a durable sector, and nobody was told.
    ROT("rotten sectors"),
    /// A write landed elsewhere on its disk.
    MISDIRECTED_WRITE("misdirected writes"),
    /// A write was acknowledged, and flushed, and never done.
    LOST_WRITE("lost writes"),
    /// A disk was set back to what it was in an earlier life.
    SET_BACK("legs set back"),
    /// Two disks changed places between lives.
    SWAP("swapped legs");

    private final String plural;

    DiskFault(String plural) {
        this.plural = plural;
    }

    /// What many of them are called.
    public String plural() {
        return plural;
    }
}
