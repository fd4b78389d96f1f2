package org.unifiedvolume.raid.stripe;

import org.unifiedvolume.raid.geometry.ParityGeometry;

/// What each leg should hold for some content of the array, computed byte by byte in the slowest
/// way, with a Galois field of its own.
final class ExpectedLegs {
    private ExpectedLegs() {}

    static byte[][] of(ParityGeometry geometry, byte[] content) {
        byte[][] legs = new byte[geometry.memberCount()][(int) geometry.memberBytes()];
        for (long row = 0; row < geometry.memberBytes(); row++) {
            long stripe = geometry.stripeOfMember(row);
            int p = 0;
            int q = 0;
            for (int i = geometry.dataCount() - 1; i >= 0; i--) {
                long at =
                        geometry.startOf(stripe)
                                + i * geometry.chunkBytes()
                                + row
                                - geometry.startOnMembers(stripe);
                byte value = content[(int) at];
                legs[geometry.memberOfData(stripe, i)][(int) row] = value;
                p ^= value & 0xff;
                q = twice(q) ^ (value & 0xff);
            }
            legs[geometry.memberOfP(stripe)][(int) row] = (byte) p;
            if (geometry.parityCount() == 2) {
                legs[geometry.memberOfQ(stripe)][(int) row] = (byte) q;
            }
        }
        return legs;
    }

    private static int twice(int value) {
        int doubled = value << 1;
        return doubled > 0xff ? doubled ^ 0x11d : doubled;
    }
}
