package org.unifiedvolume.targets.nbd.wire;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.unifiedvolume.transport.ProtocolFault;

/// Reads the data of an option or of an option's reply, checking every length before it is used.
public final class OptionReader {
    private final String section;
    private final ByteBuffer data;

    /// @param section what is read, for messages: "NBD_OPT_GO"
    public OptionReader(String section, byte[] data) {
        this.section = section;
        this.data = ByteBuffer.wrap(data);
    }

    public int remaining() {
        return data.remaining();
    }

    public int readShort() throws ProtocolFault {
        need(2);
        return data.getShort() & 0xffff;
    }

    public int readInt() throws ProtocolFault {
        need(4);
        return data.getInt();
    }

    public long readLong() throws ProtocolFault {
        need(8);
        return data.getLong();
    }

    /// A string behind its 32-bit length.
    public String readString() throws ProtocolFault {
        long length = Integer.toUnsignedLong(readInt());
        if (length > data.remaining()) {
            throw new ProtocolFault(
                    section,
                    "a string of %d bytes in a message with %d left"
                            .formatted(length, data.remaining()));
        }
        return text((int) length);
    }

    /// What is left, as a string.
    public String readRest() throws ProtocolFault {
        return text(data.remaining());
    }

    private String text(int length) throws ProtocolFault {
        if (length > Nbd.MAX_STRING_BYTES) {
            throw new ProtocolFault(
                    section,
                    "a string of %d bytes; the protocol's limit is %d"
                            .formatted(length, Nbd.MAX_STRING_BYTES));
        }
        byte[] bytes = new byte[length];
        data.get(bytes);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new ProtocolFault(section, "a string that is not UTF-8");
        }
    }

    /// Checks that nothing is left over.
    public void end() throws ProtocolFault {
        if (data.hasRemaining()) {
            throw new ProtocolFault(section, "%d bytes too many".formatted(data.remaining()));
        }
    }

    private void need(int bytes) throws ProtocolFault {
        if (data.remaining() < bytes) {
            throw new ProtocolFault(
                    section, "it ends %d bytes early".formatted(bytes - data.remaining()));
        }
    }
}
