package org.unifiedvolume.request;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.testkit.Told;

final class AllOfTest {
    private static final IoRequest FLUSH =
            new IoRequest.Flush(new IoTag(1, 0, Operation.FLUSH, Locality.LOCAL, 0, 0, 0, 0));

    private final Told told = new Told(FLUSH);

    private static Outcome.Failed failure(String message) {
        return Outcome.failed(DeviceFault.Kind.IO, message);
    }

    @Test
    void theParentIsDoneWhenTheLastChildIs() {
        AllOf all = new AllOf(FLUSH, told);
        for (int i = 0; i < 3; i++) {
            all.expectOne();
            all.complete(FLUSH, Outcome.Done.DONE);
        }
        assertFalse(told.isTold());
        all.allSubmitted();
        assertSame(Outcome.Done.DONE, told.await());
    }

    @Test
    void theFirstFailureIsTheParentsWhateverFollows() {
        AllOf all = new AllOf(FLUSH, told);
        for (int i = 0; i < 4; i++) {
            all.expectOne();
        }
        all.allSubmitted();
        Outcome.Failed first = failure("first");
        all.complete(FLUSH, Outcome.Done.DONE);
        all.complete(FLUSH, first);
        all.complete(FLUSH, failure("second"));
        assertFalse(told.isTold());
        all.complete(FLUSH, Outcome.Done.DONE);
        assertSame(first.fault(), assertInstanceOf(Outcome.Failed.class, told.await()).fault());
    }

    /// Whichever of two threads is first, what a child saw as the failure is what the parent gets.
    @Test
    void failuresOnSeveralThreadsLeaveOneAnswer() throws Exception {
        int threads = 4;
        for (int round = 0; round < 500; round++) {
            Told parent = new Told(FLUSH);
            AllOf all = new AllOf(FLUSH, parent);
            ConcurrentLinkedQueue<DeviceFault> failed = new ConcurrentLinkedQueue<>();
            CyclicBarrier start = new CyclicBarrier(threads);
            Thread[] workers = new Thread[threads];
            for (int i = 0; i < threads; i++) {
                all.expectOne();
                workers[i] =
                        Thread.ofPlatform()
                                .start(
                                        () -> {
                                            Outcome.Failed mine = failure("one of several");
                                            failed.add(mine.fault());
                                            try {
                                                start.await();
                                            } catch (Exception e) {
                                                throw new AssertionError(e);
                                            }
                                            all.complete(FLUSH, mine);
                                        });
            }
            all.allSubmitted();
            for (Thread worker : workers) {
                worker.join();
            }
            Outcome.Failed answer = assertInstanceOf(Outcome.Failed.class, parent.await());
            assertTrue(failed.contains(answer.fault()));
            assertEquals(1, parent.count());
        }
    }

    @Test
    void aSubclassJoinsWhatChildrenBroughtOrGivesItUp() {
        AtomicInteger joined = new AtomicInteger();
        AtomicInteger givenUp = new AtomicInteger();
        for (Outcome last : new Outcome[] {Outcome.Done.DONE, failure("no")}) {
            Told parent = new Told(FLUSH);
            AllOf all =
                    new AllOf(FLUSH, parent) {
                        @Override
                        protected Outcome success() {
                            joined.incrementAndGet();
                            return super.success();
                        }

                        @Override
                        protected Outcome failure(DeviceFault why) {
                            givenUp.incrementAndGet();
                            return super.failure(why);
                        }
                    };
            all.expectOne();
            all.expectOne();
            all.allSubmitted();
            all.complete(FLUSH, Outcome.Done.DONE);
            all.complete(FLUSH, last);
            assertEquals(last, parent.await());
        }
        assertEquals(1, joined.get());
        assertEquals(1, givenUp.get());
    }

    @Test
    void anAnswerTooManyIsNoticed() {
        AllOf all = new AllOf(FLUSH, told);
        all.expectOne();
        all.complete(FLUSH, Outcome.Done.DONE);
        all.allSubmitted();
        assertThrows(AssertionError.class, () -> all.complete(FLUSH, Outcome.Done.DONE));
        assertThrows(AssertionError.class, all::expectOne);
        assertEquals(1, told.count());
    }
}
