package org.unifiedvolume.targets.nbd.member;

import java.io.ByteArrayOutputStream;

/// Builds the data of an option, big-endian.
final class OptionWriter {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    static OptionWriter start() {
        return new OptionWriter();
    }

    OptionWriter putShort(int value) {
        bytes.write(value >> 8);
        bytes.write(value);
        return this;
    }

    OptionWriter putInt(int value) {
        return putShort(value >> 16).putShort(value);
    }

    OptionWriter putBytes(byte[] value) {
        bytes.writeBytes(value);
        return this;
    }

    byte[] toBytes() {
        return bytes.toByteArray();
    }
}
