package org.unifiedvolume.raid.parity;

import org.unifiedvolume.Invariant;

/// The field GF(2^8) of RAID 6: bytes as polynomials over GF(2) modulo x^8 + x^4 + x^3 + x^2 + 1
/// (0x11d). Addition is XOR; 2 generates all elements but 0.
final class GaloisField {
    /// What overflows at the top when a byte is doubled comes back at the bottom as this.
    static final int REDUCTION = 0x1d;

    /// The number of elements that are not 0; powers of the generator repeat after so many.
    static final int ORDER = 255;

    private static final byte[] POWERS = new byte[ORDER];
    private static final byte[] LOGARITHMS = new byte[ORDER + 1];

    static {
        int element = 1;
        for (int i = 0; i < ORDER; i++) {
            POWERS[i] = (byte) element;
            LOGARITHMS[element] = (byte) i;
            element <<= 1;
            if (element > 0xff) {
                element ^= 0x100 | REDUCTION;
            }
        }
    }

    private GaloisField() {}

    /// The generator to any power, also a negative one.
    static int power(int exponent) {
        return POWERS[Math.floorMod(exponent, ORDER)] & 0xff;
    }

    /// Which power of the generator an element is, from 0 to 254.
    ///
    /// @param element from 1 to 255
    static int logarithm(int element) {
        Invariant.check(element > 0 && element <= 0xff, "no logarithm of %d", element);
        return LOGARITHMS[element] & 0xff;
    }

    static int multiply(int a, int b) {
        return a == 0 || b == 0 ? 0 : power(logarithm(a) + logarithm(b));
    }

    /// The element that gives 1 when multiplied with this one, which is not 0.
    static int inverse(int element) {
        return power(-logarithm(element));
    }
}
