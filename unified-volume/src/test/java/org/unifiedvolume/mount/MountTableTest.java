package org.unifiedvolume.mount;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MountTableTest {
    private static final List<String> LINES =
            List.of(
                    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
                    "30 22 0:40 / /srv/media.img rw,nosuid - fuse.uvol uvol:media rw,user_id=0",
                    "31 22 7:0 / /mnt/a\\040b\\134c rw,relatime master:1 propagate_from:2 - ext4"
                            + " /dev/loop0 rw",
                    "32 22 7:0 /sub /mnt/again rw - ext4 /dev/loop0 rw",
                    "33 22 0:41 / /srv/media.img rw - tmpfs none rw",
                    "34 22 0:42 / /broken rw ext4",
                    "");

    private final MountTable table = MountTable.parse(LINES);

    @Test
    void pathsAreReadAsTheyAre() {
        assertEquals(Path.of("/mnt/a b\\c"), table.entries().get(2).path());
    }

    @Test
    void linesThatAreNotUnderstoodAreLeftOut() {
        assertEquals(5, table.entries().size());
    }

    @Test
    void ofSeveralMountsAtOnePathTheLastOneIsOnTop() {
        assertEquals(
                Optional.of("tmpfs"),
                table.at(Path.of("/srv/media.img")).map(MountTable.Entry::type));
        assertTrue(table.at(Path.of("/srv")).isEmpty());
    }

    @Test
    void mountsOfADeviceComeInTheOrderToUnmountThem() {
        assertEquals(
                List.of(Path.of("/mnt/again"), Path.of("/mnt/a b\\c")),
                table.ofSource("/dev/loop0").stream().map(MountTable.Entry::path).toList());
    }

    @Test
    void fuseIsRecognized() {
        assertTrue(table.entries().get(1).isFuse());
        assertFalse(table.entries().get(0).isFuse());
    }

    @Test
    void theRealTableHasARoot() throws IOException {
        assertTrue(MountTable.read().at(Path.of("/")).isPresent());
    }
}
