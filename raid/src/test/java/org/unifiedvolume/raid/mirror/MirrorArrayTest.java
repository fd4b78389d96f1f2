package org.unifiedvolume.raid.mirror;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.DeviceFault.Kind;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.MemoryDevice;

class MirrorArrayTest extends MirrorFixture {
    @Nested
    class WithAllLegs {
        @Test
        void everyRangeIsOnEveryLeg() throws IOException {
            for (int legs = 2; legs <= 4; legs++) {
                try (MirrorRig own = new MirrorRig()) {
                    sweep(own, legs);
                }
            }
        }

        private void sweep(MirrorRig own, int legs) throws IOException {
            int size = 16;
            MemoryDevice[] devices = new MemoryDevice[legs];
            for (int i = 0; i < legs; i++) {
                devices[i] = own.rig.memory(size, i == 1 ? Locality.REMOTE : Locality.LOCAL);
            }
            MirrorArray array = own.open(MirrorRig.ASSUME_CLEAN, devices);
            byte[] model = new byte[size];
            for (int offset = 0; offset < size; offset++) {
                for (int length = 1; length <= size - offset; length++) {
                    byte[] bytes = bytes(length);
                    assertEquals(Outcome.Done.DONE, own.rig.write(array, offset, bytes));
                    System.arraycopy(bytes, 0, model, offset, length);
                    assertOnAll(model, devices);
                    assertArrayEquals(bytes, own.rig.read(array, offset, length));
                    if (length % 3 == 0) {
                        assertEquals(Outcome.Done.DONE, own.rig.zero(array, offset, length - 1));
                        Arrays.fill(model, offset, offset + length - 1, (byte) 0);
                        assertOnAll(model, devices);
                    }
                }
            }
            assertEquals(Outcome.Done.DONE, own.rig.flush(array));
            assertEquals(State.ONLINE, array.status().state());
            array.close();
        }

        private void assertOnAll(byte[] model, MemoryDevice... devices) {
            for (MemoryDevice device : devices) {
                assertArrayEquals(model, Rig.contentOf(device));
            }
        }

        @Test
        void readsComeFromTheLocalLeg() throws IOException {
            MirrorArray array = open();
            assertEquals(Locality.LOCAL, array.locality(Operation.READ, 0, 1));
            assertEquals(Locality.MIXED, array.locality(Operation.WRITE, 0, 1));
            for (int i = 0; i < 300; i++) {
                rig.read(array, i, 16);
            }
            assertEquals(0, b.askedCount());
        }

        @Test
        void writesHaveAChildForEachLegThatNamesItsParent() throws IOException {
            MirrorArray array = open();
            IoRequest.Write write = rig.writeOf(array, 5, bytes(10));
            assertEquals(Locality.MIXED, write.tag().locality());
            rig.call(array, write);
            for (MemoryDevice leg : List.of(local, remote)) {
                IoRequest child = leg.asked().getLast();
                assertEquals(write.tag().id(), child.tag().parentId());
                assertEquals(
                        leg == local ? Locality.LOCAL : Locality.REMOTE, child.tag().locality());
            }
        }

        @Test
        void aWriteIsAcknowledgedOnlyWhenEveryLegHasIt() throws IOException {
            MirrorArray array = open();
            b.hold();
            List<Outcome> answers = new ArrayList<>();
            array.submit(rig.writeOf(array, 0, bytes(10)), (_, outcome) -> answers.add(outcome));
            assertTrue(answers.isEmpty());
            b.letGo();
            assertEquals(List.of(Outcome.Done.DONE), answers);
        }

        @Test
        void overlappingWritesLandInOneOrderOnAllLegs() throws IOException {
            MirrorArray array = open();
            b.hold();
            List<Outcome> answers = new ArrayList<>();
            byte[] second = bytes(20);
            array.submit(rig.writeOf(array, 0, bytes(20)), (_, outcome) -> answers.add(outcome));
            array.submit(rig.writeOf(array, 10, second), (_, outcome) -> answers.add(outcome));
            array.submit(rig.writeOf(array, 40, bytes(20)), (_, outcome) -> answers.add(outcome));
            assertEquals(2, b.heldCount(), "the overlapping one waits, the other one does not");
            b.letGo();
            assertEquals(3, answers.size());
            assertArrayEquals(second, rig.read(array, 10, 20));
            assertArrayEquals(Rig.contentOf(local), Rig.contentOf(remote));
        }

        @Test
        void discardsLeaveTheLegsAlike() throws IOException {
            MirrorArray array = open();
            rig.write(array, 0, bytes(100));
            IoRequest.Discard discard =
                    new IoRequest.Discard(
                            rig.tag(array, Operation.DISCARD, 10, 50), 10, 50, Durability.VOLATILE);
            assertEquals(Outcome.Done.DONE, rig.call(array, discard));
            assertInstanceOf(IoRequest.Zero.class, remote.asked().getLast());
            assertArrayEquals(Rig.contentOf(local), Rig.contentOf(remote));
        }

        @Test
        void aLegThatCannotZeroFastZeroesSlowlyIfOthersCould() throws IOException {
            MirrorArray array = open();
            rig.write(array, 0, bytes(100));
            b.fail(Kind.NOT_SUPPORTED, Operation.ZERO);
            assertEquals(Outcome.Done.DONE, rig.call(array, fastZero(array)));
            assertArrayEquals(new byte[SIZE], Rig.contentOf(remote));
            assertEquals(State.ONLINE, array.status().state());
        }

        @Test
        void ifNoLegCanZeroFastNothingIsZeroedAndNoLegIsDropped() throws IOException {
            MirrorArray array = open();
            a.fail(Kind.NOT_SUPPORTED, Operation.ZERO);
            b.fail(Kind.NOT_SUPPORTED, Operation.ZERO);
            assertEquals(Kind.NOT_SUPPORTED, faultOf(rig.call(array, fastZero(array))).kind());
            assertEquals(State.ONLINE, array.status().state());
        }

        private IoRequest fastZero(MirrorArray array) {
            return new IoRequest.Zero(
                    rig.tag(array, Operation.ZERO, 0, 100),
                    0,
                    100,
                    true,
                    true,
                    Durability.VOLATILE);
        }

        @Test
        void afterAnOrderlyCloseItStartsInSync() throws IOException {
            MirrorArray array = open();
            rig.write(array, 0, bytes(100));
            array.close();
            MirrorArray again = mirror.open(MirrorRig.PLAIN, a, b);
            assertEquals(State.ONLINE, again.status().state());
        }
    }

    @Nested
    class WhenALegFails {
        @Test
        void aFailedWriteDropsItAndIsAcknowledgedOnceThatIsRecorded() throws IOException {
            MirrorArray array = open();
            mirror.store.setSlowestNanos(50_000_000);
            int saves = mirror.store.saves();
            b.fail(Kind.IO, Operation.WRITE);
            List<Outcome> answers = new ArrayList<>();
            array.submit(rig.writeOf(array, 0, bytes(10)), (_, outcome) -> answers.add(outcome));
            assertTrue(answers.isEmpty(), "the record is still on its way");
            // A later write waits for the record too, although its only leg has it.
            array.submit(rig.writeOf(array, 20, bytes(10)), (_, outcome) -> answers.add(outcome));
            assertTrue(answers.isEmpty());
            rig.time.runUntilIdle();
            assertEquals(List.of(Outcome.Done.DONE, Outcome.Done.DONE), answers);
            assertTrue(mirror.store.saves() > saves);
            DeviceStatus status = array.status();
            assertEquals(State.DEGRADED, status.state());
            assertTrue(status.reason().contains("b: lacks writes: planted IO"), status.reason());
            assertTrue(status.remedy().contains("uvol re-add v b"), status.remedy());
            assertEquals(State.FAULTED, leg(array, 1).state());
            assertEquals(Locality.LOCAL, array.locality(Operation.WRITE, 0, 1));
        }

        @Test
        void aWriteFailsIfTheLossOfALegCannotBeRecorded() throws IOException {
            MirrorArray array = open();
            mirror.store.setBroken(true);
            b.fail(Kind.IO, Operation.WRITE);
            DeviceFault fault = faultOf(rig.write(array, 0, bytes(10)));
            assertTrue(fault.getMessage().contains("cannot write the record"), fault.getMessage());
            assertTrue(array.status().reason().contains("No space left"));
            mirror.store.setBroken(false);
            assertEquals(Outcome.Done.DONE, rig.write(array, 0, bytes(10)));
        }

        @Test
        void aHangingLegIsDroppedAtItsDeadlineAndItsLateWriteHarmsNobody() throws IOException {
            MirrorArray array = open();
            b.hold();
            byte[] written = bytes(10);
            assertEquals(Outcome.Done.DONE, rig.write(array, 0, written));
            assertTrue(rig.time.nanoTime() >= MirrorRig.DEADLINE_NANOS);
            assertTrue(leg(array, 1).reason().contains("no answer to WRITE"));
            IOException early = assertThrows(IOException.class, () -> array.readd("b", false));
            assertMessage(early, "1 requests that it has not answered");
            b.letGo();
            array.readd("b", false);
            rig.time.runUntilIdle();
            assertEquals(State.ONLINE, array.status().state());
            assertArrayEquals(Rig.contentOf(local), Rig.contentOf(remote));
        }

        @Test
        void aFailedReadIsServedByAnotherLegAndTheLegIsSuspect() throws IOException {
            MirrorArray array = open();
            byte[] written = bytes(10);
            rig.write(array, 0, written);
            a.fail(Kind.IO, Operation.READ);
            assertArrayEquals(written, rig.read(array, 0, 10));
            assertEquals(State.DEGRADED, leg(array, 0).state());
            assertTrue(leg(array, 0).reason().contains("1 reads failed"));
            assertEquals(Locality.REMOTE, array.locality(Operation.READ, 0, 1));
            int before = a.askedCount();
            assertArrayEquals(written, rig.read(array, 0, 10));
            assertEquals(before, a.askedCount(), "a suspect leg is not read first");
            rig.write(array, 0, written);
            assertEquals(before + 1, a.askedCount(), "but it takes writes");
        }

        @Test
        void theLastLegIsNeverDroppedAndItsFailureIsTold() throws IOException {
            MirrorArray array = open();
            b.fail(Kind.IO, Operation.WRITE);
            rig.write(array, 0, bytes(10));
            a.fail(Kind.IO, Operation.WRITE, Operation.READ, Operation.FLUSH);
            assertEquals(Kind.IO, faultOf(rig.write(array, 0, bytes(10))).kind());
            assertEquals(Kind.IO, faultOf(rig.flush(array)).kind());
            IoRequest.Read read = new IoRequest.Read(rig.tag(array, Operation.READ, 0, 10), 0, 10);
            assertEquals(Kind.IO, faultOf(rig.call(array, read)).kind());
            a.fail(Kind.IO);
            assertEquals(Outcome.Done.DONE, rig.write(array, 0, bytes(10)));
            assertThrows(IOException.class, () -> array.fail("a"));
        }

        @Test
        void ifBothLegsFailAWriteTheLocalOneIsKept() throws IOException {
            MirrorArray array = open();
            a.fail(Kind.IO, Operation.WRITE);
            b.fail(Kind.IO, Operation.WRITE);
            assertEquals(Kind.IO, faultOf(rig.write(array, 0, bytes(10))).kind());
            assertEquals(State.ONLINE, leg(array, 0).state());
            assertEquals(State.FAULTED, leg(array, 1).state());
        }

        @Test
        void legsThatAreBothFullAreBothKept() throws IOException {
            MirrorArray array = open();
            a.fail(Kind.NO_SPACE, Operation.WRITE);
            b.fail(Kind.NO_SPACE, Operation.WRITE);
            assertEquals(Kind.NO_SPACE, faultOf(rig.write(array, 0, bytes(10))).kind());
            assertEquals(State.ONLINE, array.status().state());
        }

        @Test
        void aReAddedLegGetsWhatItMissedWhileClientsWrite() throws IOException {
            MirrorArray array = open();
            array.fail("b");
            rig.write(array, 0, bytes(SIZE / 2));
            array.readd("b", false);
            assertTrue(leg(array, 1).reason().startsWith("resync"), leg(array, 1).reason());
            rig.write(array, SIZE / 4, bytes(SIZE / 2));
            rig.time.runUntilIdle();
            assertEquals(State.ONLINE, array.status().state());
            assertArrayEquals(Rig.contentOf(local), Rig.contentOf(remote));
        }

        @Test
        void aLegThatIsInUseIsNotReAddedNorOneThatDoesNotExist() throws IOException {
            MirrorArray array = open();
            assertMessage(
                    assertThrows(IOException.class, () -> array.readd("b", true)),
                    "b is in use",
                    "fail it first");
            assertMessage(
                    assertThrows(IOException.class, () -> array.fail("x")), "no member x", "a, b");
        }

        @Test
        void aLegThatTheUserVouchesForIsTakenAsItIs() throws IOException {
            MirrorArray array = open();
            array.fail("b");
            int before = b.askedCount();
            array.readd("b", true);
            assertEquals(before, b.askedCount());
            assertEquals(State.ONLINE, array.status().state());
        }
    }
}
