package org.unifiedvolume.raid.mirror;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.request.DeviceFault.Kind;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.MemoryDevice;

class MirrorStartTest extends MirrorFixture {
    @Nested
    class WhenItStartsAgain {
        private byte[] written;

        /// Leg b misses a write, then the process is killed.
        private void loseAWriteOnB() throws IOException {
            MirrorArray array = open();
            b.fail(Kind.IO, Operation.WRITE);
            written = bytes(10);
            assertEquals(Outcome.Done.DONE, rig.write(array, 0, written));
            b.fail(Kind.IO);
            mirror.kill();
        }

        @Test
        void aStaleLegStaysOut() throws IOException {
            loseAWriteOnB();
            MirrorArray array = mirror.open(MirrorRig.PLAIN, a, b);
            assertArrayEquals(written, rig.read(array, 0, 10));
            assertEquals(State.FAULTED, leg(array, 1).state());
            a.fail(Kind.IO, Operation.READ);
            IoRequest.Read read = new IoRequest.Read(rig.tag(array, Operation.READ, 0, 10), 0, 10);
            assertEquals(Kind.IO, faultOf(rig.call(array, read)).kind());
        }

        @Test
        void aStaleLegAloneIsRefusedAndTheGoodOneIsNamed() throws IOException {
            loseAWriteOnB();
            IOException e =
                    assertThrows(IOException.class, () -> mirror.open(MirrorRig.PLAIN, null, b));
            assertMessage(e, "lack acknowledged writes", "a (no route to host)", "start again");
        }

        @Test
        void aMissingLegIsStaleFromThenOn() throws IOException {
            open().close();
            MirrorArray array = mirror.open(MirrorRig.PLAIN, a, null);
            DeviceStatus status = array.status();
            assertEquals(State.DEGRADED, status.state());
            assertTrue(status.reason().contains("no route to host"), status.reason());
            assertThrows(IOException.class, () -> array.readd("b", false));
            array.close();
            MirrorArray again = mirror.open(MirrorRig.PLAIN, a, b);
            assertEquals(State.FAULTED, leg(again, 1).state());
            assertThrows(IOException.class, () -> mirror.open(MirrorRig.PLAIN, null, b));
        }

        @Test
        void afterAKillThePrimaryIsReadAndTheOthersAreBroughtInSync() throws IOException {
            mirror.open(MirrorRig.ASSUME_CLEAN, a, b);
            mirror.kill();
            // A write that was under way reached one leg only.
            remote.content().set(ValueLayout.JAVA_BYTE, 7, (byte) 1);
            MirrorArray array = mirror.open(MirrorRig.PLAIN, a, b);
            DeviceStatus other = leg(array, 1);
            assertEquals(State.DEGRADED, other.state());
            assertTrue(other.reason().contains("the measure is a"), other.reason());
            assertArrayEquals(new byte[16], rig.read(array, 0, 16));
            rig.time.runUntilIdle();
            assertEquals(State.ONLINE, array.status().state());
            assertArrayEquals(Rig.contentOf(local), Rig.contentOf(remote));
        }

        @Test
        void aResyncThatWasInterruptedStartsOver() throws IOException {
            MirrorArray array = open();
            array.fail("b");
            rig.write(array, 0, bytes(100));
            b.hold();
            array.readd("b", false);
            mirror.kill();
            b.letGo();
            MirrorArray again = mirror.open(MirrorRig.PLAIN, a, b);
            assertTrue(leg(again, 1).reason().startsWith("resync"), leg(again, 1).reason());
            rig.time.runUntilIdle();
            assertEquals(State.ONLINE, again.status().state());
            assertArrayEquals(Rig.contentOf(local), Rig.contentOf(remote));
        }

        @Test
        void aDamagedRecordIsRefused() throws IOException {
            open().close();
            byte[] good = mirror.store.bytes();
            for (int at = 0; at < good.length; at += 3) {
                byte[] torn = good.clone();
                torn[at] ^= 4;
                mirror.store.setBytes(torn);
                assertMessage(
                        assertThrows(IOException.class, () -> mirror.open(MirrorRig.PLAIN, a, b)),
                        "is damaged",
                        "primary:");
                mirror.store.setBytes(Arrays.copyOf(good, at));
                assertThrows(IOException.class, () -> mirror.open(MirrorRig.PLAIN, a, b));
            }
        }

        @Test
        void aRecordOfOtherMembersIsRefused() throws IOException {
            open().close();
            MemoryDevice c = rig.memory(SIZE, Locality.LOCAL);
            assertMessage(
                    assertThrows(IOException.class, () -> mirror.open(MirrorRig.PLAIN, a, b, c)),
                    "is of a mirror of a and b, not of a and b and c",
                    "move that record away");
        }

        @Test
        void aLegThatHasAnotherSizeIsRefused() throws IOException {
            open().close();
            MemoryDevice grown = rig.memory(2 * SIZE, Locality.REMOTE);
            assertMessage(
                    assertThrows(IOException.class, () -> mirror.open(MirrorRig.PLAIN, a, grown)),
                    "leg b has 128KiB, but had 64KiB");
        }
    }

    @Nested
    class WhenItIsNew {
        private final MirrorOptions primaryB = new MirrorOptions(0, false, "b");

        @Test
        void legsThatHoldDataAreNotOverwrittenWithoutBeingTold() throws IOException {
            rig.write(local, 0, bytes(10));
            rig.write(remote, 0, bytes(10));
            assertMessage(
                    assertThrows(IOException.class, () -> mirror.open(MirrorRig.PLAIN, a, b)),
                    "a and b hold data",
                    "primary:",
                    "assume-clean: true");
            MirrorArray array = mirror.open(primaryB, a, b);
            rig.time.runUntilIdle();
            assertEquals(State.ONLINE, array.status().state());
            assertArrayEquals(Rig.contentOf(remote), Rig.contentOf(local));
            assertNotEquals(0, local.content().get(ValueLayout.JAVA_LONG, 0));
        }

        @Test
        void theOneLegThatHoldsDataIsCopiedToTheOthers() throws IOException {
            rig.write(remote, 0, bytes(10));
            MirrorArray array = mirror.open(MirrorRig.PLAIN, a, b);
            assertTrue(leg(array, 0).reason().startsWith("resync"));
            rig.time.runUntilIdle();
            assertArrayEquals(Rig.contentOf(remote), Rig.contentOf(local));
            assertEquals(State.ONLINE, array.status().state());
        }

        @Test
        void aPrimaryThatIsNoMemberIsRefused() {
            MirrorOptions wrong = new MirrorOptions(0, false, "c");
            assertMessage(
                    assertThrows(IOException.class, () -> mirror.open(wrong, a, b)),
                    "none of its members",
                    "a, b");
        }

        @Test
        void aMissingLegIsRefused() {
            assertMessage(
                    assertThrows(IOException.class, () -> mirror.open(MirrorRig.PLAIN, a, null)),
                    "no record",
                    "b cannot be opened (no route to host)");
        }

        @Test
        void legsOfUnlikeSizeNeedASize() throws IOException {
            MemoryDevice larger = rig.memory(SIZE + 4096, Locality.LOCAL);
            assertMessage(
                    assertThrows(
                            IOException.class,
                            () -> mirror.open(MirrorRig.ASSUME_CLEAN, a, larger)),
                    "differ in size",
                    "write size: 64KiB");
            MirrorArray array = mirror.open(new MirrorOptions(SIZE, true, null), a, larger);
            assertEquals(SIZE, array.shape().sizeBytes());
            MirrorOptions tooMuch = new MirrorOptions(2 * SIZE, true, null);
            mirror.store.setBytes(null);
            assertMessage(
                    assertThrows(IOException.class, () -> mirror.open(tooMuch, a, larger)),
                    "leg a has 64KiB, less than the mirror's 128KiB");
        }

        @Test
        void itDoesNotStartIfItsRecordCannotBeWritten() {
            mirror.store.setBroken(true);
            assertMessage(
                    assertThrows(IOException.class, () -> open()),
                    "cannot write the record",
                    "free space");
        }

        @Test
        void aClosedMirrorAnswersThatItIsStopping() throws IOException {
            MirrorArray array = open();
            array.close();
            assertEquals(Kind.STOPPING, faultOf(rig.write(array, 0, bytes(1))).kind());
            assertTrue(local.isClosed());
            assertFalse(
                    new String(mirror.store.bytes(), StandardCharsets.UTF_8).contains("clean no"));
        }
    }
}
