package org.unifiedvolume.targets.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class UseCountTest {
    private static final long LONG_NANOS = 20_000_000_000L;

    @Test
    void closesAtOnceWhenNobodyIsThere() {
        UseCount uses = new UseCount();
        assertTrue(uses.enter());
        uses.leave();
        assertTrue(uses.close(0));
        assertFalse(uses.enter());
        assertFalse(uses.enter());
    }

    @Test
    void refusesToCloseUnderAUser() {
        UseCount uses = new UseCount();
        assertTrue(uses.enter());
        assertFalse(uses.close(1_000_000));
        assertFalse(uses.enter());
    }

    @Test
    void neverClosesWhileSomebodyIsThere() throws Exception {
        for (int round = 0; round < 200; round++) {
            UseCount uses = new UseCount();
            AtomicBoolean open = new AtomicBoolean(true);
            AtomicInteger usedAfterClosing = new AtomicInteger();
            try (ExecutorService pool = Executors.newFixedThreadPool(3)) {
                List<Future<?>> users = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    users.add(
                            pool.submit(
                                    () -> {
                                        while (uses.enter()) {
                                            if (!open.get()) {
                                                usedAfterClosing.incrementAndGet();
                                            }
                                            uses.leave();
                                        }
                                    }));
                }
                assertTrue(uses.close(LONG_NANOS));
                open.set(false);
                for (Future<?> user : users) {
                    user.get();
                }
            }
            assertEquals(0, usedAfterClosing.get());
        }
    }
}
