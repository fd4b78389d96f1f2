package org.unifiedvolume.raid.mirror;

import java.io.IOException;
import java.util.List;

/// Places of a record that break its promises, to show that the simulation finds that.
public final class BadStores {
    private BadStores() {}

    /// Forgets at every start which legs lack writes.
    public static RecordStore forgetful(RecordStore store) {
        return new Changed(store) {
            @Override
            MirrorRecord changed(MirrorRecord record) {
                List<MirrorRecord.Entry> legs =
                        record.legs().stream().map(BadStores::inSync).toList();
                return new MirrorRecord(
                        record.generation(), record.sizeBytes(), true, record.primary(), legs);
            }
        };
    }

    private static MirrorRecord.Entry inSync(MirrorRecord.Entry leg) {
        return new MirrorRecord.Entry(
                leg.name(), leg.sizeBytes(), LegState.IN_SYNC, leg.sinceMillis(), "");
    }

    /// Says of every mirror that it was closed in order.
    public static RecordStore alwaysClean(RecordStore store) {
        return new Changed(store) {
            @Override
            MirrorRecord changed(MirrorRecord record) {
                return new MirrorRecord(
                        record.generation(),
                        record.sizeBytes(),
                        true,
                        record.primary(),
                        record.legs());
            }
        };
    }

    /// Says that a record is on disk when it is still on its way.
    public static RecordStore hasty(RecordStore store, SimulatedThreads threads) {
        return new RecordStore() {
            @Override
            public byte[] load() throws IOException {
                return store.load();
            }

            @Override
            public void save(byte[] bytes) {
                threads.start(
                        "late",
                        () -> {
                            try {
                                store.save(bytes);
                            } catch (IOException e) {
                                throw new AssertionError(e);
                            }
                        });
            }

            @Override
            public String place() {
                return store.place();
            }
        };
    }

    private abstract static class Changed implements RecordStore {
        private final RecordStore store;

        Changed(RecordStore store) {
            this.store = store;
        }

        abstract MirrorRecord changed(MirrorRecord record);

        @Override
        public byte[] load() throws IOException {
            byte[] bytes = store.load();
            return bytes == null ? null : changed(MirrorRecord.decode(bytes)).encode();
        }

        @Override
        public void save(byte[] bytes) throws IOException {
            store.save(bytes);
        }

        @Override
        public String place() {
            return store.place();
        }
    }
}
