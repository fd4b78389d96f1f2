package org.unifiedvolume.raid.mirror;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.raid.mirror.MirrorRecord.Entry;

class RecordFileTest {
    @TempDir private Path folder;

    private static final MirrorRecord RECORD =
            new MirrorRecord(
                    7,
                    10L << 30,
                    false,
                    1,
                    List.of(
                            new Entry("file:/srv/a b\\n.img", 10L << 30, LegState.STALE, 5, "a\nb"),
                            new Entry("nbd://h/x", 11L << 30, LegState.IN_SYNC, 6, "")));

    @Test
    void whatWasSavedIsLoaded() throws IOException {
        RecordFile file = new RecordFile(folder);
        assertNull(file.load());
        file.save(RECORD.encode());
        assertEquals(RECORD, MirrorRecord.decode(file.load()));
        file.save(new byte[] {1, 2});
        assertArrayEquals(new byte[] {1, 2}, file.load());
    }

    @Test
    void aDraftThatAKillLeftBehindIsNotLoaded() throws IOException {
        RecordFile file = new RecordFile(folder);
        file.save(RECORD.encode());
        Files.writeString(folder.resolve("raid1.record.new"), "half a rec");
        assertEquals(RECORD, MirrorRecord.decode(file.load()));
        file.save(RECORD.encode());
        assertEquals(RECORD, MirrorRecord.decode(file.load()));
    }

    @Test
    void theRecordIsTextThatPeopleCanRead() {
        String text = new String(RECORD.encode(), StandardCharsets.UTF_8);
        assertTrue(text.contains("name nbd://h/x\n"), text);
        assertTrue(text.contains("leg IN_SYNC 11811160064 6\n"), text);
    }

    @Test
    void noPartAndNoMixtureOfRecordsIsTakenForOne() throws IOException {
        byte[] bytes = RECORD.encode();
        for (int length = 0; length < bytes.length; length++) {
            byte[] cut = Arrays.copyOf(bytes, length);
            assertThrows(IOException.class, () -> MirrorRecord.decode(cut));
        }
        for (int bit = 0; bit < bytes.length * 8; bit++) {
            byte[] flipped = bytes.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            assertThrows(IOException.class, () -> MirrorRecord.decode(flipped));
        }
    }

    @Test
    void aNewerVersionIsNamed() {
        byte[] newer =
                new String(RECORD.encode(), StandardCharsets.UTF_8)
                        .replaceFirst("uvol-raid1 1", "uvol-raid1 2")
                        .getBytes(StandardCharsets.UTF_8);
        IOException e = assertThrows(IOException.class, () -> MirrorRecord.decode(newer));
        assertEquals("it has version 2, known is 1", e.getMessage());
    }
}
