package org.unifiedvolume.raid.redundant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.raid.superblock.Epoch;
import org.unifiedvolume.raid.superblock.Witness;

class WitnessFileTest {
    private static final Witness FIRST =
            new Witness(new UUID(1, 2), new Epoch(3, 0x1234_5678_9abc_def0L), 7);
    private static final Witness SECOND = new Witness(new UUID(1, 2), new Epoch(4, -5), 8);

    @TempDir private Path folder;

    @Test
    void whatWasSavedIsLoaded() throws IOException {
        WitnessFile file = new WitnessFile(folder);
        assertNull(file.load());
        file.save(FIRST);
        assertEquals(FIRST, file.load());
        file.save(SECOND);
        assertEquals(SECOND, new WitnessFile(folder).load());
    }

    @Test
    void aDraftThatAKillLeftBehindIsNotLoaded() throws IOException {
        WitnessFile file = new WitnessFile(folder);
        file.save(FIRST);
        Files.write(folder.resolve("witness.next"), new byte[] {1, 2, 3});
        assertEquals(FIRST, file.load());
        file.save(SECOND);
        assertEquals(SECOND, file.load());
    }

    @Test
    void noPartAndNoMixtureOfWitnessesIsTakenForOne() {
        byte[] bytes = FIRST.encode();
        for (int length = 0; length < bytes.length; length++) {
            assertNull(Witness.decode(Arrays.copyOf(bytes, length)));
        }
        for (int bit = 0; bit < bytes.length * 8; bit++) {
            byte[] flipped = bytes.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            assertNull(Witness.decode(flipped), "bit " + bit);
        }
    }

    @Test
    void aFolderThatCannotBeWrittenIsNamed() throws IOException {
        Path gone = folder.resolve("gone");
        IOException e = assertThrows(IOException.class, () -> new WitnessFile(gone).save(FIRST));
        assertTrue(e.getMessage().contains(gone.resolve("witness").toString()), e.getMessage());
    }
}
