package org.unifiedvolume.raid.superblock;

/// Where on its members an array keeps what is not data. The numbers stand on disk.
public enum MetadataPlace {
    START(0),
    END(1);

    private final int number;

    MetadataPlace(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    /// The place of a number; null if there is none.
    static MetadataPlace of(int number) {
        return switch (number) {
            case 0 -> START;
            case 1 -> END;
            default -> null;
        };
    }
}
