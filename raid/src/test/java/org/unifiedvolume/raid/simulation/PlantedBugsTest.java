package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.request.IoRequest;

/// The simulation finds bugs: each of these is planted between the parts of a volume, and one of a
/// few seeds shows it.
class PlantedBugsTest {
    private static final int SEEDS = 200;

    @Test
    void acknowledgingBeforeEveryLegHasTheWriteIsFound() {
        assertFound(Level.MIRROR, onDisk(1, BadDisk::acknowledgeEarly));
    }

    @Test
    void goingOnWithALegThatFailedAWriteIsFound() {
        assertFound(Level.MIRROR, onDisk(1, BadDisk::overlookFailures));
    }

    @Test
    void flushingOnlyOneLegIsFound() {
        assertFound(Level.MIRROR, onDisk(0, BadDisk::skipFlushes));
    }

    @Test
    void flushingOnlySomeMembersOfALinearVolumeIsFound() {
        assertFound(Level.LINEAR, onDisk(0, BadDisk::skipFlushes));
    }

    @Test
    void aStripeThatIsOffByOneChunkIsFound() {
        long chunk = VolumeSimulation.CHUNK_BYTES;
        assertFound(
                Level.STRIPE,
                onDisk(
                        0,
                        (disk, request, done) -> {
                            long offset = request.offsetBytes();
                            boolean isBeyond =
                                    offset >= chunk && !(request instanceof IoRequest.Flush);
                            disk.submit(isBeyond ? request.at(offset - chunk) : request, done);
                        }));
    }

    private static Planting onDisk(int bad, BadDisk.Bug bug) {
        return new Planting() {
            @Override
            public BlockDevice disk(int index, BlockDevice disk) {
                return index == bad ? new BadDisk(disk, bug) : disk;
            }
        };
    }

    /// One of the seeds shows wrong bytes, not just a request that failed.
    private static void assertFound(Level level, Planting planting) {
        boolean found = false;
        for (int seed = 0; seed < SEEDS && !found; seed++) {
            AssertionError broken = VolumeSimulationTest.run(level, seed, planting);
            found = broken != null && broken.getMessage().startsWith("sector");
        }
        assertTrue(found, "the bug was not found with %d seeds".formatted(SEEDS));
    }
}
